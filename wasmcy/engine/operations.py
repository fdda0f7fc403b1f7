"""The machine's operations: one handler per instruction, operand form and destination.

    name        i32.add:sr      operand forms: s slot, r accumulator, i immediate, in operand order
                i32.add:sr>     the same, which also stores its result in slot D
                br.i32.lt_s:ss  compare and branch; brn. branches where the comparison fails
                br.i32.lt_s:ss^ the same backwards: it polls
                br.i32.lt_s:ss$ the same in metered code, in both directions: it charges
                2.i32.add:ss.xor:rs     (A + B) ^ C
                i32.load@sks2   address mode: (slot << 2) + slot

    words       [handler][D, A, B, C: u16 each, D lowest][…]
                `half` is the upper half of the second word (the fields B and C together)

A producer leaves its result in the accumulator of its class; its `>` twin, the next id, stores it
too.  A branch is followed by its `^` twin in the same way.  So the translator changes its mind about a
destination or a direction by adding one to an id.
"""

from ..opcodes import BY_NAME, N_IDS, ONE, OPS
from ..types import I32, V128
from . import object_operations, semantics, vector_operations
from .forms import (
    BY_CLASS,
    FLAG_COMMUTATIVE,
    FLAG_EQZ,
    FORMS,
    FUSE_ALU_RI,
    FUSE_ALU_RS,
    FUSE_ALU_SR,
    FUSE_FIRST_IMMEDIATE,
    FUSE_GLOBAL,
    FUSE_GLOBAL_SAME,
    FUSE_LOAD_KI_NARROW,
    FUSE_LOAD_RI,
    FUSE_LOAD_SI,
    FUSE_MOVE_BRANCH,
    FUSE_MOVES,
    FUSE_STEP_RI,
    FUSE_STEP_RS,
    FUSE_STEP_SR,
    FUSE_STEP_Z,
    FUSE_STORE_KI,
    FUSE_STORE_KI_NARROW,
    FUSE_STORE_KS,
    FUSE_STORE_RI,
    FUSE_STORE_SI,
    FUSE_STORE_SS,
    FUSE_TEST,
    KIND_ATOMIC_CMPXCHG,
    KIND_ATOMIC_LOAD,
    KIND_ATOMIC_RMW,
    KIND_ATOMIC_STORE,
    KIND_BINARY,
    KIND_COMPARE,
    KIND_LOAD,
    KIND_OPERATION,
    KIND_STORE,
    KIND_UNARY,
    KIND_WIDE,
    NAMED,
    STORE_FORMS,
)
from .handlers import (
    ACCUMULATOR,
    ADDRESS,
    BRANCHES,
    CHARGE,
    CTYPE,
    FUSIONS,
    ID,
    NAMES,
    NARROW,
    SCALED,
    SLOT,
    align,
    bounds,
    branch,
    charged_branch,
    one,
    producer,
    read,
    slot,
    write,
)
from .handlers import HANDLERS as HANDLERS  # all of them, once this module is imported


def operands(kind, form, first, second, immediate):
    """Lines that fetch a and b for a form; the slots stand in the named fields."""
    places = {"s": (first, second), "r": ("r", "r"), "i": (immediate, immediate)}
    if form == "is":
        second = first
        places["s"] = (first, first)
    return [f"a = {read(kind, places[form[0]][0])}", f"b = {read(kind, places[form[1]][1])}"]


def trap_lines(mnemonic):
    return [f"if WASMCY_UNLIKELY({condition}): TRAP {trap}" for condition, trap in semantics.guards(mnemonic)]


def cast(kind, text):
    return f"<{CTYPE[kind]}>({text})"


# ------------------------------------------------------------------ the categories of instructions
BINARY, COMPARE, UNARY, LOAD, STORE = [], [], [], [], []
ATOMIC_LOAD, ATOMIC_STORE, ATOMIC_RMW, ATOMIC_CMPXCHG = [], [], [], []
for _op in OPS.values():
    if _op.params is None or "v128" in _op.mnemonic or _op.mnemonic.count(".") < 1:
        continue
    _known = all(t in NAMES for t in (*_op.params, *_op.results) if t != "at")
    _prefix = _op.mnemonic.split(".")[0]
    if not _known or _prefix not in CTYPE:
        continue
    if ".atomic." in _op.mnemonic:
        if ".load" in _op.mnemonic:
            ATOMIC_LOAD.append(_op)
        elif ".store" in _op.mnemonic:
            ATOMIC_STORE.append(_op)
        elif "cmpxchg" in _op.mnemonic:
            ATOMIC_CMPXCHG.append(_op)
        else:
            ATOMIC_RMW.append(_op)
    elif "memarg" in _op.immediates:
        (LOAD if _op.results else STORE).append(_op)
    elif len(_op.params) == 2 and len(_op.results) == 1:
        (
            COMPARE
            if _op.results != _op.params[:1] or "." + _op.mnemonic.split(".")[1] in {f".{n}" for n in semantics.SWAPPED}
            else BINARY
        ).append(_op)
    elif len(_op.params) == 1 and len(_op.results) == 1:
        UNARY.append(_op)


def short(op):
    return op.mnemonic.split(".", 1)[1]


def wide_immediate(kind):
    """Whether an operand's immediate fills a word of its own."""
    return kind == "f64"


TWICE = ("add", "mul")  # of floats: their operands may be one value, which need not come from its slot

for _op in BINARY:
    _kind = NAMES[_op.params[0]]
    for _form in FORMS:
        if short(_op) in semantics.COMMUTATIVE and _form in ("sr", "is", "ir"):
            continue
        if _form == "rr" and (_kind[0] == "i" or short(_op) not in TWICE):
            continue
        _wide = "i" in _form and wide_immediate(_kind)
        _lines = operands(_kind, _form, "A", "B", "w2" if _wide else "half")
        producer(
            f"{_op.mnemonic}:{_form}", 3 if _wide else 2, _kind,
            _lines + trap_lines(_op.mnemonic), cast(_kind, semantics.expression(_op.mnemonic)), _kind,
        )  # fmt: skip
for _op in COMPARE:
    _kind = NAMES[_op.params[0]]
    _text = semantics.expression(_op.mnemonic)
    # equal operands are swapped: the slot comes second; branches on a negation go forwards only
    _forms = [form for form in FORMS[:5] if form != "sr" or short(_op) not in semantics.COMMUTATIVE]
    for _form in _forms:
        _wide = "i" in _form and wide_immediate(_kind)
        producer(
            f"{_op.mnemonic}:{_form}", 3 if _wide else 2, _kind,
            operands(_kind, _form, "A", "B", "w2" if _wide else "half"), f"<u32>({_text})", "i32",
        )  # fmt: skip
    for _form in _forms:
        _words = 3 if "i" in _form else 2
        _lines = operands(_kind, _form, "D", "A", "w2")
        branch(f"br.{_op.mnemonic}:{_form}", _words, _lines, _text, _kind)
        if _kind[0] == "f":
            _jump = [f"if not ({_text}):", "    JUMP", f"NEXT {_words}"]
            one(f"brn.{_op.mnemonic}:{_form}", _words, [*_lines, *_jump], _kind)
for _op in UNARY:
    _from, _to = NAMES[_op.params[0]], NAMES[_op.results[0]]
    for _form in "sr":
        _lines = [f"a = {read(_from, {'s': 'A', 'r': 'r'}[_form])}", *trap_lines(_op.mnemonic)]
        producer(f"{_op.mnemonic}:{_form}", 2, _from, _lines, cast(_to, semantics.expression(_op.mnemonic)), _to)
for _kind in ("f32", "f64"):  # code of deterministic stores only
    _text = semantics.expression(f"{_kind}.canonical")
    producer(f"{_kind}.canonical:r", 2, _kind, [f"a = {read(_kind, 'r')}"], _text, _kind)
    one(f"{_kind}.canonical", 2, [f"a = {read(_kind, 'D')}", write(_kind, "F_D(pc)", _text), "NEXT 2"], _kind)


# ------------------------------------------------------------------ memory
def load_value(op, base="mem"):
    kind = NAMES[op.results[0]]
    at = f"{base} + ea - {op.align}"
    access = semantics.LOADS[short(op).replace("atomic.", "")]
    if access is None:
        return kind, f"wcy_load_{'u' + kind[1:] if kind[0] == 'i' else kind}({at})"
    unit, extend = access
    through = f"<{CTYPE[kind]}><i{kind[1:]}>" if extend else f"<{CTYPE[kind]}>"
    return kind, f"{through}{extend}wcy_load_{unit}({at})"


def store_value(op, value, base="mem"):
    kind = NAMES[op.params[1]]
    unit = semantics.STORES[short(op).replace("atomic.", "")] or ("u" + kind[1:] if kind[0] == "i" else kind)
    conversion = f"<{unit}>" if unit[0] == "u" else ""
    return f"wcy_store_{unit}({base} + ea - {op.align}, {conversion}({value}))"


for _op in LOAD:
    _kind, _value = load_value(_op)
    for _form, _address in (("s", "wcy_slot_u32(sp, F_A(pc))"), ("r", "<u32>r0")):
        producer(f"{_op.mnemonic}:{_form}", 2, _kind, bounds(f"<u64>{_address} + <u64>F_HALF(pc)"), _value, _kind)
    producer(f"{_op.mnemonic}@i", 2, _kind, bounds("F_HALF(pc)"), _value, _kind)  # a constant address
for _op in STORE:
    _kind = NAMES[_op.params[1]]
    for _form in STORE_FORMS:
        if _form == "rr" and _kind[0] == "i":
            continue
        _address = "wcy_slot_u32(sp, F_D(pc))" if _form[0] == "s" else "<u32>r0"
        _words = 3 if _form[1] == "i" else 2
        _value = read(_kind, {"s": "A", "r": "r", "i": "w2"}[_form[1]])
        _lines = [*bounds(f"<u64>{_address} + <u64>F_HALF(pc)"), store_value(_op, _value), f"NEXT {_words}"]
        one(f"{_op.mnemonic}:{_form}", _words, _lines, _kind)
    for _form in "sri":
        _words = 3 if _form == "i" else 2
        _value = read(_kind, {"s": "A", "r": "r", "i": "w2"}[_form])
        one(
            f"{_op.mnemonic}@i:{_form}",
            _words,
            [*bounds("F_HALF(pc)"), store_value(_op, _value), f"NEXT {_words}"],
            _kind,
        )

# any memory, any offset: [D value or result, A address, B, C memory][offset + size]
_ANY = [
    "memory = instance.memories[F_C(pc)]",
    "ea = sp[F_A(pc)] + pc[2]",
    "if WASMCY_UNLIKELY(ea < pc[2] or ea > memory.size): TRAP TRAP_BOUNDS",
]
for _op in LOAD:
    _kind, _value = load_value(_op, "memory.base")
    producer(f"{_op.mnemonic}@any", 3, _kind, _ANY, _value, _kind)
for _op in STORE:
    _kind = NAMES[_op.params[1]]
    one(f"{_op.mnemonic}@any", 3, [*_ANY, store_value(_op, read(_kind, "D"), "memory.base"), "NEXT 3"], _kind)
# atomics of an unshared memory have this form only: its store owns it, so plain accesses are atomic
_ALIGNED = [*_ANY, "if WASMCY_UNLIKELY(ea & {0} != 0): TRAP TRAP_UNALIGNED"]


def aligned(op):
    lines = [_ANY[0], _ANY[1], *([_ALIGNED[3].format(op.align - 1)] if op.align > 1 else []), _ANY[2]]
    return lines


for _op in ATOMIC_LOAD:
    _kind, _value = load_value(_op, "memory.base")
    producer(f"{_op.mnemonic}@any", 3, _kind, aligned(_op), _value, _kind)
for _op in ATOMIC_STORE:
    _kind = NAMES[_op.params[1]]
    one(f"{_op.mnemonic}@any", 3, [*aligned(_op), store_value(_op, read(_kind, "D"), "memory.base"), "NEXT 3"], _kind)


def atomic_unit(op):
    """The unsigned type of what a read-modify-write touches."""
    return {1: "u8", 2: "u16", 4: "u32", 8: "u64"}[op.align]


for _op in ATOMIC_RMW:
    _kind, _unit = NAMES[_op.results[0]], atomic_unit(_op)
    _what = semantics.ATOMICS[_op.mnemonic.split(".")[3].removesuffix("_u")]
    producer(
        f"{_op.mnemonic}@any", 3, _kind,
        [*aligned(_op), f"a = wcy_load_{_unit}(memory.base + ea - {_op.align})", f"b = {read(_kind, 'B')}",
         f"wcy_store_{_unit}(memory.base + ea - {_op.align}, <{_unit}>({_what}))"], "a", _kind,
    )  # fmt: skip
for _op in ATOMIC_CMPXCHG:  # [D result, A address, B expected, C memory][offset + size][replacement slot]
    _kind, _unit = NAMES[_op.results[0]], atomic_unit(_op)
    _at = f"memory.base + ea - {_op.align}"
    producer(
        f"{_op.mnemonic}@any", 4, _kind,
        [*aligned(_op), f"a = wcy_load_{_unit}({_at})", f"b = <{_unit}>{read(_kind, 'B')}",  # wrapped, as engines do
         f"if a == b: wcy_store_{_unit}({_at}, <{_unit}>sp[pc[3]])"], "a", _kind,
    )  # fmt: skip

# ------------------------------------------------------------------ moves, constants, globals
one("move", 2, ["x = sp[F_A(pc)]", "sp[F_D(pc)] = x", "NEXT 2"])
one("move2", 2, ["x = sp[F_A(pc)]", "sp[F_D(pc)] = x", "x = sp[F_C(pc)]", "sp[F_B(pc)] = x", "NEXT 2"])
one("move4", 3, [
    "x = sp[F_A(pc)]", "sp[F_D(pc)] = x", "x = sp[F_C(pc)]", "sp[F_B(pc)] = x",
    "x = sp[W_U16(pc, 2, 1)]", "sp[W_U16(pc, 2, 0)] = x", "x = sp[W_U16(pc, 2, 3)]", "sp[W_U16(pc, 2, 2)] = x",
    "NEXT 3",
])  # fmt: skip
one("movespan", 2, [  # B slots from A down to D: D <= A
    "x = F_B(pc)", "src = sp + F_A(pc)", "dst = sp + F_D(pc)",
    "while x != 0:", "    dst[0] = src[0]", "    dst += 1", "    src += 1", "    x -= 1", "    WASMCY_BARRIER()",
    "NEXT 2",
])  # fmt: skip
branch("movebr", 2, ["x = sp[F_A(pc)]", "sp[F_D(pc)] = x"], None)
one("const32", 2, ["sp[F_D(pc)] = F_HALF(pc)", "NEXT 2"])
one("const64", 3, ["sp[F_D(pc)] = pc[2]", "NEXT 3"])
for _kind in ("i64", "f64", "f32"):
    one(f"setr.{_kind}", 2, [write(_kind, "F_D(pc)", ACCUMULATOR[_kind]), "NEXT 2"], _kind)
    for _name, _cell in (
        ("own", "cell = <u64*>(<u8*>instance + F_HALF(pc))"),
        ("imported", "cell = instance.imported_globals[F_HALF(pc)]"),
    ):
        producer(f"global.get.{_kind}.{_name}", 2, _kind, [_cell], slot(_kind, "0").replace("sp", "cell"), _kind)
        for _form, _place in (("s", "A"), ("r", "r"), ("i", "w2")):
            _words = 3 if _form == "i" else 2
            one(f"global.set.{_kind}.{_name}:{_form}", _words,
                [_cell, write(_kind, "0", read(_kind, _place)).replace("sp", "cell", 1), f"NEXT {_words}"],
                _kind)  # fmt: skip
    for _form in "sr":
        _lines = ["x = F_A(pc)", "y = F_B(pc)", f"if {read('i32', {'s': 'C', 'r': 'r'}[_form])} == 0: x = y"]
        producer(f"select.{_kind}:{_form}", 2, _kind, _lines, slot(_kind, "x"), _kind)
    for _form, _place in (("s", "D"), ("r", "r"), ("i", "w2")):
        _acc = ACCUMULATOR[_kind]
        one(f"return.{_kind}:{_form}", 3 if _form == "i" else 2, [
            f"{_acc} = {read(_kind, _place)}", "x = F_C(pc)", "pc = <u64*>sp[x]", "y = sp[x + 1]",
            write(_kind, "0", _acc), "sp = <u64*>(<u8*>sp - y)", "GO"], _kind)  # fmt: skip

# ------------------------------------------------------------------ control
one("return.void", 2, ["x = F_C(pc)", "pc = <u64*>sp[x]", "sp = <u64*>(<u8*>sp - sp[x + 1])", "GO"])
one("return.many", 2, [  # B results from slot A; C: parameters
    "x = F_C(pc)", "code = <u64*>sp[x]", "y = sp[x + 1]", "x = F_B(pc)", "src = sp + F_A(pc)", "dst = sp",
    "while x != 0:", "    dst[0] = src[0]", "    dst += 1", "    src += 1", "    x -= 1", "    WASMCY_BARRIER()",
    "pc = code", "sp = <u64*>(<u8*>sp - y)", "GO",
])  # fmt: skip
branch("br", 2, [], None)
for _kind, _word in (("i32", ""), ("i64", "64")):
    for _form in "sr":
        _value = read(_kind, {"s": "D", "r": "r"}[_form])
        if _word:  # the negation of eqz: forwards only
            one(f"br{_word}_nz:{_form}", 2, [f"if {_value} != 0:", "    JUMP", "NEXT 2"])
            BRANCHES.append((f"br{_word}_nz:{_form}", 2, [], f"{_value} != 0", "i64", "JUMP"))
        else:
            branch(f"br{_word}_nz:{_form}", 2, [], f"{_value} != 0")
        branch(f"br{_word}_z:{_form}", 2, [], f"{_value} == 0")
for _form in "sr":  # [D, half count][displacements, two a word]: the last is the default
    one(f"br_table:{_form}", 0, [
        f"u = {read('i32', {'s': 'D', 'r': 'r'}[_form])}", "v = F_HALF(pc)",
        "if WASMCY_UNLIKELY(u > v):", "    u = v", "    WASMCY_BARRIER()",  # predicted: no wait for the comparison
        "pc = <u64*>(<u8*>pc + <i32>wcy_half(pc + 2, u))", "GO"])  # fmt: skip


def enter_frame(words):
    """Go to the callee's first instruction; it returns behind this one."""
    return [
        "if WASMCY_UNLIKELY(nsp + (code - 1)[0] > instance.stack_limit): TRAP LEAVE_EXHAUSTED",
        "x = F_A(pc)",
        f"nsp[x] = <u64>(pc + {words})",
        "nsp[x + 1] = F_D(pc) * 8",
        "sp = nsp",
        "pc = code",
    ]


_POLL = ["instance.poll -= 1", "if WASMCY_UNLIKELY(instance.poll < 0): LEAVE LEAVE_POLL", "GO"]
_CODE = "code = <u64*>wcy_load_acquire(&{0}.code)"
_CALLEE = [
    "table = (<TableRecord**>(<u8*>instance + W_HALF(pc, 2, 1)))[0]",
    "if WASMCY_UNLIKELY(u >= table.size): TRAP TRAP_UNDEFINED",
    "callee = <FuncRef*>table.elements[u]",
    "if WASMCY_UNLIKELY(callee == NULL):",
    "    instance.activation.value = u",
    "    TRAP TRAP_UNINITIALIZED",
]


def elsewhere(reason, words):
    """Leave for a host function or another instance; the arguments stand at sp + D."""
    return ["instance.activation.callee = callee", "instance.activation.args = sp + F_D(pc)",
            f"pc = pc + {words}", f"LEAVE {reason}"]  # fmt: skip


def unless_here(reason, words):
    return ["if WASMCY_UNLIKELY(callee.instance != instance):", *("    " + line for line in elsewhere(reason, words))]


def unless_exact(reason):
    """A callee of another type may be of a subtype: the machine finds out, and makes the call (answer_subtype)."""
    return ["if WASMCY_UNLIKELY(callee.type != W_HALF(pc, 2, 0)):",
            *("    " + line for line in elsewhere(reason, 0))]  # fmt: skip


# calls: [D arguments, A parameters][function record]; call_indirect [.., B index][type, table]
one("call", 3, ["function = <FuncCode*>pc[2]", _CODE.format("function"), "nsp = sp + F_D(pc)", *enter_frame(3), *_POLL])
one("call_import", 3, ["callee = instance.imported_funcs[pc[2]]", *elsewhere("LEAVE_CALL", 3)])
# tail calls: C is where the caller's own return record stands
_REPLACE = [
    "if WASMCY_UNLIKELY(sp + (code - 1)[0] > instance.stack_limit): TRAP LEAVE_EXHAUSTED",
    "x = F_C(pc)", "y = sp[x + 1]", "x = sp[x]", "src = sp + F_D(pc)", "dst = sp", "nsp = sp + F_A(pc)",
    "while dst != nsp:", "    dst[0] = src[0]", "    dst += 1", "    src += 1", "    WASMCY_BARRIER()",
    "nsp[0] = x", "nsp[1] = y", "pc = code",
]  # fmt: skip
one("return_call", 3, ["function = <FuncCode*>pc[2]", _CODE.format("function"), *_REPLACE, *_POLL])
one("return_call_import", 3, ["callee = instance.imported_funcs[pc[2]]", *elsewhere("LEAVE_TAIL_CALL", 0)])
for _form in "sr":
    _index = f"u = {read('i32', {'s': 'B', 'r': 'r'}[_form])}"
    one(f"call_indirect:{_form}", 3, [
        _index, *_CALLEE, *unless_exact("LEAVE_SUBTYPE"), *unless_here("LEAVE_CALL", 3), "function = callee.code",
        _CODE.format("function"), "nsp = sp + F_D(pc)", *enter_frame(3), *_POLL])  # fmt: skip
    one(f"return_call_indirect:{_form}", 3, [
        _index, *_CALLEE, *unless_exact("LEAVE_TAIL_SUBTYPE"), *unless_here("LEAVE_TAIL_CALL", 0),
        "function = callee.code", _CODE.format("function"), *_REPLACE, *_POLL])  # fmt: skip
one("enter", 2, [  # the locals: A zeros from slot D
    "x = F_A(pc)", "dst = sp + F_D(pc)",
    "while x != 0:", "    dst[0] = 0", "    dst += 1", "    x -= 1", "    WASMCY_BARRIER()", "NEXT 2",
])  # fmt: skip
for _n in range(1, 5):
    one(f"enter{_n}", 2, ["dst = sp + F_D(pc)", *(f"dst[{i}] = 0" for i in range(_n)), "NEXT 2"])
one("unreachable", 2, ["TRAP TRAP_UNREACHABLE"])
one("operation", 3, ["LEAVE LEAVE_OPERATION"])  # [D operands, A instruction, B][immediates]: machine.operate
one("throw", 3, ["LEAVE LEAVE_THROW"])
# the cells the machine starts and ends on
one("leave.result", 2, ["LEAVE LEAVE_RESULT"])
one("leave.link", 2, ["LEAVE LEAVE_LINK"])
one("leave.translate", 2, ["LEAVE LEAVE_TRANSLATE"])
# an i64 index as an i32 one: what no table is large enough for becomes 2**32 - 1
producer("index64", 2, "i64", ["x = sp[F_A(pc)]"], "x if x < 0xFFFFFFFFu else 0xFFFFFFFFu", "i64")
# wide arithmetic: operands from slot D on, the low and high halves of the result in their place
_LOW_HIGH = ["sp[F_D(pc)] = x", "sp[F_D(pc) + 1] = y", "NEXT 2"]
_PAIRS = ["x = sp[F_D(pc)]", "y = sp[F_D(pc) + 1]", "ea = sp[F_D(pc) + 2]", "n = sp[F_D(pc) + 3]"]
one("i64.add128", 2, [*_PAIRS, "x = x + ea", "y = y + n + (x < ea)", *_LOW_HIGH])
one("i64.sub128", 2, [*_PAIRS, "y = y - n - (x < ea)", "x = x - ea", *_LOW_HIGH])
for _name, _high in (("u", "mul_high_u64"), ("s", "mul_high_s64")):
    one(f"i64.mul_wide_{_name}", 2, [
        "ea = sp[F_D(pc)]", "n = sp[F_D(pc) + 1]", "x = ea * n", f"y = {_high}(ea, n)", *_LOW_HIGH])  # fmt: skip
producer("memory.size", 2, "i64", [], "mem_size >> 16", "i64")
producer("ref.func", 2, "i64", [], "<u64>(instance.own_funcs + F_HALF(pc))", "i64")
producer("ref.func.imported", 2, "i64", [], "<u64>instance.imported_funcs[F_HALF(pc)]", "i64")
_TABLE = ["table = instance.tables[F_C(pc)]", "u = wcy_slot_u32(sp, F_A(pc))",
          "if WASMCY_UNLIKELY(u >= table.size): TRAP TRAP_TABLE_BOUNDS"]  # fmt: skip
producer("table.get", 2, "i64", _TABLE, "table.elements[u]", "i64")
one("table.set", 2, [*_TABLE, "table.elements[u] = sp[F_B(pc)]", "NEXT 2"])
# small copies and fills are done here; the others put their operands at slot C and leave: machine.bulk
_BULK = [
    "if WASMCY_UNLIKELY(n > 65536):",
    "    sp[F_C(pc)] = u",
    "    sp[F_C(pc) + 1] = v",
    "    sp[F_C(pc) + 2] = n",
    "    LEAVE LEAVE_BULK",
]
_THREE = ["u = wcy_slot_u32(sp, F_D(pc))", "v = wcy_slot_u32(sp, F_A(pc))", "n = wcy_slot_u32(sp, F_B(pc))"]
one("memory.copy", 3, [
    *_THREE, "if WASMCY_UNLIKELY(<u64>u + n > mem_size or <u64>v + n > mem_size): TRAP TRAP_BOUNDS", *_BULK,
    "instance.poll -= n >> 8",
    "memmove(mem + u, mem + v, n)", "NEXT 3"])  # fmt: skip
one("memory.fill", 3, [
    *_THREE, "if WASMCY_UNLIKELY(<u64>u + n > mem_size): TRAP TRAP_BOUNDS", *_BULK,
    "instance.poll -= n >> 8",
    "memset(mem + u, <int>(v & 255), n)", "NEXT 3"])  # fmt: skip
CALLS_OUT = {  # the only calls a handler may make
    "memory.copy": {"memmove"}, "memory.fill": {"memset"}, "array.copy": {"memmove"}, "array.fill.8": {"memset"},
}  # fmt: skip

# ------------------------------------------------------------------ superinstructions
N_BASE = len(HANDLERS)
SELECTS: dict[int, int] = {}  # comparison -> compare and select


def alu(kind, first, form, second, form2):
    """(A first B) second C, or C second (A first B); immediates are 16 bits."""
    name = f"2.{kind}.{first}:{form}.{second}:{form2}"
    places = {"s": ("A", "B"), "r": ("r", "r"), "i": ("B16", "B16")}
    lines = [
        f"a = {read(kind, places[form[0]][0])}",
        f"b = {read(kind, places[form[1]][1])}",
        f"a = {cast(kind, semantics.expression(f'{kind}.{first}'))}",
    ]
    if form2[0] == "r":
        lines.append(f"b = {read(kind, 'C' if form2[1] == 's' else 'C16')}")
    else:
        lines += ["b = a", f"a = {read(kind, 'C')}"]
    producer(name, 2, kind, lines, cast(kind, semantics.expression(f"{kind}.{second}")), kind)
    merge = {"rs": FUSE_ALU_RS, "ri": FUSE_ALU_RI, "sr": FUSE_ALU_SR}[form2]
    if form[1] == "i":
        merge |= FUSE_FIRST_IMMEDIATE
    FUSIONS[ID[f"{kind}.{first}:{form}"], ID[f"{kind}.{second}:{form2}"]] = ID[name], merge


ALU_FIRST = ("add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "shr_s", "rotl")
ALU_SECOND = {"add": ("rs", "ri"), "sub": ("rs",), "and": ("rs", "ri"), "or": ("rs", "ri"), "xor": ("rs", "ri"),
              "shl": ("ri",), "shr_u": ("ri",), "shr_s": ("ri",)}  # fmt: skip
for _kind in ("i32", "i64"):
    for _first in ALU_FIRST:
        for _form in ("ss", "rs", "si", "ri"):
            if _first == "sub" and _form[1] == "i":
                continue
            for _second, _forms in ALU_SECOND.items():
                for _form2 in _forms:
                    alu(_kind, _first, _form, _second, _form2)
# the same with two 32-bit immediates, in a third word: what does not fit 16 bits
WIDE: dict[tuple[int, int], int] = {}
for _first in ("add", "mul", "and", "or", "xor", "shl", "shr_u", "shr_s"):
    for _form in ("si", "ri"):
        for _second in ("add", "mul", "and", "or", "xor", "shl", "shr_u"):
            _name = f"2i.i32.{_first}:{_form}.{_second}"
            _lines = [f"a = {read('i32', 'A' if _form[0] == 's' else 'r')}", "b = W_HALF(pc, 2, 0)",
                      f"a = {cast('i32', semantics.expression(f'i32.{_first}'))}", "b = W_HALF(pc, 2, 1)"]  # fmt: skip
            producer(_name, 3, "i32", _lines, cast("i32", semantics.expression(f"i32.{_second}")), "i32")
            WIDE[ID[f"i32.{_first}:{_form}"], ID[f"i32.{_second}:ri"]] = ID[_name]
for _first in ("add", "sub", "mul"):
    for _form in ("ss", "rs", "rr") if _first in TWICE else ("ss", "rs"):
        for _second in ("add", "sub", "mul"):
            for _form2 in ("rs", "sr") if _second == "sub" else ("rs",):
                alu("f64", _first, _form, _second, _form2)

# address modes
FUSED_LOADS = (
    "i32.load",
    "i64.load",
    "f32.load",
    "f64.load",
    "i32.load8_s",
    "i32.load8_u",
    "i32.load16_s",
    "i32.load16_u",
)
FUSED_STORES = ("i32.store", "i64.store", "f32.store", "f64.store", "i32.store8", "i32.store16")
for _name in FUSED_LOADS:
    _op = BY_NAME[_name]
    _kind, _value = load_value(_op)
    for _mode, (_address, _offset, _words, _merged, _how) in ADDRESS.items():
        producer(f"{_name}@{_mode}", _words, _kind, bounds(f"<u64>{_address} + <u64>{_offset}"), _value, _kind)
        FUSIONS[ID[_merged], ID[f"{_name}:r"]] = ID[f"{_name}@{_mode}"], _how
    for _mode, (_address, _offset, _words, _merged, _how) in SCALED.items():
        for _k in (1, 2, 3):
            producer(
                f"{_name}@{_mode}{_k}",
                _words,
                _kind,
                bounds(f"<u64>{_address.format(_k)} + <u64>{_offset}"),
                _value,
                _kind,
            )
        FUSIONS[ID[_merged], ID[f"{_name}:r"]] = ID[f"{_name}@{_mode}1"], _how
        if _merged in NARROW:
            FUSIONS[ID[NARROW[_merged]], ID[f"{_name}:r"]] = ID[f"{_name}@{_mode}1"], FUSE_LOAD_KI_NARROW
for _name in FUSED_STORES:  # si, ri: [D address, A value, half offset][summand]; ss: [D, A value, B, C offset]
    _op = BY_NAME[_name]
    _kind = NAMES[_op.params[1]]
    for _mode, _how in (("si", FUSE_STORE_SI), ("ri", FUSE_STORE_RI), ("ss", FUSE_STORE_SS)):
        for _form in "sri":
            if _form == "r" and _mode != "si" and _kind[0] == "i":
                continue
            _base = 2 if _mode == "ss" else 3
            _words = _base + (_form == "i")
            _value = read(_kind, {"s": "A", "r": "r", "i": "w2"}[_form]).replace("pc[2]", f"pc[{_base}]")
            _value = _value.replace("W_HALF(pc, 2,", f"W_HALF(pc, {_base},")
            _address = ADDRESS[_mode][0]
            if _mode != "ri":
                _address = _address.replace("F_A", "F_D")
            _offset = ADDRESS[_mode][1]
            one(f"{_name}@{_mode}:{_form}", _words,
                [*bounds(f"<u64>{_address} + <u64>{_offset}"), store_value(_op, _value), f"NEXT {_words}"],
                _kind)  # fmt: skip
            if _form != "r" or _kind[0] == "f":
                FUSIONS[ID[ADDRESS[_mode][3]], ID[f"{_name}:r{_form}"]] = ID[f"{_name}@{_mode}:{_form}"], _how

# scaled: [D index, A value, half offset][base immediate]; [D index, A value, C base slot][offset]
for _name in FUSED_STORES:
    _op = BY_NAME[_name]
    _kind = NAMES[_op.params[1]]
    for _mode, _words in (("ski", 3), ("sks", 3)):
        _address, _offset, _, _merged, _ = SCALED[_mode]
        _address = _address.replace("F_A", "F_D")
        for _k in (1, 2, 3):
            one(f"{_name}@{_mode}{_k}", _words,
                [*bounds(f"<u64>{_address.format(_k)} + <u64>{_offset}"), store_value(_op, read(_kind, "A")),
                 "NEXT 3"], _kind)  # fmt: skip
        _how = FUSE_STORE_KI if _mode == "ski" else FUSE_STORE_KS
        FUSIONS[ID[_merged], ID[f"{_name}:rs"]] = ID[f"{_name}@{_mode}1"], _how
        if _merged in NARROW:
            FUSIONS[ID[NARROW[_merged]], ID[f"{_name}:rs"]] = ID[f"{_name}@{_mode}1"], FUSE_STORE_KI_NARROW

# test and branch: [D, A or half immediate][displacement, ...]
for _kind, _word in (("i32", ""),):
    for _form in ("ss", "rs", "si", "ri"):
        _places = {"s": ("D", "A"), "r": ("r", "r"), "i": ("half", "half")}
        _lines = [f"a = {read(_kind, _places[_form[0]][0])}", f"b = {read(_kind, _places[_form[1]][1])}"]
        for _name, _test in (("nz", "a & b != 0"), ("z", "a & b == 0")):
            branch(f"test{_word}.{_name}:{_form}", 3, _lines, _test, _kind, "JUMP2")
            FUSIONS[ID[f"i32.and:{_form}"], ID[f"br_{_name}:r"]] = ID[f"test.{_name}:{_form}"], FUSE_TEST
# compare and select: D = A if (x compared with y) else B; x and y are the third word's u16s or y its upper half
for _op in COMPARE:
    if _op.params[0] != I32:
        continue
    for _form in ("ss", "rs", "si", "ri"):
        _places = {"s": ("wcy_slot_u32(sp, W_U16(pc, 2, 0))", "wcy_slot_u32(sp, W_U16(pc, 2, 1))"),
                   "r": ("<u32>r0", ""), "i": ("", "W_HALF(pc, 2, 1)")}  # fmt: skip
        _lines = [f"a = {_places[_form[0]][0]}", f"b = {_places[_form[1]][1]}", "x = F_A(pc)", "y = F_B(pc)",
                  f"if not ({semantics.expression(_op.mnemonic)}): x = y"]  # fmt: skip
        producer(f"select.{_op.mnemonic}:{_form}", 3, "i32", _lines, "sp[x]", "i64")
        SELECTS[ID[f"{_op.mnemonic}:{_form}"]] = ID[f"select.{_op.mnemonic}:{_form}"]

# step and branch: D = A + imm16, then branch on D and (slot B | immediate) [.., C imm16][displacement, immediate]
_STEP = ["a = wcy_slot_u32(sp, F_A(pc)) + <u32><i64>F_C16(pc)", "r0 = a", "sp[F_D(pc)] = r0"]
for _op in COMPARE:
    if _op.params[0] != I32:
        continue
    for _form, _b in (("s", SLOT.format("B")), ("i", "W_HALF(pc, 2, 1)")):
        branch(
            f"step.{short(_op)}:{_form}", 3, [*_STEP, f"b = {_b}"], semantics.expression(_op.mnemonic), "i32", "JUMP2"
        )
    _add = ID["i32.add:si>"]
    FUSIONS[_add, ID[f"br.{_op.mnemonic}:rs"]] = ID[f"step.{short(_op)}:s"], FUSE_STEP_RS
    FUSIONS[_add, ID[f"br.{_op.mnemonic}:ri"]] = ID[f"step.{short(_op)}:i"], FUSE_STEP_RI
for _op in COMPARE:
    if _op.params[0] == I32 and short(_op) not in semantics.COMMUTATIVE:
        FUSIONS[_add, ID[f"br.{_op.mnemonic}:sr"]] = ID[f"step.{semantics.SWAPPED[short(_op)]}:s"], FUSE_STEP_SR
for _name, _test in (("nz", "a != 0"), ("z", "a == 0")):
    branch(f"step.{_name}", 3, _STEP, _test, "i32", "JUMP2")
    FUSIONS[_add, ID[f"br_{_name}:r"]] = ID[f"step.{_name}"], FUSE_STEP_Z
one("step2", 3, [  # D = A + low, then B = C + high
    "u = wcy_slot_u32(sp, F_A(pc)) + W_HALF(pc, 2, 0)", "sp[F_D(pc)] = u",
    "v = wcy_slot_u32(sp, F_C(pc)) + W_HALF(pc, 2, 1)", "r0 = v", "sp[F_B(pc)] = r0", "NEXT 3"])  # fmt: skip
one("move.step", 2, [  # D = A, then A += the immediate
    "u = wcy_slot_u32(sp, F_A(pc))", "r0 = u", "sp[F_D(pc)] = r0", "v = u + F_HALF(pc)", "sp[F_A(pc)] = v",
    "NEXT 2"])  # fmt: skip
FUSIONS[ID["move"], ID["move"]] = ID["move2"], FUSE_MOVES
FUSIONS[ID["move"], ID["br"]] = ID["movebr"], FUSE_MOVE_BRANCH

# ------------------------------------------------------------------ branches on a global of the instance
# What Binaryen's asyncify does around every call. The global's offset fills D and A; [.., half displacement][immediate]
_GLOBAL = ["x = (<u64*>(<u8*>instance + W_HALF(pc, 1, 0)))[0]"]
for _name, _test in (("nz", "x != 0"), ("z", "x == 0")):
    branch(f"br_{_name}:g", 2, _GLOBAL, _test)
    FUSIONS[ID["global.get.i64.own"], ID[f"br_{_name}:r"]] = ID[f"br_{_name}:g"], FUSE_GLOBAL
for _name, _test in (("eq", "x == W_HALF(pc, 2, 0)"), ("ne", "x != W_HALF(pc, 2, 0)")):
    branch(f"br.i32.{_name}:gi", 3, _GLOBAL, _test)
    FUSIONS[ID["global.get.i64.own"], ID[f"br.i32.{_name}:ri"]] = ID[f"br.i32.{_name}:gi"], FUSE_GLOBAL

# ------------------------------------------------------------------ fuel: code of metered stores only
# Blocks begin with a charge. What goes from the end of a block to the start of others has a form that pays for the
# block it goes to, without going through its charge. Polls it needs none: machine.fuel_portion.
one("charge", 2, CHARGE)
one("charge.length", 2, ["instance.fuel -= sp[F_D(pc)] >> 6", *CHARGE[2:]])
for _branch in BRANCHES:
    charged_branch(*_branch)


def charged(*names):
    """The metered forms of handlers that go to the start of a block at their end."""
    for name in names:
        plain = HANDLERS[ID[name]]
        end = _POLL if plain.lines[-3:] == _POLL else plain.lines[-1:]
        ahead = [f"pc = pc + {plain.words}"] if end == [f"NEXT {plain.words}"] else []
        one(f"{name}$", plain.words, [*plain.lines[: -len(end)], *ahead, *CHARGE], plain.type)


charged("call", "call_indirect:s", "call_indirect:r", "br_table:s", "br_table:r")
charged("return_call", "return_call_indirect:s", "return_call_indirect:r")
charged("return.void", *(f"return.{kind}:{form}" for kind in ("i64", "f64", "f32") for form in "sri"))
FALLING = (  # what stands last in a block, four times in five, where the block goes on to a label
    "charge", "const32", "move", "move2", "setr.i64", "select.i64:r>",
    "i32.load:s>", "i32.load:r>", "i32.load@i>", "i32.load8_u:s>",
    "i32.store:ss", "i32.store:rs", "i32.store:sr", "i32.store:si", "i32.store:ri", "i32.store@i:s", "i32.store8:si",
    "i32.add:ss>", "i32.add:rs>", "i32.add:si>", "i32.add:ri>",
)  # fmt: skip
charged(*FALLING)
align()
object_operations.define()
N_SCALAR = len(HANDLERS)
vector_operations.define()  # last: they are compiled apart, and what comes before keeps its number

# ------------------------------------------------------------------ sizes of other memories
producer("memory.size@any", 3, "i64", ["memory = instance.memories[F_C(pc)]"], "memory.size >> pc[2]", "i64")

# ------------------------------------------------------------------ shared memories: real atomic operations
_AT = "memory.base + ea - {0}"
for _op in ATOMIC_LOAD:
    _kind = NAMES[_op.results[0]]
    _value = f"wcy_atomic_load_{atomic_unit(_op)}({_AT.format(_op.align)})"
    producer(f"{_op.mnemonic}@shared", 3, _kind, aligned(_op), cast(_kind, _value), _kind)
for _op in ATOMIC_STORE:
    _kind, _unit = NAMES[_op.params[1]], atomic_unit(_op)
    _store = f"wcy_atomic_xchg_{_unit}({_AT.format(_op.align)}, <{_unit}>{read(_kind, 'D')})"
    one(f"{_op.mnemonic}@shared", 3, [*aligned(_op), _store, "NEXT 3"], _kind)
for _op in ATOMIC_RMW:
    _kind, _unit = NAMES[_op.results[0]], atomic_unit(_op)
    _what = _op.mnemonic.split(".")[3].removesuffix("_u")
    _value = f"wcy_atomic_{_what}_{_unit}({_AT.format(_op.align)}, <{_unit}>{read(_kind, 'B')})"
    producer(f"{_op.mnemonic}@shared", 3, _kind, aligned(_op), cast(_kind, _value), _kind)
for _op in ATOMIC_CMPXCHG:
    _kind, _unit = NAMES[_op.results[0]], atomic_unit(_op)
    _value = f"wcy_atomic_cmpxchg_{_unit}({_AT.format(_op.align)}, <{_unit}>{read(_kind, 'B')}, <{_unit}>sp[pc[3]])"
    producer(f"{_op.mnemonic}@shared", 4, _kind, aligned(_op), cast(_kind, _value), _kind)
one("atomic.fence", 2, ["wcy_fence()", "NEXT 2"])
one("atomic.address", 3, [  # [D address, B size, C memory][offset + size]: where in memory the waiting is done
    _ANY[0], "n = F_B(pc)", "ea = sp[F_D(pc)] + pc[2]",
    "if WASMCY_UNLIKELY(ea & (n - 1) != 0): TRAP TRAP_UNALIGNED", _ANY[2], "sp[F_D(pc)] = ea - n",
    "NEXT 3"])  # fmt: skip

# ------------------------------------------------------------------ references
for _form in "sr":  # [D arguments, A parameters, B reference]
    _callee = [f"callee = <FuncRef*>{read('i64', {'s': 'B', 'r': 'r'}[_form])}",
               "if WASMCY_UNLIKELY(callee == NULL): TRAP TRAP_NULL_FUNCTION"]  # fmt: skip
    one(f"call_ref:{_form}", 2, [
        *_callee, *unless_here("LEAVE_CALL", 2), "function = callee.code", _CODE.format("function"),
        "nsp = sp + F_D(pc)", *enter_frame(2), *_POLL])  # fmt: skip
    one(f"return_call_ref:{_form}", 2, [
        *_callee, *unless_here("LEAVE_TAIL_CALL", 0), "function = callee.code", _CODE.format("function"),
        *_REPLACE, *_POLL])  # fmt: skip
charged("call_ref:s", "call_ref:r", "return_call_ref:s", "return_call_ref:r")
one("ref.as_non_null", 2, ["if WASMCY_UNLIKELY(sp[F_D(pc)] == 0): TRAP TRAP_NULL", "NEXT 2"])
object_operations.descriptors()

# ------------------------------------------------------------------ a C guest's stack pointer
# A function's frame: [D][immediate][the global's offset]; its end: [A][half the global's offset][immediate]
_CELL = "cell = <u64*>(<u8*>instance + {})"
for _name, _sign in (("add", "+"), ("sub", "-")):
    _moved = f"<u32>(<u32>cell[0] {_sign} F_HALF(pc))"
    _own = _CELL.format("W_HALF(pc, 2, 0)")
    producer(f"i32.{_name}:gi", 3, "i32", [_own], _moved, "i32")
    FUSIONS[ID["global.get.i64.own"], ID[f"i32.{_name}:ri"]] = ID[f"i32.{_name}:gi"], FUSE_LOAD_RI
    one(f"global.{_name}", 3, [_own, f"r0 = {_moved}", "sp[F_D(pc)] = r0", "cell[0] = r0", "NEXT 3"])
    FUSIONS[ID[f"i32.{_name}:gi>"], ID["global.set.i64.own:r"]] = ID[f"global.{_name}"], FUSE_GLOBAL_SAME
one(
    "global.set:si",
    3,
    [_CELL.format("F_HALF(pc)"), "cell[0] = <u32>(wcy_slot_u32(sp, F_A(pc)) + W_HALF(pc, 2, 0))", "NEXT 3"],
)
FUSIONS[ID["i32.add:si"], ID["global.set.i64.own:r"]] = ID["global.set:si"], FUSE_LOAD_SI

object_operations.many_elements()
object_operations.vector_elements()


# ------------------------------------------------------------------ what the translator looks up
# rare instructions, done outside the handlers: (operands, results) come from the table
OPERATIONS = (
    "memory.grow", "memory.init", "data.drop", "memory.copy", "memory.fill",
    "table.get", "table.set", "table.grow", "table.size", "table.fill", "table.copy", "table.init",
    "elem.drop",
    "memory.atomic.notify", "memory.atomic.wait32", "memory.atomic.wait64",
    "array.new_data", "array.new_elem", "array.init_data", "array.init_elem",
)  # fmt: skip


CANONICAL = {"f32": "f32.canonical:r", "f64": "f64.canonical:r", "f32x4": "f32x4.canonical", "f64x2": "f64x2.canonical"}


def canonical(op):
    """The handler that makes NaNs canonical which an instruction results in; 0: none need be."""
    return ID[CANONICAL[op.mnemonic.split(".")[0]]] if op.nans else 0


def alike(op):
    """The handler that makes NaNs canonical which an instruction takes for one and the same; 0: it looks at bits."""
    shape, _, name = op.mnemonic.partition(".")
    computes = op.nans and not name.startswith(("promote", "demote"))  # those take another type
    return ID[CANONICAL[shape]] if computes or (shape in CANONICAL and name in semantics.SWAPPED) else 0


def pops(op):
    """Entries that an instruction pops which neither leaves nor branches; -1: it may look at all of them.

    local.set and local.tee depend on their local: 0 here.
    """
    if op.mnemonic in ("local.get", "local.set", "local.tee"):
        return 0
    if op.params is None or op.fuel != ONE:
        return -1
    return sum(2 if t == V128 else 1 for t in op.params)


def tables():
    """Flat integer lists, by instruction id or handler id, that drive translator.py."""
    t = {name: [0] * N_IDS for name in ("kind", "operand", "result", "size", "flags", "swapped", "any", "shared")}
    t["fuel"] = [OPS[i].fuel if i in OPS else 0 for i in range(N_IDS)]
    t["canonical"] = [canonical(OPS[i]) if i in OPS else 0 for i in range(N_IDS)]
    t["alike"] = [alike(OPS[i]) if i in OPS else 0 for i in range(N_IDS)]
    t["pops"] = [pops(OPS[i]) if i in OPS else 0 for i in range(N_IDS)]
    t["handler"] = [-1] * (N_IDS * 8)
    t["branch"] = [-1] * (N_IDS * 16)
    for kind, ops in ((KIND_BINARY, BINARY), (KIND_COMPARE, COMPARE), (KIND_UNARY, UNARY)):
        for op in ops:
            t["kind"][op.id], t["operand"][op.id], t["result"][op.id] = kind, op.params[0], op.results[0]
            t["flags"][op.id] = FLAG_COMMUTATIVE * (short(op) in semantics.COMMUTATIVE) | FLAG_EQZ * (
                short(op) == "eqz"
            )
            for i, form in enumerate(("s", "r") if kind == KIND_UNARY else FORMS):
                t["handler"][op.id * 8 + i] = ID.get(f"{op.mnemonic}:{form}", -1)
    for op in COMPARE:
        prefix, name = op.mnemonic.split(".")
        t["swapped"][op.id] = BY_NAME[f"{prefix}.{semantics.SWAPPED[name]}"].id
        for i, form in enumerate(FORMS[:5]):
            t["branch"][op.id * 16 + i] = ID.get(f"br.{op.mnemonic}:{form}", -1)
            negated = f"brn.{op.mnemonic}" if prefix[0] == "f" else f"br.{prefix}.{semantics.NEGATED[name]}"
            t["branch"][op.id * 16 + 8 + i] = ID.get(f"{negated}:{form}", -1)
    for op in LOAD:
        t["kind"][op.id], t["result"][op.id], t["size"][op.id] = KIND_LOAD, op.results[0], op.align
        for i, form in enumerate("sr"):
            t["handler"][op.id * 8 + i] = ID[f"{op.mnemonic}:{form}"]
        t["handler"][op.id * 8 + 2] = ID.get(f"{op.mnemonic}@si", -1)
        t["handler"][op.id * 8 + 3] = ID[f"{op.mnemonic}@i"]
    for op in STORE:
        t["kind"][op.id], t["operand"][op.id], t["size"][op.id] = KIND_STORE, op.params[1], op.align
        for i, form in enumerate(STORE_FORMS):
            t["handler"][op.id * 8 + i] = ID.get(f"{op.mnemonic}:{form}", -1)
        for i, form in enumerate("sri"):
            t["branch"][op.id * 16 + i] = ID.get(f"{op.mnemonic}@si:{form}", -1)
            t["branch"][op.id * 16 + 8 + i] = ID[f"{op.mnemonic}@i:{form}"]
    for kind, ops in ((KIND_ATOMIC_LOAD, ATOMIC_LOAD), (KIND_ATOMIC_STORE, ATOMIC_STORE),
                      (KIND_ATOMIC_RMW, ATOMIC_RMW), (KIND_ATOMIC_CMPXCHG, ATOMIC_CMPXCHG)):  # fmt: skip
        for op in ops:
            t["kind"][op.id], t["size"][op.id] = kind, op.align
            t["result"][op.id] = op.results[0] if op.results else 0
    for op in (*LOAD, *STORE, *ATOMIC_LOAD, *ATOMIC_STORE, *ATOMIC_RMW, *ATOMIC_CMPXCHG):
        t["any"][op.id] = ID[f"{op.mnemonic}@any"]
        t["shared"][op.id] = ID.get(f"{op.mnemonic}@shared", 0)
    for mnemonic in ("i64.add128", "i64.sub128", "i64.mul_wide_u", "i64.mul_wide_s"):
        op = BY_NAME[mnemonic]
        t["kind"][op.id], t["operand"][op.id], t["any"][op.id] = KIND_WIDE, len(op.params), ID[mnemonic]
    for mnemonic in OPERATIONS:
        t["kind"][BY_NAME[mnemonic].id] = KIND_OPERATION
        t["operand"][BY_NAME[mnemonic].id] = OPERATION_SHAPE[mnemonic][0]
        t["result"][BY_NAME[mnemonic].id] = OPERATION_SHAPE[mnemonic][1]

    object_operations.fill(t)

    n = len(HANDLERS)
    t["words"] = [h.words for h in HANDLERS]
    t["compares"] = [0] * n  # handler -> comparison id * 8 + form
    t["tests"] = [0] * n  # handler of an eqz -> 1 + (64 bits) * 2 + (operand in the accumulator)
    for op in COMPARE:
        for i, form in enumerate(FORMS[:5]):
            if f"{op.mnemonic}:{form}" in ID:
                t["compares"][ID[f"{op.mnemonic}:{form}"]] = op.id * 8 + i
    for i, form in enumerate("sr"):
        t["tests"][ID[f"i32.eqz:{form}"]] = 1 + i
        t["tests"][ID[f"i64.eqz:{form}"]] = 3 + i

    first, second = {}, {}
    for a, b in (*FUSIONS, *WIDE):
        first.setdefault(a, len(first) + 1)
        second.setdefault(b, len(second) + 1)
    columns = len(second) + 1
    t["fuse_first"], t["fuse_second"] = [0] * n, [0] * n
    t["fused"], t["fuse_how"] = [0] * ((len(first) + 1) * columns), [0] * ((len(first) + 1) * columns)
    for a, i in first.items():
        t["fuse_first"][a] = i
    for b, i in second.items():
        t["fuse_second"][b] = i
    for (a, b), (handler, how) in FUSIONS.items():
        t["fused"][first[a] * columns + second[b]] = handler
        t["fuse_how"][first[a] * columns + second[b]] = how
    t["fuse_wide"] = [0] * len(t["fused"])
    for (a, b), handler in WIDE.items():
        t["fuse_wide"][first[a] * columns + second[b]] = handler
    t["selects"] = [SELECTS.get(i, 0) for i in range(n)]
    t["metered"] = [ID.get(f"{h.name}$", 0) if h.name not in FALLING else 0 for h in HANDLERS]
    t["falling"] = [ID[f"{h.name}$"] if h.name in FALLING else 0 for h in HANDLERS]
    t["fuse_columns"] = [columns]
    vector_operations.fill(t)
    t["named"] = [ID[name] for name in NAMED]
    t["by_class"] = [ID[name.format(kind)] for name in BY_CLASS for kind in ("i64", "f64", "f32")]
    return t


# operands popped and the type of the result pushed (0: none), for KIND_OPERATION
OPERATION_SHAPE = {
    "memory.grow": (1, I32), "table.get": (1, -1), "table.set": (2, 0),
    "memory.init": (3, 0), "data.drop": (0, 0), "memory.copy": (3, 0), "memory.fill": (3, 0),
    "table.grow": (2, I32), "table.size": (0, I32), "table.fill": (3, 0), "table.copy": (3, 0), "table.init": (3, 0),
    "elem.drop": (0, 0), "memory.atomic.notify": (2, I32), "memory.atomic.wait32": (3, I32),
    "memory.atomic.wait64": (3, I32),
    "array.new_data": (2, -1), "array.new_elem": (2, -1), "array.init_data": (4, 0), "array.init_elem": (4, 0),
}  # fmt: skip
