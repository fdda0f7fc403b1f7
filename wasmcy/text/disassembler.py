"""Instructions as text, driven by the table of opcodes.py: one way to write each kind of immediate.

Nothing is validated but the nesting of blocks, without which there is no text. Spec: 6.5 "Instructions".

Compiled with the C types of disassembler.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from struct import unpack_from

from ..binary.types import TypeDecoder
from ..errors import InvalidError, MalformedError
from ..features import Features
from ..opcodes import (
    IMMEDIATES,
    N_IDS,
    OP_CATCH,
    OP_CATCH_ALL,
    OP_DELEGATE,
    OP_ELSE,
    OP_END,
    OP_IF,
    OP_TRY,
    OPS,
)
from ..types import NULL, REF
from .spelling import INDENTS, MAX_INDENT, f32_text, f64_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .identifiers import Identifiers
    from .type_texts import TypeTexts

    Refs = dict[int, str]

EVERYTHING = Features.all()
MAX_LOCALS = 50_000  # Spec: JavaScript API, "Implementation-defined Limits"
EMPTY_BLOCK = 0x40
MEMARG_MEMORY = 0x40  # flag of a memarg: a memory index follows
CATCHES = ("catch", "catch_ref", "catch_all", "catch_all_ref")
NUMBERS = tuple(map(str, range(1024)))
POWERS = tuple(1 << exponent for exponent in range(MEMARG_MEMORY))
TYPE_INDEX = -1  # what `x` is for a block type that is none

# Kinds of immediates, as numbers, and those of each instruction.
_KINDS = {kind: number for number, kind in enumerate(IMMEDIATES)}
(
    K_BLOCKTYPE, K_LABEL, K_LABELS, K_FUNC, K_TYPE, K_TABLE, K_MEMORY, K_GLOBAL, K_LOCAL, K_TAG, K_ELEM, K_DATA,
    K_FIELD, K_U32, K_I32, K_I64, K_F32, K_F64, K_V128, K_MEMARG, K_LANE, K_LANES, K_HEAP, K_CAST, K_TYPES, K_CATCHES,
    K_ZERO,
) = (
    _KINDS[kind] for kind in (
        "blocktype", "labelidx", "vec(labelidx)", "funcidx", "typeidx", "tableidx", "memidx", "globalidx", "localidx",
        "tagidx", "elemidx", "dataidx", "fieldidx", "u32", "i32", "i64", "f32", "f64", "v128", "memarg", "laneidx",
        "laneidx16", "heaptype", "castflags", "vec(valtype)", "vec(catch)", "zero",
    )
)  # fmt: skip
KEYWORDS: list[str | None] = [OPS[number].keyword if number in OPS else None for number in range(N_IDS)]
ALIGNS = [OPS[number].align if number in OPS else 0 for number in range(N_IDS)]
# How an instruction is written: by its one kind of immediate, with none, or in a way of its own.
W_NONE, W_REF_TYPE, W_CAST, W_INDIRECT, W_INIT, W_MEMORIES, W_SEVERAL = range(100, 107)


def _way(number: int) -> int:
    row = OPS.get(number)
    if row is None or not row.immediates:
        return W_NONE
    kinds = row.immediates
    if kinds == ("heaptype",) and row.mnemonic != "ref.null":
        return W_REF_TYPE
    if kinds[0] == "castflags":
        return W_CAST
    if kinds == ("typeidx", "tableidx"):
        return W_INDIRECT
    if kinds in (("dataidx", "memidx"), ("elemidx", "tableidx")):
        return W_INIT
    if kinds[0] == "memidx":
        return W_MEMORIES
    return _KINDS[kinds[0]] if len(kinds) == 1 else W_SEVERAL


WAYS = bytes(map(_way, range(N_IDS)))
NULLABLE = bytes(number in OPS and OPS[number].mnemonic.endswith("_null") for number in range(N_IDS))
OPENS = bytes(number in OPS and "blocktype" in OPS[number].immediates for number in range(N_IDS))


class Disassembler:
    """Reads instructions one after another and writes each as text.

    op, offset  id of the latest one, and where it stands in the module
    depth       how many blocks it is in; that of an `end` or `else` is its block's
    x, y        its first two indices or numbers; of a block with no type index TYPE_INDEX or less
    finished    whether it was the `end` of the whole
    local_refs  names of locals by index
    """

    def __init__(self, data: bytes, names: Identifiers, types: TypeTexts, marks: bool = True) -> None:
        self.decoder = TypeDecoder(data, EVERYTHING)
        self.reader = self.decoder.reader
        self.data = data
        self.types = types
        self.names = names
        self.marks = marks
        self.func_refs = names.of("func").refs
        self.type_refs = names.of("type").refs
        self.table_refs = names.of("table").refs
        self.memory_refs = names.of("memory").refs
        self.global_refs = names.of("global").refs
        self.tag_refs = names.of("tag").refs
        self.elem_refs = names.of("elem").refs
        self.data_refs = names.of("data").refs
        self.begin(0, 0, {}, {})

    def begin(self, start: int, end: int, local_refs: Refs, label_refs: Refs) -> None:
        """Start at the instructions that fill `start` to `end`, with names for locals and for blocks in order."""
        self.reader.pos, self.reader.end = start, end
        self.local_refs = local_refs
        self.label_refs = label_refs
        self.blocks: list[int] = []  # of each open one the instruction that opened it, or its latest part
        self.labels: list[str | None] = []  # and its name
        self.hidden: list[int] = []  # and where the block is that this name stood for before, or -1
        self.innermost: dict[str, int] = {}  # where the block is that a name stands for
        self.n_labels = 0
        self.op = OP_END
        self.offset = start
        self.depth = 0
        self.x = self.y = 0
        self.finished = False

    # Reading

    def local_types(self, most: int) -> list[int]:
        """The types of the declared locals, which stand before a body's instructions: at most `most`."""
        r = self.reader
        types: list[int] = []
        for _ in range(r.count()):
            at = r.pos
            n = r.u32()
            if len(types) + n > most:
                raise InvalidError(f"too many locals: {len(types) + n}, at most {most} are supported", at)
            types.extend([self.decoder.val_type()] * n)
        return types

    def next(self) -> str:
        """The text of the next instruction.

        Raises:
            MalformedError: the bytes are no instruction, or one that may not stand here.
        """
        r = self.reader
        self.offset = r.pos
        op = r.opcode()
        keyword = None if op < 0 else KEYWORDS[op]
        if keyword is None:
            raise MalformedError(f"illegal opcode {self.data[self.offset]:#04x}", self.offset)
        self.op = op
        self.x = self.y = TYPE_INDEX
        self.depth = len(self.blocks)
        way = WAYS[op]
        if way == W_NONE:
            if op == OP_END or op == OP_ELSE or op == OP_CATCH_ALL:
                self.part(op)
            return keyword
        if OPENS[op]:
            return keyword + self.open(op)
        if op == OP_CATCH or op == OP_DELEGATE:
            self.part(op)
        text = self.immediate(way) if way < W_NONE else self.immediates(way)
        return f"{keyword} {text}" if text else keyword

    def part(self, op: int) -> None:
        """Go from one part of a block to its next, or out of it."""
        if not self.blocks:
            if op != OP_END:
                self.misplaced(op)
            self.finished = True
            if self.reader.pos != self.reader.end:
                raise MalformedError("section size mismatch: code goes on after its end", self.reader.pos)
            return
        inside = self.blocks[-1]
        self.depth -= 1
        if op == OP_ELSE:
            if inside != OP_IF:
                self.misplaced(op)
        elif op != OP_END and inside != OP_TRY and (inside != OP_CATCH or op == OP_DELEGATE):
            self.misplaced(op)
        if op == OP_END or op == OP_DELEGATE:
            self.close()
        else:
            self.blocks[-1] = op

    def misplaced(self, op: int) -> None:
        raise MalformedError(f"END opcode expected: {KEYWORDS[op]} outside of its block", self.offset)

    # Blocks

    def open(self, op: int) -> str:
        """Enter a block: its label, its type, what else it has."""
        at = len(self.blocks)
        text = ""
        name = self.label_refs.get(self.n_labels) if self.label_refs else None
        self.n_labels += 1
        hidden = -1
        if name is not None:
            text = " " + name
            hidden = self.innermost.get(name, -1)
            self.innermost[name] = at
        text += self.block_type()
        if WAYS[op] == W_SEVERAL:
            text += self.catches()
        self.blocks.append(op)
        self.labels.append(name)
        self.hidden.append(hidden)
        return f"{text} (;@{at + 1};)" if self.marks and name is None else text

    def close(self) -> None:
        self.blocks.pop()
        name = self.labels.pop()
        hidden = self.hidden.pop()
        if name is not None:
            self.innermost[name] = hidden

    def block_type(self) -> str:
        r = self.reader
        at = r.pos
        lead = r.byte()
        if lead == EMPTY_BLOCK:
            return ""
        r.pos = at
        if lead & 0xC0 == EMPTY_BLOCK:  # a negative number of one byte
            self.x = TYPE_INDEX - 1
            return f" (result {self.val_type()})"
        number = r.s33()
        if number < 0:
            raise MalformedError("malformed block type", at)
        self.x = number
        return f" (type {self.ref(number, self.type_refs)})"

    def catches(self) -> str:
        r = self.reader
        x = self.x
        text = ""
        for _ in range(r.count()):
            at = r.pos
            kind = r.byte()
            if kind >= len(CATCHES):
                raise MalformedError("malformed catch clause", at)
            tag = " " + self.index(self.tag_refs) if kind < 2 else ""
            text += f" ({CATCHES[kind]}{tag} {self.label()})"
        self.x = x
        return text

    def label(self) -> str:
        n = self.reader.u32()
        self.x = n
        at = len(self.labels) - 1 - n
        if at < 0:
            return self.number(n)
        name = self.labels[at]
        if name is not None and self.innermost[name] == at:
            return name
        return f"{n} (;@{at + 1};)" if self.marks else self.number(n)

    # Immediates: of one kind, and those whose order or form is not that of the binary format

    def immediate(self, kind: int) -> str:
        r = self.reader
        if kind == K_LOCAL:
            return self.index(self.local_refs)
        if kind == K_I32:
            return str(r.s32())
        if kind == K_LABEL:
            return self.label()
        if kind == K_FUNC:
            return self.index(self.func_refs)
        if kind == K_MEMARG:
            return self.memarg()
        if kind == K_GLOBAL:
            return self.index(self.global_refs)
        if kind == K_I64:
            return str(r.s64())
        if kind == K_TYPE:
            return self.index(self.type_refs)
        if kind == K_F64:
            return f64_text(unpack_from("<Q", self.data, r.skip(8))[0])
        if kind == K_F32:
            return f32_text(unpack_from("<I", self.data, r.skip(4))[0])
        if kind == K_FIELD:
            return self.index(self.types.fields(self.x).refs)
        return self.rare(kind)

    def rare(self, kind: int) -> str:
        r = self.reader
        if kind == K_V128:
            lanes = unpack_from("<4I", self.data, r.skip(16))
            return "i32x4 " + " ".join([f"{lane:#010x}" for lane in lanes])
        if kind == K_LANE:
            return str(r.byte())
        if kind == K_LANES:
            at = r.skip(16)
            return " ".join([str(lane) for lane in self.data[at : at + 16]])
        if kind == K_LABELS:
            return " ".join([self.label() for _ in range(r.count())])
        if kind == K_TABLE:
            return self.index(self.table_refs)
        if kind == K_MEMORY:
            return self.index(self.memory_refs)
        if kind == K_TAG:
            return self.index(self.tag_refs)
        if kind == K_ELEM:
            return self.index(self.elem_refs)
        if kind == K_DATA:
            return self.index(self.data_refs)
        if kind == K_HEAP:
            return self.types.heap(self.decoder.heap_type())
        if kind == K_TYPES:
            return f"(result{''.join([' ' + self.val_type() for _ in range(r.count())])})"
        if kind == K_ZERO:
            at = r.pos
            if r.byte() != 0:
                raise MalformedError("zero byte expected", at)
            return ""
        assert kind == K_U32
        return self.index({})

    def immediates(self, way: int) -> str:
        if way == W_REF_TYPE:
            return self.ref_type(NULLABLE[self.op])
        if way == W_MEMORIES:  # left out if all are the first
            texts = [self.index(self.memory_refs) for _ in OPS[self.op].immediates]
            return " ".join(texts) if self.x > 0 or self.y > 0 else ""
        if way == W_INDIRECT:
            use = f"(type {self.index(self.type_refs)})"
            table = self.index(self.table_refs)
            return f"{table} {use}" if self.y > 0 else use
        if way == W_INIT:
            first, last = OPS[self.op].immediates
            segment = self.immediate(_KINDS[first])
            target = self.immediate(_KINDS[last])
            return f"{target} {segment}" if self.y > 0 else segment
        if way == W_CAST:
            flags = self.reader.byte()
            if flags > 3:
                raise MalformedError(f"malformed cast flags: {flags:#x}", self.reader.pos - 1)
            label = self.label()
            source = self.ref_type(flags & 1)
            return f"{label} {source} {self.ref_type(flags & 2)}"
        texts = [self.immediate(_KINDS[kind]) for kind in OPS[self.op].immediates]
        return " ".join([text for text in texts if text])

    def memarg(self) -> str:
        r = self.reader
        at = r.pos
        flags = r.u32()
        if flags >= 2 * MEMARG_MEMORY:
            raise MalformedError(f"malformed memop flags: {flags:#x}", at)
        text = self.index(self.memory_refs) if flags & MEMARG_MEMORY else ""
        offset = r.u64()
        if offset:
            text = f"{text} offset={offset}" if text else f"offset={offset}"
        align = POWERS[flags & (MEMARG_MEMORY - 1)]
        if align != ALIGNS[self.op]:
            text = f"{text} align={align}" if text else f"align={align}"
        return text

    def val_type(self) -> str:
        return self.types.val(self.decoder.val_type())

    def ref_type(self, nullable: int) -> str:
        return self.types.val(self.decoder.heap_type() | (REF | NULL if nullable else REF))

    def index(self, refs: Refs) -> str:
        n = self.reader.u32()
        if self.x < 0:
            self.x = n
        else:
            self.y = n
        return self.ref(n, refs)

    def ref(self, n: int, refs: Refs) -> str:
        if refs:
            found = refs.get(n)
            if found is not None:
                return found
        return self.number(n)

    def number(self, n: int) -> str:
        return NUMBERS[n] if n < 1024 else str(n)

    # All of them

    def lines(self, base: int, hints: Refs) -> list[str]:
        """What is left up to the last `end`, a line for each instruction, `base` levels indented at least.

        `hints` are annotations by the offset of the instruction before which they stand.
        """
        lines: list[str] = []
        while True:
            text = self.next()
            if self.finished:
                return lines
            level = base + self.depth
            indent = INDENTS[level] if level < MAX_INDENT else INDENTS[MAX_INDENT]
            if hints:
                hint = hints.get(self.offset)
                if hint is not None:
                    lines.append(indent + hint)
            lines.append(indent + text)
