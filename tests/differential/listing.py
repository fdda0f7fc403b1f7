"""A plain listing of a generated function, for reports."""

import struct

from wasmcy.opcodes import OPS, PREFIX_BASE
from wasmcy.types import VAL_TYPES

from .encode import TYPE_BYTE, Function

_TYPE_NAMES = {TYPE_BYTE[type][0]: name for name, type in VAL_TYPES.items() if type in TYPE_BYTE}


class _Reader:
    def __init__(self, code: bytes) -> None:
        self.code = code
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.code[self.at - 1]

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def immediate(self, kind: str) -> str:
        if kind == "memarg":
            align = self.unsigned()
            memory = f"memory={self.unsigned()} " if align & 0x40 else ""
            return f"{memory}offset={self.unsigned()} align={1 << (align & 0x3F)}"
        if kind == "vec(labelidx)":
            return " ".join(str(self.unsigned()) for _ in range(self.unsigned()))
        if kind == "vec(valtype)":
            return " ".join(_TYPE_NAMES[self.byte()] for _ in range(self.unsigned()))
        if kind == "blocktype":
            byte = self.code[self.at]
            if byte == 0x40 or byte in _TYPE_NAMES:
                self.at += 1
                return _TYPE_NAMES.get(byte, "")
            return f"type {self.signed()}"
        if kind in ("i32", "i64", "heaptype"):
            return str(self.signed())
        if kind in ("f32", "f64"):
            size = int(kind[1:]) // 8
            raw = self.code[self.at : self.at + size]
            self.at += size
            value = struct.unpack("<f" if size == 4 else "<d", raw)[0]
            return f"{value!r} ({int.from_bytes(raw, 'little'):#x})"
        if kind in ("v128", "laneidx16"):
            raw = self.code[self.at : self.at + 16]
            self.at += 16
            return " ".join(map(str, raw)) if kind == "laneidx16" else f"{int.from_bytes(raw, 'little'):#x}"
        return str(self.unsigned())


def listing(function: Function) -> str:
    """Signature, locals and instructions, one a line."""
    params, results = function.signature
    some_locals = _names(tuple(function.locals[:100]))
    lines = [f"params {_names(params)} results {_names(results)} locals {some_locals}"]
    reader, indent = _Reader(function.code), 1
    while reader.at < len(reader.code):
        number = reader.byte()
        if number in PREFIX_BASE:
            number = PREFIX_BASE[number] + reader.unsigned()
        row = OPS[number]
        indent -= row.mnemonic in ("end", "else")
        words = [row.mnemonic, *(reader.immediate(kind) for kind in row.immediates)]
        lines.append("  " * indent + " ".join(filter(None, words)))
        indent += row.mnemonic in ("block", "loop", "if", "else")
    return "\n".join(lines)


def _names(types: tuple[int, ...]) -> str:
    return "[" + " ".join(_TYPE_NAMES[TYPE_BYTE[type][0]] for type in types) + "]"
