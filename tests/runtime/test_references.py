"""Typed references to functions: calls through them, branches on null, callees of a subtype."""

import gc

import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import Func, StackExhausted, Store, Trap

# ------------------------------------------------------------------------------------ calls
CALLS = """
    (import "m" "host" (func $host (param i32) (result i32))) (import "m" "other" (func $other (param i32) (result i32)))
    (type $ii (func (param i32) (result i32))) (elem declare func $host $other $own)
    (func $own (export "own") (type $ii) (i32.add (local.get 0) (i32.const 1)))
    (func $pick (param i32) (result (ref null $ii))
      (block (block (block (block (br_table 0 1 2 3 (local.get 0)))
        (return (ref.func $own))) (return (ref.func $host))) (return (ref.func $other))) (ref.null $ii))
    (func (export "call") (param i32 i32) (result i32)
      (i32.add (i32.const 1000) (call_ref $ii (local.get 1) (call $pick (local.get 0)))))
    (func (export "tail") (param i32 i32) (result i32) (return_call_ref $ii (local.get 1) (call $pick (local.get 0))))
    (func (export "as_non_null") (param i32 i32) (result i32)
      (call_ref $ii (local.get 1) (ref.as_non_null (call $pick (local.get 0)))))
"""
OTHER = '(func (export "other") (param i32) (result i32) (i32.add (local.get 0) (i32.const 3)))'


@pytest.fixture
def calls():
    store = Store()
    other = instantiate(OTHER, store=store).exports.other
    return exports(CALLS, {"m": {"host": lambda x: x + 2, "other": other}}, store=store)


@pytest.mark.parametrize(("which", "added"), [(0, 1), (1, 2), (2, 3)], ids=["own", "host", "other instance"])
def test_a_reference_is_called_wherever_its_function_lives(calls, which, added):
    for _ in range(2):
        assert calls.call(which, 40) == 1040 + added
        assert calls.tail(which, 40) == 40 + added
        assert calls.as_non_null(which, 40) == 40 + added


@pytest.mark.parametrize(
    ("name", "message"),
    [("call", "null function reference"), ("tail", "null function reference"), ("as_non_null", "null reference")],
)
def test_a_null_reference_traps_with_a_backtrace(calls, name, message):
    with pytest.raises(Trap) as caught:
        calls[name](3, 1)
    assert caught.value.message == message
    assert caught.value.frames[0].offset is not None


def test_tail_calls_through_references_need_no_stack():
    text = """
        (type $t (func (param i32 i64) (result i64))) (elem declare func $count)
        (func $count (export "count") (type $t)
          (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
          (return_call_ref $t (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 2))
            (ref.func $count)))"""
    assert exports(text).count(300_000, 0) == 600_000


def test_calls_through_references_exhaust_the_stack_as_others_do():
    text = """
        (type $t (func (result i32))) (elem declare func $f)
        (func $f (export "f") (type $t) (i32.add (i32.const 1) (call_ref $t (ref.func $f))))"""
    with pytest.raises(StackExhausted):
        exports(text).f()


# ------------------------------------------------------------------------------------ branches
# Each keeps other values on the stack, in the accumulators of all three classes.
BRANCHES = """
    (type $f (func (result i64))) (elem declare func $seven)
    (func $seven (type $f) (i64.const 7))
    (func (export "on_null") (param $n i32) (result i64 f64 i64)
      (local $r (ref null $f))
      (if (local.get $n) (then (local.set $r (ref.func $seven))))
      (block $null (result i64 f64)
        (i64.extend_i32_u (local.get $n)) (f64.convert_i32_u (i32.add (local.get $n) (i32.const 1)))
        (br_on_null $null (local.get $r))
        (return (call_ref $f)))
      (i64.const -1))
    (func (export "on_non_null") (param $n i32) (result i64 f64 i64)
      (local $r (ref null $f))
      (if (local.get $n) (then (local.set $r (ref.func $seven))))
      (block $some (result i64 f64 (ref $f))
        (i64.extend_i32_u (local.get $n)) (f64.convert_i32_u (i32.add (local.get $n) (i32.const 1)))
        (br_on_non_null $some (local.get $r))
        (return (i64.const -1)))
      (call_ref $f))
    (func (export "return_on_null") (param $n i32) (result i64 f64)
      (local $r (ref null $f))
      (if (local.get $n) (then (local.set $r (ref.func $seven))))
      (i64.const 5) (f64.convert_i32_u (local.get $n))
      (br_on_null 0 (local.get $r)) (drop) (drop) (drop) (i64.const 6) (f64.const 0.5))
    (func (export "loop_on_null") (param $n i32) (result i32)
      (local $r (ref null $f))
      (loop $again
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (if (i32.eqz (local.get $n)) (then (local.set $r (ref.func $seven))))
        (drop (br_on_null $again (local.get $r))))
      (local.get $n))
    (func (export "loop_on_non_null") (param $n i32) (result i32)
      (local $r (ref null $f)) (local.set $r (ref.func $seven))
      (ref.func $seven)
      (loop $again (param (ref $f))
        (drop)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (if (i32.eqz (local.get $n)) (then (local.set $r (ref.null $f))))
        (br_on_non_null $again (local.get $r)))
      (local.get $n))
    (func (export "many") (param $n i32) (result i64)
      (local $r (ref null $f))
      (if (local.get $n) (then (local.set $r (ref.func $seven))))
      (block $some (result i64 i64 i64 i64 i64 (ref $f))
        (i64.const 9)
        (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
        (br_on_non_null $some (local.get $r))
        (return (i64.sub (i64.sub (i64.sub (i64.sub))))))
      (i64.add (i64.mul (call_ref $f))) (return (i64.add (i64.add (i64.add)))))
"""
RESULTS = [
    ("on_null", 0, (0, 1.0, -1)),
    ("on_null", 3, (3, 4.0, 7)),
    ("on_non_null", 0, (0, 1.0, -1)),
    ("on_non_null", 3, (3, 4.0, 7)),
    ("return_on_null", 0, (5, 0.0)),
    ("return_on_null", 2, (6, 0.5)),
    ("loop_on_null", 100_000, 0),
    ("loop_on_non_null", 100_000, 0),
    ("many", 0, 1 - (2 - (3 - (4 - 5)))),
    ("many", 1, 1 + 2 + 3 + 4 + 5 * 7),
]


@pytest.mark.parametrize("stressed", [False, True])
@pytest.mark.parametrize(("name", "argument", "result"), RESULTS)
def test_branches_on_null_keep_the_values_of_their_labels(name, argument, result, stressed):
    instance = instantiate(BRANCHES)
    instance.store.stress(stressed)
    assert instance.exports[name](argument) == result


# ------------------------------------------------------------------------------------ subtypes
SUBTYPES = """
    (type $above (sub (func (param i32) (result i32)))) (type $below (sub $above (func (param i32) (result i32))))
    (type $beside (sub $above (func (param i32) (result i32) )))
    (rec (type $other (sub (func (param i32) (result i32)))) (type (func)))
    (table $t 4 4 funcref) (elem (i32.const 0) func $f $g $count)
    (func $f (type $above) (local.get 0)) (func $g (type $below) (i32.add (local.get 0) (i32.const 1)))
    (func $count (type $below)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 77))))
      (return_call_indirect (type $above) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
    (func (export "above") (param i32 i32) (result i32) (call_indirect (type $above) (local.get 1) (local.get 0)))
    (func (export "below") (param i32 i32) (result i32) (call_indirect (type $below) (local.get 1) (local.get 0)))
    (func (export "other") (param i32 i32) (result i32) (call_indirect (type $other) (local.get 1) (local.get 0)))
    (func (export "tail") (param i32 i32) (result i32) (return_call_indirect (type $above) (local.get 1) (local.get 0)))
"""


def test_an_indirect_call_takes_functions_of_subtypes():
    offered = exports(SUBTYPES)
    for _ in range(2):
        assert [offered.above(0, 5), offered.above(1, 5), offered.below(1, 5), offered.tail(1, 5)] == [5, 6, 6, 6]


@pytest.mark.parametrize(("name", "index"), [("below", 0), ("other", 0), ("other", 1)])
def test_an_indirect_call_refuses_supertypes_and_strangers(name, index):
    with pytest.raises(Trap) as caught:
        exports(SUBTYPES)[name](index, 1)
    assert caught.value.message == "indirect call type mismatch"
    assert [frame.offset for frame in caught.value.frames] != [None]


def test_tail_calls_of_functions_of_subtypes_need_no_stack():
    assert exports(SUBTYPES).tail(2, 300_000) == 77


def test_a_function_of_a_subtype_may_be_another_instances_or_the_hosts():
    store = Store()
    types = """(type $above (sub (func (result i32)))) (type $below (sub $above (func (result i32))))"""
    other = instantiate(f'{types} (func (export "f") (type $below) (i32.const 8))', store=store).exports.f
    text = f"""{types} (import "m" "f" (func $f (type $below))) (table funcref (elem $f))
        (func (export "call") (result i32) (call_indirect (type $above) (i32.const 0)))
        (func (export "tail") (result i32) (return_call_indirect (type $above) (i32.const 0)))"""
    for given in (other, lambda: 8):
        offered = exports(text, {"m": {"f": given}}, store=store)
        assert [offered.call(), offered.tail(), offered.call()] == [8, 8, 8]


# ------------------------------------------------------------------------------------ values
def test_locals_that_are_never_null_hold_what_they_were_set_to():
    text = """
        (type $f (func (result i32))) (elem declare func $a $b)
        (func $a (type $f) (i32.const 1)) (func $b (type $f) (i32.const 2))
        (func (export "f") (param i32) (result i32) (local $r (ref $f))
          (local.set $r (ref.func $a)) (if (local.get 0) (then (local.set $r (ref.func $b))))
          (call_ref $f (local.get $r)))"""
    assert [exports(text).f(0), exports(text).f(1)] == [1, 2]


def test_a_table_of_references_that_are_never_null_starts_with_its_value():
    text = """
        (type $f (func (result i32))) (table $t (export "t") 3 (ref $f) (ref.func $a)) (func $a (type $f) (i32.const 9))
        (func (export "f") (param i32) (result i32) (call_ref $f (table.get $t (local.get 0))))"""
    offered = exports(text)
    assert [offered.f(i) for i in range(3)] == [9, 9, 9]
    assert offered.t[2]() == 9
    with pytest.raises(TypeError):
        offered.t[0] = None


def test_null_of_every_kind_crosses_the_border():
    kinds = "funcref externref anyref eqref i31ref structref arrayref nullref nullfuncref nullexternref".split()
    text = "".join(f'(func (export "{kind}") (param {kind}) (result {kind}) (local.get 0))' for kind in kinds)
    offered = exports(text)
    for kind in kinds:
        assert offered[kind](None) is None
        assert offered[kind].call_raw(None) == (None,)


def test_a_function_of_another_type_is_no_argument_for_a_typed_reference():
    text = """(type $f (func (result i32))) (func (export "f") (param (ref $f)) (result i32) (call_ref $f (local.get 0)))
        (func (export "right") (result i32) (i32.const 3)) (func (export "wrong"))"""
    offered = exports(text)
    assert offered.f(offered.right) == 3
    assert offered.f(Func(lambda: 4, [], ["i32"])) == 4
    for wrong in (offered.wrong, None, 1, Func(lambda: 4, [], ["i64"])):
        with pytest.raises(TypeError):
            offered.f(wrong)


def test_constant_expressions_may_be_as_deep_as_they_are_long():
    depth = 3000
    text = f'(global (export "g") i32 {"(i32.const 1)" * depth} {"(i32.add)" * (depth - 1)})'
    assert exports(text).g.value == depth


# ------------------------------------------------------------------------------------ types of modules
TYPED = """(module (type $s (struct (field i32 i64))) (import "m" "g" (global (mut (ref null $s))))
    (func (export "set") (global.set 0 (struct.new $s (i32.const 7) (i64.const 8))))
    (func (export "get") (result i32) (struct.get $s 0 (global.get 0))))"""


def makers(type_):
    return [
        lambda: wasmcy.Global(type=wasmcy.GlobalType(type_, True)),
        lambda: wasmcy.Table(type=wasmcy.TableType(type_, 1)),
        lambda: wasmcy.Tag(type=wasmcy.FuncType((type_,))),
    ]


@pytest.mark.parametrize("kind", range(3))
def test_an_index_in_a_module_is_no_type_outside_of_it(kind):
    index = 0xFFFFF
    type_ = wasmcy.Module(TYPED).imports[0].type.type
    with pytest.raises(ValueError, match=rf"\(ref null {index}\) names a type by its index in a module"):
        makers(wasmcy.ValType(int(type_) + index))[kind]()


@pytest.mark.parametrize("kind", range(3))
def test_objects_keep_the_types_that_they_name(kind):
    """Or others would get their ids, and what the collector knows of the object would be wrong."""
    donor = wasmcy.Module(
        '(module (type $f (func (param f32 f64 f32))) (global (export "g") (mut (ref null $f)) (ref.null $f)))'
    ).instantiate()
    made = makers(donor.exports.g.type.type)[kind]()
    del donor
    gc.collect()
    others = [  # of types that nobody else has
        wasmcy.Module(TYPED.replace("i32 i64", f"i32 i64 {'f32 ' * at}").replace("8))", f"8) {'(f32.const 1)' * at})"))
        for at in range(40)
    ]
    for other in others:
        with pytest.raises(wasmcy.LinkError):
            other.instantiate({"m": {"g": made}})
