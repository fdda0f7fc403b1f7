"""From the text format to the binary format."""

from __future__ import annotations

import wasmcy

from ._error import WasmtimeError


def wat2wasm(wat: str | bytes) -> bytearray:
    """The binary format of a module in the text format.

    >>> wat2wasm("(module)")
    bytearray(b'\\x00asm\\x01\\x00\\x00\\x00')
    """
    from wasmcy.text import wat2wasm as assemble

    try:
        return bytearray(assemble(wat if isinstance(wat, (str, bytes)) else bytes(wat), wasmcy.Features.all()))
    except (wasmcy.WasmError, UnicodeDecodeError) as error:
        raise WasmtimeError(str(error)) from None


def to_wasm(wasm: str | bytes | bytearray) -> bytes | bytearray:
    """The binary format of a module in either format: what does not begin with a zero byte is text."""
    if isinstance(wasm, str) and wasm and wasm[0] != "\0":
        return wat2wasm(wasm)
    if isinstance(wasm, bytes) and wasm and wasm[0] != 0:
        return wat2wasm(wasm)
    if not isinstance(wasm, (bytes, bytearray)):
        raise TypeError("expected wasm bytes")
    return wasm
