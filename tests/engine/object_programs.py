"""The programs of programs.py for structs, arrays, i31 and types of references."""

from collections.abc import Iterator
from itertools import product

from tests.engine.programs import LOCALS, TYPE, Case, computed, const, get, results

FIELDS = """ (memory (export "m") 1)
    (type $e (sub (struct))) (type $one (sub $e (struct (field (mut i32)))))
    (type $two (sub final $one (struct (field (mut i32)) (field (mut i64)))))
    (type $three (struct (field (mut i32)) (field (mut i64)) (field (mut f32))))
    (type $s (struct (field (mut i32)) (field (mut i64)) (field (mut f32)) (field (mut f64)) (field (mut i8))
      (field (mut i16))))
    (type $ai8 (array (mut i8))) (type $ai16 (array (mut i16))) (type $ai32 (array (mut i32)))
    (type $ai64 (array (mut i64))) (type $af32 (array (mut f32))) (type $af64 (array (mut f64)))
    (type $av128 (array (mut v128))) (type $v (struct (field (mut i32)) (field (mut v128)) (field (mut i64))))
    (type $f (sub (func))) (type $g (sub final $f (func)))
    (table $t 2 2 funcref) (elem (table $t) (i32.const 0) func $nothing $other)
    (func $nothing (type $f)) (func $other (type $g))
    (func $any (param i32) (result anyref)
      (block (block (block (br_table 0 1 2 (local.get 0)))
        (return (struct.new $two (i32.const 7) (i64.const 9)))) (return (ref.i31 (i32.const 3)))) (ref.null any))
"""
LOSE = "(local.set $i32 (i32.popcnt (local.get $b)))"  # what was set last is not in the accumulator
TYPES = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}  # of the fields of $s
PACKED = {"i8": 4, "i16": 5}
INDEX = "(local.set $n (i32.and (local.get $a) (i32.const 7)))"
ALL = " ".join(get(kind) for kind in TYPE) + f" {get('i32', 1)} {get('i32', 2)}"
OBJECT = f"(local $o (ref null $s)) (local $n i32) {LOCALS} (local.set $o (struct.new $s {ALL})) {INDEX}"


def structs() -> Iterator[Case]:
    made = f"(struct.new $s {ALL})"
    for kind, field in TYPES.items():
        for value in ("(local.get $o)", made):
            yield from results_with(OBJECT, kind, f"(struct.get $s {field} {value})")
        for value in (get(kind, 1), computed(kind, 1), const(kind)):
            yield Case(f"(struct.set $s {field} (local.get $o) {value}) (struct.get $s {field} (local.get $o))",
                       kind, OBJECT)  # fmt: skip
            yield Case(f"(struct.set $s {field} {made} {value})", None, OBJECT)
    for (kind, field), sign, value in product(PACKED.items(), "su", ("(local.get $o)", made)):
        yield from results_with(OBJECT, "i32", f"(struct.get_{sign} $s {field} {value})")
    operands = [get("i32"), get("i64"), get("f32")]
    for n, name in enumerate(("e", "one", "two", "three")):
        values = " ".join(operands[:n])
        yield Case(f"(local.set $o (struct.new ${name} {values})) (ref.is_null (local.get $o))",
                   "i32", "(local $o anyref)")  # fmt: skip
        yield Case(f"(ref.is_null (struct.new ${name} {values}))", "i32")
    yield Case("(local.set $o (struct.new_default $s)) (struct.get $s 1 (local.get $o))", "i64", OBJECT)
    yield Case("(struct.get $s 1 (struct.new_default $s))", "i64")


def results_with(locals_: str, kind: str, body: str) -> Iterator[Case]:
    for case in results(kind, body):
        yield Case(case.body, case.result, locals_)


def arrays() -> Iterator[Case]:
    for kind in ("i8", "i16", "i32", "i64", "f32", "f64"):
        value = "i32" if kind in PACKED else kind
        array = f"$a{kind}"
        locals_ = f"(local $o (ref null {array})) (local $n i32) {LOCALS}"
        made = f"(array.new {array} {get(value)} (i32.const 9))"
        first = f"(local.set $o {made}) {INDEX} {LOSE}"
        index = "(i32.and (local.get $b) (i32.const 7))"
        for sign in ("_s", "_u") if kind in PACKED else ("",):
            for operands in ("(local.get $o) (local.get $n)", f"{made} (local.get $n)", f"(local.get $o) {index}"):
                for case in results(value, f"(array.get{sign} {array} {operands})", first):
                    yield Case(case.body, case.result, locals_)
            for operands in (f"(local.get $n) {get(value, 1)}", f"(local.get $n) {computed(value, 1)}",
                             f"{index} {get(value, 1)}"):  # fmt: skip
                yield Case(f"{first} (array.set {array} (local.get $o) {operands})"
                           f" (array.get{sign} {array} (local.get $o) (local.get $n))", value, locals_)  # fmt: skip
        for case in (*results("i32", "(array.len (local.get $o))", first), *results("i32", f"(array.len {made})")):
            yield Case(case.body, case.result, locals_)
        yield Case(
            f"(local.set $o (array.new_default {array} (i32.const 3))) (array.len (local.get $o))", "i32", locals_
        )
        yield Case(f"{first} (array.fill {array} (local.get $o) (i32.const 1) {get(value, 1)} (i32.const 2))"
                   "(array.len (local.get $o))", "i32", locals_)  # fmt: skip


def copies() -> Iterator[Case]:
    for kind in ("i8", "i16", "i32", "i64", "f32", "f64"):
        value = "i32" if kind in PACKED else kind
        array, sign = f"$a{kind}", "_u" if kind in PACKED else ""
        locals_ = f"(local $o (ref null {array})) (local $n i32) {LOCALS}"
        first = (
            f"(local.set $o (array.new {array} {get(value)} (i32.const 9))) {INDEX}"
            f"(array.fill {array} (local.get $o) (i32.const 1) {get(value, 1)} (i32.const 2))"
        )
        for to, start in ((2, 0), (0, 1), (4, 4)):
            move = f"(i32.const {to}) (local.get $o) (i32.const {start}) (i32.const 5)"
            yield Case(f"{first} (array.copy {array} {array} (local.get $o) {move})"
                       f"(array.get{sign} {array} (local.get $o) (local.get $n))", value, locals_)  # fmt: skip


VECTOR = f"(i64x2.replace_lane 1 (i64x2.splat {get('i64')}) {get('i64', 1)})"
LOCAL_VECTOR = (
    f"(local $o (ref null $av128)) (local $struct (ref null $v)) (local $vector v128) (local $n i32) {LOCALS}"
)


def vectors() -> Iterator[Case]:
    """Fields and elements of type v128."""
    first = f"(local.set $vector {VECTOR}) {INDEX} (local.set $struct (struct.new $v (i32.const 5) (local.get $vector) {get('i64')}))"
    made = f"(struct.new $v {get('i32')} {VECTOR} {get('i64', 1)})"
    many = "(local.set $o (array.new $av128 (local.get $vector) (i32.const 9)))"
    found = [f"(struct.get $v 1 {place})" for place in ("(local.get $struct)", made, "(struct.new_default $v)")]
    for value in (
        "(local.get $vector)",
        VECTOR,
        "(v128.const i64x2 -3 5)",
        f"(i64x2.add (local.get $vector) {VECTOR})",
    ):
        found += [
            f"(struct.set $v 1 (local.get $struct) {value}) (struct.get $v 1 (local.get $struct))",
            f"{many} (array.set $av128 (local.get $o) (local.get $n) {value})"
            "(local.set $vector (array.get $av128 (local.get $o) (local.get $n))) (local.get $vector)",
            f"{many} (array.fill $av128 (local.get $o) (i32.const 2) {value} (i32.const 4))"
            "(array.get $av128 (local.get $o) (local.get $n))",
            f"(array.get $av128 (array.new_fixed $av128 2 {value} (local.get $vector)) (i32.const 1))",
            f"(array.get $av128 (array.new $av128 {value} (i32.const 9)) (local.get $n))",
            f"{many} (array.set $av128 (local.get $o) (i32.const 3) {value})"
            "(array.copy $av128 $av128 (local.get $o) (i32.const 1) (local.get $o) (i32.const 0) (i32.const 6))"
            "(array.get $av128 (local.get $o) (local.get $n))",
        ]
    found.append("(array.get $av128 (array.new_default $av128 (i32.const 8)) (local.get $n))")
    for body, lane in product(found, (0, 1)):
        yield Case(f"{first} {body} (i64x2.extract_lane {lane})", "i64", LOCAL_VECTOR)
    yield Case(f"{first} (struct.get $v 2 (local.get $struct))", "i64", LOCAL_VECTOR)
    yield Case(f"{first} (struct.set $v 2 (local.get $struct) (i64.const 7)) (struct.get $v 2 (local.get $struct))", "i64",
               LOCAL_VECTOR)  # fmt: skip


def scalars() -> Iterator[Case]:
    locals_ = f"(local $o i31ref) {LOCALS}"
    for sign, value in product("su", (get("i32"), computed("i32"))):
        yield from results_with(locals_, "i32", f"(i31.get_{sign} (ref.i31 {value}))")
        for case in results("i32", f"(i31.get_{sign} (local.get $o))", f"(local.set $o (ref.i31 {value})) {LOSE}"):
            yield Case(case.body, case.result, locals_)


def types() -> Iterator[Case]:
    """Tests of values of which the validator knows nothing."""
    locals_ = f"(local $o anyref) (local $call funcref) {LOCALS}"
    for at, kind in product("01", ("$e", "$one", "$two", "$three", "eq", "i31", "struct", "array", "none", "any")):
        for value in ("(local.get $o)", f"(call $any (i32.const {at}))"):
            yield from typed(f"(local.set $o (call $any (i32.const {at})))", kind, value, locals_)
    for at, kind in product("01", ("$f", "$g", "func", "nofunc")):
        for value in ("(local.get $call)", f"(table.get $t (i32.const {at}))"):
            yield from typed(f"(local.set $call (table.get $t (i32.const {at})))", kind, value, locals_)


def typed(first: str, kind: str, value: str, locals_: str) -> Iterator[Case]:
    for null in ("", "null "):
        for case in results("i32", f"(ref.test (ref {null}{kind}) {value})", f"{first} {LOSE}"):
            yield Case(case.body, case.result, locals_)
        yield Case(f"{first} {LOSE} (ref.is_null (ref.cast (ref {null}{kind}) {value}))", "i32", locals_)


def objects() -> Iterator[Case]:
    for cases in (structs, arrays, copies, vectors, scalars, types):
        yield from cases()
