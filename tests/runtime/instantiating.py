"""Modules and instances from text, for the tests of the objects that programs use."""

import functools

import wasmtime

import wasmcy
from tests.differential import generate


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


def results(instance, made, seed):
    """Of each function and arguments: results or error, and the fuel used."""
    for index, function in enumerate(made.functions):
        for values in generate.arguments(f"{seed}/{index}", function.signature, 2):
            before = instance.store.fuel
            try:
                result = instance.exports[f"f{index}"].call_raw(*values)
            except (wasmcy.Trap, wasmcy.GuestException) as error:
                result = error.message
            yield result, before and before - instance.store.fuel
