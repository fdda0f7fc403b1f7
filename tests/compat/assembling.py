"""Modules for the layers' tests, written as text."""

import wasmtime


def assemble(text: str) -> bytes:
    """The binary format of a module."""
    return bytes(wasmtime.wat2wasm(text))
