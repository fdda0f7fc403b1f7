"""Programs that together execute every handler of the machine.

A case is the body of one function, as text, whose translation has the handlers it is there for on a
path that every call takes. Its operands come in the forms of wasmcy/engine/operations.py: `s` a local,
`r` the result of the instruction before, `i` a constant; its result goes back to the caller from the
accumulator, or into a local first. Cases of one kind make one module.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

from wasmcy.engine import operations, semantics
from wasmcy.features import DEFAULT, Features
from wasmcy.types import F32, F64, I32, I64

TYPE: dict[str, int] = {"i32": I32, "i64": I64, "f32": F32, "f64": F64}
PARAMS = {"i32": "abc", "i64": "pqr", "f32": "uvw", "f64": "xyz"}  # three of each type, in this order
CONST = {"i32": "5", "i64": "5", "f32": "2.5", "f64": "2.5"}
WIDE = {"i32": "0x12345", "i64": "0x12345", "f32": "1e9", "f64": "1e9"}  # over 16 bits
HEADER = " ".join(f"(param ${name} {kind})" for kind, names in PARAMS.items() for name in names)
SIGNATURE = tuple(TYPE[kind] for kind, names in PARAMS.items() for _ in names)
LOCALS = " ".join(f"(local ${kind} {kind}) (local ${kind}2 {kind})" for kind in TYPE)
FIELDS = (
    '(memory (export "m") 3) (memory $second 3) (data (i32.const 0) "' + "\\8f\\01\\fe\\40\\c3" * 100 + '")'
    ' (data (i32.const 0x12340) "' + "\\07\\91\\3c" * 200 + '") (data (memory $second) (i32.const 0) "'
    + "\\a5\\5b\\70\\e2" * 100 + '")'
)  # fmt: skip
# Arguments: small ones that are addresses too, and others whose results differ.
CALLS: list[dict[str, tuple[float, ...]]] = [
    {"i32": (8, 24, 40), "i64": (16, 3, 72), "f32": (1.5, -2.25, 8.0), "f64": (6.75, 2.5, -0.125)},
    {"i32": (24, 8, 88), "i64": (-7, 5, 1 << 40), "f32": (-3.5, 3.5, 0.0), "f64": (-1.0, 1e9, 3.0)},
    {"i32": (0, 0xFFFFFFFB, 5), "i64": (1 << 63, 1, -1), "f32": (5.0, 1e10, 7.0), "f64": (5.0, 5.0, 1e-9)},
]


@dataclass
class Case:
    """A body with its locals, and the type of its result, if it has one.

    `whole`: the calls run all of its code, not only what comes before its first condition.
    """

    body: str
    result: str | None = None
    locals: str = ""
    whole: bool = False


@dataclass(eq=False)
class Group:
    """A module: its fields besides the functions, its cases, exported as f0, f1, …, and the features it needs."""

    name: str
    cases: list[Case]
    fields: str = FIELDS
    calls: list[dict[str, tuple[float, ...]]] = field(default_factory=lambda: CALLS)
    features: Features = DEFAULT

    @property
    def text(self) -> str:
        functions = (
            f'(func (export "f{at}") {HEADER} {f"(result {case.result})" if case.result else ""}'
            f" {case.locals} {case.body})"
            for at, case in enumerate(self.cases)
        )
        return f"(module {self.fields} {' '.join(functions)})"


# ---- operands and results


def get(kind: str, number: int = 0) -> str:
    return f"(local.get ${PARAMS[kind][number]})"


def const(kind: str, text: str | None = None) -> str:
    return f"({kind}.const {text or CONST[kind]})"


def computed(kind: str, number: int = 0) -> str:
    """A value in the accumulator, from an instruction that merges with none."""
    return f"({kind}.{'popcnt' if kind[0] == 'i' else 'neg'} {get(kind, number)})"


def kept(kind: str, number: int = 0) -> str:
    """The same, but the parameter's own value."""
    if kind[0] == "i":
        return f"({kind}.rotr {get(kind, number)} {const(kind, '0')})"
    return f"({kind}.max {get(kind, number)} {get(kind, number)})"


def operand(kind: str, form: str, number: int = 0) -> str:
    return {"s": get, "r": computed, "i": lambda kind, _: const(kind)}[form](kind, number)


def operands(kind: str, form: str) -> str:
    """Two operands; rr: one value twice, in the accumulator."""
    if form == "rr":
        return f"(local.tee ${kind} {computed(kind)}) (local.get ${kind})"
    return f"{operand(kind, form[0])} {operand(kind, form[1], 1)}"


def results(kind: str, body: str, before: str = "") -> Iterator[Case]:
    """The value from the accumulator, and by way of a local."""
    yield Case(f"{before} {body}", kind, LOCALS)
    yield Case(f"{before} (local.set ${kind} {body}) (local.get ${kind})", kind, LOCALS)


def kinds_of(op: object) -> tuple[str, str]:
    """The types of an instruction's first operand and of its result."""
    names = {number: name for name, number in TYPE.items()}
    return names[op.params[0]], names[op.results[0]]  # type: ignore[attr-defined]


# ---- numeric instructions


def binary() -> Iterator[Case]:
    for op, form in product(operations.BINARY, operations.FORMS):
        kind = kinds_of(op)[0]
        yield from results(kind, f"({op.mnemonic} {operands(kind, form)})")


def comparisons() -> Iterator[Case]:
    for op, form in product(operations.COMPARE, operations.FORMS):
        kind = kinds_of(op)[0]
        yield from results("i32", f"({op.mnemonic} {operands(kind, form)})")


def unary() -> Iterator[Case]:
    for op, form in product(operations.UNARY, "sr"):
        kind, result = kinds_of(op)
        yield from results(result, f"({op.mnemonic} {operand(kind, form)})")


def alu_pairs() -> Iterator[Case]:
    """(a first b) second c, and c second (a first b)."""
    for kind in ("i32", "i64", "f64"):
        first = operations.ALU_FIRST if kind[0] == "i" else ("add", "sub", "mul")
        second = operations.ALU_SECOND if kind[0] == "i" else ("add", "sub", "mul")
        for one, form, two in product(first, ("ss", "rs", "is", "si", "ri", "rr"), second):
            pair = f"({kind}.{one} {operands(kind, form)})"
            yield from results(kind, f"({kind}.{two} {pair} {get(kind, 2)})")
            yield from results(kind, f"({kind}.{two} {pair} {const(kind, '3')})")
            if two == "sub":
                yield from results(kind, f"({kind}.{two} {get(kind, 2)} {pair})")


def wide_pairs() -> Iterator[Case]:
    """Two operations with immediates that need 32 bits."""
    first = ("add", "mul", "and", "or", "xor", "shl", "shr_u", "shr_s")
    second = ("add", "mul", "and", "or", "xor", "shl", "shr_u")
    for one, two, form in product(first, second, ("si", "ri")):
        left, right = operand("i32", form[0]), const("i32", WIDE["i32"])
        left, right = (right, left) if form == "si" and one == "add" else (left, right)
        yield from results("i32", f"(i32.{two} (i32.{one} {left} {right}) {const('i32', WIDE['i32'])})")


# ---- memory


def addresses() -> Iterator[str]:
    """Address expressions, in all modes."""
    yield from (get("i32"), computed("i32"), const("i32", "64"))
    for index in (get("i32"), computed("i32")):
        yield f"(i32.add {index} {const('i32', '16')})"
        yield f"(i32.add {const('i32', '16')} {index})"
        yield f"(i32.add {index} {get('i32', 1)})"
        for k in (1, 2, 3):
            scaled = f"(i32.shl {index} {const('i32', str(k))})"
            yield scaled
            yield f"(i32.add {scaled} {get('i32', 1)})"
            yield f"(i32.add {scaled} {const('i32', '32')})"
            yield f"(i32.add {scaled} {const('i32', WIDE['i32'])})"


def loads() -> Iterator[Case]:
    for op, address, offset in product(operations.LOAD, addresses(), ("", "offset=0x12000")):
        yield from results(kinds_of_load(op), f"({op.mnemonic} {offset} {address})")


def kinds_of_load(op: object) -> str:
    return {number: name for name, number in TYPE.items()}[op.results[0]]  # type: ignore[attr-defined]


def stores() -> Iterator[Case]:
    for op, address, form in product(operations.STORE, addresses(), "srim"):
        kind = op.mnemonic[:3]
        if form == "m":  # in a local and in the accumulator
            before, value = f"(local.set ${kind} {computed(kind)})", f"(local.get ${kind})"
        else:
            before, value = "", operand(kind, form, 2)
        yield Case(f"{before} ({op.mnemonic} offset=8 {address} {value})", None, LOCALS)


def other_memories() -> Iterator[Case]:
    """Accesses in the form for any memory and any offset."""
    for op in operations.LOAD:
        yield from results(kinds_of_load(op), f"({op.mnemonic} $second {get('i32')})")
    for op in operations.STORE:
        yield Case(f"({op.mnemonic} $second offset=9 {get('i32')} {get(op.mnemonic[:3])})")
    yield from results("i32", "(memory.size $second)")
    for at, op in enumerate(operations.STORE):
        yield Case(f"({op.mnemonic} offset={0xFFFFFFF0 + at % 8} {get('i32')} {get(op.mnemonic[:3])})")


def atomics() -> Iterator[Case]:
    address = f"(i32.and {get('i32')} (i32.const -8))"
    for op in operations.ATOMIC_LOAD:
        yield from results(op.mnemonic[:3], f"({op.mnemonic} {address})")
    for op in operations.ATOMIC_STORE:
        yield Case(f"({op.mnemonic} offset=8 {address} {get(op.mnemonic[:3])})")
    for op in operations.ATOMIC_RMW:
        kind = op.mnemonic[:3]
        yield from results(kind, f"({op.mnemonic} {address} {get(kind, 1)})")
    for op in operations.ATOMIC_CMPXCHG:
        kind = op.mnemonic[:3]
        load = f"{kind}.atomic.load{'' if op.align == int(kind[1:]) // 8 else f'{8 * op.align}_u'}"
        for expected in (get(kind, 1), f"({load} {address})"):
            yield from results(kind, f"({op.mnemonic} {address} {expected} {get(kind, 2)})")
    yield Case(f"(atomic.fence) (memory.atomic.notify offset=4 {address} (local.get $b))", "i32")


SHARED_FIELDS = FIELDS.replace('(memory (export "m") 3)', '(memory (export "m") 3 3 shared)')


def bulk() -> Iterator[Case]:
    for length in ("(local.get $b)", "(i32.const 70000)"):
        yield Case(f"(memory.copy (local.get $a) (local.get $c) {length})")
        yield Case(f"(memory.fill (local.get $a) (local.get $c) {length})")
    yield from results("i32", "(memory.size)")
    yield from results("i32", "(memory.grow (i32.const 0))")


# ---- branches

# Values of the key for which a comparison with 5 holds and fails.
DECIDED = {"eq": ("5", "6"), "ne": ("6", "5"), "lt": ("3", "7"), "gt": ("7", "3"), "le": ("5", "7"), "ge": ("5", "3")}


def branches() -> Iterator[Case]:
    """A comparison and a branch: br_if, with values, if, and backwards."""
    for op, form in product(operations.COMPARE, ("ss", "rs", "sr", "si", "ri", "is", "ir")):
        kind = kinds_of(op)[0]
        test = f"({op.mnemonic} {operand(kind, form[0])} {operand(kind, form[1], 1)})"
        yield Case(f"(block (br_if 0 {test}) (return (i32.const 1))) (i32.const 2)", "i32")
        yield Case(f"(if (result i32) {test} (then (i32.const 1)) (else (i32.const 2)))", "i32")
        yield backwards(op, form)
    for kind, form in product(("i32", "i64"), "sr"):
        value = {"s": get(kind), "r": computed(kind)}[form]
        tests = [f"({kind}.eqz {value})", *([value] if kind == "i32" else [])]
        for test in tests:
            yield Case(f"(block (br_if 0 {test}) (return (i32.const 1))) (i32.const 2)", "i32")
            yield Case(f"(if (result i32) {test} (then (i32.const 1)) (else (i32.const 2)))", "i32")


def backwards(op: object, form: str) -> Case:
    """The key holds a value for which the comparison holds, then one for which it fails."""
    kind, name = kinds_of(op)[0], op.mnemonic.split(".")[1]  # type: ignore[attr-defined]
    key_first = "i" not in form[0] and form != "sr"
    true, false = DECIDED[(name if key_first else semantics.SWAPPED[name])[:2]]
    key, other = (0, 1) if key_first else (1, 0)
    parts = {"s": get, "r": kept, "i": lambda kind, _: const(kind, "5")}
    test = f"({kind}.{name} {parts[form[0]](kind, 0)} {parts[form[1]](kind, 1)})"
    names = PARAMS[kind]
    return Case(
        f"(local.set ${names[2]} {const(kind, true)}) (local.set ${names[other]} {const(kind, '5')})"
        f" (loop (local.set ${names[key]} (local.get ${names[2]}))"
        f" (local.set ${names[2]} {const(kind, false)})"
        f" (local.set $i32 (i32.add (i32.const 1) (i32.rotr (local.get $i32) (i32.const 0))))"
        f" (br_if 0 {test})) (local.get $i32)",
        "i32", LOCALS,
    )  # fmt: skip


def steps() -> Iterator[Case]:
    """Add a constant to a local, compare it, branch: forwards and backwards."""
    step = "(local.tee $a (i32.add (local.get $a) (i32.const 1)))"
    for op in operations.COMPARE:
        if op.params[0] != I32:
            continue
        name = op.mnemonic
        tests = [f"({name} {step} (local.get $b))", f"({name} {step} (i32.const 9))"]
        for test in (*tests, f"({name} (local.get $b) (local.tee $a (i32.add (local.get $a) (i32.const 1))))"):
            yield Case(f"(block (br_if 0 {test}) (return (i32.const -1))) (local.get $a)", "i32")
        # backwards: $a counts from a value for which the comparison holds to one for which it fails
        start, by, bound = {
            "eq": (8, 1, 9), "ne": (5, 1, 9), "lt": (5, 1, 9), "gt": (12, -1, 9), "le": (5, 1, 9), "ge": (12, -1, 9),
        }[name[4:6]]  # fmt: skip
        back = f"(local.tee $a (i32.add (local.get $a) (i32.const {by})))"
        for other in ("(local.get $b)", f"(i32.const {bound})"):
            yield Case(
                f"(local.set $b (i32.const {bound})) (local.set $a (i32.const {start}))"
                f" (loop (br_if 0 ({name} {back} {other}))) (local.get $a)", "i32",
            )  # fmt: skip
    for test, start, by in (("", 3, -1), ("i32.eqz", -1, 1)):
        back = f"(local.tee $a (i32.add (local.get $a) (i32.const {by})))"
        condition = f"({test} {back})" if test else back
        yield Case(f"(block (br_if 0 {condition}) (return (i32.const -1))) (local.get $a)", "i32")
        yield Case(f"(local.set $a (i32.const {start})) (loop (br_if 0 {condition})) (local.get $a)", "i32")
    yield Case(
        "(local.set $a (i32.add (local.get $a) (i32.const 3))) (local.set $b (i32.add (local.get $b) (i32.const -2)))"
        " (i32.sub (local.get $a) (local.get $b))",
        "i32",
    )


def bit_tests() -> Iterator[Case]:
    """and, then a branch on whether bits are left: forwards and backwards."""
    for form, zero in product(("ss", "rs", "si", "ri"), (False, True)):

        def test(left: str, form: str = form, zero: bool = zero) -> str:
            bits = f"(i32.and {left} {operand('i32', form[1], 1)})"
            return f"(i32.eqz {bits})" if zero else bits

        first = test(operand("i32", form[0]))
        yield Case(f"(block (br_if 0 {first}) (return (i32.const 1))) (i32.const 2)", "i32")
        yield Case(f"(if (result i32) {first} (then (i32.const 1)) (else (i32.const 2)))", "i32")
        key = get("i32") if form[0] == "s" else kept("i32")
        true, false = ("0", "5") if zero else ("5", "0")
        yield Case(
            f"(local.set $b (i32.const 5)) (local.set $c (i32.const {true})) (loop (local.set $a (local.get $c))"
            f" (local.set $c (i32.const {false})) (local.set $i32 (i32.rotr (local.get $i32) (i32.const 31)))"
            f" (local.set $i32 (i32.or (local.get $i32) (i32.const 1))) (br_if 0 {test(key)})) (local.get $i32)",
            "i32", LOCALS,
        )  # fmt: skip


def selects() -> Iterator[Case]:
    for op, form in product(operations.COMPARE, ("ss", "rs", "sr", "si", "ri", "is")):
        if op.params[0] == I32:
            test = f"({op.mnemonic} {operand('i32', form[0])} {operand('i32', form[1], 1)})"
            yield from results("i32", f"(select (local.get $c) (local.get $b) {test})")
            yield from results("i64", f"(select (local.get $p) (i64.const 5) {test})")


def loops() -> Iterator[Case]:
    """Backward branches on a value, and without a condition."""
    down = "(local.set $a (i32.shr_u (local.get $a) (i32.const 1)))"
    down64 = "(local.set $p (i64.shr_u (local.get $p) (i64.const 1)))"
    count = "(local.set $c (i32.xor (local.get $c) (i32.mul (local.get $a) (i32.const 3))))"
    for test in (
        "(local.get $a)",
        "(i32.clz (local.get $a))",
        "(i32.eqz (local.get $a))",
        "(i32.eqz (i32.or (local.get $a) (local.get $a)))",
    ):
        change = down if "eqz" not in test and "clz" not in test else "(local.set $a (i32.const 0xffffffff))"
        yield Case(f"(loop {change} {count} (br_if 0 {test})) (local.get $c)", "i32")
    for test in ("(i64.eqz (local.get $p))", "(i64.eqz (i64.or (local.get $p) (local.get $p)))"):
        yield Case(f"(loop (local.set $p (i64.const -1)) {count} (br_if 0 {test})) (local.get $c)", "i32")
        yield Case(f"(block (loop {down64} {count} (br_if 1 {test}) (br 0))) (local.get $c)", "i32", whole=True)
    # movebr backwards: a parameter of the loop
    yield Case(
        "(local.get $c) (loop (param i32) (result i32) (local.set $i32)"
        " (local.set $a (i32.shr_u (local.get $a) (i32.const 1)))"
        " (if (result i32) (i32.eqz (local.get $a)) (then (local.get $i32)) (else (local.get $b) (br 1))))",
        "i32", LOCALS, whole=True,
    )  # fmt: skip


def tables_of_labels() -> Iterator[Case]:
    for index in ("(i32.and (local.get $a) (i32.const 3))", "(local.get $a)"):
        yield Case(
            f"(block (block (block (br_table 0 1 2 1 {index})) (return (i32.const 1))) (return (i32.const 2)))"
            " (i32.const 3)",
            "i32",
        )
    yield Case(
        "(block (result i32) (block (result i32) (br_table 0 1 0 (local.get $b)"
        " (i32.and (local.get $a) (i32.const 3)))) (i32.const 100) (i32.add))",
        "i32",
    )


def moves() -> Iterator[Case]:
    on, after = "(i32.add (local.get $a) (i32.const -3))", "(i32.sub (local.get $a))"  # a copy, and on by a constant
    yield Case(f"(local.set $i32 (local.get $a)) (local.set $a {on}) (i32.rotl (local.get $i32) (i32.const 7)) {after}",
               "i32", LOCALS)  # fmt: skip
    yield Case(f"(i32.mul (local.tee $i32 (local.get $a)) (local.tee $a {on})) {after} (i32.xor (local.get $i32))",
               "i32", LOCALS)  # fmt: skip
    yield Case("(local.set $a (local.get $b)) (local.get $a)", "i32")
    yield Case(
        "(local.set $a (local.get $b)) (local.set $b (local.get $c)) (i32.sub (local.get $a) (local.get $b))", "i32"
    )
    yield Case(
        "(local.set $a (local.get $b)) (local.set $b (local.get $c))"
        " (local.set $p (local.get $q)) (local.set $q (local.get $r))"
        " (i64.sub (i64.xor (local.get $p) (local.get $q)) (i64.extend_i32_u (i32.sub (local.get $a) (local.get $b))))",
        "i64",
    )
    yield Case("(block (result i32) (local.get $a) (br 0 (local.get $b)) (drop)) (drop) (local.get $b)", "i32")
    many = "(result" + " i64" * 6 + ")"
    yield Case(
        f"(block {many} (local.get $p) " + "(local.get $p) (local.get $q) (local.get $r)" * 2 + " (br 0))"
        + "(i64.sub)" * 5, "i64",
    )  # fmt: skip
    for kind in TYPE:
        yield Case(
            f"(local.set ${kind} {computed(kind)}) (local.set ${kind}2 (local.get ${kind})) (local.get ${kind}2)",
            kind,
            LOCALS,
        )
        for text in (CONST[kind], "-1", "0x123456789ab" if kind == "i64" else "1"):
            yield Case(f"(local.set ${kind} {const(kind, text)}) (local.get ${kind})", kind, LOCALS)
            yield Case(const(kind, text), kind)
        yield Case(get(kind), kind)
        for condition in (get("i32"), computed("i32")):
            yield from results(kind, f"(select {get(kind)} {get(kind, 1)} {condition})")


def several_results() -> str:
    """Functions with several results and many locals, which others call."""
    return (
        "(func $two (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))"
        "(func $nothing)"
        "(func $locals1 (result i64) (local i64) (local.get 0))"
        "(func $locals9 (result i64) (local i64 i64 i64 i64 i64 i64 i64 i64 i64)"
        + "(local.get 0)" + "".join(f"(local.get {i}) (i64.or)" for i in range(1, 9)) + ")"
    )  # fmt: skip


def calls() -> Iterator[Case]:
    yield Case("(i32.sub (call $two (local.get $a) (local.get $b)))", "i32")
    yield Case("(call $nothing) (i64.add (call $locals1) (call $locals9))", "i64")
    for at, kind in enumerate(("two", "nothing", *TYPE)):
        before = f"(local.set $c (i32.const {at}))"
        for index in (f"(i32.const {at})", "(local.get $c)", f"(i32.popcnt (i32.const {(1 << at) - 1}))"):
            if kind == "two":
                yield Case(
                    f"{before} (i32.sub (call_indirect (type $two) (local.get $a) (local.get $b) {index}))", "i32"
                )
            elif kind != "nothing":
                yield Case(f"{before} (call_indirect (type ${kind}) {get(kind, 1)} {index})", kind)
                yield Case(f"{before} (return_call_indirect (type ${kind}) {get(kind, 1)} {index})", kind)
    for kind in TYPE:
        yield Case(f"(return_call ${kind} {get(kind, 1)})", kind)
        yield Case(f"(call ${kind} {get(kind, 1)})", kind)
    yield Case("(i32.sub (call_indirect (type $two) (local.get $a) (local.get $b) (local.get $c)))", "i32")  # traps
    for n in range(1, 7):  # locals that must be zero
        yield Case("(i64.const 0)" + "".join(f"(i64.add (local.get $n{i}))" for i in range(n)), "i64",
                   "".join(f"(local $n{i} i64)" for i in range(n)))  # fmt: skip
    yield Case("(unreachable)")


CALL_FIELDS = (
    "(type $two (func (param i32 i32) (result i32 i32)))"
    + "".join(f"(type ${kind} (func (param {kind}) (result {kind})))" for kind in TYPE)
    + several_results()
    + "".join(f"(func ${kind} (param {kind}) (result {kind}) (local.get 0))" for kind in TYPE)
    + '(memory (export "m") 1) (table funcref (elem $two $nothing $i32 $i64 $f32 $f64))'
)


def variables() -> Iterator[Case]:
    for kind in TYPE:
        yield from results(kind, f"(global.get ${kind})")
        for form in "sri":
            yield Case(f"(global.set ${kind} {operand(kind, form)}) (global.get ${kind})", kind)
    variable, three = "(global.get $i32)", "(i32.const 3)"
    for condition, first in (
        (variable, -3),
        (f"(i32.eqz {variable})", -1),
        (f"(i32.eq {variable} {three})", 2),
        (f"(i32.ne {variable} {three})", 0),
    ):
        yield Case(f"(global.set $i32 {get('i32')}) (block (br_if 0 {condition}) (return {three})) {variable}", "i32")
        step = f"(global.set $i32 (i32.add {variable} (i32.const 1)))"
        yield Case(f"(global.set $i32 (i32.const {first})) (loop {step} (br_if 0 {condition})) {variable}", "i32")
    for name in ("add", "sub"):  # a function's frame, and the end of one
        moved = f"(i32.{name} {variable} (i32.const 0x12345))"
        yield from results("i32", moved, "(global.set $i32 (local.get $a))")
        both = f"(global.set $i32 (local.tee $i32 {moved})) (i32.xor (i32.rotl (local.get $i32) {three}) {variable})"
        yield Case(f"(global.set $i32 (local.get $a)) {both}", "i32", LOCALS)
    yield Case(f"(global.set $i32 (i32.add (local.get $a) (i32.const 0x12345))) {variable}", "i32")


VARIABLE_FIELDS = '(memory (export "m") 1)' + "".join(
    f"(global ${kind} (mut {kind}) ({kind}.const 3))" for kind in TYPE
)


# Imports: the same variables, and functions of another instance and of the host that give back their argument.
IMPORTED_VARIABLE_FIELDS = "".join(f'(import "other" "{kind}" (global ${kind} (mut {kind})))' for kind in TYPE)
EXPORTED_FIELDS = "".join(
    f'(global ${kind} (export "{kind}") (mut {kind}) ({kind}.const 3))'
    f'(func (export "same {kind}") (param {kind}) (result {kind}) (local.get 0))'
    for kind in TYPE
)
IMPORTED_CALL_FIELDS = "".join(
    f'(import "{module}" "same {kind}" (func ${module}_{kind} (param {kind}) (result {kind})))'
    for module in ("other", "host") for kind in TYPE
) + "(elem declare func $other_i32)"  # fmt: skip


def imported_calls() -> Iterator[Case]:
    for module, kind in product(("other", "host"), TYPE):
        yield Case(f"(call ${module}_{kind} {get(kind)})", kind)
        yield Case(f"(return_call ${module}_{kind} {get(kind)})", kind)


def imported_references() -> Iterator[Case]:
    yield Case("(ref.is_null (ref.func $other_i32))", "i32")
    yield Case("(local.set $f (ref.func $other_i32)) (ref.is_null (local.get $f))", "i32", "(local $f funcref)")


def references() -> Iterator[Case]:
    """Tables and function references."""
    yield from results("i32", "(ref.is_null (table.get $one (i32.and (local.get $a) (i32.const 1))))")
    yield Case(
        "(local.set $f (table.get $one (i32.const 1))) (ref.is_null (local.get $f))", "i32", "(local $f funcref)"
    )
    yield Case("(table.set $one (i32.const 0) (ref.func $it)) (ref.is_null (table.get $one (i32.const 0)))", "i32")
    yield Case("(ref.is_null (ref.func $it))", "i32")
    yield Case("(local.set $f (ref.func $it)) (ref.is_null (local.get $f))", "i32", "(local $f funcref)")
    yield Case("(call_indirect $two (type $i) (i64.const 1))", "i32")
    yield Case("(call_indirect $two (type $i) (i64.and (local.get $p) (i64.const 0)))", "i32")
    yield Case(  # an argument that needs the accumulator between the index and the call
        "(call_indirect $two (type $ii) (i32.add (local.get $a) (i32.const 7))"
        " (i64.and (i64.const 2) (i64.or (local.get $p) (i64.const 2))))",
        "i32",
    )
    for index in ("(i64.const 0x100000000)", "(i64.const -1)", "(local.get $r)"):
        yield Case(f"(call_indirect $two (type $i) {index})", "i32")
    yield Case("(i64.extend_i32_u (ref.is_null (table.get $two (i64.const 5))))", "i64")
    yield Case("(table.fill $one (i32.const 0) (ref.null func) (i32.const 1)) (table.size $one)", "i32")


REFERENCE_FIELDS = (
    '(memory (export "m") 1) (table $one 2 funcref) (table $two i64 6 funcref) (elem declare func $it)'
    "(elem (table $one) (i32.const 1) func $it) (elem (table $two) (i64.const 0) func $it $it $id)"
    "(type $i (func (result i32))) (type $ii (func (param i32) (result i32)))"
    "(func $it (result i32) (i32.const 77)) (func $id (param i32) (result i32) (local.get 0))"
)


def typed_references() -> Iterator[Case]:
    """References to functions of a known type: called, tested for null."""
    for reference in ("(ref.func $it)", "(local.get $f)"):  # in the accumulator, in a slot
        before = "(local.set $f (ref.func $it))"
        for call in ("call_ref", "return_call_ref"):
            argument = "(i32.add (local.get $a) (local.get $b))"
            yield Case(f"{before} ({call} $ii {argument} {reference})", "i32", "(local $f (ref null $ii))")
        yield Case(f"{before} (drop (ref.as_non_null {reference})) (local.get $a)", "i32", "(local $f (ref null $ii))")
    for branch in ("br_on_null", "br_on_non_null"):
        for value in ("(ref.null $ii)", "(ref.func $it)", "(local.get $f)"):
            yield Case(
                f"(block $no (block $yes (result (ref $ii)) ({branch} {'$no' if branch == 'br_on_null' else '$yes'} {value})"
                f" {'' if branch == 'br_on_null' else '(return (i32.const 1))'})"
                " (local.set $f) (return (call_ref $ii (local.get $a) (local.get $f)))) (i32.const 2)",
                "i32",
                "(local $f (ref null $ii))",
            )  # fmt: skip


TYPED_REFERENCE_FIELDS = (
    '(memory (export "m") 1) (type $ii (func (param i32) (result i32))) (elem declare func $it)'
    "(func $it (type $ii) (i32.mul (local.get 0) (i32.const 3)))"
)


def exceptions() -> Iterator[Case]:
    yield Case("(block (result i32) (try_table (catch $e 0) (throw $e (local.get $b))) (i32.const 1))", "i32")
    yield Case("(throw $e (local.get $b))")


def wide_arithmetic() -> Iterator[Case]:
    four = " ".join(get("i64", i) for i in (0, 1, 2, 0))
    for name in ("add128", "sub128"):
        yield Case(f"(i64.xor (i64.{name} {four}))", "i64")
    for name in ("mul_wide_s", "mul_wide_u"):
        yield Case(f"(i64.xor (i64.{name} {get('i64')} {get('i64', 2)}))", "i64")


def falls() -> Iterator[Case]:
    """What stands last in a block that goes on to the next one."""
    for address, form in (("s", "srim"), ("r", "sim"), ("i", "s")):
        for form2 in form:
            before, value = "", operand("i32", form2.replace("m", "s"), 1)
            if form2 == "m":  # in a local and in the accumulator
                before, value = f"(local.set $i32 {computed('i32')})", "(local.get $i32)"
            for name in ("i32.store", "i32.store8"):
                yield Case(f"{before} ({name} offset=8 {operand('i32', address)} {value}) (loop (nop))", None, LOCALS)
    values = [f"(i32.add {operand('i32', x)} {operand('i32', y, 1)})" for x in "sr" for y in "si"]
    values += [f"({name} {operand('i32', form)})" for name in ("i32.load", "i32.load8_u") for form in "sri"]
    values += [f"(select {get('i32')} {get('i32', 1)} {computed('i32', 2)})", f"(local.tee $i322 {computed('i32')})"]
    values += [f"(i32.popcnt (local.tee $i322 {get('i32')}))"]
    for value in values:
        yield Case(f"(local.set $i32 {value}) (loop (nop)) (local.get $i32)", "i32", LOCALS)
    moves = f"(local.set $i32 {get('i32')}) (local.set $i322 {get('i32', 1)})"
    yield Case(f"{moves} (loop (nop)) (i32.sub (local.get $i32) (local.get $i322))", "i32", LOCALS)


def group(cases: Iterable[Case], name: str, fields: str = FIELDS) -> Group:
    return Group(name, list(cases), fields)


def groups() -> list[Group]:
    """The programs that import nothing."""

    return [
        group(binary(), "binary"),
        group(comparisons(), "comparisons"),
        group(unary(), "unary"),
        group(alu_pairs(), "ALU pairs"),
        group(wide_pairs(), "wide pairs"),
        group(loads(), "loads"),
        group(stores(), "stores"),
        group(other_memories(), "other memories"),
        group(atomics(), "atomics"),
        group(bulk(), "bulk"),
        group(branches(), "branches"),
        group(steps(), "steps"),
        group(bit_tests(), "bit tests"),
        group(selects(), "selects"),
        group(loops(), "loops"),
        group(tables_of_labels(), "br_table"),
        group(moves(), "moves"),
        group(calls(), "calls", CALL_FIELDS),
        group(variables(), "variables", VARIABLE_FIELDS),
        group(references(), "references", REFERENCE_FIELDS),
        group(typed_references(), "typed references", TYPED_REFERENCE_FIELDS),
        group(exceptions(), "exceptions", '(memory (export "m") 1) (tag $e (param i32))'),
        group(wide_arithmetic(), "wide arithmetic"),
        group(falls(), "falls"),
    ]
