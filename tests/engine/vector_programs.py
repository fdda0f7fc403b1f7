"""Programs that execute every handler of vector instructions, on vectors with interesting lanes.

$a, $b and $c are addresses of vectors in memory; the locals $V, $W and $X hold them.
"""

import random
import struct
from collections.abc import Iterator
from itertools import product

from tests.engine.programs import TYPE, Case, Group, computed, get, group
from wasmcy.engine import vector_operations, vectors
from wasmcy.engine.forms import (
    KIND_VECTOR,
    KIND_VECTOR_LOAD,
    KIND_VECTOR_LOAD_LANE,
    KIND_VECTOR_REPLACE,
    KIND_VECTOR_SCALAR,
    KIND_VECTOR_SHIFT,
    KIND_VECTOR_SPLAT,
    KIND_VECTOR_STORE,
    KIND_VECTOR_STORE_LANE,
)
from wasmcy.opcodes import BY_NAME, Op
from wasmcy.types import ValType

KINDS = vector_operations.KINDS
FROM = 0x400  # where vectors lie in memory
VECTORS = 80

# What a lane may hold: the ends of its range, neighbours of those, and floats of all kinds.
_LANES = {
    "B": (0, 1, 2, 15, 16, 0x55, 0x7E, 0x7F, 0x80, 0x81, 0xAA, 0xFE, 0xFF),
    "H": (0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFF7F, 0xFF80, 0xFFFF),
    "I": (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFF7FFF, 0xFFFFFFFF),
    "Q": (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 0xFFFFFFFF7FFFFFFF),
    "f": (0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-40, 3.4e38, 8388607.5, -8388608.5, 2147483648.0, 4294967296.0,
          -2147483904.0, float("inf"), float("-inf"), float("nan")),
    "d": (0.0, -0.0, 0.5, -1.5, 2.5, 5e-324, 1e300, 1e39, 4503599627370495.5, -4503599627370496.5, 2147483647.5,
          -2147483648.5, 4294967295.5, float("inf"), float("-inf"), float("nan")),
}  # fmt: skip


def _vectors() -> bytes:
    rnd = random.Random("vectors")
    formats = [*_LANES, "random"]
    rows = []
    for at in range(VECTORS):
        code = formats[at % len(formats)]
        if code == "random":
            rows.append(rnd.randbytes(16))
        else:
            count = 16 // struct.calcsize(code)
            rows.append(struct.pack(f"<{count}{code}", *rnd.choices(_LANES[code], k=count)))
    return b"".join(rows)


def _calls() -> list[dict[str, tuple[float, ...]]]:
    rnd = random.Random("calls")
    found: list[dict[str, tuple[float, ...]]] = []
    for at in range(60):
        # two vectors with lanes of the same kind, and any
        pair = (at, at + 7 * rnd.randrange(1, (VECTORS - at) // 7 + 1)) if at + 7 < VECTORS else (at, at)
        i32 = tuple(FROM + 16 * min(n, VECTORS - 1) for n in (*pair, rnd.randrange(VECTORS)))
        found.append({
            "i32": i32, "i64": (rnd.getrandbits(64), at, 1 << at), "f32": (1.5, -0.0, 3.4e38),
            "f64": (6.75, float("-inf"), -0.125),
        })  # fmt: skip
    return found


CALLS = _calls()


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)


FIELDS = (
    f'(memory (export "m") 1) (memory $second 1) (data (i32.const {FROM}) "{_escaped(_vectors())}")'
    f' (data (memory $second) (i32.const {FROM}) "{_escaped(_vectors()[::-1])}")'
)
LOCALS = "(local $V v128) (local $W v128) (local $X v128) (local $Y v128)" + "".join(
    f" (local ${kind} {kind})" for kind in TYPE
)
SET = "".join(f"(local.set ${v} (v128.load (local.get ${a})))" for v, a in zip("VWX", "abc", strict=True))
OPERANDS = ("(local.get $V)", "(local.get $W)", "(local.get $X)")
NAN = {"f32x4": "(v128.const i32x4 0x7fc00000 0x7fc00000 0x7fc00000 0x7fc00000)",
       "f64x2": "(v128.const i64x2 0x7ff8000000000000 0x7ff8000000000000)"}  # fmt: skip
EXACT = ("abs", "neg", "pmin", "pmax")  # of floats: these choose or change bits


def determined(op: Op, body: str) -> str:
    """The same value where the instruction determines its bits; one NaN for all that it may give."""
    shape, name = op.mnemonic.split(".")
    if shape not in NAN or name in (*EXACT, *vectors.COMPARISONS):
        return body
    equal = f"({shape}.eq (local.get $Y) (local.get $Y))"
    return f"(v128.bitselect (local.tee $Y {body}) {NAN[shape]} {equal})"


def results(kind: str, body: str, before: str = SET) -> Iterator[Case]:
    """The value as it is, and by way of a local."""
    yield Case(f"{before} {body}", kind, LOCALS)
    local = "$Y" if kind == "v128" else f"${kind}"
    yield Case(f"{before} (local.set {local} {body}) (local.get {local})", kind, LOCALS)


def scalar_of(types: tuple[ValType | str, ...]) -> str:
    return next(str(t) for t in types if str(t) in TYPE)


# Multiply-add is fused in the reference, which the deterministic profile does not allow; its
# relaxed dot products wrap where the specification has them saturate.
DIFFERENT = ("relaxed_madd", "relaxed_nmadd", "relaxed_dot")


def lanewise(different: bool = False) -> Iterator[Case]:
    for op in KINDS[KIND_VECTOR]:
        if different == any(name in op.mnemonic for name in DIFFERENT):
            assert op.params is not None
            body = f"({op.mnemonic} {' '.join(OPERANDS[: len(op.params)])})"
            yield from results("v128", determined(op, body))


def pairs() -> Iterator[Case]:
    """Two operations that merge, the first on either side of the second."""
    for first, second in vector_operations.PAIRS:
        name, _, form = first.partition(":")
        one = f"({name} (local.get $V) {'(i32.const 7)' if form else '(local.get $W)'})"
        op = BY_NAME[second]
        for body in (f"({second} {one} (local.get $X))", f"({second} (local.get $X) {one})"):
            yield from results("v128", determined(op, body))
        # the first result stays in a local: nothing merges
        kept = f"(local.set $Y {one}) (local.set $Y ({second} (local.get $Y) (local.get $X))) (local.get $Y)"
        yield Case(f"{SET} {determined(op, f'(block (result v128) {kept})')}", "v128", LOCALS)


def rotations() -> Iterator[Case]:
    """Two shifts of one vector, and programs that look like it."""
    for shape, (first, second) in product(("i16x8", "i32x4", "i64x2"), (("shl", "shr_u"), ("shr_u", "shl"))):
        left = f"({shape}.{first} (local.get $V) (i32.const 13))"
        for other in ("$V", "$W"):
            for count in (3, -3):
                right = f"({shape}.{second} (local.get {other}) (i32.const {count}))"
                yield from results("v128", f"(v128.or {left} {right})")
                yield from results("v128", f"(v128.or (local.tee $Y {left}) {right}) (v128.xor (local.get $Y))")
                yield from results("v128", f"{left} (block) {right} (v128.or)")
                yield from results("v128", f"(v128.xor (local.get $X) (v128.or {left} {right}))")


def to_scalars() -> Iterator[Case]:
    for op in KINDS[KIND_VECTOR_SCALAR]:
        assert op.results is not None
        for lane in ("0", str(op.lanes - 1)) if op.immediates else ("",):
            yield from results(scalar_of(op.results), f"({op.mnemonic} {lane} (local.get $V))")


def from_scalars() -> Iterator[Case]:
    for op, operand in product(KINDS[KIND_VECTOR_SPLAT], (get, computed)):
        assert op.params is not None
        yield from results("v128", f"({op.mnemonic} {operand(scalar_of(op.params))})")
    for op, operand in product(KINDS[KIND_VECTOR_REPLACE], (get, computed)):
        assert op.params is not None
        for lane in (0, op.lanes - 1):
            yield from results("v128", f"({op.mnemonic} {lane} (local.get $V) {operand(scalar_of(op.params))})")


def shifts() -> Iterator[Case]:
    for op in KINDS[KIND_VECTOR_SHIFT]:
        for count in ("(local.get $b)", computed("i32", 1), "(i32.const 3)", "(i32.const -1)", "(i32.const 64)"):
            yield from results("v128", f"({op.mnemonic} (local.get $V) {count})")


def shuffles() -> Iterator[Case]:
    groups = {
        1: (0, 31, 1, 30, 2, 29, 3, 28, 4, 27, 5, 26, 6, 25, 7, 24),
        2: (7, 8, 0, 15, 3, 12, 1, 9), 4: (3, 4, 0, 7), 8: (3, 0),
    }  # fmt: skip
    for size, order in groups.items():
        lanes = " ".join(str(first * size + k) for first in order for k in range(size))
        yield from results("v128", f"(i8x16.shuffle {lanes} (local.get $V) (local.get $W))")


def parametric() -> Iterator[Case]:
    """Constants, moves, select and globals."""
    yield from results("v128", "(v128.const i64x2 0x8123456789abcdef 5)")
    yield from results("v128", "(i8x16.add (v128.const i32x4 1 2 3 -1) (local.get $V))")
    for condition in ("(i32.and (local.get $b) (i32.const 16))", "(local.get $c)", "(i32.const 0)"):
        yield from results("v128", f"(select (local.get $V) (local.get $W) {condition})")
        yield from results("v128", f"(select (result v128) (v128.not (local.get $V)) (local.get $W) {condition})")
    yield Case(f"{SET} (local.set $Y (local.get $V)) (local.set $V (local.get $W)) (local.get $Y)", "v128", LOCALS)
    yield Case(f"{SET} (local.get $V) (local.set $V (local.get $W))", "v128", LOCALS)  # the value before
    yield Case(f"{SET} (local.get $V) (local.set $V (v128.not (local.get $W)))", "v128", LOCALS)
    yield Case(f"{SET} (drop (v128.not (local.get $V))) (drop (local.get $V)) (local.get $W)", "v128", LOCALS)
    yield Case(f"{SET} (drop (v128.not (local.get $V))) (local.set $Y (local.get $W)) (local.get $Y)", "v128", LOCALS)
    yield Case(f"{SET} (v128.not (local.tee $V (v128.xor (local.get $V) (local.get $W))))", "v128", LOCALS)


def variables() -> Iterator[Case]:
    yield Case(
        f"{SET} (global.set $v128 (v128.not (local.get $V))) (v128.xor (global.get $v128) (global.get $after))",
        "v128", LOCALS,
    )  # fmt: skip
    yield Case("(global.set $v128 (v128.const i64x2 1 2)) (local.set $Y (global.get $v128)) (local.get $Y)",
               "v128", LOCALS)  # fmt: skip


def control() -> Iterator[Case]:
    """Vectors through blocks, branches, calls, tail calls and exceptions, among scalars."""
    pick = "(i32.and (local.get $b) (i32.const 16))"
    yield Case(f"{SET} (block (result v128) (br_if 0 (local.get $V) {pick}) (v128.not))", "v128", LOCALS)
    yield Case(
        f"{SET} (if (result v128) {pick} (then (local.get $V)) (else (v128.not (local.get $W))))", "v128", LOCALS
    )
    yield Case(  # a loop with a vector and a counter as parameters
        f"{SET} (i8x16.add (local.get $V) (local.get $W)) (i32.const 5) (loop $l (param v128 i32) (result v128 i32)"
        " (local.set $i32) (local.set $Y) (i16x8.mul (local.get $Y) (local.get $X))"
        " (local.tee $i32 (i32.sub (local.get $i32) (i32.const 1))) (br_if $l (local.get $i32)))"
        " drop", "v128", LOCALS,
    )  # fmt: skip
    yield Case(  # more values than are moved one by one
        f"{SET} (block $l (result i32 v128 i64 v128 v128) (local.get $a) (local.get $V) (local.get $p) (local.get $W)"
        f" (v128.not (local.get $X)) (br_if $l {pick}) (drop) (local.get $V)) (local.set $Y) (local.set $W)"
        " (local.set $i64) (local.set $V) (local.set $i32) (i8x16.add (v128.xor (local.get $V) (local.get $W))"
        " (i64x2.add (i32x4.splat (local.get $i32)) (i64x2.add (local.get $Y) (i64x2.splat (local.get $i64)))))",
        "v128", LOCALS,
    )  # fmt: skip
    yield Case(
        f"{SET} (block $l (result v128) (block $k (result v128) (local.get $V)"
        f" (br_table $k $l (i32.and (local.get $b) (i32.const 1)))) (v128.not))", "v128", LOCALS,
    )  # fmt: skip
    yield Case(f"{SET} (call $mixed (local.get $a) (local.get $V) (local.get $p) (local.get $W))", "v128", LOCALS)
    yield Case(f"{SET} (return_call $mixed (local.get $a) (local.get $V) (local.get $p) (v128.not (local.get $W)))",
               "v128", LOCALS)  # fmt: skip
    yield Case(
        f"{SET} (call_indirect (type $mixed) (local.get $a) (v128.const i64x2 3 4) (local.get $p) (local.get $W)"
        " (i32.const 0))", "v128", LOCALS,
    )  # fmt: skip
    yield Case(
        f"{SET} (call $several (local.get $V) (local.get $a)) (i32x4.splat) (i32x4.add) (v128.xor)", "v128", LOCALS
    )
    yield Case(
        f"{SET} (block $h (result i32 v128) (try_table (catch $e $h)"
        " (throw $e (local.get $a) (v128.not (local.get $V)))) (unreachable)) (local.set $Y) (i32x4.splat)"
        " (i16x8.add (local.get $Y))", "v128", LOCALS,
    )  # fmt: skip
    yield Case(
        f"{SET} (block $h (result i32 v128) (try_table (catch $e $h) (call $throws (local.get $W))) (unreachable))"
        " (local.set $Y) (drop) (local.get $Y)", "v128", LOCALS,
    )  # fmt: skip
    yield Case(f"{SET} (if (i32.eq (local.get $a) (i32.const {FROM})) (then (return (local.get $W)))) (local.get $V)",
               "v128", LOCALS)  # fmt: skip


CONTROL_FIELDS = FIELDS + (
    "(type $mixed (func (param i32 v128 i64 v128) (result v128))) (tag $e (param i32 v128))"
    " (table 1 funcref) (elem (i32.const 0) func $mixed)"
    " (func $mixed (type $mixed) (local v128) (local.set 4 (i64x2.add (local.get 1) (i64x2.splat (local.get 2))))"
    " (i32x4.sub (v128.xor (local.get 4) (local.get 3)) (i32x4.splat (local.get 0))))"
    " (func $several (param v128 i32) (result v128 v128 i32)"
    " (v128.not (local.get 0)) (local.get 0) (i32.add (local.get 1) (i32.const 1)))"
    " (func $throws (param v128) (throw $e (i32.const 7) (local.get 0)))"
)


# ---- memory


def addresses() -> Iterator[str]:
    yield from (get("i32"), computed("i32"), f"(i32.const {FROM + 32})")
    yield f"(i32.add {get('i32')} (i32.const 16))"
    yield f"(i32.add {computed('i32')} (i32.const 16))"
    yield f"(i32.add {get('i32')} {get('i32', 1)})"
    yield f"(i32.add {computed('i32')} {get('i32', 1)})"
    yield f"(i32.shl {get('i32')} (i32.const 1))"


def loads() -> Iterator[Case]:
    for op, address in product(KINDS[KIND_VECTOR_LOAD], addresses()):
        yield from results("v128", f"({op.mnemonic} offset=3 {address})", "")
    for op in KINDS[KIND_VECTOR_LOAD]:
        yield from results("v128", f"({op.mnemonic} $second offset=9 {get('i32')})", "")
        yield from results("v128", f"({op.mnemonic} offset=0xfffffff8 {get('i32')})", "")
        yield from results("v128", f"({op.mnemonic} offset=0xfffffff8 (i32.const 0xffffffff))", "")
    for op in KINDS[KIND_VECTOR_LOAD_LANE]:
        for memory, lane in product(("", "$second"), (0, op.lanes - 1)):
            for address in (get("i32"), computed("i32"), f"(i32.const {FROM + 32})"):
                yield from results("v128", f"({op.mnemonic} {memory} offset=3 {lane} {address} (local.get $V))")


def stores() -> Iterator[Case]:
    for op, address in product(KINDS[KIND_VECTOR_STORE], addresses()):
        for value in ("(local.get $V)", "(v128.not (local.get $W))", "(v128.const i64x2 1 2)"):
            for offset in (0x3003, 0x12345678):
                yield Case(f"{SET} ({op.mnemonic} offset={offset} {address} {value})", None, LOCALS)
    for op in KINDS[KIND_VECTOR_STORE]:
        yield Case(f"{SET} ({op.mnemonic} $second {get('i32')} (local.get $W))"
                   f" (v128.load $second {get('i32')})", "v128", LOCALS)  # fmt: skip
        yield Case(f"{SET} ({op.mnemonic} offset=0xfffffff8 {get('i32')} (local.get $W))", None, LOCALS)
        yield Case(f"{SET} ({op.mnemonic} offset=0xfffffff8 (i32.const -1) (local.get $W))", None, LOCALS)
    for op in KINDS[KIND_VECTOR_STORE_LANE]:
        for lane, address in product((0, op.lanes - 1), (get("i32"), computed("i32"), "(i32.const 32)")):
            yield Case(f"{SET} ({op.mnemonic} offset=0x3003 {lane} {address} (local.get $V))", None, LOCALS)
        yield Case(f"{SET} ({op.mnemonic} $second {op.lanes - 1} {get('i32')} (local.get $V))"
                   f" (v128.load $second {get('i32')})", "v128", LOCALS)  # fmt: skip


VARIABLE_FIELDS = FIELDS + (
    "(global $first i32 (i32.const 1)) (global $v128 (mut v128) (v128.const i64x2 -1 7))"
    " (global $after v128 (v128.const i32x4 1 2 3 4))"
)
IMPORTED_VARIABLE_FIELDS = (
    '(import "other" "v128" (global $v128 (mut v128))) (import "other" "after" (global $after v128))' + FIELDS
)
EXPORTED_FIELDS = (
    '(global $first i32 (i32.const 1)) (global $v128 (export "v128") (mut v128) (v128.const i64x2 -1 7))'
    ' (global $after (export "after") v128 (v128.const i32x4 1 2 3 4))'
)


def groups() -> list[Group]:
    """The programs that give what wasmtime gives, and import nothing."""
    rows = [
        group(lanewise(), "lanes", FIELDS),
        group(pairs(), "pairs of vector operations", FIELDS),
        group(rotations(), "rotations", FIELDS),
        group(to_scalars(), "vectors to scalars", FIELDS),
        group(from_scalars(), "scalars to vectors", FIELDS),
        group(shifts(), "vector shifts", FIELDS),
        group(shuffles(), "shuffles", FIELDS),
        group(parametric(), "vectors among instructions", FIELDS),
        group(variables(), "vector variables", VARIABLE_FIELDS),
        group(control(), "vectors in control", CONTROL_FIELDS),
        group(loads(), "vector loads", FIELDS),
        group(stores(), "vector stores", FIELDS),
    ]
    for row in rows:
        row.calls = CALLS
    return rows
