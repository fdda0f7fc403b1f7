"""Parsing labels and immediates, and writing the instructions they belong to. Spec: 6.5 "Instructions".

Compiled with the C types of immediates.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..binary.writer import Writer
from ..opcodes import (
    BY_NAME,
    N_IDS,
    OP_SELECT_T,
    OPS,
)
from ..types import HEAP_MASK
from ..types import NULL as NULLABLE
from .floats import float_bits
from .tokens import (
    ALIGN_EQ,
    ALIGN_OF,
    FLOAT,
    FORM_CAST,
    FORM_COPY,
    FORM_F32,
    FORM_F64,
    FORM_FIELD,
    FORM_HEAP_TYPE,
    FORM_I32,
    FORM_I64,
    FORM_INDEX,
    FORM_INDICES,
    FORM_INIT,
    FORM_LABEL,
    FORM_LABELS,
    FORM_LANE,
    FORM_LANES,
    FORM_MEMARG,
    FORM_MEMARG_LANE,
    FORM_NONE,
    FORM_OPTIONAL,
    FORM_SELECT,
    FORM_TYPE_U32,
    FORM_V128,
    FORM_ZERO,
    ID,
    INT,
    KW_RESULT,
    NAT,
    OFFSET_EQ,
    OPEN,
    SECOND_OF,
    SHAPES,
    SPACE_DATA,
    SPACE_MEMORY,
    SPACE_OF,
    SPACE_TYPE,
    WORD,
)
from .types import NO_NAMES, TypeParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..features import Features

MEMARG_MEMORY = 0x40  # flag of a memarg: a memory index follows
MAX_S32 = 0x7FFFFFFF
MAX_S64 = 0x7FFFFFFFFFFFFFFF
MAX_U64 = 0xFFFFFFFFFFFFFFFF
LANES = 16

OPCODES = [OPS[i].opcode if i in OPS else b"" for i in range(N_IDS)]
# By id: the instruction for a nullable type, where that is another one.
NULL_TWINS = {row.id: BY_NAME[row.mnemonic + "_null"].id for row in OPS.values() if row.mnemonic + "_null" in BY_NAME}


class ImmediateParser(TypeParser):
    """Parses the immediates of instructions that are no blocks, and writes these instructions to `out`.

    labels        names of the enclosing blocks, None for those that have none
    levels        for each name of them, the positions in `labels` that have it
    n_labels      number of the body's blocks so far
    label_names   names of its blocks: (number, name)
    needs_count   whether an instruction names a data segment, so that their number must come first
    """

    def __init__(self, data: bytes, start: int, end: int, features: Features) -> None:
        super().__init__(data, start, end, features)
        self.out = Writer()
        self.labels: list[bytes | None] = []
        self.levels: dict[bytes, list[int]] = {}
        self.n_labels = 0
        self.label_names: list[tuple[int, bytes]] = []
        self.needs_count = False

    # Labels. Spec: 6.5.1 "Labels"

    def push_label(self, label: bytes | None) -> None:
        if label is not None:
            self.label_names.append((self.n_labels, label))
            self.levels.setdefault(label, []).append(len(self.labels))
        self.n_labels += 1
        self.labels.append(label)

    def pop_label(self) -> None:
        label = self.labels.pop()
        if label is not None:
            self.levels[label].pop()

    def match_label(self) -> None:
        """The name that may be repeated after `else` and `end`."""
        if self.kind == ID:
            if self.id_of() != self.labels[-1]:
                self.fail(f"mismatching label {self.spelling()}", self.start)
            self.next()

    def label_index(self) -> int:
        """A label, as how many blocks it lies outwards."""
        if self.kind != ID:
            if self.kind != NAT:
                self.unexpected("a label")
            return self.u32()
        levels = self.levels.get(self.id_of())
        if not levels:
            self.fail(f"unknown label {self.spelling()}", self.start)
        self.next()
        return len(self.labels) - 1 - levels[-1]

    # Immediates, in the order of their frequency

    def opcode(self, op: int) -> int:
        if op < 0x100:
            return self.out.byte(op)
        opcode: bytes = OPCODES[op]
        return self.out.raw(opcode)

    def plain(self, op: int, form: int) -> int:
        """Immediates of an instruction that is no block; writes the instruction. Spec: 6.5.3 and on."""
        out = self.out
        if form > FORM_LABEL:
            return self.rare(op, form)
        self.opcode(op)
        if form == FORM_NONE:
            return 0
        if form == FORM_INDEX:
            space = SPACE_OF[op]
            out.unsigned(self.index(space))
            if space == SPACE_DATA:
                self.needs_count = True
        elif form == FORM_I32:
            out.signed(self.signed_integer(32))
        elif form == FORM_I64:
            out.signed(self.signed_integer(64))
        elif form == FORM_F32:
            out.little(self.float_bits(32), 4)
        elif form == FORM_F64:
            out.little(self.float_bits(64), 8)
        elif form == FORM_MEMARG:
            self.memarg(op, False)
        else:
            assert form == FORM_LABEL
            out.unsigned(self.label_index())
        return 0

    def number_token(self) -> None:
        if self.kind != NAT and self.kind != INT and self.kind != FLOAT:
            self.unexpected("a number")

    def signed_integer(self, bits: int) -> int:
        self.number_token()
        value = self.integer(self.kind, self.start, self.stop, bits)
        self.next()
        if bits == 32:
            low = value
            return low - 2 * MAX_S32 - 2 if low > MAX_S32 else low
        if value > MAX_S64:
            low = MAX_U64 - value
            return -low - 1
        return value

    def float_bits(self, bits: int) -> int:
        self.number_token()
        found = self.float_between(self.start, self.stop, bits)
        self.next()
        return found

    def float_between(self, start: int, stop: int, bits: int) -> int:
        try:
            return float_bits(self.data[start:stop].decode(), bits)
        except OverflowError as error:
            self.fail(f"constant out of range: {error}", start)

    def memarg(self, op: int, has_lane: bool) -> int:
        """Spec: 6.5.5 "Memory Instructions". Where a lane follows, a lone number is that."""
        out = self.out
        memory = 0
        lane = -1
        if has_lane and self.kind == NAT:
            lane = self.u32()
            if self.kind == NAT or self.kind == OFFSET_EQ or self.kind == ALIGN_EQ:
                memory = lane
                lane = -1
        elif self.at_index():
            memory = self.index(SPACE_MEMORY)
        offset = 0
        exponent = ALIGN_OF[op]
        if self.kind == OFFSET_EQ:
            offset = self.natural(self.start, self.stop, MAX_U64, "i64 constant out of range")
            self.next()
        if self.kind == ALIGN_EQ:
            exponent = self.alignment()
        if memory:
            out.byte(exponent | MEMARG_MEMORY)
            out.unsigned(memory)
        else:
            out.byte(exponent)
        out.unsigned(offset)
        if has_lane:
            out.byte(self.lane() if lane < 0 else self.check_lane(lane, self.start))
        return 0

    def alignment(self) -> int:
        """The exponent of an alignment."""
        value = self.natural(self.start, self.stop, MAX_U64, "alignment out of range")
        if value == 0 or value & (value - 1):
            self.fail(f"alignment must be a power of two, not {value}", self.start)
        exponent = 0
        while value >> exponent > 1:
            exponent += 1
        self.next()
        return exponent

    def rare(self, op: int, form: int) -> int:
        """Immediates of the less frequent forms."""
        out = self.out
        if form == FORM_SELECT or form == FORM_HEAP_TYPE:
            return self.typed(op, form)
        if form == FORM_INIT:
            return self.init(op)
        self.opcode(op)
        if form == FORM_OPTIONAL:
            out.unsigned(self.index(SPACE_OF[op]) if self.at_index() else 0)
        elif form == FORM_COPY:
            given = self.at_index()
            out.unsigned(self.index(SPACE_OF[op]) if given else 0)
            out.unsigned(self.index(SPACE_OF[op]) if given else 0)
        elif form == FORM_LABELS:
            self.label_vector()
        elif form == FORM_INDICES or form == FORM_FIELD or form == FORM_TYPE_U32:
            self.type_and_more(op, form)
        elif form == FORM_CAST:
            self.cast()
        elif form == FORM_LANE:
            out.byte(self.lane())
        elif form == FORM_LANES:
            self.lanes()
        elif form == FORM_MEMARG_LANE:
            self.memarg(op, True)
        elif form == FORM_V128:
            self.vector()
        else:
            assert form == FORM_ZERO
            out.byte(0)
        return 0

    def typed(self, op: int, form: int) -> int:
        """`select`, which is another instruction with types, and those with a heap or reference type."""
        out = self.out
        if op in NULL_TWINS:
            t = self.ref_type()
            self.opcode(NULL_TWINS[op] if t & NULLABLE else op)
            return out.heap_type(t & HEAP_MASK)
        if form == FORM_HEAP_TYPE:
            self.opcode(op)
            return out.heap_type(self.heap_type())
        if not (self.kind == OPEN and self.code == KW_RESULT):
            return self.opcode(op)
        types: list[int] = []
        self.func_parts([], types, NO_NAMES)
        self.opcode(OP_SELECT_T)
        out.unsigned(len(types))
        for t in types:
            out.val_type(t)
        return 0

    def init(self, op: int) -> int:
        """`table.init` and `memory.init`: a table or memory that may be left out, and a segment."""
        out = self.out
        kind, start, stop = self.kind, self.start, self.stop
        if not self.at_index():
            self.unexpected("a segment")
        self.next()
        place = 0
        if self.at_index():
            place = self.index_between(SECOND_OF[op], kind, start, stop)
            segment = self.index(SPACE_OF[op])
        else:
            segment = self.index_between(SPACE_OF[op], kind, start, stop)
        if SPACE_OF[op] == SPACE_DATA:
            self.needs_count = True
        self.opcode(op)
        out.unsigned(segment)
        return out.unsigned(place)

    def label_vector(self) -> None:
        labels = []
        while self.at_index():
            labels.append(self.label_index())
        if not labels:
            self.unexpected("a label")
        self.out.unsigned(len(labels) - 1)
        for label in labels:
            self.out.unsigned(label)

    def type_and_more(self, op: int, form: int) -> None:
        out = self.out
        index = self.index(SPACE_TYPE)
        out.unsigned(index)
        if form == FORM_FIELD:
            out.unsigned(self.field_index(index))
        elif form == FORM_TYPE_U32:
            out.unsigned(self.u32())
        else:
            space = SECOND_OF[op]
            out.unsigned(self.index(space))
            if space == SPACE_DATA:
                self.needs_count = True

    def cast(self) -> None:
        """A branch on a cast: in the binary format flags stand for the nullable types."""
        label = self.label_index()
        source = self.ref_type()
        target = self.ref_type()
        self.out.byte((1 if source & NULLABLE else 0) | (2 if target & NULLABLE else 0))
        self.out.unsigned(label)
        self.out.heap_type(source & HEAP_MASK)
        self.out.heap_type(target & HEAP_MASK)

    # Vectors. Spec: 6.5.9 "Vector Instructions"

    def lane(self) -> int:
        if self.kind != NAT:
            self.unexpected("a lane")
        at = self.start
        return self.check_lane(self.u32(), at)

    def check_lane(self, lane: int, at: int) -> int:
        if lane > 0xFF:
            self.fail(f"i8 constant out of range: lane {lane}", at)
        return lane

    def number_tokens(self) -> list[tuple[int, int, int]]:
        """The numbers here: (kind, start, stop) of each token."""
        tokens = []
        while self.kind == NAT or self.kind == INT or self.kind == FLOAT:
            tokens.append((self.kind, self.start, self.stop))
            self.next()
        return tokens

    def lanes(self) -> None:
        """The lanes of a shuffle."""
        at = self.start
        tokens = self.number_tokens()
        for kind, start, stop in tokens:
            if kind != NAT:
                self.fail("i8 constant out of range: a lane is a number from 0 to 255", start)
            self.out.byte(self.natural(start, stop, 0xFF, "i8 constant out of range"))
        if len(tokens) != LANES:
            self.fail(f"invalid lane length: {LANES} lanes expected, found {len(tokens)}", at)

    def vector(self) -> None:
        """The shape and lanes of a constant."""
        if self.kind != WORD or self.code not in SHAPES:
            self.unexpected("a shape such as i32x4")
        shape: int = SHAPES[self.code]
        bits = abs(shape)
        self.next()
        at = self.start
        tokens = self.number_tokens()
        if len(tokens) != 128 // bits:
            self.fail(f"wrong number of lane literals: {128 // bits} expected, found {len(tokens)}", at)
        for kind, start, stop in tokens:
            value = self.integer(kind, start, stop, bits) if shape > 0 else self.float_between(start, stop, bits)
            self.out.little(value, bits // 8)
