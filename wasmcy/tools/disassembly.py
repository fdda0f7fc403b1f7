"""Instructions of a function body as text, in the words of the text format.

Driven by the table of opcodes.py: each kind of immediate is read and written in one way here.
Nothing is validated; what cannot be read raises MalformedError. Spec: 5.4 and 6.5 "Instructions".
"""

from __future__ import annotations

from struct import pack, unpack

from ..binary.reader import Reader
from ..binary.types import EXACT_HEAP, REF_NONNULL, REF_NULL
from ..errors import MalformedError
from ..opcodes import OPS
from ..types import CONCRETE, EXACT, HEAP_NAMES, ValType, heap_text, ref_type, val_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..opcodes import Op

    Read = Callable[[Reader], str]
    FunctionName = Callable[[int], str | None]

EMPTY_BLOCK = 0x40
MEMARG_MEMORY = 0x40  # flag of a memarg: a memory index follows
CATCHES = ("catch", "catch_ref", "catch_all", "catch_all_ref")

# What an instruction does to the indentation: that of its own line, that of the lines after it.
_CLOSES = ("end", "delegate")
_BETWEEN = ("else", "catch", "catch_all")


class Instruction:
    """One instruction of a body: its offset in the module, its nesting, its text."""

    __slots__ = ("depth", "offset", "text")

    def __init__(self, offset: int, depth: int, text: str) -> None:
        self.offset = offset
        self.depth = depth
        self.text = text

    def __repr__(self) -> str:
        return f"<Instruction {self.offset:#x} {self.text}>"


def instructions(
    data: bytes, start: int, end: int, function_name: FunctionName = lambda index: None
) -> Iterator[Instruction]:
    """The instructions that fill `start` to `end`, which is past their last `end`.

    `function_name` gives the name to write behind a function's index, or None.

    Raises:
        MalformedError: the bytes are no instructions.
    """
    reader = Reader(data, start, end)
    depth = 0
    while reader.pos < end:
        offset = reader.pos
        row = OPS.get(reader.opcode())
        if row is None:
            raise MalformedError(f"illegal opcode {data[offset]:#04x}", offset)
        text = _instruction(row, reader, function_name)
        if row.mnemonic in _CLOSES:
            depth = max(depth - 1, 0)
        yield Instruction(offset, max(depth - (row.mnemonic in _BETWEEN), 0), text)
        depth += "blocktype" in row.immediates


def locals_of(data: bytes, start: int, end: int) -> tuple[list[tuple[int, ValType]], int]:
    """The declared locals of a body, as (number, type), and the offset of its first instruction."""
    reader = Reader(data, start, end)
    groups = [(reader.u32(), _val_type(reader)) for _ in range(reader.count())]
    return groups, reader.pos


def expression(data: bytes, start: int, end: int) -> str:
    """A constant expression on one line, without its `end`."""
    return " ".join(f"({i.text})" for i in instructions(data, start, end) if i.text != "end")


def _instruction(row: Op, reader: Reader, function_name: FunctionName) -> str:
    if "memarg" in row.immediates:
        words = [_memarg(row, reader), *(READ[kind](reader) for kind in row.immediates[1:])]
    elif "castflags" in row.immediates:
        words = [_cast(reader)]
    elif row.immediates == ("heaptype",) and row.mnemonic != "ref.null":
        words = [str(ref_type(_heap_type(reader), nullable=row.mnemonic.endswith("_null")))]
    else:
        words = _arranged(row.immediates, [READ[kind](reader) for kind in row.immediates])
        if row.immediates == ("funcidx",):
            name = function_name(int(words[0]))
            words += [quoted(name)] if name is not None else []
    return " ".join([row.keyword, *(word for word in words if word)])


def _arranged(kinds: tuple[str, ...], words: list[str]) -> list[str]:
    """Immediates in the order of the text format, without the indices it lets one leave out."""
    if kinds in (("typeidx", "tableidx"), ("dataidx", "memidx"), ("elemidx", "tableidx")):
        first = f"(type {words[0]})" if kinds[0] == "typeidx" else words[0]
        return [words[1] if words[1] != "0" else "", first]
    if kinds[0:1] == ("memidx",):
        return words if any(word != "0" for word in words) else []
    return words


# Immediates: what each kind of opcodes.IMMEDIATES looks like.


def _index(reader: Reader) -> str:
    return str(reader.u32())


def _byte(reader: Reader) -> str:
    return str(reader.byte())


def _nothing(reader: Reader) -> str:
    reader.byte()
    return ""


def _bytes(reader: Reader, n: int) -> bytes:
    at = reader.skip(n)
    return reader.data[at : at + n]


def _vector(reader: Reader, read: Read) -> str:
    return " ".join([read(reader) for _ in range(reader.count())])


def _labels(reader: Reader) -> str:
    return _vector(reader, _index)


def _block_type(reader: Reader) -> str:
    at = reader.pos
    lead = reader.byte()
    if lead == EMPTY_BLOCK:
        return ""
    reader.pos = at
    if lead & 0xC0 == EMPTY_BLOCK:  # a negative number of one byte
        return f"(result {_val_type(reader)})"
    return f"(type {reader.s33()})"


def _results(reader: Reader) -> str:
    return f"(result {_vector(reader, lambda r: str(_val_type(r)))})"


def _catches(reader: Reader) -> str:
    clauses = []
    for _ in range(reader.count()):
        at = reader.pos
        kind = reader.byte()
        if kind >= len(CATCHES):
            raise MalformedError("malformed catch clause", at)
        tag = f" {reader.u32()}" if kind < 2 else ""
        clauses.append(f"({CATCHES[kind]}{tag} {reader.u32()})")
    return " ".join(clauses)


def _val_type(reader: Reader) -> ValType:
    lead = reader.byte()
    if lead == REF_NULL or lead == REF_NONNULL:
        return ref_type(_heap_type(reader), nullable=lead == REF_NULL)
    return ref_type(lead) if lead in HEAP_NAMES else val_type(lead)


def _heap_type(reader: Reader) -> int:
    at = reader.pos
    if reader.byte() == EXACT_HEAP:
        return EXACT | CONCRETE | reader.u32()
    reader.pos = at
    number = reader.s33()
    return number & 0x7F if number < 0 else CONCRETE | number


def _memarg(row: Op, reader: Reader) -> str:
    flags = reader.u32()
    words = [str(reader.u32())] if flags & MEMARG_MEMORY else []
    offset = reader.u64()
    if offset:
        words.append(f"offset={offset}")
    align = 1 << (flags & MEMARG_MEMORY - 1)
    if align != row.align:
        words.append(f"align={align}")
    return " ".join(words)


def _cast(reader: Reader) -> str:
    """castflags labelidx heaptype heaptype."""
    flags = reader.byte()
    words = [str(reader.u32())]
    for bit in 1, 2:
        words.append(str(ref_type(_heap_type(reader), nullable=bool(flags & bit))))
    return " ".join(words)


def _v128(reader: Reader) -> str:
    return "i32x4 " + " ".join(f"{lane:#010x}" for lane in unpack("<4I", _bytes(reader, 16)))


# All but `memarg`, which needs the row's alignment, and `castflags`, which is read with what follows.
READ: dict[str, Read] = {
    **dict.fromkeys(
        ("labelidx", "funcidx", "typeidx", "tableidx", "memidx", "globalidx", "localidx", "tagidx",
         "elemidx", "dataidx", "fieldidx", "u32"), _index),
    "blocktype": _block_type,
    "vec(labelidx)": _labels,
    "i32": lambda reader: str(reader.s32()),
    "i64": lambda reader: str(reader.s64()),
    "f32": lambda reader: f32_text(unpack("<I", _bytes(reader, 4))[0]),
    "f64": lambda reader: f64_text(unpack("<Q", _bytes(reader, 8))[0]),
    "v128": _v128,
    "laneidx": _byte,
    "laneidx16": lambda reader: " ".join(map(str, _bytes(reader, 16))),
    "heaptype": lambda reader: heap_text(_heap_type(reader)),
    "vec(valtype)": _results,
    "vec(catch)": _catches,
    "zero": _nothing,
}  # fmt: skip


# Numbers and names.


def f64_text(bits: int) -> str:
    """A float from its bits, as the text format writes it."""
    value = unpack("<d", pack("<Q", bits))[0]
    return _nan(bits >> 63, bits, 52) if value != value else repr(value)


def f32_text(bits: int) -> str:
    """A 32-bit float from its bits, with as few digits as tell it from its neighbours."""
    data = pack("<I", bits)
    value = unpack("<f", data)[0]
    if value != value:
        return _nan(bits >> 31, bits, 23)
    for digits in range(1, 9):
        text = f"{value:.{digits}g}"
        try:
            if pack("<f", float(text)) == data:
                return repr(float(text))
        except OverflowError:  # rounded up, beyond the greatest
            continue
    return repr(float(f"{value:.9g}"))


def _nan(sign: int, bits: int, payload_bits: int) -> str:
    payload = bits & (1 << payload_bits) - 1
    tail = "" if payload == 1 << payload_bits - 1 else f":{payload:#x}"
    return f"{'-' if sign else ''}nan{tail}"


def quoted(name: str) -> str:
    """A name as a string of the text format: what a terminal must not see is escaped.

    >>> print(quoted('a "b"'))
    "a \\22b\\22"
    """
    return '"' + "".join([c if c.isprintable() and c not in '"\\' else _escaped(c) for c in name]) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\{number:02x}" if number < 0x80 else f"\\u{{{number:x}}}"
