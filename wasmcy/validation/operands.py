"""The operand stack and the control stack of the walk.

Spec: appendix "Validation Algorithm", with its names, and these differences:

- where operands go back on the stack, as at a label or the start of a block, they are checked
  and retyped in place (`match_vals`) instead of being popped and pushed;
- `floor` and `dead` are the height and the unreachable flag of the innermost frame;
- `live` says that the translator hears of this code: it is not dead, and no frame around it was
  opened in dead code.

Everything grows by doubling and is kept from one body to the next.
"""

from __future__ import annotations

from array import array

from ..binary.types import TypeDecoder
from ..errors import InvalidError, Unsupported
from ..opcodes import N_IDS, OP_LOOP, OPS
from ..types import BOT, REF, val_type
from ..types import NULL as NULLABLE
from .context import REF_BOT, enlarged, words

# Powers of two, as the sizes of the arrays are, so that growing finds the limit exactly.
MAX_OPERANDS = 1 << 20
MAX_DEPTH = 1 << 17
MANY = 16  # operands from which on the arrays are looked up only once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Context
    from .listener import Listener

ADDRESS = -1  # in TYPES, for opcodes.AT: the address type of the memory or table in question


def _signatures() -> tuple[array[int], ...]:
    counts = words(N_IDS), words(N_IDS), words(N_IDS), words(N_IDS)
    types = array("q")
    for row in OPS.values():
        if row.params is None or row.results is None:
            continue
        at = 0
        for part in row.params, row.results:
            counts[at][row.id], counts[at + 1][row.id] = len(part), len(types)
            types.extend([t if isinstance(t, int) else ADDRESS for t in part])
            at += 2
    return *counts, types


# The types of every instruction that has them in the table: NP_OF[id] parameters from PO_OF[id]
# on in TYPES, NR_OF[id] results from RO_OF[id] on.
NP_OF, PO_OF, NR_OF, RO_OF, TYPES = _signatures()


class Operands:
    """The state of a walk over the bodies of one module, one body at a time."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.decoder = TypeDecoder(context.module.data, context.features)
        self.code = self.decoder.reader
        self.translator: Listener | None = None
        self.constant = False
        self.at = 0
        self.op = 0
        self.stack = words(64)
        self.height = 0
        self.floor = 0
        self.dead = False
        self.live = True
        self.ctrl_op = words(16)
        self.ctrl_row = words(16)
        self.ctrl_height = words(16)
        self.ctrl_dead = words(16)
        self.ctrl_hidden = words(16)
        self.ctrl_inits = words(16)
        self.n_ctrl = 0
        self.local_types = words(16)
        self.n_listed = 0
        self.run_types = words(16)
        self.run_ends = words(16)
        self.n_runs = 0
        self.local_ready = bytearray(16)
        self.n_params = 0
        self.n_locals = 0
        self.inits = words(16)
        self.n_inits = 0
        self.label_n = 0
        self.label_po = 0

    def tell(self, op: int, x: int, y: int, z: int) -> int:
        """Report an instruction that is valid and can be reached."""
        if self.live and self.translator is not None:
            self.translator.visit(op, self.at, x, y, z)
        return 0

    # Operands

    def reserve(self, n: int) -> int:
        """Make room for n more operands."""
        if self.height + n > MAX_OPERANDS:
            raise self.invalid(f"too many operands: at most {MAX_OPERANDS} are supported")
        while self.height + n > len(self.stack):
            self.stack = enlarged(self.stack)
        return 0

    def push_val(self, valtype: int) -> int:
        """Push one operand."""
        if self.height >= len(self.stack):
            self.reserve(1)
        self.stack[self.height] = valtype
        self.height += 1
        return 0

    def pop_any(self) -> int:
        """Pop one operand of whatever type; returns the type."""
        if self.height > self.floor:
            self.height -= 1
            return self.stack[self.height]
        if not self.dead:
            raise self.mismatch("any type")
        return BOT

    def pop_val(self, expected: int) -> int:
        """Pop one operand, which must match `expected`."""
        if self.height > self.floor:
            self.height -= 1
            if self.stack[self.height] != expected:
                if not self.context.matches(self.stack[self.height], expected):
                    self.height += 1
                    raise self.mismatch(type_text(expected))
        elif not self.dead:
            raise self.mismatch(type_text(expected))
        return 0

    def pop_ref(self) -> int:
        """Pop one reference; returns its type, REF_BOT in dead code."""
        valtype = self.pop_any()
        if valtype == BOT:
            return REF_BOT
        if not valtype & REF:
            self.height += 1
            raise self.mismatch("reference")
        return valtype

    def match_vals(self, po: int, n: int, retype: bool) -> int:
        """Check the topmost operands against n types of the pool, without popping them.

        `retype`: they become those types, also operands that dead code has not pushed.
        """
        present = self.height - self.floor
        if present < n and not self.dead:
            raise self.mismatch_all(po, n)
        if present > n:
            present = n
        base = self.height - present
        offset = po + n - present
        if present > MANY:
            if not self.match_many(base, offset, present):
                raise self.mismatch_all(po, n)
            present = 0
        for i in range(present):
            expected = self.context.pool[offset + i]
            if self.stack[base + i] != expected:
                if not self.context.matches(self.stack[base + i], expected):
                    raise self.mismatch_all(po, n)
        if retype:
            self.height = base
            self.push_vals(po, n)
        return 0

    def match_many(self, base: int, offset: int, n: int) -> bool:
        """Whether n operands match as many types of the pool, for numbers of them that are worth a start."""
        stack = self.stack
        pool = self.context.pool
        for i in range(n):
            if stack[base + i] != pool[offset + i] and not self.context.matches(stack[base + i], pool[offset + i]):
                return False
        return True

    def pop_vals(self, po: int, n: int) -> int:
        """Pop operands that match n types of the pool."""
        self.match_vals(po, n, False)
        if self.height - self.floor < n:
            self.height = self.floor
        else:
            self.height -= n
        return 0

    def push_vals(self, po: int, n: int) -> int:
        """Push n types of the pool."""
        if self.height + n > len(self.stack):
            self.reserve(n)
        if n > MANY:
            self.push_many(po, n)
        else:
            for i in range(n):
                self.stack[self.height + i] = self.context.pool[po + i]
        self.height += n
        return 0

    def push_many(self, po: int, n: int) -> int:
        stack = self.stack
        pool = self.context.pool
        height = self.height
        for i in range(n):
            stack[height + i] = pool[po + i]
        return 0

    def apply(self, op: int, address: int) -> int:
        """Pop and push what the table says; `address` is the type of addresses."""
        first = PO_OF[op]
        for i in range(first + NP_OF[op], first, -1):
            expected = TYPES[i - 1]
            if expected == ADDRESS:
                expected = address
            top = self.height - 1
            if top >= self.floor and self.stack[top] == expected:
                self.height = top
            else:
                self.pop_val(expected)
        first = RO_OF[op]
        for i in range(first, first + NR_OF[op]):
            result = TYPES[i]
            self.push_val(address if result == ADDRESS else result)
        return 0

    # Control

    def push_ctrl(self, op: int, row: int) -> int:
        """Open the frame of a block of signature `row`, whose parameters are operands already."""
        depth = self.n_ctrl
        if depth >= len(self.ctrl_op):
            self.grow_control()
        self.floor = self.height - self.context.sig_np[row] if depth else self.height
        self.ctrl_op[depth] = op
        self.ctrl_row[depth] = row
        self.ctrl_height[depth] = self.floor
        self.ctrl_dead[depth] = 0
        self.ctrl_hidden[depth] = not self.live
        self.ctrl_inits[depth] = self.n_inits
        self.n_ctrl = depth + 1
        self.dead = False
        return 0

    def grow_control(self) -> int:
        if self.n_ctrl >= MAX_DEPTH:
            raise self.invalid(f"too many nested blocks: at most {MAX_DEPTH} are supported")
        self.ctrl_op = enlarged(self.ctrl_op)
        self.ctrl_row = enlarged(self.ctrl_row)
        self.ctrl_height = enlarged(self.ctrl_height)
        self.ctrl_dead = enlarged(self.ctrl_dead)
        self.ctrl_hidden = enlarged(self.ctrl_hidden)
        self.ctrl_inits = enlarged(self.ctrl_inits)
        return 0

    def close(self) -> int:
        """Check the operands at the end of the innermost frame: its results and nothing else."""
        row = self.ctrl_row[self.n_ctrl - 1]
        n, po = self.context.sig_nr[row], self.context.sig_ro[row]
        self.match_vals(po, n, True)
        if self.height - self.floor != n:
            raise self.mismatch_block(po, n)
        self.forget_inits(self.ctrl_inits[self.n_ctrl - 1])
        return 0

    def reopen(self, op: int) -> int:
        """Begin the next part of the innermost frame, after `close`: an `else` or a handler."""
        top = self.n_ctrl - 1
        self.ctrl_op[top] = op
        self.ctrl_dead[top] = 0
        self.height = self.floor
        self.dead = False
        self.live = not self.ctrl_hidden[top]
        return 0

    def pop_ctrl(self) -> int:
        """Leave the innermost frame, after `close`; its results are operands of the outer."""
        top = self.n_ctrl - 1
        self.live = not self.ctrl_hidden[top]
        self.n_ctrl = top
        if top:
            self.floor = self.ctrl_height[top - 1]
            self.dead = self.ctrl_dead[top - 1] != 0
        return 0

    def unreachable(self) -> int:
        """What follows, up to the end of the innermost frame, is dead."""
        self.height = self.floor
        self.dead = True
        self.live = False
        self.ctrl_dead[self.n_ctrl - 1] = 1
        return 0

    def label(self, depth: int) -> int:
        """Look up a label: sets `label_n` and `label_po` to its types in the pool."""
        if depth >= self.n_ctrl:
            raise self.invalid(f"unknown label {depth}")
        frame = self.n_ctrl - 1 - depth
        row = self.ctrl_row[frame]
        if self.ctrl_op[frame] == OP_LOOP:
            self.label_n, self.label_po = self.context.sig_np[row], self.context.sig_po[row]
        else:
            self.label_n, self.label_po = self.context.sig_nr[row], self.context.sig_ro[row]
        return 0

    # Locals

    def local_type(self, index: int) -> int:
        """The type of a local there is."""
        if index < self.n_listed:
            return self.local_types[index]
        low = 0
        high = self.n_runs - 1
        while low < high:
            middle = (low + high) >> 1
            if self.run_ends[middle] > index:
                high = middle
            else:
                low = middle + 1
        return self.run_types[low]

    def lacks_value(self, index: int, valtype: int) -> bool:
        """Whether a local of that reference type has no default value and has not been set yet."""
        if valtype & NULLABLE or index < self.n_params:
            return False
        return index >= len(self.local_ready) or not self.local_ready[index]

    def set_ready(self, index: int) -> int:
        """The local has a value from here to the end of the innermost frame."""
        if self.n_inits >= len(self.inits):
            self.inits = enlarged(self.inits)
        if index >= len(self.local_ready):
            self.local_ready = bytearray(self.local_ready) + bytearray(self.n_locals)
        self.local_ready[index] = 1
        self.inits[self.n_inits] = index
        self.n_inits += 1
        return 0

    def forget_inits(self, n: int) -> int:
        """Undo all but the first n calls of `set_ready`."""
        while self.n_inits > n:
            self.n_inits -= 1
            self.local_ready[self.inits[self.n_inits]] = 0
        return 0

    # Errors

    def invalid(self, message: str) -> InvalidError:
        """An `InvalidError` at the current instruction."""
        return InvalidError(message, self.at)

    def unsupported(self) -> Unsupported:
        """The error for an instruction without a rule."""
        return Unsupported(f"{OPS[self.op].mnemonic} is not supported yet", self.at)

    def mismatch(self, expected: str) -> InvalidError:
        """The error for one operand of a wrong type, or none."""
        return self.requires("instruction", [expected], 1)

    def mismatch_all(self, po: int, n: int) -> InvalidError:
        """The error for operands that are not those n types of the pool."""
        return self.requires("instruction", self.pool_text(po, n), n)

    def mismatch_block(self, po: int, n: int) -> InvalidError:
        """The error for wrong operands at the end of a block."""
        return self.requires("block", self.pool_text(po, n), MAX_OPERANDS)

    def pool_text(self, po: int, n: int) -> list[str]:
        return [type_text(self.context.pool[po + i]) for i in range(n)]

    def requires(self, what: str, expected: list[str], n: int) -> InvalidError:
        """The error that shows the types expected, and the topmost n of those there are."""
        n = min(n, self.height - self.floor)
        found = [type_text(self.stack[self.height - n + i]) for i in range(n)]
        mnemonic = OPS[self.op].mnemonic if self.op in OPS else ""
        return self.invalid(
            f"type mismatch: {what} requires [{listed(expected)}] but stack has [{listed(found)}] at {mnemonic}"
        )


def type_text(valtype: int) -> str:
    """A value type for a message."""
    return "(ref bot)" if valtype == REF_BOT else str(val_type(valtype))


def listed(texts: list[str]) -> str:
    """Types in a row, shortened in the middle where there are very many."""
    if len(texts) > 20:
        texts = [*texts[:10], "...", *texts[-9:]]
    return " ".join(texts)
