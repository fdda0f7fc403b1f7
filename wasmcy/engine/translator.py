"""From validated instructions to the machine's words (docs/architecture.md, "Translation").

The validator walks a body and tells the translator of each instruction it has found valid and
reachable.  The translator keeps a virtual operand stack, whose entries need no code until somebody
needs their value:

    LOCAL   the value a local holds now                     value: its slot
    CONST   a constant                                      value: its bits
    TEMP    stored in a slot                                value: the slot, most often the entry's home
    ACC     in the accumulator of its class, nowhere else   at most one per class: `pending`
    SUM     a local plus a constant, i32                    value: the slot; addend

The home of the entry at height i is slot `base + i`; an entry that is asked for a slot goes there.
A v128 is two entries, its halves, which are LOCAL, CONST or TEMP and mostly stay together: heights,
arities and sizes of signatures are counted in slots.
`mirror[class]` and `echo[class]` are slots whose value the accumulator of that class also holds, or -1.
All of that is forgotten where a label is bound.  What is emitted can be changed as long as it is last:
a producer gets a destination, a comparison becomes a branch, neighbours merge (operations.FUSIONS).
In deterministic code an entry that may be a NaN with other bits than the canonical one stands in `open`
until an instruction consumes it that takes all NaNs alike; before any other that could see its bits, or
leave, it is made canonical (`expose`).

Bounds: at most WINDOW entries are neither TEMP nor CONST; more than MOVES values for a label are put
in their homes once and moved from there as one span; so each visit emits a bounded number of words,
but for a label's own arity and a br_table's own length.
"""

from array import array

from ..errors import Unsupported
from ..opcodes import (
    ENDS,
    FREE,
    LENGTH,
    OP_ARRAY_NEW_FIXED,
    OP_ATOMIC_FENCE,
    OP_BLOCK,
    OP_BR,
    OP_BR_IF,
    OP_BR_ON_NON_NULL,
    OP_BR_ON_NULL,
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
    OP_F32_CONST,
    OP_F64_CONST,
    OP_GLOBAL_GET,
    OP_GLOBAL_SET,
    OP_I32_ADD,
    OP_I32_CONST,
    OP_I64_CONST,
    OP_I64_EQ,
    OP_I64_EQZ,
    OP_IF,
    OP_LOCAL_GET,
    OP_LOCAL_SET,
    OP_LOCAL_TEE,
    OP_LOOP,
    OP_MEMORY_ATOMIC_NOTIFY,
    OP_MEMORY_ATOMIC_WAIT32,
    OP_MEMORY_ATOMIC_WAIT64,
    OP_MEMORY_COPY,
    OP_MEMORY_FILL,
    OP_MEMORY_GROW,
    OP_MEMORY_SIZE,
    OP_NOP,
    OP_REF_AS_NON_NULL,
    OP_REF_EQ,
    OP_REF_FUNC,
    OP_REF_IS_NULL,
    OP_REF_NULL,
    OP_RETHROW,
    OP_RETURN,
    OP_RETURN_CALL,
    OP_RETURN_CALL_INDIRECT,
    OP_RETURN_CALL_REF,
    OP_SELECT,
    OP_SELECT_T,
    OP_TABLE_GET,
    OP_TABLE_GROW,
    OP_TABLE_SET,
    OP_TABLE_SIZE,
    OP_THROW,
    OP_THROW_REF,
    OP_TRY,
    OP_TRY_TABLE,
    OP_UNREACHABLE,
    OPS,
)
from ..types import CONCRETE, EXNREF, F32, F64, I32, I64, REF, V128
from ..types import NULL as NULLABLE
from ..validation.listener import Listener
from .forms import (
    ACC,
    BY_CLASS,
    CONST,
    DELEGATE,
    FLAG_COMMUTATIVE,
    FLAG_EQZ,
    FUSE_ALU_RI,
    FUSE_ALU_SR,
    FUSE_FIRST_IMMEDIATE,
    FUSE_GLOBAL,
    FUSE_GLOBAL_SAME,
    FUSE_LOAD_K,
    FUSE_LOAD_KI,
    FUSE_LOAD_KI_NARROW,
    FUSE_LOAD_KS,
    FUSE_LOAD_RI,
    FUSE_LOAD_SI,
    FUSE_LOAD_SS,
    FUSE_MOVE_BRANCH,
    FUSE_MOVES,
    FUSE_ROTATION,
    FUSE_STEP_RI,
    FUSE_STEP_RS,
    FUSE_STEP_SR,
    FUSE_STEP_Z,
    FUSE_STORE_KI,
    FUSE_STORE_KS,
    FUSE_STORE_RI,
    FUSE_STORE_SI,
    FUSE_STORE_SS,
    FUSE_TEST,
    FUSE_VECTORS,
    HIGH_HALF,
    IMMEDIATE,
    IN_ACC,
    IN_SLOT,
    KIND_ATOMIC_CMPXCHG,
    KIND_ATOMIC_LOAD,
    KIND_ATOMIC_STORE,
    KIND_BINARY,
    KIND_COMPARE,
    KIND_LOAD,
    KIND_OBJECT,
    KIND_OPERATION,
    KIND_STORE,
    KIND_UNARY,
    KIND_WIDE,
    LOCAL,
    LOW32,
    NAMED,
    OLD_CATCH,
    OLD_CATCH_ALL,
    SUM,
    TEMP,
)

try:
    from ._tables import load as tables  # frozen by the build
except ImportError:
    from .operations import tables

AT_BLOCK, AT_LOOP, AT_IF, AT_FUNCTION, AT_TRY, AT_OLD_TRY, AT_HANDLER = range(7)  # kinds of label
INT, F64_CLASS, F32_CLASS = range(3)  # classes of accumulator
WINDOW = 64
MOVES = 4
MAX_SLOTS = 65535
ALL64 = 0xFFFFFFFFFFFFFFFF

TABLES = tables()
if isinstance(TABLES["kind"], list):
    TABLES = {name: array("h", table) for name, table in TABLES.items()}
_handlers = dict(zip(NAMED, TABLES["named"], strict=True))
_by_class = {name: TABLES["by_class"][3 * i : 3 * i + 3] for i, name in enumerate(BY_CLASS)}
H_MOVE = _handlers["move"]
H_MOVE2 = _handlers["move2"]
H_MOVE4 = _handlers["move4"]
H_MOVESPAN = _handlers["movespan"]
H_CONST32 = _handlers["const32"]
H_CONST64 = _handlers["const64"]
H_ADD_SI = _handlers["i32.add:si"]
H_ADD_RI = _handlers["i32.add:ri"]
H_STEP2 = _handlers["step2"]
H_MOVE_STEP = _handlers["move.step"]
H_BR = _handlers["br"]
H_BR_NZ = _handlers["br_nz:s"]
H_BR_NZ_R = _handlers["br_nz:r"]
H_BR_Z = _handlers["br_z:s"]
H_BR_Z_R = _handlers["br_z:r"]
H_BR64_NZ = _handlers["br64_nz:s"]
H_BR64_NZ_R = _handlers["br64_nz:r"]
H_BR64_Z = _handlers["br64_z:s"]
H_BR64_Z_R = _handlers["br64_z:r"]
H_BR_TABLE = _handlers["br_table:s"]
H_BR_TABLE_R = _handlers["br_table:r"]
H_RETURN_VOID = _handlers["return.void"]
H_RETURN_MANY = _handlers["return.many"]
H_CALL = _handlers["call"]
H_CALL_IMPORT = _handlers["call_import"]
H_CALL_INDIRECT = _handlers["call_indirect:s"]
H_CALL_INDIRECT_R = _handlers["call_indirect:r"]
H_RETURN_CALL = _handlers["return_call"]
H_RETURN_CALL_IMPORT = _handlers["return_call_import"]
H_RETURN_CALL_INDIRECT = _handlers["return_call_indirect:s"]
H_RETURN_CALL_INDIRECT_R = _handlers["return_call_indirect:r"]
H_ATOMIC_FENCE = _handlers["atomic.fence"]
H_ATOMIC_ADDRESS = _handlers["atomic.address"]
H_MEMORY_SIZE_ANY = _handlers["memory.size@any"]
H_CALL_REF = _handlers["call_ref:s"]
H_CALL_REF_R = _handlers["call_ref:r"]
H_RETURN_CALL_REF = _handlers["return_call_ref:s"]
H_RETURN_CALL_REF_R = _handlers["return_call_ref:r"]
H_REF_AS_NON_NULL = _handlers["ref.as_non_null"]
H_ENTER = _handlers["enter"]
H_ENTER1 = _handlers["enter1"]  # enter2 to enter4 follow it
H_UNREACHABLE = _handlers["unreachable"]
H_OPERATION = _handlers["operation"]
H_THROW = _handlers["throw"]
H_MEMORY_SIZE = _handlers["memory.size"]
H_MEMORY_COPY = _handlers["memory.copy"]
H_MEMORY_FILL = _handlers["memory.fill"]
H_REF_FUNC = _handlers["ref.func"]
H_REF_FUNC_IMPORTED = _handlers["ref.func.imported"]
H_TABLE_GET = _handlers["table.get"]
H_TABLE_SET = _handlers["table.set"]
H_INDEX64 = _handlers["index64"]
H_V128_CONST = _handlers["v128.const"]
H_MOVE_V128 = _handlers["move.v128"]
H_RETURN_V128 = _handlers["return.v128"]
H_CHARGE = _handlers["charge"]
H_CHARGE_LENGTH = _handlers["charge.length"]
FUSE_COLUMNS = TABLES["fuse_columns"][0]


def handler_id(name):
    """The id of one of NAMED."""
    return _handlers[name]


def zeros(n):
    return array("q", bytes(8 * n))


def grown(old, n):
    """A copy of `old`, an array of signed words, with room for at least n."""
    return array("q", bytes(old) + bytes(8 * max(n - len(old), len(old))))


class Translator(Listener):
    """Translates the functions of one module, one at a time.

    `context` is the module's validation context.  `functions` and `function_size` say where the
    function records lie that direct calls name, `cells` where in an instance its globals start (the
    pointers to its tables follow them).  With `fuse` off no neighbours merge; `metered` code counts what
    it executes, `deterministic` code makes NaNs canonical that the spec leaves open.  After a body has been
    walked, `code[start:length]` is its words (handler ids, not addresses, in first words), `frame` its
    frame in slots, `catches` its table of handlers.
    With `recording` on, `points` maps each instruction's word to the wasm offset it stands for,
    `frames` tells where locals and operands are at the points that are `wanted` (frames.py), and in metered
    code `spent` maps each offset to (word of the block's charge, cost so far).
    """

    def __init__(self, context, functions=0, function_size=1, cells=0, fuse=True, metered=False, deterministic=False):
        self.context = context
        self.functions = functions
        self.function_size = function_size
        self.cells = cells
        self.tables = cells + 8 * (context.n_cells + 1)
        self.fusing = fuse
        self.metered = metered
        t = TABLES
        self.t_kind = t["kind"]
        self.t_operand = t["operand"]
        self.t_result = t["result"]
        self.t_size = t["size"]
        self.t_flags = t["flags"]
        self.t_swapped = t["swapped"]
        self.t_any = t["any"]
        self.t_shared = t["shared"]
        self.t_handler = t["handler"]
        self.t_branch = t["branch"]
        self.t_compares = t["compares"]
        self.t_tests = t["tests"]
        self.t_fuse_first = t["fuse_first"]
        self.t_fuse_second = t["fuse_second"]
        self.t_fused = t["fused"]
        self.t_fuse_how = t["fuse_how"]
        self.t_fuse_wide = t["fuse_wide"]
        self.t_selects = t["selects"]
        self.t_fuel = t["fuel"]
        self.t_metered = t["metered"]
        self.t_falling = t["falling"]
        self.t_canonical = t["canonical"] if deterministic else array("h", bytes(2 * len(t["canonical"])))
        self.t_alike = t["alike"]
        self.t_pops = t["pops"]
        self.c_setr = _by_class["setr.{}"]
        self.c_get = _by_class["global.get.{}.own"]
        self.c_get_imported = _by_class["global.get.{}.imported"]
        self.c_set = array("h", [h for form in "sri" for h in _by_class["global.set.{}.own:" + form]])
        self.c_set_imported = array("h", [h for form in "sri" for h in _by_class["global.set.{}.imported:" + form]])
        self.c_select = array("h", [h for form in "sr" for h in _by_class["select.{}:" + form]])
        self.c_return = array("h", [h for form in "sri" for h in _by_class["return.{}:" + form]])
        self.code = array("Q", bytes(8 * 1024))
        self.kinds = zeros(256)
        self.values = zeros(256)
        self.addends = zeros(256)
        self.types = zeros(256)
        self.aliases = zeros(64)
        self.assigned = zeros(64)
        self.log = zeros(64)
        self.local_types = zeros(64)
        self.local_slot = zeros(64)
        self.label_kind = zeros(64)
        self.label_height = zeros(64)
        self.label_sig = zeros(64)
        self.label_at = zeros(64)
        self.label_fixups = zeros(64)
        self.label_else = zeros(64)
        self.label_stub = zeros(64)
        self.label_try = zeros(64)
        self.label_region = zeros(64)
        self.label_stop = zeros(64)
        self.label_log = zeros(64)
        self.fix_next = zeros(256)
        self.fix_at = zeros(256)
        self.fix_word = zeros(256)
        self.fix_half = zeros(256)
        self.open = zeros(64)
        self.open_handler = zeros(64)
        self.targets = zeros(64)
        self.pending = zeros(3)
        self.producer = zeros(3)
        self.mirror = zeros(3)
        self.echo = zeros(3)
        self.vector = -1
        self.latest = -1
        self.emitted = -1
        self.recording = False
        self.points = {}
        self.spent = {}
        self.charged = -1
        self.empty = -1
        self.wanted = ()
        self.frames = {}
        self.noted = []
        self.catches = []
        self.announced = []
        self.length = 0
        self.frame = 0

    # ------------------------------------------------------------------ emitting
    def emit(self, handler, d, a, half):
        """Append two words; the instruction before it stays a candidate for merging."""
        n = self.length
        if n + 8 > len(self.code):
            self.ensure(8)
        if self.recording:
            self.points[n] = self.offset
            self.note_frame(2 * n + 1, self.found_height)
        self.before = self.latest
        self.latest = n
        self.last = n
        self.code[n] = handler
        self.code[n + 1] = d | a << 16 | (half & LOW32) << 32
        self.length = n + 2
        self.rel_word = n + 1
        self.rel_half = 1

    def note_frame(self, point, height):
        """Note where locals and the lowest operands are, if this point is wanted (frames.py)."""
        if point not in self.wanted or point in self.frames:  # what was emitted here first finds all of them
            return 0
        locals_ = [
            (self.local_types[i], self.local_slot[i], self.assigned[self.local_slot[i]]) for i in range(self.n_locals)
        ]
        operands = [(self.types[i], self.kinds[i], self.values[i], self.addends[i]) for i in range(height)]
        self.frames[point] = (self.offset, locals_, operands, self.base + height)
        self.noted.append(point)
        return 0

    def unnote_frames(self, q):
        """No instruction follows that at word q any more."""
        while self.noted and self.noted[-1] > 2 * q + 1:
            del self.frames[self.noted.pop()]

    def word(self, value):
        self.code[self.length] = value & ALL64
        self.length += 1

    def fuse(self, handler, d, a, half, extra, x):
        """Emit, or merge with the instruction before; `extra`: an immediate word x follows."""
        q = self.latest
        if q >= 0 and self.fusing:
            first = self.t_fuse_first[self.code[q]]
            if first:
                second = self.t_fuse_second[handler]
                if second:
                    how = self.t_fuse_how[first * FUSE_COLUMNS + second]
                    merged = self.t_fused[first * FUSE_COLUMNS + second]
                    if how and self.merge(how, merged, q, d, a, half & LOW32, extra, x):
                        return 0
                    merged = self.t_fuse_wide[first * FUSE_COLUMNS + second]
                    if merged:
                        self.merge_wide(merged, q, half & LOW32)
                        return 0
        self.emit(handler, d, a, half)
        if extra:
            self.word(x)
        return 0

    def merge(self, how, handler, q, d, a, half, extra, x):
        """Rewrite the instruction at q so that it also does the new one; 0: it cannot."""
        code = self.code
        w = code[q + 1]
        first_d = w & 0xFFFF
        first_a = w >> 16 & 0xFFFF
        b = w >> 32 & 0xFFFF
        c = w >> 48
        first_half = w >> 32
        words = 0  # that follow the first two
        y = 0
        z = 0
        rel_word = 1
        rel_half = 1
        if how >= FUSE_FIRST_IMMEDIATE:
            if not fits16(first_half):
                return 0
            b = first_half & 0xFFFF
            how -= FUSE_FIRST_IMMEDIATE
        if how <= FUSE_ALU_SR:
            first_d = 0
            if how == FUSE_ALU_RI:
                if not fits16(half):
                    return 0
                c = half & 0xFFFF
            elif how == FUSE_ALU_SR:
                c = a
            else:
                c = half & 0xFFFF
        elif how == FUSE_LOAD_SI or how == FUSE_LOAD_RI:
            first_d = 0
            b = half & 0xFFFF
            c = half >> 16
            y = first_half
            words = 1
        elif how == FUSE_LOAD_SS:
            if half > 0xFFFF:
                return 0
            first_d = 0
            c = half
        elif how == FUSE_LOAD_K:
            if first_half < 1 or first_half > 3:
                return 0
            handler += 2 * (first_half - 1)
            first_d = 0
            b = half & 0xFFFF
            c = half >> 16
        elif how <= FUSE_STORE_KS:  # a shift count 1..3 has a handler of its own, of loads a pair
            load = how <= FUSE_LOAD_KI_NARROW
            if how == FUSE_LOAD_KI or how == FUSE_STORE_KI:
                y = code[q + 2] >> 32
                b = code[q + 2] & LOW32
            elif how != FUSE_LOAD_KS and how != FUSE_STORE_KS:
                y = c | (LOW32 & ~0xFFFF if c & 0x8000 else 0)
            if b < 1 or b > 3:
                return 0
            handler += (b - 1) << load
            first_d = 0 if load else first_a
            if not load:
                first_a = a
            if how == FUSE_LOAD_KS or how == FUSE_STORE_KS:
                b = 0
                y = half
            else:
                b = half & 0xFFFF
                c = half >> 16
            words = 1
        elif how == FUSE_STORE_SS:
            if half > 0xFFFF:
                return 0
            first_d = first_a
            first_a = a
            c = half
            words = extra
            y = x
        elif how == FUSE_STORE_SI or how == FUSE_STORE_RI:
            first_d = first_a
            first_a = a
            b = half & 0xFFFF
            c = half >> 16
            y = first_half
            z = x
            words = 1 + extra
        elif how <= FUSE_STEP_Z:
            if not fits16(first_half):
                return 0
            b = 0
            if how == FUSE_STEP_RS:
                b = a
            elif how == FUSE_STEP_SR:
                b = d
            c = first_half & 0xFFFF
            if how == FUSE_STEP_RI:
                y = (x & LOW32) << 32
            words = 1
            rel_word = 2
            rel_half = 0
        elif how == FUSE_TEST:
            first_d = first_a
            first_a = b
            words = 1
            rel_word = 2
            rel_half = 0
        elif how == FUSE_MOVES:
            b = d
            c = a
        elif how == FUSE_MOVE_BRANCH:
            b = 0
            c = 0
        elif how == FUSE_GLOBAL:
            first_d = first_half & 0xFFFF
            first_a = first_half >> 16
            b = 0
            c = 0
            y = x
            words = extra
        elif how == FUSE_GLOBAL_SAME:
            if code[q + 2] != half:
                return 0
            y = half
            words = 1
        elif how >= FUSE_VECTORS:
            if first_d < self.base:  # the first result is a local's too
                return 0
            if a == first_d:
                c = half
            elif half == first_d:
                c = a
                handler += how - FUSE_VECTORS
            else:
                return 0
            first_d = d
        if self.recording:
            self.points[q] = self.offset
            self.unnote_frames(q)
        self.last = q
        code[q] = handler
        code[q + 1] = first_d | first_a << 16 | b << 32 | c << 48
        self.length = q + 2
        if words:
            self.word(y)
            if words > 1:
                self.word(z)
        self.rel_word = q + rel_word
        self.rel_half = rel_half
        if how == FUSE_MOVES and self.before >= 0 and q == self.before + 2 and code[self.before] == H_MOVE2:
            w = code[q + 1]
            q = self.before
            code[q] = H_MOVE4
            code[q + 2] = w
            self.length = q + 3
            self.last = q
            self.latest = q
            self.before = -1
        elif how >= FUSE_VECTORS and self.before >= 0 and q == self.before + 2:
            self.merge_rotation(self.before, q)
        return 1

    def merge_rotation(self, p, q):
        """A shift, and one of the same vector or'ed to its result, become one instruction if they are neighbours."""
        code = self.code
        pair = self.t_fuse_first[code[p]] * FUSE_COLUMNS + self.t_fuse_second[code[q]]
        w = code[p + 1]
        v = code[q + 1]
        same = (w ^ v) & 0xFFFF0000 == 0 and (w & 0xFFFF) == v >> 48 and (w & 0xFFFF) >= self.base
        if same and self.t_fuse_how[pair] == FUSE_ROTATION:
            if self.recording:
                self.points[p] = self.offset
            code[p] = self.t_fused[pair]
            code[p + 1] = (v & ~(0xFFFF << 48)) | (w >> 32 & 0xFFFF) << 48
            self.length = q
            self.last = p
            self.latest = p
            self.before = -1
            self.rel_word = p + 1
        return 0

    def merge_wide(self, handler, q, half):
        """Two ALU operations with immediates become one that holds both in a third word."""
        code = self.code
        w = code[q + 1]
        if self.recording:
            self.unnote_frames(q)
        self.last = q
        code[q] = handler
        code[q + 1] = w & 0xFFFF0000
        self.length = q + 2
        self.word(w >> 32 | half << 32)
        return 0

    # ------------------------------------------------------------------ accumulators
    def wrote(self, slot, accumulator):
        """`slot` changed; it now equals that accumulator (or -1: none)."""
        mirror = self.mirror
        echo = self.echo
        for i in range(3):
            if mirror[i] == slot:
                mirror[i] = echo[i]
                echo[i] = -1
            elif echo[i] == slot:
                echo[i] = -1
        if accumulator >= 0:
            echo[accumulator] = mirror[accumulator]
            mirror[accumulator] = slot

    def holds(self, accumulator, slot):
        """Whether the accumulator has the value of a slot."""
        return self.mirror[accumulator] == slot or self.echo[accumulator] == slot

    def unlike(self, accumulator):
        """The accumulator has the value of no slot."""
        self.mirror[accumulator] = -1
        self.echo[accumulator] = -1

    def retarget(self, accumulator, slot):
        """Let the producer of the pending value store it in `slot` too."""
        q = self.producer[accumulator]
        self.code[q] |= 1
        self.code[q + 1] |= slot
        self.wrote(slot, accumulator)

    def spill(self, accumulator):
        i = self.pending[accumulator]
        self.retarget(accumulator, self.base + i)
        self.kinds[i] = TEMP
        self.values[i] = self.base + i
        self.pending[accumulator] = -1

    def clobber(self, accumulator):
        """The next instruction writes that accumulator."""
        if self.pending[accumulator] >= 0:
            self.spill(accumulator)
        self.unlike(accumulator)

    def clobber_for(self, type_):
        """The next instruction leaves a value of that type in its accumulator."""
        return self.clobber(class_of(type_))

    def forget(self):
        """A label: nothing is known of the accumulators, and nothing before it can be merged."""
        for i in range(3):
            self.unlike(i)
        self.separate()

    # ------------------------------------------------------------------ the operand stack
    def push(self, kind, value, type_):
        n = self.height
        self.kinds[n] = kind
        self.values[n] = value
        self.types[n] = type_
        self.height = n + 1
        if n + 1 > self.highest:
            self.highest = n + 1
        if kind == TEMP or kind == CONST:
            if self.low == n:
                self.low = n + 1
        elif n - self.low >= WINDOW:
            if self.kinds[self.low] == ACC:  # cheap, but it must not stay the producer that is patched
                self.last = -1
            self.settle(self.low)
            while self.low < n and (self.kinds[self.low] == TEMP or self.kinds[self.low] == CONST):
                self.low += 1
        return 0

    def push_result(self, type_):
        """What the last instruction left in its accumulator."""
        accumulator = class_of(type_)
        self.producer[accumulator] = self.last
        self.pending[accumulator] = self.height
        self.push(ACC, 0, type_)

    def pop(self):
        """Pop into found / value / type_: a slot, the accumulator, or an immediate.

        In the accumulator, `value` is the slot that also holds it, or -1.
        """
        n = self.height - 1
        self.height = n
        if self.low > n:
            self.low = n
        kind = self.kinds[n]
        value = self.values[n]
        type_ = self.types[n]
        accumulator = class_of(type_)
        self.value = value
        self.type_ = type_
        if kind == ACC:
            self.pending[accumulator] = -1
            self.found = IN_ACC
            self.value = -1
        elif kind == CONST:
            self.found = IMMEDIATE
        else:
            if kind == LOCAL:
                self.aliases[value] -= 1
            self.found = IN_ACC if self.holds(accumulator, value) else IN_SLOT
        return 0

    def truncate(self, height):
        while self.height > height:
            self.pop_quietly()
        if self.low > height:
            self.low = height

    def pop_quietly(self):
        n = self.height - 1
        self.height = n
        if self.low > n:
            self.low = n
        kind = self.kinds[n]
        if kind == ACC:
            self.pending[class_of(self.types[n])] = -1
        elif kind == LOCAL or kind == SUM:
            self.aliases[self.values[n]] -= 1

    def to_slot(self, found, value, type_, slot):
        """Bring a popped operand, or a copy of an entry, into `slot`."""
        accumulator = class_of(type_)
        if found == IN_SLOT:
            if value == slot:
                return 0
            self.fuse(H_MOVE, slot, value, 0, 0, 0)
            self.wrote(slot, -1)
        elif found == IMMEDIATE:
            if value >= 0 and value <= LOW32:
                self.emit(H_CONST32, slot, 0, value)
            else:
                self.emit(H_CONST64, slot, 0, 0)
                self.word(value)
            self.wrote(slot, -1)
        else:
            self.emit(self.c_setr[accumulator], slot, 0, 0)
            self.wrote(slot, accumulator)
        return 0

    def slot_of(self, found, value, type_, slot):
        """A slot that holds a popped operand; `slot` is free to put it in."""
        if found == IN_SLOT or (found == IN_ACC and value >= 0):
            return value
        if found == IN_ACC:
            self.retarget(class_of(type_), slot)
        else:
            self.to_slot(IMMEDIATE, value, type_, slot)
        return slot

    def add_up(self, i):
        """Entry i, a SUM, into the accumulator."""
        slot = self.values[i]
        self.aliases[slot] -= 1
        mirrored = self.holds(0, slot)
        self.clobber(0)
        if mirrored:
            self.fuse(H_ADD_RI, 0, 0, self.addends[i], 0, 0)
        else:
            self.fuse(H_ADD_SI, 0, slot, self.addends[i], 0, 0)
        self.kinds[i] = ACC
        self.pending[0] = i
        self.producer[0] = self.last

    def settle(self, i):
        """Entry i into a slot: its home, where it has none yet."""
        kind = self.kinds[i]
        if kind == TEMP:
            return 0
        type_ = self.types[i]
        if type_ == V128 and self.settle_vector(i):
            return 0
        home = self.base + i
        accumulator = class_of(type_)
        if kind == SUM:
            self.add_up(i)
            kind = ACC
        if kind == ACC:
            self.spill(accumulator)
            self.last = -1
            return 0
        if kind == LOCAL:
            slot = self.values[i]
            self.aliases[slot] -= 1
            self.to_slot(IN_ACC if self.holds(accumulator, slot) else IN_SLOT, slot, type_, home)
        else:
            self.to_slot(IMMEDIATE, self.values[i], type_, home)
        self.kinds[i] = TEMP
        self.values[i] = home
        return 0

    # ------------------------------------------------------------------ vectors
    def push_vector(self):
        """What the last instruction left in the homes of the next two entries."""
        home = self.base + self.height
        self.wrote(home, -1)
        self.wrote(home + 1, -1)
        self.vector = self.last
        self.push(TEMP, home, V128)
        self.push(TEMP, home + 1, HIGH_HALF)

    def push_local_vector(self, slot):
        self.aliases[slot] += 1
        self.aliases[slot + 1] += 1
        self.push(LOCAL, slot, V128)
        self.push(LOCAL, slot + 1, HIGH_HALF)

    def settle_vector(self, i):
        """Entries i and i + 1, if they are still together, into their homes; 0: each goes by itself."""
        kind = self.kinds[i]
        value = self.values[i]
        home = self.base + i
        if self.kinds[i + 1] != kind:
            return 0
        if kind == CONST:
            self.emit(H_V128_CONST, home, 0, 0)
            self.word(value)
            self.word(self.values[i + 1])
        elif self.values[i + 1] == value + 1:
            self.aliases[value] -= 1
            self.aliases[value + 1] -= 1
            self.emit(H_MOVE_V128, home, value, 0)
        else:
            return 0
        self.last = -1
        self.wrote(home, -1)
        self.wrote(home + 1, -1)
        for k in range(2):
            self.kinds[i + k] = TEMP
            self.values[i + k] = home + k
        return 1

    def pop_vector(self):
        """Pop a v128; returns the first of the two slots it is in."""
        n = self.height - 2
        if self.kinds[n] != self.kinds[n + 1] or self.kinds[n] == CONST or self.values[n + 1] != self.values[n] + 1:
            self.settle(n)
            self.settle(n + 1)
        slot = self.values[n]
        self.truncate(n)
        return slot

    def set_vector(self, slot, tee):
        """local.set and local.tee of a v128."""
        n = self.height - 2
        own = 1 if self.kinds[n] == LOCAL and self.values[n] == slot else 0
        if self.aliases[slot] > own or self.aliases[slot + 1] > own:
            for i in range(self.low, n):
                if self.kinds[i] == LOCAL and (self.values[i] == slot or self.values[i] == slot + 1):
                    self.settle(i)
        q = self.last
        if self.kinds[n] == TEMP and q >= 0 and q == self.vector and self.code[q + 1] & 0xFFFF == self.base + n:
            self.code[q + 1] += slot - (self.base + n)  # its producer puts it there
            self.truncate(n)
        elif self.kinds[n] == CONST and self.kinds[n + 1] == CONST:
            self.emit(H_V128_CONST, slot, 0, 0)
            self.word(self.values[n])
            self.word(self.values[n + 1])
            self.truncate(n)
        else:
            value = self.pop_vector()
            if value != slot:
                self.emit(H_MOVE_V128, slot, value, 0)
        self.wrote(slot, -1)
        self.wrote(slot + 1, -1)
        self.last = -1
        self.assign(slot)
        self.assign(slot + 1)
        if tee:
            self.push_local_vector(slot)
        return 0

    def resolve(self, n):
        """No SUM among the topmost n entries."""
        for i in range(self.height - n, self.height):
            if self.kinds[i] == SUM:
                if i == self.height - 1:
                    self.add_up(i)
                else:
                    self.settle(i)

    def flush(self, params):
        """Settle everything a label may find below it; the topmost `params` entries go to their homes."""
        top = self.height - params
        for i in range(self.low, top):
            if self.kinds[i] != TEMP and self.kinds[i] != CONST:
                self.settle(i)
        for i in range(top, self.height):
            self.settle(i)
        self.low = self.height

    # ------------------------------------------------------------------ labels
    def set_displacement(self, at, word, half, target):
        """Patch the branch at word `at`: bytes from there to `target`."""
        distance = ((target - at) * 8) & LOW32
        if half:
            self.code[word] |= distance << 32
        else:
            self.code[word] |= distance

    def add_fixup(self, chain):
        """Note the branch just emitted, to be patched when its label is bound; returns the new chain."""
        n = self.fixups
        if n + 1 > len(self.fix_next):
            self.fix_next = grown(self.fix_next, n + 1)
            self.fix_at = grown(self.fix_at, n + 1)
            self.fix_word = grown(self.fix_word, n + 1)
            self.fix_half = grown(self.fix_half, n + 1)
        self.fixups = n + 1
        self.fix_next[n] = chain
        self.fix_at[n] = self.last
        self.fix_word[n] = self.rel_word
        self.fix_half[n] = self.rel_half
        return n

    def link(self, l):
        """Let the branch just emitted go to label l: the twin that polls, where that is backwards."""
        charges = self.metered and self.pay_ahead()
        if self.label_kind[l] == AT_LOOP:
            if not charges:
                self.code[self.last] |= 1
            self.set_displacement(self.last, self.rel_word, self.rel_half, self.label_at[l])
        else:
            self.label_fixups[l] = self.add_fixup(self.label_fixups[l])
        return 0

    def bind(self, chain):
        n = self.length
        while chain >= 0:
            if self.fix_half[chain] < 0:
                self.catches[self.fix_at[chain]][5] = n
            else:
                self.set_displacement(self.fix_at[chain], self.fix_word[chain], self.fix_half[chain], n)
            chain = self.fix_next[chain]

    def new_label(self, kind, height, sig):
        l = self.labels
        if l + 1 > len(self.label_kind):
            self.label_kind = grown(self.label_kind, l + 1)
            self.label_height = grown(self.label_height, l + 1)
            self.label_sig = grown(self.label_sig, l + 1)
            self.label_at = grown(self.label_at, l + 1)
            self.label_fixups = grown(self.label_fixups, l + 1)
            self.label_else = grown(self.label_else, l + 1)
            self.label_stub = grown(self.label_stub, l + 1)
            self.label_try = grown(self.label_try, l + 1)
            self.label_region = grown(self.label_region, l + 1)
            self.label_stop = grown(self.label_stop, l + 1)
            self.label_log = grown(self.label_log, l + 1)
        self.labels = l + 1
        self.label_kind[l] = kind
        self.label_height[l] = height
        self.label_sig[l] = sig
        self.label_at[l] = self.length
        self.label_fixups[l] = -1
        self.label_else[l] = -1
        self.label_stub[l] = -1
        self.label_try[l] = -1
        self.label_region[l] = self.label_region[l - 1] if l else -1
        self.label_log[l] = self.n_log
        return l

    def arity(self, l):
        """How many values, in slots, a branch to label l takes."""
        sig = self.label_sig[l]
        return self.context.sig_ps[sig] if self.label_kind[l] == AT_LOOP else self.context.sig_rs[sig]

    def moves_needed(self, l):
        """Whether the topmost values are not yet where label l expects them."""
        n = self.arity(l)
        first = self.height - n
        if n == 0:
            return 0
        if first != self.label_height[l]:
            return 1
        for i in range(first, self.height):
            if self.kinds[i] != TEMP:
                return 1
        return 0

    def move_values(self, l, consume):
        """Bring the values for label l to their places; `consume`: nobody needs them here any more."""
        n = self.arity(l)
        first = self.height - n
        to = self.base + self.label_height[l]
        if n > MOVES:
            for i in range(first, self.height):
                self.settle(i)
            if self.base + first != to:
                self.emit(H_MOVESPAN, to, self.base + first, n)
                for i in range(3):
                    self.unlike(i)
            return 0
        for i in range(first, self.height):
            kind = self.kinds[i]
            slot = to + i - first
            accumulator = class_of(self.types[i])
            if kind == SUM:
                self.settle(i)
                kind = TEMP
            if kind == ACC:
                if consume and n == 1 and self.producer[accumulator] == self.last:
                    self.retarget(accumulator, slot)
                    self.pending[accumulator] = -1
                    self.kinds[i] = TEMP
                    self.values[i] = slot
                else:
                    self.to_slot(IN_ACC, 0, self.types[i], slot)
            elif kind == CONST:
                self.to_slot(IMMEDIATE, self.values[i], self.types[i], slot)
            elif self.values[i] != slot:
                found = IN_ACC if self.holds(accumulator, self.values[i]) else IN_SLOT
                self.to_slot(found, self.values[i], self.types[i], slot)
        return 0

    def push_types(self, start, n):
        """Push n values, by their types in the pool, that are in their homes."""
        self.reserve(2 * n)
        for i in range(n):
            type_ = self.context.pool[start + i]
            self.push(TEMP, self.base + self.height, type_)
            if type_ == V128:
                self.push(TEMP, self.base + self.height, HIGH_HALF)

    def end_label(self, l, reachable):
        """Bind label l at the end of its block."""
        height = self.label_height[l]
        sig = self.label_sig[l]
        n = self.context.sig_nr[sig]
        chain = self.label_fixups[l]
        if chain < 0 and reachable and self.label_kind[l] != AT_HANDLER:
            return 0  # nobody branches here: the values stay as they are
        if reachable:
            self.move_values(l, 1)
        self.truncate(height)
        if self.empty >= 0 and self.empty == self.length - 2:  # what comes is the block of those who got here, too
            self.length = self.empty
            self.emitted = -1
            if self.noted and self.noted[-1] > 2 * self.empty:
                del self.frames[self.noted.pop()]
        self.bind(chain)
        self.forget()
        self.push_types(self.context.sig_ro[sig], n)
        self.found_height = self.height
        return 0

    # ------------------------------------------------------------------ branches
    def branch_if(self, negate):
        """Pop a condition, emit a branch taken when it holds (or fails); 0: it never is, nothing emitted."""
        n = self.height - 1
        q = self.last
        if self.kinds[n] == ACC and q >= 0 and self.producer[0] == q:
            known = self.t_compares[self.code[q]]
            w = self.code[q + 1]
            a = w >> 16 & 0xFFFF
            b = w >> 32 & 0xFFFF
            if known:
                op = known >> 3
                form = known & 7
                x = 0
                if form >= 3:
                    type_ = self.t_operand[op]
                    x = w >> 32
                    if type_ == F64:
                        x = self.code[q + 2]
                    elif type_ == I64 and x > 0x7FFFFFFF:
                        x |= LOW32 << 32
                    b = 0
                self.unemit(n, q)
                self.fuse(self.t_branch[op * 16 + negate * 8 + form], a, b, 0, form >= 3, x)
                return 1
            known = self.t_tests[self.code[q]]
            if known:
                self.unemit(n, q)
                if known >= 3:
                    handler = H_BR64_NZ if negate else H_BR64_Z
                    if known == 4:
                        handler = H_BR64_NZ_R if negate else H_BR64_Z_R
                else:
                    handler = H_BR_NZ if negate else H_BR_Z
                    if known == 2:
                        handler = H_BR_NZ_R if negate else H_BR_Z_R
                self.fuse(handler, a, 0, 0, 0, 0)
                return 1
        self.pop()
        if self.found == IMMEDIATE:
            if (self.value != 0) != (negate != 0):
                self.fuse(H_BR, 0, 0, 0, 0, 0)
                return 1
            return 0
        if self.found == IN_SLOT:
            self.fuse(H_BR_Z if negate else H_BR_NZ, self.value, 0, 0, 0, 0)
        else:
            self.fuse(H_BR_Z_R if negate else H_BR_NZ_R, 0, 0, 0, 0, 0)
        return 1

    def unemit(self, n, q):
        """Take back the comparison at q, whose result is entry n: it becomes part of a branch."""
        self.height = n
        if self.low > n:
            self.low = n
        self.pending[0] = -1
        self.length = q
        self.mirror[0] = self.compare_mirror
        self.last = -1
        self.latest = self.before
        self.before = -1

    def leave_function(self):
        """Return the topmost values; they stay on the operand stack."""
        self.emit_return()
        if self.metered:
            self.pay_ahead()
        self.last = -1
        return 0

    def emit_return(self):
        sig = self.sig
        n = self.context.sig_rs[sig]
        record = self.params << 16
        if n == 0:
            self.emit(H_RETURN_VOID, 0, 0, record)
        elif n == 1:
            i = self.height - 1
            if self.kinds[i] == SUM:
                self.settle(i)
            kind = self.kinds[i]
            accumulator = class_of(self.types[i])
            if kind == CONST:
                self.emit(self.c_return[6 + accumulator], 0, 0, record)
                self.word(self.values[i])
            elif kind == ACC or self.holds(accumulator, self.values[i]):
                self.emit(self.c_return[3 + accumulator], 0, 0, record)
            else:
                self.emit(self.c_return[accumulator], self.values[i], 0, record)
        else:
            first = self.height - n
            for i in range(first, self.height):
                self.settle(i)
            if n == 2 and self.types[first] == V128:
                self.emit(H_RETURN_V128, 0, self.base + first, record)
            else:
                self.emit(H_RETURN_MANY, 0, self.base + first, n | record)
        return 0

    def branch(self, l):
        """An unconditional branch; values may be consumed."""
        if l == 0:
            self.leave_function()
        else:
            self.move_values(l, 1)
            self.fuse(H_BR, 0, 0, 0, 0, 0)
            self.link(l)
        return 0

    def branch_on(self, l):
        """br_if: the condition is on top, the values for label l below it."""
        self.resolve(1)
        if self.metered and self.kinds[self.height - 1] == CONST:
            self.settle(self.height - 1)  # it ends a block, and its label does, whether or not it is ever taken
        n = self.arity(l)
        for i in range(self.height - 1 - n, self.height - 1):
            if self.kinds[i] == SUM or n > MOVES or (l == 0 and n > 1):
                self.settle(i)
        self.height -= 1
        moves = self.moves_needed(l)
        self.height += 1
        if not moves and l != 0:
            if self.branch_if(0):
                self.link(l)
            self.last = -1
            return 0
        over = -1
        if self.branch_if(1):
            over = self.add_fixup(-1)
        return self.branch_between(over, l)

    def branch_between(self, over, l):
        """Move the topmost values to label l and go there; the branch `over`, if any, goes around that."""
        self.last = -1
        m0 = self.mirror[0]
        m1 = self.mirror[1]
        m2 = self.mirror[2]
        if l == 0:
            self.leave_function()
        else:
            self.move_values(l, 0)
            self.fuse(H_BR, 0, 0, 0, 0, 0)
            self.link(l)
        self.bind(over)
        if self.mirror[0] != m0:
            self.mirror[0] = -1
        if self.mirror[1] != m1:
            self.mirror[1] = -1
        if self.mirror[2] != m2:
            self.mirror[2] = -1
        for i in range(3):
            self.echo[i] = -1
        self.separate()
        return 0

    def hold(self, i):
        """A slot that holds entry i, which stays on the stack."""
        if self.kinds[i] != TEMP and self.kinds[i] != LOCAL:
            self.settle(i)
        return self.values[i]

    def branch_on_null(self, l):
        """br_on_null: the reference is on top and stays there, the values for label l are below it."""
        n = self.arity(l)
        top = self.height - 1
        for i in range(top - n, top):
            if self.kinds[i] == SUM or n > MOVES or (l == 0 and n > 1):
                self.settle(i)
        slot = self.hold(top)
        self.height = top
        if l != 0 and not self.moves_needed(l):
            self.fuse(H_BR64_Z, slot, 0, 0, 0, 0)
            self.link(l)
            self.last = -1
        else:
            self.fuse(H_BR64_NZ, slot, 0, 0, 0, 0)
            self.branch_between(self.add_fixup(-1), l)
        self.height = top + 1
        return 0

    def branch_on_non_null(self, l):
        """br_on_non_null: the reference on top is the last of the values for label l; else it is dropped."""
        n = self.arity(l)
        for i in range(self.height - n, self.height):
            if self.kinds[i] == SUM or n > MOVES or (l == 0 and n > 1):
                self.settle(i)
        slot = self.hold(self.height - 1)
        if l != 0 and self.label_kind[l] != AT_LOOP and not self.moves_needed(l):
            self.fuse(H_BR64_NZ, slot, 0, 0, 0, 0)
            self.link(l)
            self.last = -1
        else:
            self.fuse(H_BR64_Z, slot, 0, 0, 0, 0)
            self.branch_between(self.add_fixup(-1), l)
        self.pop_quietly()
        return 0

    def target(self, depth):
        """Announce a target of the br_table to come; the default is the last."""
        n = self.n_targets
        if n + 1 > len(self.targets):
            self.targets = grown(self.targets, n + 1)
        self.targets[n] = self.labels - 1 - depth
        self.n_targets = n + 1
        return 0

    def branch_table(self, n):
        """[handler][index slot, n][displacements]; stubs behind it where values move or a loop polls."""
        self.resolve(1)
        l = self.targets[n]
        arity = self.arity(l)
        for i in range(self.height - 1 - arity, self.height - 1):
            self.settle(i)
        self.pop()
        found = self.found
        value = self.value
        if found == IMMEDIATE:
            value = self.slot_of(found, value, I32, self.base + self.height)
            found = IN_SLOT
        words = (n + 2) // 2
        stubs = 0
        self.ensure(words + 16)
        self.emit(H_BR_TABLE if found == IN_SLOT else H_BR_TABLE_R, value if found == IN_SLOT else 0, 0, n)
        at = self.last
        table = self.length
        for i in range(words):  # noqa: B007
            self.word(0)
        for i in range(n + 1):
            l = self.targets[i]
            word = table + i // 2
            polls = self.label_kind[l] == AT_LOOP and not self.metered
            if self.label_stub[l] < 0 and (l == 0 or polls or self.moves_needed(l)):
                stubs = 1
                self.ensure(16)
                self.label_stub[l] = self.length
                self.forget()
                if l == 0:
                    self.leave_function()
                else:
                    self.move_values(l, 0)
                    self.fuse(H_BR, 0, 0, 0, 0, 0)
                    self.link(l)
            if self.label_stub[l] >= 0:
                self.set_displacement(at, word, i & 1, self.label_stub[l])
            elif self.label_kind[l] == AT_LOOP:
                self.set_displacement(at, word, i & 1, self.label_at[l])
            else:
                self.last = at
                self.rel_word = word
                self.rel_half = i & 1
                self.label_fixups[l] = self.add_fixup(self.label_fixups[l])
        for i in range(n + 1):
            self.label_stub[self.targets[i]] = -1
        if self.metered and not stubs:
            self.last = at
            self.pay_ahead()
        self.last = -1
        self.n_targets = 0
        return 0

    # ------------------------------------------------------------------ exceptions
    def catch(self, kind, tag, depth):
        """Announce a clause of the try_table to come."""
        self.announced.append((kind, tag, self.labels - 1 - depth))
        return 0

    def separate(self):
        """Nothing before this point merges with what comes after it: a region's bounds must stay true."""
        if self.latest >= 0:
            self.emitted = self.latest
        self.last = -1
        self.latest = -1
        self.before = -1

    def begin_try(self, sig):
        """Clauses are [start, end, kind, tag, slot, target, region]: where the values go, and the code."""
        params = self.context.sig_ps[sig]
        self.flush(params)
        self.separate()
        clauses = []
        for kind, tag, l in self.announced:
            self.catches.append([self.length, -1, kind, tag, self.base + self.label_height[l], -1, len(self.tries)])
            clauses.append(len(self.catches) - 1)
            n = (self.context.sig_ps[self.context.tag_sig[tag]] if tag >= 0 else 0) + (kind & 1)
            if self.label_height[l] + n > self.highest:
                self.highest = self.label_height[l] + n
            if self.label_kind[l] == AT_LOOP:
                self.catches[-1][5] = self.label_at[l]
            else:
                self.last = len(self.catches) - 1
                self.rel_half = -1
                self.label_fixups[l] = self.add_fixup(self.label_fixups[l])
        self.last = -1
        self.announced = []
        l = self.new_label(AT_TRY, self.height - params, sig)
        self.new_region(l, clauses)
        return 0

    def new_region(self, l, clauses):
        """Label l begins the next region, which its clauses protect."""
        self.label_try[l] = self.label_region[l] = len(self.tries)
        self.tries.append(clauses)

    def end_try(self, l):
        for i in self.tries[self.label_try[l]]:
            self.catches[i][1] = self.length
        self.separate()
        return 0

    def old_try(self, sig):
        """try, which has its handlers behind it."""
        params = self.context.sig_ps[sig]
        self.flush(params)
        self.separate()
        self.new_region(self.new_label(AT_OLD_TRY, self.height - params, sig), [])
        return 0

    def old_catch(self, op, tag, reachable):
        """catch and catch_all: the exception lies below the tag's values, in the handler's hidden entry."""
        l = self.labels - 1
        height = self.label_height[l]
        self.unassign(l)
        self.end_part(l, reachable)
        if self.label_kind[l] == AT_OLD_TRY:
            self.label_kind[l] = AT_HANDLER
            self.label_stop[l] = self.length
            self.label_region[l] = self.label_region[l - 1]
        clause = OLD_CATCH_ALL if op == OP_CATCH_ALL else OLD_CATCH
        region = self.label_try[l]
        slot = self.base + height + 1
        self.catches.append([self.label_at[l], self.label_stop[l], clause, tag, slot, self.length, region])
        self.push(TEMP, slot - 1, EXNREF)
        if op == OP_CATCH:
            sig = self.context.tag_sig[tag]
            self.push_types(self.context.sig_po[sig], self.context.sig_np[sig])
        return 0

    def delegate(self, depth, reachable):
        """What is thrown in the try goes on as if thrown in label `depth`, counted from outside of the try."""
        l = self.labels - 1
        self.unassign(l)
        outer = self.label_region[l - 1 - depth]
        self.catches.append([self.label_at[l], self.length, DELEGATE, -1, 0, outer, self.label_try[l]])
        self.separate()
        self.end_label(l, reachable)
        self.labels = l
        return 0

    def rethrow(self, l):
        self.emit(H_THROW, self.base + self.label_height[l], OP_THROW_REF, 1)
        self.word(0)
        self.last = -1
        return 0

    # ------------------------------------------------------------------ canonical NaNs
    def leave_open(self, i, handler):
        """Entry i may be a NaN, which `handler` makes canonical before anybody looks at its bits."""
        n = self.n_open
        if n + 1 > len(self.open):
            self.open = grown(self.open, n + 1)
            self.open_handler = grown(self.open_handler, n + 1)
        self.open[n] = i
        self.open_handler[n] = handler
        self.n_open = n + 1
        return 0

    def expose(self, operands, alike):
        """The next instruction pops so many entries, or sees all if it is negative; `alike`: it takes all NaNs as one
        that this handler makes canonical."""
        lowest = self.height - operands if operands >= 0 else 0
        while self.n_open and self.open[self.n_open - 1] >= lowest:
            n = self.n_open - 1
            self.n_open = n
            if self.open_handler[n] != alike:
                self.canonicalise(self.open[n], self.open_handler[n])
        return 0

    def canonicalise(self, i, handler):
        """Make the NaN canonical that entry i may be."""
        type_ = self.types[i]
        slot = self.values[i]
        accumulator = class_of(type_)
        if type_ == V128:
            self.emit(handler, slot, slot, 0)
            self.vector = self.last
        elif self.kinds[i] == ACC:
            self.emit(handler, 0, 0, 0)
            self.producer[accumulator] = self.last
        else:
            self.emit(handler + 2, slot, 0, 0)
            self.wrote(slot, -1)
        return 0

    # ------------------------------------------------------------------ instructions
    def local_set(self, index, tee):
        slot = self.local_slot[index]
        if self.n_open:
            self.expose(2 if self.local_types[index] == V128 else 1, 0)
        if self.local_types[index] == V128:
            return self.set_vector(slot, tee)
        n = self.height - 1
        kind = self.kinds[n]
        source = self.values[n]
        own = 1 if kind == LOCAL and source == slot else 0
        if self.aliases[slot] > own:  # entries that stand for the old value
            for i in range(self.low, n):
                if (self.kinds[i] == LOCAL or self.kinds[i] == SUM) and self.values[i] == slot:
                    self.settle(i)
        if kind == SUM:
            self.add_up(n)
            kind = ACC
        type_ = self.types[n]
        accumulator = class_of(type_)
        if kind == ACC and self.producer[accumulator] == self.last:
            self.height = n
            if self.low > n:
                self.low = n
            self.pending[accumulator] = -1
            self.retarget(accumulator, slot)
            self.last = -1
            self.step_twice(tee)
        else:
            self.pop()
            self.to_slot(self.found, self.value, type_, slot)
            self.last = -1
        self.assign(slot)
        if tee:
            if kind == LOCAL:  # of two locals with that value, the one that had it first
                slot = source
            self.aliases[slot] += 1
            self.push(LOCAL, slot, type_)
        return 0

    def assign(self, slot):
        """The local in `slot` has been set."""
        if not self.assigned[slot]:
            self.assigned[slot] = 1
            self.log[self.n_log] = slot
            self.n_log += 1

    def step_twice(self, tee):
        """An addition of a constant to a local, after another or after a copy of that local: one instruction.

        The copy is what is wanted next, unless the sum is.
        """
        p = self.latest
        q = self.before
        if q < 0 or p != q + 2 or not self.fusing:
            return 0
        code = self.code
        if code[p] != (H_ADD_SI | 1):
            return 0
        w = code[q + 1]
        x = code[p + 1]
        if code[q] == (H_ADD_SI | 1):
            code[q] = H_STEP2
            code[q + 1] = (w & LOW32) | (x & LOW32) << 32
            code[q + 2] = w >> 32 | (x >> 32) << 32
            self.length = q + 3
        elif code[q] == H_MOVE and (x & LOW32) == (w >> 16) * 0x10001 and not tee:
            code[q] = H_MOVE_STEP
            code[q + 1] = w | (x >> 32) << 32
            self.length = q + 2
            self.wrote(w >> 16, -1)
            self.wrote(w & 0xFFFF, 0)
        else:
            return 0
        self.latest = q
        self.before = -1

    def binary(self, op, compare):
        type_ = self.t_operand[op]
        accumulator = class_of(type_)
        self.resolve(2)
        self.pop()
        b_found = self.found
        b = self.value
        self.pop()
        a_found = self.found
        a = self.value
        home = self.base + self.height
        if type_ == I64:  # immediates are 32 bits, sign-extended
            if b_found == IMMEDIATE and not fits32(b):
                b = self.slot_of(IMMEDIATE, b, type_, home + 1)
                b_found = IN_SLOT
            if a_found == IMMEDIATE and not fits32(a):
                a = self.slot_of(IMMEDIATE, a, type_, home)
                a_found = IN_SLOT
        if a_found == IMMEDIATE and b_found == IMMEDIATE:
            a = self.slot_of(IMMEDIATE, a, type_, home)
            a_found = IN_SLOT
        both = a_found == IN_ACC and b_found == IN_ACC  # one value
        if both and self.t_handler[op * 8 + 7] < 0:
            both = 0
            b_found = IN_SLOT
        swap = a_found == IMMEDIATE or (a_found == IN_SLOT and b_found == IN_ACC)
        if (swap and self.t_flags[op] & FLAG_COMMUTATIVE) or (compare and a_found == IMMEDIATE):
            x = a_found
            a_found = b_found
            b_found = x
            x = a
            a = b
            b = x
            if compare:
                op = self.t_swapped[op]
        # forms: 0 ss 1 rs 2 sr 3 si 4 ri 5 is 6 ir 7 rr
        if both:
            form = 7
        elif b_found == IMMEDIATE:
            form = 3 + a_found
        elif a_found == IMMEDIATE:
            form = 5 + b_found
        else:
            form = a_found + 2 * b_found
        if compare:
            if self.pending[0] >= 0:
                self.spill(0)
            self.compare_mirror = self.mirror[0]
            self.unlike(0)
        else:
            self.clobber(accumulator)
        handler = self.t_handler[op * 8 + form]
        if form >= 3 and not both:
            slot = a if form < 5 else b
            immediate = b if form < 5 else a
            if form == 4 or form == 6:
                slot = 0
            if type_ == F64:
                self.emit(handler, 0, slot, 0)
                self.word(immediate)
            else:
                self.fuse(handler, 0, slot, immediate, 0, 0)
        else:
            self.fuse(handler, 0, 0 if a_found == IN_ACC else a, 0 if b_found == IN_ACC else b, 0, 0)
        self.push_result(self.t_result[op])
        if self.t_canonical[op]:
            self.leave_open(self.height - 1, self.t_canonical[op])
        return 0

    def unary(self, op):
        self.resolve(1)
        self.pop()
        found = self.found
        value = self.value
        if found == IMMEDIATE:
            value = self.slot_of(found, value, self.type_, self.base + self.height)
            found = IN_SLOT
        result = self.t_result[op]
        if self.t_flags[op] & FLAG_EQZ:
            if self.pending[0] >= 0:
                self.spill(0)
            self.compare_mirror = self.mirror[0]
            self.unlike(0)
        else:
            self.clobber(class_of(result))
        self.fuse(self.t_handler[op * 8 + found], 0, value if found == IN_SLOT else 0, 0, 0, 0)
        self.push_result(result)
        if self.t_canonical[op]:
            self.leave_open(self.height - 1, self.t_canonical[op])
        return 0

    def in_slot(self, home):
        """Pop an operand into a slot: where it is, or `home`."""
        self.pop()
        return self.slot_of(self.found, self.value, self.type_, home)

    def load(self, op, offset, memory):
        size = self.t_size[op]
        type_ = self.t_result[op]
        accumulator = class_of(type_)
        if memory or offset < 0 or offset + size > LOW32 or self.context.mem_is64[memory]:
            self.resolve(1)
            slot = self.in_slot(self.base + self.height - 1)
            self.clobber(accumulator)
            self.emit(self.t_any[op], 0, slot, memory << 16)
            self.word(self.limit(offset, size))
            self.push_result(type_)
            return 0
        end = offset + size
        n = self.height - 1
        if self.kinds[n] == SUM:
            slot = self.values[n]
            handler = self.t_handler[op * 8 + 2]
            if handler >= 0 and not self.holds(0, slot):
                self.pop_quietly()
                self.clobber(accumulator)
                self.emit(handler, 0, slot, end)
                self.word(self.addends[n])
                self.push_result(type_)
                return 0
            self.add_up(n)
        self.pop()
        found = self.found
        value = self.value
        self.clobber(accumulator)
        if found == IMMEDIATE:
            if value + end > LOW32:
                self.emit(self.t_any[op], 0, self.slot_of(found, value, I32, self.base + self.height), memory << 16)
                self.word(end)
            else:
                self.emit(self.t_handler[op * 8 + 3], 0, 0, value + end)
            self.push_result(type_)
            return 0
        self.fuse(self.t_handler[op * 8 + found], 0, value if found == IN_SLOT else 0, end, 0, 0)
        self.push_result(type_)
        return 0

    def limit(self, offset, size):
        """offset + size as the `any` form wants it: what cannot be in bounds becomes 2**64 - size."""
        if offset < 0 or offset >= 1 << 48:
            return -size
        return offset + size

    def store(self, op, offset, memory):
        size = self.t_size[op]
        if memory or offset < 0 or offset + size > LOW32 or self.context.mem_is64[memory]:
            self.resolve(2)
            value = self.in_slot(self.base + self.height - 1)
            slot = self.in_slot(self.base + self.height - 1)
            self.emit(self.t_any[op], value, slot, memory << 16)
            self.word(self.limit(offset, size))
            self.last = -1
            return 0
        end = offset + size
        self.resolve(1)
        n = self.height - 2
        if self.kinds[n] == SUM:
            if self.t_branch[op * 16] >= 0:
                self.pop()
                value = self.value
                self.pop_quietly()
                self.emit(
                    self.t_branch[op * 16 + self.found], self.values[n], value if self.found == IN_SLOT else 0, end
                )
                self.word(self.addends[n])
                if self.found == IMMEDIATE:
                    self.word(value)
                self.last = -1
                return 0
            self.settle(n)
        self.pop()
        v_found = self.found
        v = self.value
        self.pop()
        a_found = self.found
        a = self.value
        if a_found == IMMEDIATE and a + end <= LOW32:
            self.emit(self.t_branch[op * 16 + 8 + v_found], 0, v if v_found == IN_SLOT else 0, a + end)
            if v_found == IMMEDIATE:
                self.word(v)
            self.last = -1
            return 0
        if a_found == IMMEDIATE:
            slot = self.base + self.height
            if v_found == IN_SLOT and v == slot:
                slot += 1
            a = self.slot_of(IMMEDIATE, a, I32, slot)
            a_found = IN_SLOT
        if a_found == IN_ACC and v_found == IN_ACC and class_of(self.t_operand[op]) == 0:
            v_found = IN_SLOT  # one slot, mirrored
        # forms: 0 ss 1 rs 2 sr 3 si 4 ri 5 rr
        if v_found == IMMEDIATE:
            form = 3 + a_found
        elif a_found == IN_ACC and v_found == IN_ACC:
            form = 5
        else:
            form = a_found + 2 * v_found
        immediate = v_found == IMMEDIATE
        self.fuse(
            self.t_handler[op * 8 + form],
            a if a_found == IN_SLOT else 0,
            v if v_found == IN_SLOT else 0,
            end,
            immediate,
            v,
        )
        self.last = -1
        return 0

    def atomic(self, op, kind, offset, memory):
        """[D, A address, B value or expected, memory][offset + size][replacement]"""
        operands = 1 if kind == KIND_ATOMIC_LOAD else 3 if kind == KIND_ATOMIC_CMPXCHG else 2
        first = self.height - operands
        for i in range(first, self.height):
            self.settle(i)
        a = self.values[first]
        b = self.values[first + 1] if operands > 1 else 0
        c = self.values[first + 2] if operands > 2 else 0
        self.truncate(first)
        result = self.t_result[op]
        handler = self.t_shared[op] if self.context.mem_shared[memory] else self.t_any[op]
        if kind == KIND_ATOMIC_STORE:
            self.emit(handler, b, a, memory << 16)
        else:
            self.clobber(class_of(result))
            self.emit(handler, 0, a, b | memory << 16)
        at = self.last
        self.word(self.limit(offset, self.t_size[op]))
        if kind == KIND_ATOMIC_CMPXCHG:
            self.word(c)
        self.last = at
        if kind == KIND_ATOMIC_STORE:
            self.last = -1
        else:
            self.push_result(result)
        return 0

    def wait(self, op, offset, memory):
        """memory.atomic.wait and notify: the operands in their homes, the address one in the memory."""
        operands = self.t_operand[op]
        first = self.height - operands
        for i in range(first, self.height):
            self.settle(i)
            if self.values[i] != self.base + i:
                self.to_slot(IN_SLOT, self.values[i], 0, self.base + i)
                self.values[i] = self.base + i
        size = 8 if op == OP_MEMORY_ATOMIC_WAIT64 else 4
        self.emit(H_ATOMIC_ADDRESS, self.base + first, 0, size | memory << 16)
        self.word(self.limit(offset, size))
        self.wrote(self.base + first, -1)
        self.last = -1
        return self.operation(op, operands, I32, memory, 0)

    def select(self):
        self.resolve(3)
        q = self.last
        compared = 0
        w = 0
        if self.fusing and q >= 0 and self.kinds[self.height - 1] == ACC and self.producer[0] == q:
            compared = self.t_selects[self.code[q]]
            w = self.code[q + 1]
        self.pop()
        c_found = self.found
        c = self.value
        self.pop()
        b_found = self.found
        b = self.value
        self.pop()
        type_ = self.type_
        home = self.base + self.height
        if self.height + 3 > self.highest:
            self.highest = self.height + 3
        a = self.slot_of(self.found, self.value, type_, home)
        b = self.slot_of(b_found, b, type_, home + 1)
        if c_found == IMMEDIATE:
            c = self.slot_of(c_found, c, I32, home + 2)
            c_found = IN_SLOT
        accumulator = class_of(type_)
        if compared and accumulator == 0 and self.last == q:  # nothing came after the comparison
            form = (self.t_compares[self.code[q]]) & 7
            self.length = q
            self.unlike(0)
            self.latest = self.before
            self.before = -1
            self.emit(compared, 0, a, b)
            if form >= 3:
                self.word(w >> 16 & 0xFFFF | (w >> 32) << 32)
            else:
                self.word(w >> 16)
            self.push_result(type_)
            return 0
        self.clobber(accumulator)
        self.emit(self.c_select[accumulator + 3 * c_found], 0, a, b | (c if c_found == IN_SLOT else 0) << 16)
        self.push_result(type_)
        return 0

    def call(self, op, x, table):
        """Arguments in their homes; the return record and the callee's frame follow them."""
        context = self.context
        by_ref = op == OP_CALL_REF or op == OP_RETURN_CALL_REF
        indirect = by_ref or op == OP_CALL_INDIRECT or op == OP_RETURN_CALL_INDIRECT
        tail = op == OP_RETURN_CALL or op == OP_RETURN_CALL_INDIRECT or op == OP_RETURN_CALL_REF
        found = IN_SLOT
        value = 0
        type_ = x if indirect else context.func_sig[x]
        self.resolve(1 if indirect else 0)
        if indirect:  # an index or a reference is on top
            if not by_ref and context.table_is64[table]:
                self.narrow_index()
            self.pop()
            found = self.found
            value = self.value
            if found == IMMEDIATE:
                value = self.slot_of(found, value, I32, self.base + self.height + 2)
                found = IN_SLOT
                if self.height + 3 > self.highest:
                    self.highest = self.height + 3
            elif found == IN_ACC and value < 0:  # settling arguments may need the accumulator
                for i in range(self.height - context.sig_ps[type_], self.height):
                    if self.kinds[i] == SUM:
                        value = self.slot_of(found, value, I32, self.base + self.height + 2)
                        found = IN_SLOT
                        if self.height + 3 > self.highest:
                            self.highest = self.height + 3
                        break
        n = context.sig_ps[type_]
        height = self.height - n
        for i in range(3):
            if self.pending[i] >= 0 and self.pending[i] < height:
                self.spill(i)
        for i in range(height, self.height):
            if self.kinds[i] == SUM and found == IN_ACC:
                found = IN_SLOT
            self.settle(i)
        at = self.base + height
        record = self.params << 16 if tail else 0
        if by_ref:
            handler = H_CALL_REF if found == IN_SLOT else H_CALL_REF_R
            if tail:
                handler = H_RETURN_CALL_REF if found == IN_SLOT else H_RETURN_CALL_REF_R
            self.emit(handler, at, n, (value if found == IN_SLOT else 0) | record)
        elif indirect:
            handler = H_CALL_INDIRECT if found == IN_SLOT else H_CALL_INDIRECT_R
            if tail:
                handler = H_RETURN_CALL_INDIRECT if found == IN_SLOT else H_RETURN_CALL_INDIRECT_R
            self.emit(handler, at, n, (value if found == IN_SLOT else 0) | record)
            self.word(context.canon[type_] | (self.tables + 8 * table) << 32)
        elif x < context.n_imported_funcs:
            self.emit(H_RETURN_CALL_IMPORT if tail else H_CALL_IMPORT, at, n, record)
            self.word(x)
        else:
            self.emit(H_RETURN_CALL if tail else H_CALL, at, n, record)
            self.word(self.functions + (x - context.n_imported_funcs) * self.function_size)
        if self.metered:
            self.pay_ahead()
        if self.recording:
            self.note_frame(2 * self.length, height)
        results = context.sig_rs[type_]
        room = height + max(n, results) + 2  # a host function's results replace its arguments, in a tail call too
        if room > self.highest:
            self.highest = room
        self.truncate(height)
        self.forget()
        if not tail:
            self.push_types(context.sig_ro[type_], context.sig_nr[type_])
            if results == 1:
                self.mirror[class_of(context.pool[context.sig_ro[type_]])] = at
        return 0

    def narrow_index(self):
        """The i64 index on top becomes an i32 one that is out of bounds where it was."""
        slot = self.in_slot(self.base + self.height - 1)
        self.clobber(0)
        self.emit(H_INDEX64, 0, slot, 0)
        self.push_result(I32)
        return 0

    def operation(self, op, operands, result, x, y):
        """A rare instruction: operands in their homes, result in the first one's."""
        height = self.height - operands
        if result:
            self.clobber(0)
        for i in range(height, self.height):
            self.settle(i)
        if result:  # leaving loses the accumulators
            self.clobber(1)
            self.clobber(2)
        else:
            for i in range(3):
                self.clobber(i)
        self.emit(H_OPERATION, self.base + height, op, 0)
        self.word(x | y << 32)
        self.truncate(height)
        self.forget()
        if self.highest < height + 1:
            self.highest = height + 1
        if result:
            self.push(TEMP, self.base + height, result)
        return 0

    def bulk(self, op):
        """memory.copy and memory.fill of memory 0: operands where they are, C a place to leave from."""
        self.resolve(3)
        if self.height + 3 > self.highest:
            self.highest = self.height + 3
        home = self.base + self.height - 3
        n = self.in_slot(home + 2)
        b = self.in_slot(home + 1)
        a = self.in_slot(home)
        for i in range(3):
            self.clobber(i)
        self.emit(H_MEMORY_COPY if op == OP_MEMORY_COPY else H_MEMORY_FILL, a, b, n | (home + 3) << 16)
        self.word(op)
        self.forget()
        return 0

    def throw(self, op, x):
        n = 1 if op == OP_THROW_REF else self.context.sig_ps[self.context.tag_sig[x]]
        height = self.height - n
        for i in range(height, self.height):
            self.settle(i)
        self.emit(H_THROW, self.base + height, op, n)
        self.word(x if op == OP_THROW else 0)
        self.last = -1
        return 0

    def memory_size(self, memory):
        """In pages: of memory 0 from the machine's state, but for pages of another size or a shared memory."""
        context = self.context
        self.clobber(0)
        if memory == 0 and context.mem_page[0] == 16 and not context.mem_is64[0] and not context.mem_shared[0]:
            self.emit(H_MEMORY_SIZE, 0, 0, 0)
        else:
            self.emit(H_MEMORY_SIZE_ANY, 0, 0, memory << 16)
            self.word(context.mem_page[memory])
        self.push_result(I64 if context.mem_is64[memory] else I32)

    def global_get(self, index):
        imported = self.context.n_imported_globals
        type_ = self.context.global_type[index]
        accumulator = class_of(type_)
        self.clobber(accumulator)
        if index < imported:
            self.emit(self.c_get_imported[accumulator], 0, 0, index)
        else:
            self.emit(self.c_get[accumulator], 0, 0, self.cells + 8 * self.context.global_cell[index])
        self.push_result(type_)

    def global_set(self, index):
        imported = self.context.n_imported_globals
        self.resolve(1)
        self.pop()
        form = self.found * 3 + class_of(self.type_)
        handler = self.c_set_imported[form] if index < imported else self.c_set[form]
        where = index if index < imported else self.cells + 8 * self.context.global_cell[index]
        self.fuse(
            handler, 0, self.value if self.found == IN_SLOT else 0, where, int(self.found == IMMEDIATE), self.value
        )
        self.last = -1

    # ------------------------------------------------------------------ fuel
    def meter(self, op, x, y):
        """Count an instruction (docs/limits.md), with its first two immediates: a block's charge stands first."""
        kind = self.t_fuel[op]
        if kind == FREE:  # where nobody branches to a label, the block goes on
            l = self.labels - 1
            self.empty = -1
            if self.label_kind[l] != AT_LOOP and (self.label_kind[l] != AT_BLOCK or self.label_fixups[l] >= 0):
                if self.charged < 0 and x:  # who comes here expects a charge, if only of nothing
                    self.charge(H_CHARGE, 0)
                    self.empty = self.length - 2
                self.charged = -1
            return 0
        if self.charged < 0:
            self.charge(H_CHARGE, 0)
            self.charged = self.length - 2
        at = self.charged + 1
        if self.recording and self.code[at] >> 32 == 0:
            self.points[self.charged] = self.offset
        self.code[at] += (1 + (y >> 6) if op == OP_ARRAY_NEW_FIXED else 1) << 32
        if self.recording:
            self.spent[self.offset] = (self.charged, self.code[at] >> 32)
        if kind == LENGTH:
            top = self.height - 1
            if self.kinds[top] != LOCAL:
                self.settle(top)
            self.charge(H_CHARGE_LENGTH, self.values[top])
        if kind == ENDS or kind == LENGTH:
            self.charged = -1
        return 0

    def charge(self, handler, slot):
        """Emit a charge: who goes on there finds in the accumulators what slot D holds, and nothing else."""
        taken = handler == H_CHARGE_LENGTH
        for i in range(3):
            if self.pending[i] >= 0:
                self.spill(i)
            if self.mirror[i] >= 0:
                if taken:
                    self.unlike(i)
                else:
                    slot = self.mirror[i]
                    taken = 1
        if handler == H_CHARGE:
            self.separate()
            if self.emitted >= 0 and self.t_falling[self.code[self.emitted]]:
                self.code[self.emitted] = self.t_falling[self.code[self.emitted]]
        self.emit(handler, slot, 0, 0)
        self.separate()
        return 0

    def pay_ahead(self):
        """Let what was emitted last, and ends a block, charge the one it goes to; 0: it cannot."""
        handler = self.t_metered[self.code[self.last]]
        if handler:
            self.code[self.last] = handler
        return handler

    # ------------------------------------------------------------------ a body
    def ensure(self, words):
        """Room for that many more words of code."""
        if self.length + words > len(self.code):
            self.code = array("Q", bytes(self.code) + bytes(8 * max(words, len(self.code))))

    def reserve(self, entries):
        """Room for that many more operands."""
        n = self.height + entries
        if n > len(self.kinds):
            self.kinds = grown(self.kinds, n)
            self.values = grown(self.values, n)
            self.addends = grown(self.addends, n)
            self.types = grown(self.types, n)

    def begin(self, index, start, params, locals_, sig, types):
        """A new function: `types` are those of its parameters, then of its other locals."""
        self.offset = start
        self.length = 0
        self.height = 0
        self.low = 0
        self.highest = 1
        self.labels = 0
        self.fixups = 0
        self.n_open = 0
        self.n_targets = 0
        self.compare_mirror = -1
        self.rel_word = 0
        self.rel_half = 0
        self.sig = sig
        self.vector = -1
        self.place_locals(params, locals_, types)
        self.points = {}
        self.spent = {}
        self.charged = -1
        self.empty = -1
        self.frames = {}
        self.noted = []
        self.found_height = 0
        self.n_locals = locals_
        self.catches = []
        self.tries = []
        self.announced = []
        self.frame = 0
        if self.base + 64 > MAX_SLOTS:
            raise Unsupported(f"function {index} needs more than {MAX_SLOTS} slots")
        if self.base > len(self.aliases):
            self.aliases = grown(self.aliases, self.base)
            self.assigned = grown(self.assigned, self.base)
            self.log = grown(self.log, self.base)
        for i in range(self.base):
            self.aliases[i] = 0
            self.assigned[i] = i < self.params
        for i in range(3):
            self.pending[i] = -1
            self.producer[i] = -1
        self.forget()
        self.emitted = -1
        self.start = 0
        self.n_log = 0
        self.first_zero = MAX_SLOTS
        self.last_zero = 0
        if self.metered:
            self.charge(H_CHARGE, 0)
            self.charged = 0
        if locals_ > params:  # which of them must be zero is known at the end
            self.emit(H_ENTER, self.params + 2, 0, 0)
            self.last = -1
            for i in range(params, locals_):
                if types[i] >> 32:  # references are always valid
                    self.needs_zero(self.local_slot[i])
        self.new_label(AT_FUNCTION, 0, sig)
        return 0

    def place_locals(self, params, locals_, types):
        """Types and slots of the locals; the return record lies behind the parameters."""
        if locals_ > len(self.local_types):
            self.local_types = grown(self.local_types, locals_)
            self.local_slot = grown(self.local_slot, locals_)
        slot = 0
        for i in range(locals_):
            if i == params:
                self.params = slot
                slot += 2
            self.local_types[i] = types[i]
            self.local_slot[i] = slot
            slot += 2 if types[i] == V128 else 1
        if locals_ == params:
            self.params = slot
            slot += 2
        self.base = slot

    def needs_zero(self, slot):
        """The local in `slot` may be read before it is set."""
        if slot < self.first_zero:
            self.first_zero = slot
        if slot > self.last_zero:
            self.last_zero = slot

    def unassign(self, l):
        """What was set inside a block need not have been set after it (spec 3.4.12 "Local variables")."""
        while self.n_log > self.label_log[l]:
            self.n_log -= 1
            self.assigned[self.log[self.n_log]] = 0

    def visit(self, op, offset, x, y, z):
        """One valid, reachable instruction (the protocol stands in validation/validator.py)."""
        self.offset = offset
        self.found_height = self.height
        if self.height + 16 > len(self.kinds):
            self.reserve(16)
        if self.n_open:
            self.expose(self.t_pops[op], self.t_alike[op])
        if self.metered:
            self.meter(op, x, y)
        if op == OP_LOCAL_GET:
            slot = self.local_slot[x]
            type_ = self.local_types[x]
            if not self.assigned[slot]:
                self.needs_zero(slot)
                if type_ == V128:
                    self.needs_zero(slot + 1)
            if type_ == V128:
                self.push_local_vector(slot)
                return 0
            self.aliases[slot] += 1
            self.push(LOCAL, slot, type_)
            return 0
        if op == OP_I32_CONST:
            self.push(CONST, x & LOW32, I32)
            return 0
        kind = self.t_kind[op]
        if kind == KIND_BINARY:
            n = self.height
            if op == OP_I32_ADD and self.fusing and self.kinds[n - 1] == CONST and self.kinds[n - 2] == LOCAL:
                self.height = n - 1
                if self.low > n - 1:
                    self.low = n - 1
                self.kinds[n - 2] = SUM
                self.addends[n - 2] = self.values[n - 1]
                return 0
            return self.binary(op, 0)
        if kind == KIND_COMPARE:
            return self.binary(op, 1)
        if kind == KIND_LOAD:
            return self.load(op, x, y)
        if kind == KIND_STORE:
            return self.store(op, x, y)
        if op == OP_LOCAL_SET:
            return self.local_set(x, 0)
        if op == OP_LOCAL_TEE:
            return self.local_set(x, 1)
        if kind == KIND_UNARY:
            return self.unary(op)
        if op == OP_BR_IF:
            return self.branch_on(self.labels - 1 - x)
        if op == OP_BLOCK or op == OP_LOOP or op == OP_IF or op == OP_ELSE or op == OP_END or op == OP_TRY_TABLE:
            return self.structured(op, x)
        if op == OP_CALL or op == OP_CALL_INDIRECT or op == OP_RETURN_CALL or op == OP_RETURN_CALL_INDIRECT:
            return self.call(op, x, y)
        if op == OP_BR or op == OP_RETURN:
            return self.branch(self.labels - 1 - x if op == OP_BR else 0)
        return self.other(op, kind, x, y, z)

    def structured(self, op, x):
        if op == OP_BLOCK or op == OP_LOOP:
            self.flush(self.context.sig_ps[x])
            if op == OP_LOOP:
                self.forget()
                self.truncate(self.height - self.context.sig_ps[x])  # branches back bring values of the label's types
                self.push_types(self.context.sig_po[x], self.context.sig_np[x])
            self.new_label(AT_LOOP if op == OP_LOOP else AT_BLOCK, self.height - self.context.sig_ps[x], x)
            return 0
        if op == OP_IF:
            self.resolve(1)
            params = self.context.sig_ps[x]
            top = self.height - 1
            for i in range(self.low, top - params):
                if self.kinds[i] != TEMP and self.kinds[i] != CONST:
                    self.settle(i)
            for i in range(top - params, top):
                self.settle(i)
            if self.low < top:
                self.low = top
            taken = self.branch_if(1)
            l = self.new_label(AT_IF, self.height - params, x)
            if taken:
                if self.metered:
                    self.pay_ahead()
                self.label_else[l] = self.add_fixup(-1)
            self.last = -1
            return 0
        if op == OP_TRY_TABLE:
            return self.begin_try(x)
        l = self.labels - 1
        self.unassign(l)
        if op == OP_ELSE:
            self.end_part(l, x)
            self.bind(self.label_else[l])
            self.label_else[l] = -1
            self.push_types(self.context.sig_po[self.label_sig[l]], self.context.sig_np[self.label_sig[l]])
            # the label keeps its chain, so that `end` knows somebody comes from here
            return 0
        if l == 0:
            return self.end_function(x)
        if self.label_kind[l] == AT_TRY:
            self.end_try(l)
        if self.label_else[l] >= 0:  # an `if` without `else`: the condition's branch joins the label's
            chain = self.label_else[l]
            while self.fix_next[chain] >= 0:
                chain = self.fix_next[chain]
            self.fix_next[chain] = self.label_fixups[l]
            self.label_fixups[l] = self.label_else[l]
        self.end_label(l, x)
        self.labels = l
        return 0

    def end_part(self, l, reachable):
        """The code before an `else` or a handler of label l goes on at its end."""
        if reachable:
            self.move_values(l, 1)
            self.fuse(H_BR, 0, 0, 0, 0, 0)
            if self.metered:
                self.pay_ahead()
            self.label_fixups[l] = self.add_fixup(self.label_fixups[l])
        self.truncate(self.label_height[l])
        self.forget()

    def end_function(self, reachable):
        if self.label_fixups[0] >= 0:
            self.end_label(0, reachable)
            if self.metered:
                self.charge(H_CHARGE, 0)
            self.leave_function()
        elif reachable:
            self.leave_function()
        self.labels = 0
        at = 2 if self.metered else 0  # behind the charge
        if self.code[at] == H_ENTER and self.base - 2 > self.params:
            n = self.last_zero - self.first_zero + 1
            if n > 0:
                self.code[at] = H_ENTER if n > 4 else H_ENTER1 + n - 1
                self.code[at + 1] = self.first_zero | n << 16
            else:
                self.start = 2
                if self.metered:
                    self.code[2] = self.code[0]
                    self.code[3] = self.code[1]
                    if self.recording:
                        self.points[2] = self.points[0]
        self.frame = max(self.base + self.highest + 4, self.context.sig_rs[self.sig])
        if self.frame > MAX_SLOTS:
            raise Unsupported(f"a function needs more than {MAX_SLOTS} slots")
        return 0

    def other(self, op, kind, x, y, z):
        if op == OP_I64_CONST:
            self.push(CONST, x, I64)
        elif op == OP_F64_CONST:
            self.push(CONST, x, F64)
        elif op == OP_F32_CONST:
            self.push(CONST, x & LOW32, F32)
        elif op == OP_DROP:
            self.pop_quietly()
        elif op == OP_SELECT or op == OP_SELECT_T:
            self.select()
            if op == OP_SELECT_T and x & REF:
                self.types[self.height - 1] = x  # which of the two it is, only the guest knows
        elif op == OP_GLOBAL_GET:
            self.global_get(x)
        elif op == OP_GLOBAL_SET:
            self.global_set(x)
        elif op == OP_BR_TABLE:
            self.branch_table(x)
        elif op == OP_UNREACHABLE:
            self.emit(H_UNREACHABLE, 0, 0, 0)
            self.last = -1
        elif op == OP_NOP:
            pass
        elif op == OP_ATOMIC_FENCE:
            self.emit(H_ATOMIC_FENCE, 0, 0, 0)
            self.last = -1
        elif op == OP_MEMORY_ATOMIC_NOTIFY or op == OP_MEMORY_ATOMIC_WAIT32 or op == OP_MEMORY_ATOMIC_WAIT64:
            self.wait(op, x, y)
        elif op == OP_MEMORY_SIZE:
            self.memory_size(x)
        elif op == OP_REF_NULL:
            self.push(CONST, 0, REF | NULLABLE | x)
        elif op == OP_REF_IS_NULL:
            self.unary(OP_I64_EQZ)
        elif op == OP_REF_EQ:
            self.binary(OP_I64_EQ, 1)
        elif op == OP_REF_AS_NON_NULL:
            self.emit(H_REF_AS_NON_NULL, self.hold(self.height - 1), 0, 0)
            self.last = -1
        elif op == OP_BR_ON_NULL:
            self.branch_on_null(self.labels - 1 - x)
        elif op == OP_BR_ON_NON_NULL:
            self.branch_on_non_null(self.labels - 1 - x)
        elif op == OP_CALL_REF or op == OP_RETURN_CALL_REF:
            self.call(op, x, 0)
        elif op == OP_REF_FUNC:
            self.clobber(0)
            imported = self.context.n_imported_funcs
            if x < imported:
                self.emit(H_REF_FUNC_IMPORTED, 0, 0, x)
            else:
                # records of one instance lie side by side: the distance in records is the index
                self.emit(H_REF_FUNC, 0, 0, x - imported)
            self.push_result(REF | CONCRETE | self.context.func_sig[x])
        elif op == OP_TABLE_GET and not self.context.table_is64[x] and x <= 0xFFFF:
            self.resolve(1)
            slot = self.in_slot(self.base + self.height - 1)
            self.clobber(0)
            self.emit(H_TABLE_GET, 0, slot, x << 16)
            self.push_result(self.context.table_element[x])
        elif op == OP_TABLE_SET and not self.context.table_is64[x] and x <= 0xFFFF:
            self.resolve(2)
            value = self.in_slot(self.base + self.height - 1)
            slot = self.in_slot(self.base + self.height - 1)
            self.emit(H_TABLE_SET, 0, slot, value | x << 16)
            self.last = -1
        elif op == OP_THROW or op == OP_THROW_REF:
            self.throw(op, x)
        elif op == OP_TRY:
            self.old_try(x)
        elif op == OP_CATCH or op == OP_CATCH_ALL:
            self.old_catch(op, y, x)
        elif op == OP_DELEGATE:
            self.delegate(y, x)
        elif op == OP_RETHROW:
            self.rethrow(self.labels - 1 - x)
        elif (
            (op == OP_MEMORY_COPY and x == 0 and y == 0) or (op == OP_MEMORY_FILL and x == 0)
        ) and not self.context.mem_is64[0]:
            self.bulk(op)
        elif kind == KIND_OPERATION:
            self.operation(op, self.t_operand[op], self.operation_result(op, x), x, y)
        elif kind == KIND_WIDE:
            self.wide_arithmetic(op)
        elif kind == KIND_OBJECT:
            self.object_instruction(op, x, y, z)
        elif kind >= KIND_ATOMIC_LOAD and kind <= KIND_ATOMIC_CMPXCHG:
            self.atomic(op, kind, x, y)
        else:
            raise Unsupported(f"{OPS[op].mnemonic} cannot be executed yet")
        return 0

    def object_instruction(self, op, x, y, z):
        """An instruction on structs, arrays or types: object_translator.py."""
        raise Unsupported(f"{OPS[op].mnemonic} cannot be executed yet")

    def operation_result(self, op, x):
        """The type of an operation's result, 0: none; sizes have the address type of memory or table x."""
        result = self.t_result[op]
        if op == OP_TABLE_GET:
            return self.context.table_element[x]
        if result == I32:
            if op == OP_MEMORY_GROW:
                return I64 if self.context.mem_is64[x] else I32
            if op == OP_TABLE_SIZE or op == OP_TABLE_GROW:
                return I64 if self.context.table_is64[x] else I32
        return result

    def wide_arithmetic(self, op):
        n = self.t_operand[op]
        first = self.height - n
        for i in range(first, self.height):
            self.settle(i)
        self.emit(self.t_any[op], self.base + first, 0, 0)
        self.last = -1
        self.truncate(first)
        for i in range(2):
            self.wrote(self.base + first + i, -1)
            self.push(TEMP, self.base + first + i, I64)
        return 0


def class_of(type_):
    """The accumulator that holds values of a type."""
    if type_ == F64:
        return F64_CLASS
    if type_ == F32:
        return F32_CLASS
    return INT


def fits16(half):
    """Whether a 32-bit immediate (unsigned) is a sign-extended 16-bit one."""
    return half < 0x8000 or (half >= LOW32 - 0x7FFF and half <= LOW32)


def fits32(value):
    return value >= -0x80000000 and value <= 0x7FFFFFFF
