"""Encoder for the modules of the generator: LEB128, sections, and a module as plain data."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wasmcy.opcodes import BY_NAME
from wasmcy.types import EXNREF, F32, F64, FUNCREF, I32, I64, V128

OP = {name: row.opcode for name, row in BY_NAME.items()}
TYPE_BYTE: dict[int, bytes] = {
    I32: b"\x7f",
    I64: b"\x7e",
    F32: b"\x7d",
    F64: b"\x7c",
    V128: b"\x7b",
    FUNCREF: b"\x70",
    EXNREF: b"\x69",
}
EMPTY_BLOCK = b"\x40"

Signature = tuple[tuple[int, ...], tuple[int, ...]]


def _unsigned(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = [_unsigned(value) for value in range(20000)]


def u(value: int) -> bytes:
    """Unsigned LEB128."""
    return _SMALL[value] if value < 20000 else _unsigned(value)


def s(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def constant(type: int, bits: int) -> bytes:
    """A const instruction; `bits` are the raw bits of the value."""
    if type == I32:
        return OP["i32.const"] + s(bits - (1 << 32) if bits >> 31 else bits)
    if type == I64:
        return OP["i64.const"] + s(bits - (1 << 64) if bits >> 63 else bits)
    if type == F32:
        return OP["f32.const"] + bits.to_bytes(4, "little")
    if type == F64:
        return OP["f64.const"] + bits.to_bytes(8, "little")
    if type == V128:
        return OP["v128.const"] + bits.to_bytes(16, "little")
    return OP["ref.null"] + TYPE_BYTE[type]


def vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return u(len(items)) + b"".join(items)


def name(text: str) -> bytes:
    return u(len(text)) + text.encode()


@dataclass
class Function:
    """One function of a generated module.

    `statements` are spans of `code` that may be cut out, `expressions` spans with their type that
    may be replaced by a constant: the module stays valid. The shrinker uses them.
    """

    signature: Signature
    locals: list[int]
    code: bytes = b"\x00\x0b"
    statements: list[tuple[int, int]] = field(default_factory=list)
    expressions: list[tuple[int, int, int]] = field(default_factory=list)
    cost: int = 0

    def body(self) -> bytes:
        runs: list[list[int]] = []
        for type in self.locals:
            if runs and runs[-1][1] == type:
                runs[-1][0] += 1
            else:
                runs.append([1, type])
        entry = vector(u(count) + TYPE_BYTE[type] for count, type in runs) + self.code
        return u(len(entry)) + entry


@dataclass
class Module:
    """A generated module: functions `f0` …, globals `g0` … and the memory `m` are exported.

    The bits of a `deterministic` one's NaNs are compared, too; others make NaNs canonical where bits matter.
    """

    signatures: list[Signature] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    globals: list[tuple[int, bool, int]] = field(default_factory=list)  # type, mutable, bits
    memory: tuple[int, int] = (1, 3)
    others: list[tuple[int, int, int]] = field(default_factory=list)  # more memories: type of addresses, sizes
    tables: list[tuple[int, int]] = field(default_factory=list)  # minimum, maximum
    elements: list[tuple[int | None, list[int]]] = field(default_factory=list)  # table or passive; functions
    data: list[tuple[int | None, bytes]] = field(default_factory=list)  # address or passive; bytes
    tags: list[tuple[int, ...]] = field(default_factory=list)  # parameter types
    deterministic: bool = False

    def type_index(self, signature: Signature) -> int:
        if signature not in self.signatures:
            self.signatures.append(signature)
        return self.signatures.index(signature)

    @property
    def exported_globals(self) -> list[int]:
        return [at for at, (type, mutable, _) in enumerate(self.globals) if mutable and type != FUNCREF]

    def encode(self) -> bytes:
        functions = [u(self.type_index(function.signature)) for function in self.functions]
        tags = [b"\0" + u(self.type_index((params, ()))) for params in self.tags]
        sections = [
            (
                1,
                vector(b"\x60" + _types(params) + _types(results) for params, results in self.signatures),
            ),
            (3, vector(functions)),
            (4, vector(b"\x70\x01" + u(low) + u(high) for low, high in self.tables)),
            (5, vector(self._memory(*one) for one in ((I32, *self.memory), *self.others))),
            *([(13, vector(tags))] if tags else []),
            (6, vector(self._global(*one) for one in self.globals)),
            (7, vector(self._exports())),
            (9, vector(self._element(*one) for one in self.elements)),
            (12, u(len(self.data))),
            (10, vector(function.body() for function in self.functions)),
            (11, vector(self._data(*one) for one in self.data)),
        ]
        parts = [bytes([kind]) + u(len(content)) + content for kind, content in sections]
        return b"\0asm\1\0\0\0" + b"".join(parts)

    def _exports(self) -> list[bytes]:
        functions = [name(f"f{at}") + b"\0" + u(at) for at in range(len(self.functions))]
        return [
            *functions,
            name("m") + b"\2\0",
            *(name(f"g{at}") + b"\3" + u(at) for at in self.exported_globals),
        ]

    def address_type(self, memory: int) -> int:
        return self.others[memory - 1][0] if memory else I32

    @staticmethod
    def _memory(address: int, low: int, high: int) -> bytes:
        return bytes([5 if address == I64 else 1]) + u(low) + u(high)

    @staticmethod
    def _global(type: int, mutable: bool, bits: int) -> bytes:
        return TYPE_BYTE[type] + bytes([mutable]) + constant(type, bits) + OP["end"]

    @staticmethod
    def _element(table: int | None, functions: list[int]) -> bytes:
        indices = vector(u(index) for index in functions)
        if table is None:
            return b"\1\0" + indices
        return b"\2" + u(table) + constant(I32, 0) + OP["end"] + b"\0" + indices

    @staticmethod
    def _data(address: int | None, content: bytes) -> bytes:
        if address is None:
            return b"\1" + u(len(content)) + content
        return b"\0" + constant(I32, address) + OP["end"] + u(len(content)) + content


def _types(types: tuple[int, ...]) -> bytes:
    return vector(TYPE_BYTE[type] for type in types)
