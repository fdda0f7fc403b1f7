"""Parsing instructions, flat and folded, into the bytes of a body. Spec: 6.5 "Instructions".

Nothing here recurses: what is open is on a stack of frames. A folded instruction is written at once;
if operands follow, its bytes are taken back and held in its frame until the parenthesis is closed.

Compiled with the C types of instructions.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..binary.writer import Writer
from ..module import Expr
from ..opcodes import (
    BY_NAME,
    ENABLED,
    N_IDS,
    OP_BR_IF,
    OP_CATCH,
    OP_CATCH_ALL,
    OP_DELEGATE,
    OP_ELSE,
    OP_END,
    OP_IF,
    OP_SELECT_T,
    OP_TRY,
    OP_TRY_TABLE,
    OPS,
    availability,
)
from ..types import HEAP_MASK
from ..types import NULL as NULLABLE
from .annotations import branch_hint
from .floats import float_bits
from .lexer import BRANCH_HINT
from .tokens import (
    ALIGN_EQ,
    ALIGN_OF,
    CLOSE,
    FLOAT,
    FORM_BLOCK,
    FORM_CALL_INDIRECT,
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
    FORM_OF,
    FORM_OPTIONAL,
    FORM_SELECT,
    FORM_TYPE_U32,
    FORM_V128,
    FORM_ZERO,
    ID,
    INT,
    KW_CATCH_ALL_REF,
    KW_CATCH_REF,
    KW_DO,
    KW_RESULT,
    KW_THEN,
    NAT,
    OFFSET_EQ,
    OPEN,
    SECOND_OF,
    SHAPES,
    SPACE_DATA,
    SPACE_MEMORY,
    SPACE_OF,
    SPACE_TABLE,
    SPACE_TAG,
    SPACE_TYPE,
    WORD,
)
from .types import NO_NAMES, TypeParser, TypeUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..features import Features

# What the frames are. First those in which flat instructions may stand: blocks closed by `end` …
BODY, FLAT_BLOCK, FLAT_IF, FLAT_ELSE, FLAT_TRY, FLAT_CATCH, FLAT_CATCH_ALL = range(7)
# … and parts in parentheses; then those with folded instructions only …
FOLDED_BLOCK, FOLDED_THEN, FOLDED_ELSE, FOLDED_DO, FOLDED_CATCH, OPERANDS, CONDITION = range(7, 14)
# … and those that have only parts: an `if` after its `then`, a `try` before its `do` and after its other parts.
AFTER_THEN, AFTER_ELSE, BEFORE_DO, AFTER_DO, AFTER_CATCH, AFTER_LAST = range(14, 20)

EMPTY_BLOCK = 0x40
MEMARG_MEMORY = 0x40  # flag of a memarg: a memory index follows
MAX_S32 = 0x7FFFFFFF
MAX_S64 = 0x7FFFFFFFFFFFFFFF
MAX_U64 = 0xFFFFFFFFFFFFFFFF
CATCH_KINDS = {OP_CATCH: 0, KW_CATCH_REF: 1, OP_CATCH_ALL: 2, KW_CATCH_ALL_REF: 3}
LANES = 16
PARTS = (OP_ELSE, OP_END, OP_CATCH, OP_CATCH_ALL, OP_DELEGATE)

OPCODES = [OPS[i].opcode if i in OPS else b"" for i in range(N_IDS)]
IS_PART = bytes([i in PARTS for i in range(N_IDS)])
# By id: the instruction for a nullable type, where that is another one.
NULL_TWINS = {row.id: BY_NAME[row.mnemonic + "_null"].id for row in OPS.values() if row.mnemonic + "_null" in BY_NAME}


class Held:
    """An instruction that cannot be written yet, for its operands come first.

    op, raw    the instruction; its bytes, or none if they depend on a type
    use        the type of its block or callee, which is looked for (and added) in its turn
    place      the callee's table
    label      the block's name
    hint       the branch hint, -1 for none
    """

    __slots__ = ("hint", "label", "op", "place", "raw", "use")

    def __init__(self, op: int, raw: bytes, hint: int) -> None:
        self.op = op
        self.raw = raw
        self.hint = hint
        self.use: TypeUse | None = None
        self.place = 0
        self.label: bytes | None = None


class InstructionParser(TypeParser):
    """Parses instructions and writes them to `out`.

    frames        what is open, and with it
    held          the bytes or `Held` to be written when operands are complete, else None
    starts        where in the text it begins
    labels        names of the enclosing blocks, None for those that have none
    levels        for each name of them, the positions in `labels` that have it
    in_function   whether a function's body is parsed, not a constant expression
    body          where in `out` it begins
    hints         its branch hints: (where in the body, 0 or 1)
    n_labels      number of its blocks so far
    label_names   names of its blocks: (number, name)
    needs_count   whether an instruction names a data segment, so that their number must come first
    recording     whether `places` is kept: of each instruction (where in `out`, where in the text)
    """

    def __init__(self, data: bytes, start: int, end: int, features: Features) -> None:
        super().__init__(data, start, end, features)
        self.out = Writer()
        self.available = availability(features)
        self.frames: list[int] = []
        self.held: list[object] = []
        self.starts: list[int] = []
        self.labels: list[bytes | None] = []
        self.levels: dict[bytes, list[int]] = {}
        self.in_function = False
        self.body = 0
        self.hint = -1
        self.hints: list[tuple[int, int]] = []
        self.n_labels = 0
        self.label_names: list[tuple[int, bytes]] = []
        self.needs_count = False
        self.recording = False
        self.places: list[tuple[int, int]] = []

    # Sequences

    def expression(self) -> Expr:
        """Instructions up to a closing parenthesis, which is left."""
        start = self.out.size
        self.instructions(False)
        self.end_of_code()
        return Expr(start, self.out.size)

    def folded_expression(self) -> Expr:
        """One folded instruction."""
        start = self.out.size
        if self.kind != OPEN:
            self.unexpected("an instruction in parentheses")
        self.instructions(True)
        self.end_of_code()
        return Expr(start, self.out.size)

    def instructions(self, single: bool) -> int:
        """Instructions up to a closing parenthesis that was opened before, or one folded instruction."""
        while True:
            if self.kind == WORD:
                self.flat()
            elif self.kind == OPEN:
                self.folded()
            elif self.kind == CLOSE:
                if not self.frames:
                    return 0
                self.close_frame()
            else:
                self.unexpected("an instruction")
            if single and not self.frames:
                return 0

    def end_of_code(self) -> None:
        """The end of a body or expression."""
        if self.recording:
            self.record(self.start)
        self.out.byte(OP_END)

    def record(self, at: int) -> None:
        """Note that what is written next is for this place in the text."""
        self.places.append((self.out.size, at))

    def open_frame(self, frame: int, held: object, start: int) -> None:
        self.frames.append(frame)
        self.held.append(held)
        self.starts.append(start)

    def pop_frame(self) -> object:
        """Remove the innermost frame; returns what it held."""
        self.frames.pop()
        self.starts.pop()
        return self.held.pop()

    def top(self) -> int:
        return self.frames[-1] if self.frames else BODY

    def flat(self) -> int:
        """A flat instruction, or a part of one."""
        op = self.code
        if self.top() >= OPERANDS:
            self.unexpected("an instruction in parentheses or )")
        if op < 0 or op >= N_IDS:
            self.unexpected("an instruction")
        start = self.start
        if self.recording:
            self.record(start)
        if IS_PART[op]:
            return self.flat_part(op)
        form = self.begin(op)
        if form == FORM_BLOCK:
            self.block(op, start)
        elif form == FORM_CALL_INDIRECT:
            self.emit_call(self.call_indirect(op))
        else:
            self.note_hint(self.out.size)
            self.plain(op, form)
        return 0

    def begin(self, op: int) -> int:
        """Step over the word of an instruction; returns the form of its immediates."""
        if self.available[op] != ENABLED:
            feature = OPS[op].feature
            self.fail(f"unknown operator {OPS[op].mnemonic}: it needs the feature {feature}, which is off", self.start)
        self.hint = self.take_hint(op) if self.noted else -1
        self.next()
        return FORM_OF[op]

    def flat_part(self, op: int) -> int:
        """`end`, `else`, `catch`, `catch_all`, `delegate`."""
        top = self.top()
        out = self.out
        if op == OP_END and BODY < top <= FLAT_CATCH_ALL:
            self.next()
            self.match_label()
            out.byte(op)
            self.pop_frame()
            self.pop_label()
        elif op == OP_ELSE and top == FLAT_IF:
            self.next()
            self.match_label()
            out.byte(op)
            self.frames[-1] = FLAT_ELSE
        elif op == OP_CATCH and (top == FLAT_TRY or top == FLAT_CATCH):
            self.catch()
            self.frames[-1] = FLAT_CATCH
        elif op == OP_CATCH_ALL and (top == FLAT_TRY or top == FLAT_CATCH):
            self.next()
            out.byte(op)
            self.frames[-1] = FLAT_CATCH_ALL
        elif op == OP_DELEGATE and top == FLAT_TRY:
            self.delegate()
            self.pop_frame()
        else:
            self.unexpected("another instruction")
        return 0

    def catch(self) -> None:
        self.next()
        self.out.byte(OP_CATCH)
        self.out.unsigned(self.index(SPACE_TAG))

    def delegate(self) -> None:
        self.next()
        self.pop_label()
        self.out.byte(OP_DELEGATE)
        self.out.unsigned(self.label_index())

    def folded(self) -> int:
        """A parenthesis is opened: an instruction, or a part of one."""
        op = self.code
        top = self.top()
        if top >= CONDITION and self.folded_part(top, op):
            return 0
        if op < 0 or op >= N_IDS or IS_PART[op]:
            self.unexpected("an instruction")
        at = self.start
        form = self.begin(op)
        held: object
        if form == FORM_BLOCK:
            self.folded_block(op, at)
            return 0
        if self.recording:
            self.record(at)
        if form == FORM_CALL_INDIRECT:
            call = self.call_indirect(op)
            held = call
            if self.kind == CLOSE:
                self.emit_call(call)
        else:
            start = self.out.size
            self.plain(op, form)
            held = None
            if self.kind == CLOSE:
                self.note_hint(start)
            else:
                raw = self.out.take(start)
                held = raw if self.hint < 0 else Held(op, raw, self.hint)
        if self.kind == CLOSE:
            self.next()
        elif self.kind == OPEN:
            if self.recording:
                self.places.pop()
            self.open_frame(OPERANDS, held, at)
        else:
            self.unexpected("an instruction in parentheses or )")
        return 0

    def folded_part(self, top: int, word: int) -> bool:
        """A part of a folded `if` or `try`; False: it is an instruction of the condition."""
        out = self.out
        at = self.start
        if self.recording and top != CONDITION:
            self.record(at)
        if top == CONDITION:
            if word != KW_THEN:
                return False
            self.next()
            self.begin_if()
            self.frames[-1] = AFTER_THEN
            self.open_frame(FOLDED_THEN, None, at)
        elif top == AFTER_THEN and word == OP_ELSE:
            self.next()
            out.byte(OP_ELSE)
            self.frames[-1] = AFTER_ELSE
            self.open_frame(FOLDED_ELSE, None, at)
        elif top == BEFORE_DO and word == KW_DO:
            self.next()
            self.frames[-1] = AFTER_DO
            self.open_frame(FOLDED_DO, None, at)
        elif (top == AFTER_DO or top == AFTER_CATCH) and word == OP_CATCH:
            self.catch()
            self.frames[-1] = AFTER_CATCH
            self.open_frame(FOLDED_CATCH, None, at)
        elif (top == AFTER_DO or top == AFTER_CATCH) and word == OP_CATCH_ALL:
            self.next()
            out.byte(OP_CATCH_ALL)
            self.frames[-1] = AFTER_LAST
            self.open_frame(FOLDED_CATCH, None, at)
        elif top == AFTER_DO and word == OP_DELEGATE:
            self.delegate()
            self.close()
            self.pop_frame()
            self.close()
        else:
            self.unexpected("another part of the block, or )")
        return True

    def close_frame(self) -> None:
        """A parenthesis is closed."""
        top = self.top()
        if self.recording:
            self.record(self.starts[-1] if top == OPERANDS else self.start)
        held = self.pop_frame()
        if top == OPERANDS:
            if type(held) is bytes:
                self.out.raw(held)
            else:
                assert isinstance(held, Held)
                self.release(held)
        elif top == FOLDED_BLOCK or top == AFTER_THEN or (top >= AFTER_ELSE and top != BEFORE_DO):
            self.out.byte(OP_END)
            self.pop_label()
        elif top < FOLDED_BLOCK:
            self.unexpected("end")
        elif top == CONDITION:
            self.unexpected("(then")
        elif top == BEFORE_DO:
            self.unexpected("(do")
        self.next()

    def release(self, held: Held) -> None:
        """Write an instruction whose operands are complete."""
        if held.use is not None:
            self.emit_call(held)
            return
        self.hint = held.hint
        self.note_hint(self.out.size)
        self.out.raw(held.raw)

    # Blocks

    def block(self, op: int, start: int) -> None:
        """What follows the word of a flat block."""
        label = self.block_label()
        self.block_head(op, self.type_use(NO_NAMES), label)
        self.open_frame(FLAT_IF if op == OP_IF else FLAT_TRY if op == OP_TRY else FLAT_BLOCK, None, start)

    def folded_block(self, op: int, start: int) -> None:
        label = self.block_label()
        use = self.type_use(NO_NAMES)
        if op == OP_IF:
            held = Held(op, b"", self.hint)
            held.use = use
            held.label = label
            self.open_frame(CONDITION, held, start)
            return
        if self.recording:
            self.record(start)
        self.block_head(op, use, label)
        self.open_frame(BEFORE_DO if op == OP_TRY else FOLDED_BLOCK, None, start)

    def begin_if(self) -> None:
        """The condition of a folded `if` is complete."""
        held = self.held[-1]
        assert isinstance(held, Held) and held.use is not None
        self.hint = held.hint
        if self.recording:
            self.record(self.starts[-1])
        self.block_head(OP_IF, held.use, held.label)

    def block_label(self) -> bytes | None:
        if self.kind != ID:
            return None
        label = self.id_of()
        self.next()
        return label

    def block_head(self, op: int, use: TypeUse, label: bytes | None) -> None:
        """Write the beginning of a block, and let its label be known."""
        out = self.out
        self.note_hint(out.size)
        out.byte(op)
        if use.index >= 0 or use.params or len(use.results) > 1:
            out.signed(self.resolve(use))
        elif use.results:
            out.val_type(use.results[0])
        else:
            out.byte(EMPTY_BLOCK)
        if op == OP_TRY_TABLE:
            self.catch_clauses()
        self.push_label(label)

    def catch_clauses(self) -> None:
        out = self.out
        start = out.size
        n = 0
        while self.kind == OPEN and self.code in CATCH_KINDS:
            kind = CATCH_KINDS[self.code]
            self.next()
            out.byte(kind)
            if kind < 2:
                out.unsigned(self.index(SPACE_TAG))
            out.unsigned(self.label_index())
            self.close()
            n += 1
        clauses = out.take(start)
        out.unsigned(n)
        out.raw(clauses)

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

    # Branch hints. Spec: appendix "Custom Sections and Annotations"

    def take_hint(self, op: int) -> int:
        """The branch hint before an instruction, or -1."""
        if not self.in_function or self.notes[0][0] != BRANCH_HINT:
            self.misplaced()
        hint = branch_hint(self, self.take_notes())
        if op != OP_IF and op != OP_BR_IF:
            self.refuse(f"@{BRANCH_HINT.decode()} annotation: invalid target, only if and br_if have hints", self.start)
        return hint

    def note_hint(self, at: int) -> None:
        """Let the hint, if there is one, belong to the instruction at this place in `out`."""
        if self.hint >= 0:
            self.hints.append((at - self.body, self.hint))

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

    def call_indirect(self, op: int) -> Held:
        held = Held(op, b"", -1)
        held.place = self.index(SPACE_TABLE) if self.at_index() else 0
        held.use = self.type_use(NO_NAMES)
        return held

    def emit_call(self, held: Held) -> None:
        assert held.use is not None
        self.opcode(held.op)
        self.out.unsigned(self.resolve(held.use))
        self.out.unsigned(held.place)

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
