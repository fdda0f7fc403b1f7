"""Fuel: a count of executed instructions, the same in every form of the code, and a budget that holds (docs/limits.md)."""

import itertools
import pickle
import random
import secrets

import pytest
from instantiating import binary, exports, instantiate, module, results

import wasmcy
from tests.differential import generate
from wasmcy import FuelExhausted, Limits, Module, StackExhausted, Store, Trap, WasmError

PLENTY = 1 << 60

# what, fields, arguments of "f", and the cost of the call
COSTS = {
    "an empty function": ('(func (export "f"))', (), 0),
    "nop": ('(func (export "f") nop nop)', (), 2),
    "constants, locals, operations": (
        '(func (export "f") (param i32) (result i32) (local i32) (local.set 1 (i32.add (local.get 0) (i32.const 1))) (local.get 1))', (1,), 5),
    "drop and select": ('(func (export "f") (drop (select (i32.const 1) (i32.const 2) (i32.const 0))))', (), 5),
    "block and end": ('(func (export "f") (block (block (nop))))', (), 3),
    "a branch out of blocks": ('(func (export "f") (block (block (br 1) (nop)) (nop)))', (), 3),
    "br_if not taken": ('(func (export "f") (block (br_if 0 (i32.const 0)) (nop)) (nop))', (), 5),
    "br_if taken": ('(func (export "f") (block (br_if 0 (i32.const 1)) (nop)) (nop))', (), 4),
    "then": ('(func (export "f") (if (i32.const 1) (then (nop) (nop)) (else (nop))))', (), 4),
    "else": ('(func (export "f") (if (i32.const 0) (then (nop) (nop)) (else (nop))))', (), 3),
    "if without else": ('(func (export "f") (if (i32.const 0) (then (nop) (nop))) (nop))', (), 3),
    "a loop, ten times": (
        '(func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))', (10,), 51),
    "a loop that ends at once": ('(func (export "f") (loop (nop)) (nop))', (), 3),
    "br_table": ('(func (export "f") (param i32) (block (block (block (br_table 0 1 2 (local.get 0))) (nop)) (nop)))', (1,), 6),
    "br_table, its default": ('(func (export "f") (param i32) (block (block (block (br_table 0 1 2 (local.get 0))) (nop)) (nop)))', (9,), 5),
    "return": ('(func (export "f") (block (return)) (nop))', (), 2),
    "a call": ('(func $g (nop)) (func (export "f") (call $g) (call $g))', (), 4),
    "an indirect call": ('(table funcref (elem $g)) (func $g (nop)) (func (export "f") (call_indirect (i32.const 0)))', (), 3),
    "tail calls": (
        '(func $f (export "f") (param i32) (if (local.get 0) (then (return_call $f (i32.sub (local.get 0) (i32.const 1))))))', (3,), 20),
    "loads and stores": (
        '(memory 1) (func (export "f") (i32.store (i32.const 0) (i32.load offset=4 (i32.const 0))))', (), 4),
    "memory.grow": ('(memory 1) (func (export "f") (drop (memory.grow (i32.const 5))))', (), 3),
    "memory.fill, small": ('(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 0) (i32.const 63)))', (), 4),
    "memory.fill": ('(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 0) (i32.const 640)))', (), 14),
    "memory.fill, large": ('(memory 9) (func (export "f") (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x80000)))', (), 8196),
    "memory.copy": ('(memory 1) (func (export "f") (param i32) (memory.copy (i32.const 9) (i32.const 0) (local.get 0)))', (129,), 6),
    "memory.init": (
        '(memory 1) (data $d "' + "x" * 128 + '") (func (export "f") (memory.init $d (i32.const 9) (i32.const 0) (i32.const 128)))', (), 6),
    "table.fill": ('(table 200 funcref) (func (export "f") (table.fill (i32.const 0) (ref.null func) (i32.const 192)))', (), 7),
    "table.copy": ('(table 200 funcref) (func (export "f") (table.copy (i32.const 0) (i32.const 1) (i32.const 64)))', (), 5),
    "table.grow": ('(table 1 funcref) (func (export "f") (drop (table.grow (ref.null func) (i32.const 128))))', (), 6),
    "try_table": (
        '(tag $t) (func (export "f") (block $b (try_table (catch $t $b) (throw $t))) (nop))', (), 4),
    "struct.new": (
        '(type $s (struct (field i32))) (func (export "f") (drop (struct.get $s 0 (struct.new $s (i32.const 1)))))', (), 4),
    "array.new": ('(type $a (array i64)) (func (export "f") (drop (array.new $a (i64.const 1) (i32.const 640))))', (), 14),
    "array.new_default": ('(type $a (array i8)) (func (export "f") (drop (array.new_default $a (i32.const 0x80000))))', (), 8195),
    "array.new_fixed": (
        f'(type $a (array i8)) (func (export "f") (drop (array.new_fixed $a 130 {"(i32.const 1)" * 130})))', (), 134),
    "array.fill": (
        '(type $a (array (mut i32))) (func (export "f") (array.fill $a (array.new_default $a (i32.const 900)) '
        '(i32.const 0) (i32.const 1) (i32.const 640)))', (), 30),
    "array.copy": (
        '(type $a (array (mut i32))) (func (export "f") (local (ref null $a)) '
        '(local.set 0 (array.new_default $a (i32.const 70))) '
        '(array.copy $a $a (local.get 0) (i32.const 0) (local.get 0) (i32.const 1) (i32.const 64)))', (), 11),
    "br_on_cast": (
        '(type $a (array i8)) (func (export "f") (drop (block $l (result anyref) '
        '(br_on_cast $l anyref (ref $a) (array.new_default $a (i32.const 0))) (nop))))', (), 5),
    "call_ref": ('(type $t (func)) (func $g (type $t) (nop)) (elem declare func $g) (func (export "f") (call_ref $t (ref.func $g)) (nop))', (), 4),
    "vectors": ('(func (export "f") (drop (i8x16.add (v128.const i64x2 1 2) (v128.const i64x2 1 2))))', (), 4),
    "a second memory": (
        '(memory 1) (memory 1) (func (export "f") (memory.fill 1 (i32.const 0) (i32.const 0) (i32.const 640)))', (), 14),
    "a memory of 64 bits": ('(memory i64 1) (func (export "f") (memory.fill (i64.const 0) (i32.const 0) (i64.const 640)))', (), 14),
    "a computed length": (
        '(memory 1) (func (export "f") (param i32) (memory.fill (i32.const 0) (i32.const 0) (i32.add (local.get 0) (i32.const 64))))', (64,), 8),
}  # fmt: skip
# what, fields, and the cost of a call of "f", which traps with all but these instructions unexecuted
TRAPS = {
    "unreachable": ('(func (export "f") (nop) (unreachable) (nop))', 2),
    "a division": (
        '(func (export "f") (result i32) (i32.add (i32.div_u (i32.const 1) (i32.const 0)) (i32.const 3)))', 3),
    "a load": ('(memory 1) (func (export "f") (nop) (drop (i32.load (i32.const -1))) (nop) (nop))', 3),
    "a store": ('(memory 1) (func (export "f") (i64.store (i32.const -1) (i64.const 1)) (nop) (nop))', 3),
    "a conversion": ('(func (export "f") (drop (i32.trunc_f64_s (f64.const nan))) (nop))', 2),
    "an indirect call": ('(table 1 funcref) (func (export "f") (call_indirect (i32.const 0)) (nop))', 2),
    "table.get": ('(table 1 funcref) (func (export "f") (drop (table.get (i32.const 7))) (nop))', 2),
    "memory.fill": ('(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 0) (i32.const 65600)) (nop))', 1029),
    "memory.init": ('(memory 1) (data $d "") (func (export "f") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (nop))', 4),
    "struct.get": ('(type $s (struct (field i32))) (func (export "f") (drop (struct.get $s 0 (ref.null $s))) (nop))', 2),
    "array.fill": (
        '(type $a (array (mut i32))) (func (export "f") (array.fill $a (array.new_default $a (i32.const 9)) '
        '(i32.const 0) (i32.const 1) (i32.const 640)) (nop))', 16),
    "ref.cast": ('(type $a (array i8)) (func (export "f") (drop (ref.cast (ref $a) (ref.i31 (i32.const 1)))) (nop))', 3),
    "array.new_data": (
        '(type $a (array i8)) (data $d "") (func (export "f") (drop (array.new_data $a $d (i32.const 0) (i32.const 1))) (nop))', 3),
    "a callee": ('(func $g (nop) (unreachable)) (func (export "f") (nop) (call $g) (nop))', 4),
}  # fmt: skip
LOOP = """
    (func $f (export "f") (param i32) (result i32) (local i32)
      (loop (local.set 1 (i32.add (local.get 1) (call $square (local.get 0))))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
"""


@pytest.fixture(params=["fused", "plain", "leaving at every poll"])
def form(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setenv("WASMCY_FUSE", "0")
    return request.param


def metered(text, form="fused", fuel=PLENTY, imports=None):
    instance = Module(binary(text)).instantiate(imports, limits=Limits(fuel=fuel))
    instance.store.stress(form == "leaving at every poll")
    return instance


@pytest.mark.parametrize("what", COSTS)
def test_a_call_costs_what_it_executes(what, form):
    text, arguments, cost = COSTS[what]
    instance = metered(text, form)
    for calls in (1, 2):
        instance.exports.f(*arguments)
        assert PLENTY - instance.store.fuel == calls * cost


@pytest.mark.parametrize("what", TRAPS)
def test_a_trap_gives_back_what_was_not_executed(what, form):
    text, cost = TRAPS[what]
    instance = metered(text, form)
    with pytest.raises(Trap):
        instance.exports.f()
    assert PLENTY - instance.store.fuel == cost


@pytest.mark.parametrize("what", COSTS)
def test_enough_fuel_is_enough_and_one_less_is_not(what, form):
    text, arguments, cost = COSTS[what]
    instance = metered(text, form, fuel=cost)
    instance.exports.f(*arguments)
    assert instance.store.fuel == 0
    if cost:
        instance = metered(text, form, fuel=cost - 1)
        with pytest.raises(FuelExhausted):
            instance.exports.f(*arguments)
        assert 0 <= instance.store.fuel < cost


@pytest.mark.parametrize("portion", [1, 3, 10, 100])
def test_a_guest_that_ran_out_goes_on_where_it_stopped_and_pays_once(portion, form):
    whole = metered(LOOP, form)
    expected = whole.exports.f(30)
    instance = metered(LOOP, form, fuel=0)
    given, again = 0, 0
    try:
        result = instance.exports.f(30)
    except FuelExhausted as error:
        while True:
            given += portion
            again += 1
            try:
                result = error.resume(fuel=portion)
                break
            except FuelExhausted as next_error:
                error = next_error
    assert result == expected
    assert given - instance.store.fuel == PLENTY - whole.store.fuel
    assert again > 1


def test_other_calls_may_come_between():
    instance = metered(LOOP, fuel=100)
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(30)
    instance.store.fuel = PLENTY
    assert instance.exports.f(3) == 14
    assert caught.value.resume() == sum(n * n for n in range(31))


def test_a_call_goes_on_once():
    instance = metered(LOOP, fuel=100)
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(30)
    caught.value.resume(fuel=PLENTY >> 1)
    with pytest.raises(RuntimeError, match="cannot be resumed|resumed already"):
        caught.value.resume()


def test_what_is_put_aside_counts_as_memory_until_it_is_forgotten():
    instance = metered(LOOP, fuel=50)
    before = instance.store.memory_bytes
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(30)
    assert instance.store.memory_bytes > before
    del caught
    assert instance.store.memory_bytes == before


def test_the_error_says_where_and_travels_without_its_call():
    instance = metered(LOOP, fuel=30)
    with pytest.raises(FuelExhausted, match="fuel exhausted") as caught:
        instance.exports.f(30)
    assert caught.value.frames[-1].name == "f"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.frames == caught.value.frames
    with pytest.raises(RuntimeError):
        copy.resume()


def test_references_of_a_call_put_aside_live_on():
    """Exceptions are collected while a guest that holds one has run out of fuel."""
    text = """
        (tag $t (param i32))
        (func (export "f") (result i32) (local exnref i32) (local.set 1 (i32.const 5000))
          (block $b (result i32 exnref) (try_table (result i32 exnref) (catch_ref $t $b) (throw $t (i32.const 42))))
          (local.set 0) (drop)
          (loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
          (block $c (result i32) (try_table (result i32) (catch $t $c) (throw_ref (local.get 0)))))
        (func (export "throws") (param i32)
          (loop (block $b (try_table (catch_all $b) (throw $t (i32.const 1))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    """
    instance = metered(text, fuel=100)
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f()
    instance.store.fuel = PLENTY
    instance.exports.throws(20_000)
    assert caught.value.resume() == 42


# ------------------------------------------------------------------------------------ one budget for a store
def test_host_functions_and_calls_inside_draw_from_the_same_budget(form):
    text = '(import "m" "h" (func $h)) (func (export "f") (nop) (call $h) (nop)) (func (export "g") (nop) (nop))'
    seen = []

    def h():
        seen.append(PLENTY - instance.store.fuel)
        instance.exports.g()
        seen.append(PLENTY - instance.store.fuel)

    instance = metered(text, form, imports={"m": {"h": h}})
    instance.exports.f()
    assert seen == [2, 4] and PLENTY - instance.store.fuel == 5


def test_a_host_function_sets_the_fuel():
    text = '(import "m" "h" (func $h)) (func (export "f") (call $h) (nop))'

    def h():
        instance.store.fuel = 100

    instance = metered(text, fuel=1, imports={"m": {"h": h}})
    instance.exports.f()
    assert instance.store.fuel == 99


def test_calls_across_instances_draw_from_the_same_budget(form):
    store = Store(Limits(fuel=PLENTY))
    store.stress(form == "leaving at every poll")
    callee = Module(binary('(func (export "g") (nop) (nop))')).instantiate(store=store)
    text = '(import "m" "g" (func $g)) (table funcref (elem $g)) (func (export "f") (call $g) (call_indirect (i32.const 0)) (nop))'
    Module(binary(text)).instantiate({"m": callee}).exports.f()
    assert PLENTY - store.fuel == 8


def test_what_runs_out_inside_a_host_function_ends_the_call_for_good():
    text = '(import "m" "h" (func $h)) (func (export "f") (call $h)) (func (export "g") (loop (br 0)))'

    def h():
        instance.exports.g()

    instance = metered(text, fuel=1000, imports={"m": {"h": h}})
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f()
    with pytest.raises(RuntimeError, match="cannot be resumed"):
        caught.value.resume(fuel=10)


def test_a_host_function_may_pay_for_a_guest_it_called():
    text = (
        '(import "m" "h" (func $h)) (func (export "f") (call $h)) (func (export "g") (result i32) (nop) (i32.const 7))'
    )
    seen = []

    def h():
        try:
            instance.exports.g()
        except FuelExhausted as error:
            seen.append(error.resume(fuel=10))

    instance = metered(text, fuel=1, imports={"m": {"h": h}})
    instance.exports.f()
    assert seen == [7]


def test_the_start_function_pays():
    text = "(func $f (loop (br 0))) (start $f)"
    with pytest.raises(FuelExhausted):
        module(text).instantiate(limits=Limits(fuel=10_000))


# ------------------------------------------------------------------------------------ hostile guests
ENDLESS = {
    "loop": '(func (export "f") (loop (br 0)))',
    "recursion": '(func $f (export "f") (call $f))',
    "tail calls": '(func $f (export "f") (return_call $f))',
    "br_table": '(func (export "f") (loop (br_table 0 0 (i32.const 1))))',
    "throws": '(tag $t) (func (export "f") (loop (block $b (try_table (catch_all $b) (throw $t))) (br 0)))',
    "a fill of all memory": '(memory 1000) (func (export "f") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536000)) (br 0)))',
    "catching": '(func $g (loop (br 0))) (func (export "f") (loop (block $b (try_table (catch_all $b) (call $g))) (br 0)))',
    "host calls": '(import "m" "h" (func $h)) (func (export "f") (loop (call $h) (br 0)))',
    "exceptions of the host": '(import "m" "raises" (func $h)) (func (export "f") (loop (block $b (try_table (catch_all $b) (call $h))) (br 0)))',
}  # fmt: skip


def raises():
    raise ValueError


@pytest.mark.parametrize("what", ENDLESS)
def test_nothing_runs_for_ever(what):
    offered = exports(ENDLESS[what], {"m": {"h": lambda: None, "raises": raises}}, limits=Limits(fuel=50_000))
    with pytest.raises((FuelExhausted, StackExhausted)) as caught:
        offered.f()
    assert caught.type is FuelExhausted or what == "recursion"


def test_a_length_that_cannot_be_paid_is_not_begun():
    instance = metered('(memory (export "memory") 16) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x100000)))', fuel=100)  # fmt: skip
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f()
    assert instance.exports.memory[0] == 0 and instance.store.fuel == 96
    caught.value.resume(fuel=1 << 20)
    assert instance.exports.memory[0] == 1 and instance.exports.memory[0xFFFFF] == 1


# ------------------------------------------------------------------------------------ all forms agree
def test_random_functions_cost_the_same_in_all_forms(monkeypatch):
    seed = secrets.token_hex(4)
    print("seed", seed)
    for number in range(3):
        made = generate.module(f"{seed}/{number}", 40)
        data = made.encode()
        outcomes = []
        for fuse, stress, fuel in (("1", False, None), ("1", False, PLENTY), ("0", False, PLENTY), ("1", True, PLENTY)):
            monkeypatch.setenv("WASMCY_FUSE", fuse)
            instance = Module(data).instantiate(limits=Limits(fuel=fuel))
            instance.store.stress(stress)
            outcomes.append(list(results(instance, made, f"{seed}/{number}")))
        plain, *counted = outcomes
        assert [result for result, _ in plain] == [result for result, _ in counted[0]]
        assert counted[0] == counted[1] == counted[2]
        assert any(used for _, used in counted[0])


def test_random_portions_give_the_same_result():
    rnd = random.Random(7)
    text, arguments, cost = COSTS["tail calls"]
    for _ in range(20):
        instance = metered(text, fuel=rnd.randrange(cost))
        with pytest.raises(FuelExhausted) as caught:
            instance.exports.f(*arguments)
        for given in itertools.repeat(rnd.randrange(1, 9)):
            try:
                caught.value.resume(fuel=given)
                break
            except FuelExhausted as error:
                caught = pytest.ExceptionInfo.from_exception(error)


# ------------------------------------------------------------------------------------ the budget as a property
def test_a_store_without_fuel_counts_none():
    instance = instantiate('(func (export "f"))')
    assert instance.store.fuel is None
    with pytest.raises(WasmError, match="counts no fuel"):
        instance.store.fuel = 1


@pytest.mark.parametrize("fuel", [-1, (1 << 62) + 1])
def test_fuel_has_a_range(fuel):
    with pytest.raises(ValueError, match="from 0 to"):
        Limits(fuel=fuel)
    with pytest.raises(ValueError, match="from 0 to"):
        Store(Limits(fuel=0)).fuel = fuel


def test_fuel_is_an_int():
    with pytest.raises(TypeError, match="expected an int for fuel"):
        Limits(fuel=1.5)


def test_plain_code_is_what_it_was():
    """Counting is another variant: a module that was metered once runs without a charge elsewhere."""
    made = Module(binary(LOOP))
    before = list(made._code.words(0)[0])
    made.instantiate(limits=Limits(fuel=PLENTY)).exports.f(3)
    instance = made.instantiate()
    assert instance.exports.f(3) == 14
    assert list(made._code.words(0)[0]) == before
    assert len(made._code.variant(True, False).words(0)[0]) > len(before)


def test_the_error_is_a_limit_error():
    assert issubclass(FuelExhausted, wasmcy.LimitError)
