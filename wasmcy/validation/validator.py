"""The walk over one body: everything that is executed or translated went through here.

`Validator.function` reads a body instruction by instruction, checks each against the operand and
control stacks, and tells a translator, if it is given one, of every instruction that is valid and
can be reached. Instructions whose type stands in the table take one generic way; the others have
a rule each, here or in references.py, named after the instruction.

What a translator is told, see listener.py. First `begin` with the function's index, the offset of
its body, the numbers of its parameters and of all its locals, its signature's row and the array of
the locals' types. Then `visit(op, offset, x, y, z)` for each instruction:

    constants                    x: the value, floats as their bits; v128: x low, y high half
    with indices                 x, y: the indices in the order of the binary format
    memory accesses              x: offset, y: memory, z: lane
    ref.null                     x: heap type
    ref.test ref.cast ref.cast_desc_eq    x: reference type
    ref.get_desc                 x: type index, y: that of the descriptor
    drop select select_t ref.is_null ref.as_non_null    x: type of the operand
    block loop if try try_table  x: row of the signature; `catch` before it for each clause
    else catch catch_all end delegate    x: whether the end of the code before can be reached;
                                 y: tag of the catch, label of the delegate (counted from outside)
    br br_if rethrow             x: label
    br_on_null br_on_non_null    x: label, y: type of the operand
    br_on_cast…                  x: label, y: source type, z: target type
    br_table                     x: number of labels without the default; `target` before it for
                                 each label, the default last

Nothing is told of dead code: what follows an unconditional branch up to the `else`, `catch` or
`end` of its block. The end of the body is the `end` of a block around it.

Spec: 3.4 "Instructions" and the appendix "Validation Algorithm".
"""

from __future__ import annotations

from ..errors import MalformedError, ModuleError
from ..opcodes import (
    OP_BLOCK,
    OP_BR,
    OP_BR_IF,
    OP_BR_TABLE,
    OP_CALL,
    OP_CALL_INDIRECT,
    OP_CALL_REF,
    OP_CATCH,
    OP_CATCH_ALL,
    OP_DELEGATE,
    OP_DROP,
    OP_ELSE,
    OP_END,
    OP_GLOBAL_GET,
    OP_GLOBAL_SET,
    OP_IF,
    OP_LOCAL_GET,
    OP_LOCAL_SET,
    OP_LOCAL_TEE,
    OP_LOOP,
    OP_MEMORY_COPY,
    OP_RETHROW,
    OP_RETURN,
    OP_RETURN_CALL,
    OP_RETURN_CALL_INDIRECT,
    OP_RETURN_CALL_REF,
    OP_SELECT,
    OP_SELECT_T,
    OP_THROW,
    OP_THROW_REF,
    OP_TRY,
    OP_TRY_TABLE,
    OP_UNREACHABLE,
    OPS,
)
from ..turns import take_turn
from ..types import BOT, CONCRETE, EXNREF, FUNCREF, HEAP_EXN, I32, I64, REF
from ..types import NULL as NULLABLE
from .context import enlarged, words
from .forms import (
    ALIGN_OF,
    ATOMIC,
    FORM_ILLEGAL,
    FORM_IMMEDIATE,
    FORM_MEMARG,
    FORM_NOT_CONST,
    FORM_OFF,
    FORM_PLAIN,
    FORM_PREFIX,
    FORM_REFERENCE,
    FORM_RULE,
    LANES_OF,
    WAY_DATA_MEMORY,
    WAY_ELEM,
    WAY_F32,
    WAY_F64,
    WAY_I32,
    WAY_I64,
    WAY_LANE,
    WAY_LANES,
    WAY_MEMORY,
    WAY_OF,
    WAY_TABLE,
    WAY_V128,
    WAY_ZERO,
    forms,
)
from .operands import listed, type_text
from .references import References

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from ..features import Features
    from .context import Context
    from .listener import Listener

MEMARG_MEMORY = 0x40  # flag of a memarg: a memory index follows
EMPTY_BLOCK = 0x40  # the block type [] -> []; greater bytes up to 0x7f are value types
CATCH_REF = 1  # bit of a catch clause's kind: it passes the exception too
CATCH_ALL = 2  # bit of a catch clause's kind: it has no tag

MAX_LOCALS = 50_000
LISTED = 256  # locals whose types are listed one by one, so that many of them in a tiny body cost nothing
TURN = 1024  # bytes of a body between two turns of others
MAX_S7 = 0x7F
MAX_S32 = 0x7FFFFFFF
MAX_U32 = 0xFFFFFFFF
MAX_S64 = 0x7FFFFFFFFFFFFFFF
MAX_U64 = 0xFFFFFFFFFFFFFFFF

_forms_of: dict[Features, tuple[array[int], array[int]]] = {}


class Validator(References):
    """Walks the bodies and constant expressions of one module, one at a time."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        features = context.features
        if features not in _forms_of:
            _forms_of[features] = forms(features)
        self.body_forms, self.constant_forms = _forms_of[features]
        self.forms = self.body_forms
        self.multi_value = features.multi_value
        self.multi_memory = features.multi_memory
        self.n_visible_globals = 0
        self.x = 0
        self.y = 0
        self.stamp = 0
        self.stamps = words(16)
        self.turn = 0
        self.watch: Callable[[], object] | None = take_turn

    def function(
        self,
        index: int,
        start: int,
        end: int,
        translator: Listener | None = None,
        watch: Callable[[], object] | None = take_turn,
    ) -> None:
        """Validate the body of function `index`, the bytes from its locals to its last `end`.

        Every now and then it calls `watch`, whose exceptions end the walk; None: nothing may come between.

        Raises:
            MalformedError: the bytes are no body.
            InvalidError: the body is not valid, or exceeds an implementation limit.
        """
        row = self.context.func_sig[index]
        self.forms = self.body_forms
        self.constant = False
        self.begin(start, end, translator)
        self.watch = watch
        try:
            self.declare_locals(row)
            if translator is not None:
                n_params = self.context.sig_np[row]
                translator.begin(index, start, n_params, self.n_locals, row, self.local_types)
            self.expression(row)
        except ModuleError as error:
            if error.function is not None:
                raise
            name = self.context.module.function_name(index)
            raise type(error)(error.message, error.offset, index, name) from None
        finally:
            self.translator = None
            self.watch = take_turn

    def constant_expression(
        self,
        start: int,
        end: int,
        valtype: int,
        n_globals: int,
        translator: Listener | None = None,
    ) -> None:
        """Validate a constant expression of type `valtype` that may use the first globals.

        Raises:
            MalformedError: the bytes are no expression.
            InvalidError: the expression is not valid, not constant, or of another type.
        """
        row = self.context.sig_of_block(valtype)
        self.forms = self.constant_forms
        self.constant = True
        self.n_visible_globals = n_globals
        self.begin(start, end, translator)
        self.n_locals = 0
        try:
            self.expression(row)
        finally:
            self.translator = None

    def begin(self, start: int, end: int, translator: Listener | None) -> int:
        if not 0 <= start <= end <= len(self.context.module.data):
            raise ValueError("a body must lie in the bytes of its module")
        self.code.pos, self.code.end = start, end
        self.translator = translator
        self.turn = start + TURN
        self.height = self.floor = 0
        self.n_ctrl = 0
        self.forget_inits(0)
        self.live = True
        return 0

    def give_way(self) -> int:
        """Let others do what cannot wait for the end of a long body."""
        self.turn = self.code.pos + TURN
        if self.watch is not None:
            self.watch()
        return 0

    # Locals

    def declare_locals(self, row: int) -> int:
        """Read the declaration of locals; parameters come first. Spec: 5.5.13 "Code Section"."""
        code = self.code
        self.at = code.pos
        n = self.context.sig_np[row]
        po = self.context.sig_po[row]
        self.n_params = n
        self.n_locals = self.n_listed = self.n_runs = 0
        for i in range(n):
            self.add_locals(1, self.context.pool[po + i])
        total = n
        groups = code.u32()
        for _ in range(groups):
            self.at = code.pos
            if self.at >= self.turn:
                self.give_way()
            n = code.u32()
            valtype = self.val_type()
            total += n
            if total > MAX_U32:
                raise MalformedError("too many locals", self.at)
            if total <= MAX_LOCALS and n:
                self.add_locals(n, valtype)
        if total > MAX_LOCALS:
            raise self.invalid(f"too many locals: {total}, at most {MAX_LOCALS} are supported")
        return 0

    def add_locals(self, n: int, valtype: int) -> int:
        """Append a run; list its types unless many are listed and no translator wants them."""
        if self.n_runs >= len(self.run_ends):
            self.run_ends = enlarged(self.run_ends)
            self.run_types = enlarged(self.run_types)
        self.n_locals += n
        self.run_ends[self.n_runs] = self.n_locals
        self.run_types[self.n_runs] = valtype
        self.n_runs += 1
        end = self.n_locals
        if self.translator is None and end > LISTED:
            end = LISTED
        while end > len(self.local_types):
            self.local_types = enlarged(self.local_types)
        types = self.local_types
        for i in range(self.n_listed, end):
            types[i] = valtype
        self.n_listed = max(self.n_listed, end)
        return 0

    # The walk

    def expression(self, row: int) -> int:
        """Walk instructions up to the `end` that belongs to none of them."""
        code = self.code
        self.push_ctrl(OP_BLOCK, row)
        while self.n_ctrl > 0:
            self.at = code.pos
            if self.at >= self.turn:
                self.give_way()
            if self.at >= code.end:
                raise self.unfinished()
            op = code.buffer[self.at]
            form = self.forms[op]
            if form != FORM_PREFIX:
                code.pos = self.at + 1
            else:
                op = code.opcode()
                form = FORM_ILLEGAL if op < 0 else self.forms[op]
            self.op = op
            if form == FORM_PLAIN:
                self.apply(op, 0)
                self.tell(op, 0, 0, 0)
            elif form == FORM_RULE:
                self.rule(op)
            elif form == FORM_IMMEDIATE:
                self.immediate(op)
            elif form == FORM_MEMARG:
                self.memarg(op)
            elif form == FORM_REFERENCE:
                self.reference_rule(op)
            else:
                raise self.refusal(op, form)
        if code.pos != code.end:
            raise MalformedError("section size mismatch: code goes on after its end", code.pos)
        return 0

    def unfinished(self) -> MalformedError:
        """The error where the bytes of a body end before its `end`.

        The phrase is the one for a reader that does not know the size of the body: it depends
        on what follows.
        """
        data, end = self.context.module.data, self.code.end
        if end == len(data):
            return MalformedError("unexpected end of section or function", end)
        if data[end] == OP_END:
            return MalformedError("section size mismatch: END opcode expected", end)
        return MalformedError("END opcode expected", end)

    def refusal(self, op: int, form: int) -> ModuleError:
        """The error for an opcode that is not allowed here."""
        if form == FORM_NOT_CONST:
            row = OPS[op]
            why = f"needs the feature {row.const_feature}, which is off" if row.const else "is none"
            return self.invalid(f"constant expression required: {row.mnemonic} {why}")
        opcode = self.context.module.data[self.at : self.code.pos].hex(" ")
        if form == FORM_OFF:
            row = OPS[op]
            return MalformedError(
                f"illegal opcode {opcode}: {row.mnemonic} needs the feature {row.feature}, which is off",
                self.at,
            )
        return MalformedError(f"illegal opcode {opcode}", self.at)

    def rule(self, op: int) -> int:
        """Validate an instruction that has a rule in this file, the frequent ones first."""
        if op == OP_LOCAL_GET:
            return self.rule_local_get()
        if op == OP_LOCAL_SET:
            return self.rule_local_set()
        if op == OP_LOCAL_TEE:
            return self.rule_local_tee()
        if op == OP_END:
            return self.rule_end()
        if op == OP_BR_IF:
            return self.rule_br_if()
        if op == OP_CALL:
            return self.rule_call()
        if op == OP_BLOCK or op == OP_LOOP or op == OP_IF:
            return self.rule_block(op)
        if op == OP_BR:
            return self.rule_br()
        if op == OP_GLOBAL_GET:
            return self.rule_global_get()
        if op == OP_GLOBAL_SET:
            return self.rule_global_set()
        if op == OP_SELECT:
            return self.rule_select()
        if op == OP_DROP:
            return self.rule_drop()
        if op == OP_ELSE:
            return self.rule_else()
        if op == OP_CALL_INDIRECT:
            return self.rule_call_indirect()
        if op == OP_RETURN:
            return self.rule_return()
        if op == OP_BR_TABLE:
            return self.rule_br_table()
        if op == OP_UNREACHABLE:
            return self.rule_unreachable()
        return self.rare_rule(op)

    def rare_rule(self, op: int) -> int:
        """The rest of `rule`."""
        if op == OP_SELECT_T:
            return self.rule_select_t()
        if op == OP_CALL_REF or op == OP_RETURN_CALL_REF:
            return self.rule_call_ref(op)
        if op == OP_RETURN_CALL:
            return self.rule_return_call()
        if op == OP_RETURN_CALL_INDIRECT:
            return self.rule_return_call_indirect()
        if op == OP_MEMORY_COPY:
            return self.rule_memory_copy()
        if op == OP_TRY_TABLE:
            return self.rule_try_table()
        if op == OP_THROW:
            return self.rule_throw()
        if op == OP_THROW_REF:
            return self.rule_throw_ref()
        if op == OP_TRY:
            return self.rule_block(op)
        if op == OP_CATCH:
            return self.rule_catch()
        if op == OP_CATCH_ALL:
            return self.rule_catch_all()
        if op == OP_DELEGATE:
            return self.rule_delegate()
        if op == OP_RETHROW:
            return self.rule_rethrow()
        raise self.unsupported()

    # Instructions whose type stands in the table

    def memarg(self, op: int) -> int:
        """Validate a memory access. Spec: 3.4.6 "Memory Instructions"."""
        code = self.code
        flags = code.u32()
        memory = 0
        if flags >= MEMARG_MEMORY:
            if flags >= 2 * MEMARG_MEMORY or not self.multi_memory:
                raise MalformedError(f"malformed memop flags {flags:#x}", self.at)
            flags -= MEMARG_MEMORY
            memory = code.u32()
        offset = code.u64()
        lane = code.byte() if LANES_OF[op] else 0
        self.use_memory(memory)
        if flags != ALIGN_OF[op]:
            self.check_alignment(op, flags)
        if offset > MAX_U32 and self.address == I32:
            raise self.invalid(f"offset out of range: {offset:#x} in a memory of 32-bit addresses")
        if lane > 0 and lane >= LANES_OF[op]:
            raise self.invalid(f"invalid lane index {lane}")
        self.apply(op, self.address)
        if offset > MAX_S64:  # what is told is signed
            x = -(MAX_U64 - offset) - 1
        else:
            x = offset
        return self.tell(op, x, memory, lane)

    def check_alignment(self, op: int, exponent: int) -> int:
        if exponent > ALIGN_OF[op]:
            raise self.invalid(
                f"alignment must not be larger than natural: 2**{exponent} bytes, natural is {OPS[op].align}"
            )
        if ATOMIC[op]:
            raise self.invalid(f"atomic alignment must be natural: 2**{exponent} bytes, natural is {OPS[op].align}")
        return 0

    def use_memory(self, index: int) -> int:
        """Check a memory index; `address` becomes the type of its addresses."""
        if index >= self.context.n_memories:
            raise self.invalid(f"unknown memory {index}")
        self.address = I64 if self.context.mem_is64[index] else I32
        return 0

    def memory_index(self) -> int:
        """Read a memory index, which is a zero byte where there is but one memory."""
        if self.multi_memory:
            index = self.code.u32()
        else:
            index = self.zero_byte()
        self.use_memory(index)
        return index

    def immediate(self, op: int) -> int:
        """Validate an instruction with immediates other than a memarg."""
        code = self.code
        way = WAY_OF[op]
        x = y = 0
        if way == WAY_I32:
            x = code.s32()
        elif way == WAY_I64:
            x = code.s64()
        elif way == WAY_F32:
            x = self.bits32()
        elif way == WAY_F64:
            x = self.bits64()
        elif way == WAY_V128 or way == WAY_LANES:
            start = code.pos
            x = self.bits64()
            y = self.bits64()
            if way == WAY_LANES:
                for i in range(16):
                    self.check_lane(op, code.buffer[start + i])
        elif way == WAY_LANE:
            x = code.byte()
            self.check_lane(op, x)
        elif way == WAY_MEMORY:
            x = self.memory_index()
        elif way == WAY_TABLE:
            x = self.table_index()
        elif way == WAY_ELEM:
            x = code.u32()
            self.check_elem(x)
        elif way == WAY_ZERO:
            x = self.zero_byte()
        else:
            x = code.u32()
            if way == WAY_DATA_MEMORY:
                y = self.memory_index()
            self.check_data(x)
        self.apply(op, self.address)
        return self.tell(op, x, y, 0)

    def check_lane(self, op: int, lane: int) -> int:
        if lane >= LANES_OF[op]:
            raise self.invalid(f"invalid lane index {lane}")
        return 0

    def bits32(self) -> int:
        """Read 4 bytes as an unsigned number."""
        code = self.code
        at = code.skip(4)
        buffer = code.buffer
        high = buffer[at + 2] | buffer[at + 3] << 8
        return (buffer[at] | buffer[at + 1] << 8) + (high << 16)

    def bits64(self) -> int:
        """Read 8 bytes as a signed number."""
        low = self.bits32()
        high = self.bits32()
        if high > MAX_S32:
            high -= MAX_U32 + 1
        return high * (MAX_U32 + 1) + low

    # Variables

    def local_index(self) -> int:
        index = self.code.u32()
        if index >= self.n_locals:
            raise self.invalid(f"unknown local {index}")
        return index

    def rule_local_get(self) -> int:
        index = self.local_index()
        valtype = self.local_type(index)
        if valtype & REF and self.lacks_value(index, valtype):
            raise self.invalid(f"uninitialized local {index}")
        self.tell(OP_LOCAL_GET, index, 0, 0)
        return self.push_val(valtype)

    def rule_local_set(self) -> int:
        index = self.local_index()
        valtype = self.local_type(index)
        self.pop_val(valtype)
        if valtype & REF and self.lacks_value(index, valtype):
            self.set_ready(index)
        return self.tell(OP_LOCAL_SET, index, 0, 0)

    def rule_local_tee(self) -> int:
        index = self.local_index()
        valtype = self.local_type(index)
        self.pop_val(valtype)
        if valtype & REF and self.lacks_value(index, valtype):
            self.set_ready(index)
        self.tell(OP_LOCAL_TEE, index, 0, 0)
        return self.push_val(valtype)

    def rule_global_get(self) -> int:
        index = self.code.u32()
        if index >= (self.n_visible_globals if self.constant else self.context.n_globals):
            raise self.invalid(f"unknown global {index}")
        if self.constant and self.context.global_mut[index]:
            raise self.invalid(f"constant expression required: global {index} is mutable")
        self.tell(OP_GLOBAL_GET, index, 0, 0)
        return self.push_val(self.context.global_type[index])

    def rule_global_set(self) -> int:
        index = self.code.u32()
        if index >= self.context.n_globals:
            raise self.invalid(f"unknown global {index}")
        if not self.context.global_mut[index]:
            raise self.invalid(f"immutable global {index}")
        self.pop_val(self.context.global_type[index])
        return self.tell(OP_GLOBAL_SET, index, 0, 0)

    # Parametric instructions

    def rule_drop(self) -> int:
        return self.tell(OP_DROP, self.pop_any(), 0, 0)

    def rule_select(self) -> int:
        self.pop_val(I32)
        height = self.height
        one = self.pop_any()
        other = self.pop_any()
        if (one | other) & REF or (one != other and one != BOT and other != BOT):
            self.height = height
            raise self.requires("instruction", ["t", "t: number or vector"], 2)
        one |= other
        self.tell(OP_SELECT, one, 0, 0)
        return self.push_val(one)

    def rule_select_t(self) -> int:
        n = self.code.count()
        valtype: int = BOT
        for _ in range(n):
            valtype = self.val_type()
        if n != 1:
            raise self.invalid(f"invalid result arity: select with {n} types")
        self.pop_val(I32)
        self.pop_val(valtype)
        self.pop_val(valtype)
        self.tell(OP_SELECT_T, valtype, 0, 0)
        return self.push_val(valtype)

    # Control instructions

    def block_type(self) -> int:
        """Read a block type; returns its row."""
        code = self.code
        if code.pos < code.end:
            lead = code.buffer[code.pos]
            if lead == EMPTY_BLOCK:
                code.pos += 1
                return self.context.sig_of_block(BOT)
            if lead > EMPTY_BLOCK and lead <= MAX_S7:
                return self.context.sig_of_block(self.val_type())
        at = code.pos
        index = code.s33()
        if index < 0 or not self.multi_value:
            raise MalformedError("malformed block type", at)
        self.check_func_type(index)
        return index

    def check_func_type(self, index: int) -> int:
        """`index` is the index of a function type."""
        self.check_type_index(index)
        if self.context.sig_np[index] < 0:
            raise self.invalid(f"type mismatch: type {index} is no function type")
        return 0

    def rule_unreachable(self) -> int:
        self.tell(OP_UNREACHABLE, 0, 0, 0)
        return self.unreachable()

    def rule_block(self, op: int) -> int:
        row = self.block_type()
        if op == OP_IF:
            self.pop_val(I32)
        self.match_vals(self.context.sig_po[row], self.context.sig_np[row], True)
        self.tell(op, row, 0, 0)
        return self.push_ctrl(op, row)

    def rule_else(self) -> int:
        if self.ctrl_op[self.n_ctrl - 1] != OP_IF:
            raise MalformedError("END opcode expected: else without if", self.at)
        self.close()
        reachable = self.live
        self.reopen(OP_ELSE)
        row = self.ctrl_row[self.n_ctrl - 1]
        self.push_vals(self.context.sig_po[row], self.context.sig_np[row])
        return self.tell(OP_ELSE, reachable, 0, 0)

    def rule_end(self) -> int:
        self.close()
        if self.ctrl_op[self.n_ctrl - 1] == OP_IF:
            self.check_if()
        reachable = self.live
        self.pop_ctrl()
        return self.tell(OP_END, reachable, 0, 0)

    def check_if(self) -> int:
        """An `if` without `else` passes its parameters on as results."""
        context = self.context
        row = self.ctrl_row[self.n_ctrl - 1]
        n, po, ro = context.sig_np[row], context.sig_po[row], context.sig_ro[row]
        if n == context.sig_nr[row]:
            for i in range(n):
                if not context.matches(context.pool[po + i], context.pool[ro + i]):
                    break
            else:
                return 0
        raise self.invalid("type mismatch: if without else must have results like its parameters")

    def rule_br(self) -> int:
        depth = self.code.u32()
        self.label(depth)
        self.pop_vals(self.label_po, self.label_n)
        self.tell(OP_BR, depth, 0, 0)
        return self.unreachable()

    def rule_br_if(self) -> int:
        depth = self.code.u32()
        self.label(depth)
        self.pop_val(I32)
        if self.label_n:
            self.match_vals(self.label_po, self.label_n, True)
        return self.tell(OP_BR_IF, depth, 0, 0)

    def rule_br_table(self) -> int:
        n = self.code.count()
        self.pop_val(I32)
        self.stamp += 1
        while len(self.stamps) < 2 * self.context.n_sigs:
            self.stamps = enlarged(self.stamps)
        arity = -1
        for _ in range(n + 1):
            if self.code.pos >= self.turn:
                self.give_way()
            depth = self.code.u32()
            self.label(depth)
            if self.label_n != arity:
                if arity >= 0:
                    raise self.invalid(
                        "type mismatch: labels of br_table take different numbers of values:"
                        f" {arity} and {self.label_n}"
                    )
                arity = self.label_n
            if arity:
                self.match_label(depth)
            if self.live and self.translator is not None:
                self.translator.target(depth)
        self.tell(OP_BR_TABLE, n, 0, 0)
        return self.unreachable()

    def match_label(self, depth: int) -> int:
        """Check the operands against a label, once for all labels of one signature."""
        frame = self.n_ctrl - 1 - depth
        key = 2 * self.ctrl_row[frame] + (self.ctrl_op[frame] == OP_LOOP)
        if self.stamps[key] != self.stamp:
            self.stamps[key] = self.stamp
            self.match_vals(self.label_po, self.label_n, False)
        return 0

    def rule_return(self) -> int:
        row = self.ctrl_row[0]
        self.pop_vals(self.context.sig_ro[row], self.context.sig_nr[row])
        self.tell(OP_RETURN, 0, 0, 0)
        return self.unreachable()

    # Calls

    def pop_params(self, row: int) -> int:
        return self.pop_vals(self.context.sig_po[row], self.context.sig_np[row])

    def push_results(self, row: int) -> int:
        return self.push_vals(self.context.sig_ro[row], self.context.sig_nr[row])

    def check_tail(self, row: int) -> int:
        """The results of a callee of signature `row` are those of this function."""
        context = self.context
        own = self.ctrl_row[0]
        n, ro, own_ro = context.sig_nr[row], context.sig_ro[row], context.sig_ro[own]
        if n == context.sig_nr[own]:
            for i in range(n):
                if not context.matches(context.pool[ro + i], context.pool[own_ro + i]):
                    break
            else:
                return 0
        callee = self.pool_text(ro, n)
        results = self.pool_text(own_ro, context.sig_nr[own])
        raise self.invalid(f"type mismatch: tail call returns [{listed(callee)}], function [{listed(results)}]")

    def rule_call(self) -> int:
        index = self.func_index()
        row = self.context.func_sig[index]
        self.pop_params(row)
        self.tell(OP_CALL, index, 0, 0)
        return self.push_results(row)

    def rule_return_call(self) -> int:
        index = self.func_index()
        row = self.context.func_sig[index]
        self.check_tail(row)
        self.pop_params(row)
        self.tell(OP_RETURN_CALL, index, 0, 0)
        return self.unreachable()

    def indirect_callee(self) -> int:
        """Read and check what an indirect call names: sets x to the type, y to the table."""
        self.x = self.code.u32()
        self.y = self.table_index()
        self.check_func_type(self.x)
        element = self.context.table_element[self.y]
        if not self.context.matches(element, FUNCREF):
            raise self.invalid(f"type mismatch: table {self.y} has elements of type {type_text(element)}, not funcref")
        self.pop_val(self.address)
        return 0

    def rule_call_indirect(self) -> int:
        self.indirect_callee()
        self.pop_params(self.x)
        self.tell(OP_CALL_INDIRECT, self.x, self.y, 0)
        return self.push_results(self.x)

    def rule_return_call_indirect(self) -> int:
        self.indirect_callee()
        self.check_tail(self.x)
        self.pop_params(self.x)
        self.tell(OP_RETURN_CALL_INDIRECT, self.x, self.y, 0)
        return self.unreachable()

    def rule_call_ref(self, op: int) -> int:
        row = self.code.u32()
        self.check_func_type(row)
        self.pop_val(REF | NULLABLE | CONCRETE | row)
        if op == OP_RETURN_CALL_REF:
            self.check_tail(row)
        self.pop_params(row)
        self.tell(op, row, 0, 0)
        if op == OP_RETURN_CALL_REF:
            return self.unreachable()
        return self.push_results(row)

    # Exceptions

    def tag_row(self, index: int) -> int:
        if index >= self.context.n_tags:
            raise self.invalid(f"unknown tag {index}")
        return self.context.tag_sig[index]

    def rule_throw(self) -> int:
        index = self.code.u32()
        self.pop_params(self.tag_row(index))
        self.tell(OP_THROW, index, 0, 0)
        return self.unreachable()

    def rule_throw_ref(self) -> int:
        self.pop_val(EXNREF)
        self.tell(OP_THROW_REF, 0, 0, 0)
        return self.unreachable()

    def rule_try_table(self) -> int:
        row = self.block_type()
        for _ in range(self.code.count()):
            self.catch_clause()
        self.match_vals(self.context.sig_po[row], self.context.sig_np[row], True)
        self.tell(OP_TRY_TABLE, row, 0, 0)
        return self.push_ctrl(OP_TRY_TABLE, row)

    def catch_clause(self) -> int:
        """Read a catch clause and check what it passes against its label's types."""
        code = self.code
        kind = code.byte()
        if kind > (CATCH_ALL | CATCH_REF):
            raise MalformedError(f"malformed catch clause {kind:#04x}", code.pos - 1)
        context = self.context
        tag = -1
        n = po = 0
        if not kind & CATCH_ALL:
            tag = code.u32()
            row = self.tag_row(tag)
            n, po = context.sig_np[row], context.sig_po[row]
        depth = code.u32()
        self.label(depth)
        expected = self.label_n
        wrong = expected != n + (kind & CATCH_REF)
        if not wrong and kind & CATCH_REF:
            expected -= 1
            wrong = not context.matches(REF | HEAP_EXN, context.pool[self.label_po + expected])
        for i in range(0 if wrong else n):
            if not context.matches(context.pool[po + i], context.pool[self.label_po + i]):
                wrong = True
                break
        if wrong:
            passed = self.pool_text(po, n) + ["(ref exn)"] * (kind & CATCH_REF)
            label = self.pool_text(self.label_po, self.label_n)
            raise self.invalid(
                f"type mismatch: catch clause passes [{listed(passed)}], label {depth} takes [{listed(label)}]"
            )
        if self.live and self.translator is not None:
            self.translator.catch(kind, tag, depth)
        return 0

    def rule_catch(self) -> int:
        index = self.code.u32()
        row = self.tag_row(index)
        reachable = self.live
        self.open_handler(OP_CATCH)
        self.push_vals(self.context.sig_po[row], self.context.sig_np[row])
        return self.tell(OP_CATCH, reachable, index, 0)

    def rule_catch_all(self) -> int:
        reachable = self.live
        self.open_handler(OP_CATCH_ALL)
        return self.tell(OP_CATCH_ALL, reachable, 0, 0)

    def open_handler(self, op: int) -> int:
        """Begin a handler of the `try` that is the innermost frame."""
        before = self.ctrl_op[self.n_ctrl - 1]
        if before != OP_TRY and before != OP_CATCH:
            raise MalformedError(f"END opcode expected: {OPS[op].mnemonic} without try", self.at)
        self.close()
        return self.reopen(op)

    def rule_delegate(self) -> int:
        depth = self.code.u32()
        if self.ctrl_op[self.n_ctrl - 1] != OP_TRY:
            raise MalformedError("END opcode expected: delegate without try", self.at)
        self.close()
        reachable = self.live
        self.pop_ctrl()
        if depth >= self.n_ctrl:
            raise self.invalid(f"unknown label {depth}")
        return self.tell(OP_DELEGATE, reachable, depth, 0)

    def rule_rethrow(self) -> int:
        depth = self.code.u32()
        self.label(depth)
        target = self.ctrl_op[self.n_ctrl - 1 - depth]
        if target != OP_CATCH and target != OP_CATCH_ALL:
            raise self.invalid(f"invalid rethrow label {depth}")
        self.tell(OP_RETHROW, depth, 0, 0)
        return self.unreachable()

    # Memories

    def rule_memory_copy(self) -> int:
        target = self.memory_index()
        to = self.address
        source = self.memory_index()
        self.pop_copy(to, self.address)
        return self.tell(OP_MEMORY_COPY, target, source, 0)
