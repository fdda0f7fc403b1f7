"""Parsing instructions, flat and folded, into the bytes of a body. Spec: 6.5 "Instructions".

Nothing here recurses: what is open is on a stack of frames. A folded instruction is written at once;
if operands follow, its bytes are taken back and held in its frame until the parenthesis is closed.

Compiled with the C types of instructions.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..module import Expr
from ..opcodes import (
    ENABLED,
    N_IDS,
    OP_BR_IF,
    OP_CATCH,
    OP_CATCH_ALL,
    OP_DELEGATE,
    OP_ELSE,
    OP_END,
    OP_IF,
    OP_TRY,
    OP_TRY_TABLE,
    OPS,
    availability,
)
from .annotations import branch_hint
from .immediates import ImmediateParser
from .lexer import BRANCH_HINT
from .tokens import (
    CLOSE,
    FORM_BLOCK,
    FORM_CALL_INDIRECT,
    FORM_OF,
    ID,
    KW_CATCH_ALL_REF,
    KW_CATCH_REF,
    KW_DO,
    KW_THEN,
    OPEN,
    SPACE_TABLE,
    SPACE_TAG,
    WORD,
)
from .types import NO_NAMES, TypeUse

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
CATCH_KINDS = {OP_CATCH: 0, KW_CATCH_REF: 1, OP_CATCH_ALL: 2, KW_CATCH_ALL_REF: 3}
PARTS = (OP_ELSE, OP_END, OP_CATCH, OP_CATCH_ALL, OP_DELEGATE)

IS_PART = bytes([i in PARTS for i in range(N_IDS)])


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


class InstructionParser(ImmediateParser):
    """Parses sequences of instructions.

    frames        what is open, and with it
    held          the bytes or `Held` to be written when operands are complete, else None
    starts        where in the text it begins
    in_function   whether a function's body is parsed, not a constant expression
    body          where in `out` it begins
    hints         its branch hints: (where in the body, 0 or 1)
    recording     whether `places` is kept: of each instruction (where in `out`, where in the text)
    """

    def __init__(self, data: bytes, start: int, end: int, features: Features) -> None:
        super().__init__(data, start, end, features)
        self.available = availability(features)
        self.frames: list[int] = []
        self.held: list[object] = []
        self.starts: list[int] = []
        self.in_function = False
        self.body = 0
        self.hint = -1
        self.hints: list[tuple[int, int]] = []
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

    # Calls through tables

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
