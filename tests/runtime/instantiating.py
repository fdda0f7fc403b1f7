"""Modules and instances from text, for the tests of the objects that programs use."""

import functools

import wasmtime

import wasmcy


def binary(text):
    """The bytes of a module, or of one with these fields."""
    return bytes(wasmtime.wat2wasm(text if text.lstrip().startswith("(module") else f"(module {text})"))


@functools.cache
def module(text, **options):
    return wasmcy.Module(binary(text), **options)


def instantiate(text, imports=None, **options):
    return module(text).instantiate(imports, **options)


def exports(text, imports=None, **options):
    return instantiate(text, imports, **options).exports
