"""Snapshots of guests that were put aside: out of fuel, between two turns, or while a host function is awaited."""

import asyncio
import copy
import multiprocessing
import pickle
import random
import secrets
from concurrent.futures import ProcessPoolExecutor

import pytest
from instantiating import binary, module

import wasmcy
from tests.differential import generate
from wasmcy import (
    FuelExhausted,
    GuestException,
    LimitError,
    Limits,
    Module,
    Snapshot,
    SnapshotError,
    Trap,
    WasmError,
)

PLENTY = 1 << 50

# what, fields, arguments of "f", its result
GUESTS = {
    "a loop": (
        """(func (export "f") (param i32) (result i64) (local i64)
             (loop (local.set 1 (i64.add (i64.mul (local.get 1) (i64.const 31)) (i64.extend_i32_u (local.get 0))))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (local.get 1))""",
        (50,), 2519952430328654887),
    "operands below a loop": (
        """(func (export "f") (param i32) (result f64) (local f32)
             (f64.const 0.5) (local.get 0) (i32.add (i32.const 7))
             (loop (local.set 1 (f32.add (local.get 1) (f32.const 0.25)))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (f64.convert_i32_u) (f64.add) (f64.add (f64.promote_f32 (local.get 1))))""",
        (9,), 18.75),
    "recursion": (
        """(func $f (export "f") (param i32) (result i64)
             (if (result i64) (i32.lt_u (local.get 0) (i32.const 2)) (then (i64.const 1))
               (else (i64.add (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 2)))))))""",
        (9,), 55),
    "calls by table and reference": (
        """(type $u (func (param i32) (result i32))) (table funcref (elem $a $b)) (elem declare func $b)
           (func $a (type $u) (if (result i32) (local.get 0) (then (call_ref $u (i32.sub (local.get 0) (i32.const 1)) (ref.func $b))) (else (i32.const 5))))
           (func $b (type $u) (i32.add (local.get 0) (call_indirect (type $u) (local.get 0) (i32.const 0))))
           (func (export "f") (param i32) (result i32) (local (ref null $u)) (local.set 1 (ref.func $b))
             (i32.add (call_ref $u (local.get 0) (local.get 1)) (call_ref $u (local.get 0) (local.get 1))))""",
        (6,), 52),
    "results of calls": (
        """(func $i (result i32) (i32.const 3)) (func $l (result i64) (i64.const 1)) (func $d (result f64) (f64.const 0.5))
           (func $s (result f32) (f32.const 0.25))
           (func (export "f") (param i32) (result f64)
             (f64.add (f64.convert_i32_u (i32.add (call $i) (local.get 0)))
               (f64.add (f64.add (call $d) (f64.const 1)) (f64.promote_f32 (f32.add (call $s) (f32.const 8)))))
             (f64.convert_i64_u (i64.add (call $l) (i64.const 4))) (f64.mul))""",
        (2,), 73.75),
    "tail calls": (
        """(func $f (export "f") (param i32 i32) (result i32)
             (if (result i32) (local.get 0) (then (return_call $g (local.get 0) (local.get 1) (i64.const 1))) (else (local.get 1))))
           (func $g (param i32 i32 i64) (result i32)
             (return_call $f (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.wrap_i64 (local.get 2)))))
           (func (export "g") (result i32) (i32.add (call $f (i32.const 3) (i32.const 4)) (i32.const 1)))""",
        (20, 3), 23),
    "vectors": (
        """(func (export "f") (param i32) (result i32) (local v128)
             (v128.const i32x4 1 2 3 4)
             (loop (local.set 1 (i32x4.add (local.get 1) (i32x4.splat (local.get 0))))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (i32x4.extract_lane 3 (i32x4.add (local.get 1))))""",
        (8,), 40),
    "several results": (
        """(func $two (param i32) (result i32 i64) (local.get 0) (i64.extend_i32_u (i32.mul (local.get 0) (local.get 0))))
           (func (export "f") (param i32) (result i32 i64) (local i64)
             (loop (call $two (local.get 0)) (local.set 1 (i64.add (local.get 1))) (local.set 0 (i32.sub (i32.const 1)))
               (br_if 0 (local.get 0)))
             (local.get 0) (local.get 1))""",
        (4,), (0, 30)),
    "exceptions": (
        """(tag $t (param i32))
           (func $throws (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t (local.get 0)))))
           (func (export "f") (param i32) (result i32) (local i32)
             (loop (local.set 1 (i32.add (local.get 1)
                 (block $c (result i32) (try_table (catch $t $c) (call $throws (local.get 0))) (i32.const 100))))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (local.get 1))""",
        (6,), 309),
    "memory and globals": (
        """(memory 1) (global $g (mut i32) (i32.const 0))
           (func (export "f") (param i32) (result i32)
             (loop (i32.store (local.get 0) (i32.add (i32.load offset=1 (local.get 0)) (local.get 0)))
               (global.set $g (i32.add (global.get $g) (i32.load (local.get 0))))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (memory.fill (i32.const 0) (global.get $g) (i32.const 640))
             (i32.xor (global.get $g) (i32.load (i32.const 600))))""",
        (12,), None),
}  # fmt: skip


def elsewhere(snapshot):
    """What another process would get."""
    return pickle.loads(pickle.dumps(snapshot))


def in_pieces(m, arguments, piece):
    """The result of "f", and the fuel it used, where each piece of fuel is used in an instance of its own."""
    instance = m.instantiate(limits=Limits(fuel=piece))
    used, call = 0, None
    while True:
        before = instance.store.fuel
        try:
            result = instance.exports.f(*arguments) if call is None else call.resume()
        except FuelExhausted:
            used += before - instance.store.fuel
            rest = instance.store.fuel
            snapshot = elsewhere(instance.snapshot())
            instance = m.restore(snapshot, limits=Limits(fuel=piece + rest))
            (call,) = instance.suspended
        else:
            return result, used + before - instance.store.fuel


@pytest.mark.parametrize("what", GUESTS)
@pytest.mark.parametrize("fuse", ["1", "0"])
def test_a_guest_goes_on_elsewhere_whenever_its_fuel_is_used_up(what, fuse, monkeypatch):
    text, arguments, expected = GUESTS[what]
    monkeypatch.setenv("WASMCY_FUSE", fuse)
    m = Module(binary(text))
    whole = m.instantiate(limits=Limits(fuel=PLENTY))
    result = whole.exports.f(*arguments)
    assert expected in (None, result)
    cost = PLENTY - whole.store.fuel
    for piece in (1, 2, 3, 5, 7, 10, 16, 25, 50, cost - 1, cost):
        assert in_pieces(m, arguments, piece) == (result, cost)


def test_random_functions_go_on_elsewhere():
    seed = secrets.token_hex(4)
    print("seed", seed)
    rnd = random.Random(seed)
    moved = 0
    for number in range(2):
        made = generate.module(f"{seed}/{number}", 40)
        m = Module(made.encode())
        for index, function in enumerate(made.functions):
            for values in generate.arguments(f"{seed}/{index}", function.signature, 1):
                whole = outcome(m.instantiate(limits=Limits(fuel=PLENTY)), f"f{index}", values)
                instance, call = m.instantiate(limits=Limits(fuel=rnd.randrange(40))), None
                for _ in range(10):
                    try:
                        found = outcome(instance, f"f{index}", values, call)
                        break
                    except FuelExhausted as error:
                        call = error.call
                    fuel = rnd.randrange(60) if _ < 8 else PLENTY
                    try:
                        snapshot = elsewhere(instance.snapshot())
                    except SnapshotError:  # it holds what is not a number or a function
                        instance.store.fuel += fuel
                        continue
                    instance = m.restore(snapshot, limits=Limits(fuel=instance.store.fuel + fuel))
                    (call,) = instance.suspended
                    moved += 1
                assert found == whole
    assert moved > 20


def outcome(instance, name, values, call=None):
    """The result of a function, called or going on, as bits, or the message of its trap."""
    try:
        return instance.exports[name].call_raw(*values) if call is None else call.resume()
    except (Trap, GuestException) as error:
        return error.message


WAITS = """
    (import "m" "ask" (func $ask (param i32 f64) (result i32)))
    (memory (export "memory") 1)
    (func (export "f") (param i32) (result i32) (local i32)
      (local.set 1 (i32.const 1000))
      (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
      (i32.add (local.get 1) (i32.add (local.get 0) (call $ask (local.get 0) (f64.const 2.5)))))
    (func (export "long") (param i32) (result i32) (local i32)
      (loop (local.set 1 (i32.add (local.get 1) (i32.const 3)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func (export "tail") (param i32) (result i32) (return_call $ask (local.get 0) (f64.const 1)))
    (func (export "fill") (memory.grow (i32.const 2000)) (drop)
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x7000000)))
"""


def test_a_host_function_that_is_awaited_is_called_again():
    asked = []

    async def ask(x, y):
        asked.append((x, y))
        if len(asked) == 1:
            await asyncio.sleep(60)
        return 5

    async def main():
        m = module(WAITS)
        instance = m.instantiate({"m": {"ask": ask}})
        task = asyncio.create_task(instance.exports.f.call_async(30))
        await asyncio.sleep(0)
        snapshot = elsewhere(instance.snapshot())
        task.cancel()
        other = m.restore(snapshot, {"m": {"ask": ask}})
        (call,) = other.suspended
        with pytest.raises(WasmError, match="suspended call"):
            other.exports.long(3)
        assert await call == 1035
        assert other.exports.long(3) == 9 and other.exports.memory[8] == 1
        plain = m.restore(snapshot, {"m": {"ask": lambda x, y: x + int(2 * y)}})
        assert plain.suspended[0].resume() == 1065
        with pytest.raises(RuntimeError, match="resumed already"):
            plain.suspended[0].resume()
        with pytest.raises(RuntimeError):
            await plain.suspended[0]

    asyncio.run(main())
    assert asked == [(30, 2.5)] * 2


def test_a_long_computation_goes_on_elsewhere_between_its_turns():
    async def main():
        m = module(WAITS)
        instance = m.instantiate({"m": {"ask": lambda x, y: 0}})
        task = asyncio.create_task(instance.exports.long.call_async(30_000_000))
        await asyncio.sleep(0.01)
        snapshot = elsewhere(instance.snapshot())
        other = m.restore(snapshot, {"m": {"ask": lambda x, y: 0}})
        results = await asyncio.gather(task, other.suspended[0])
        assert results == [90_000_000, 90_000_000]
        assert m.restore(snapshot, {"m": {"ask": lambda x, y: 0}}).suspended[0].resume() == 90_000_000

    asyncio.run(main())


def test_a_call_that_is_awaited_is_not_resumed_besides():
    async def main():
        instance = module(WAITS).instantiate({"m": {"ask": lambda x, y: asyncio.sleep(0.01, 1)}})
        call = instance.exports.f.call_async(1)
        with pytest.raises(RuntimeError, match="awaited"):
            call.resume()
        task = asyncio.create_task(call)
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="awaited"):
            call.resume()
        assert await task == 1002

    asyncio.run(main())


def test_locals_that_are_not_set_yet_have_no_value():
    text = """(type $ft (func (result i32))) (import "m" "ask" (func $ask))
        (func $k (type $ft) (i32.const 4)) (elem declare func $k)
        (func (export "f") (result i32) (local $x (ref $ft))
          (call $ask) (local.set $x (ref.func $k)) (call_ref $ft (local.get $x)))"""

    async def main():
        m = Module(binary(text))
        instance = m.instantiate({"m": {"ask": lambda: asyncio.sleep(0)}})
        task = asyncio.create_task(instance.exports.f.call_async())
        await asyncio.sleep(0)
        other = m.restore(elsewhere(instance.snapshot()), {"m": {"ask": lambda: None}})
        assert other.suspended[0].resume() == await task == 4

    asyncio.run(main())


def work(snapshot):
    m = Module(binary(GUESTS["recursion"][0]))
    return m.restore(snapshot, limits=Limits(fuel=PLENTY)).suspended[0].resume()


def test_it_goes_on_in_another_process():
    instance = Module(binary(GUESTS["recursion"][0])).instantiate(limits=Limits(fuel=100))
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(9)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(work, instance.snapshot()).result() == 55
    assert caught.value.resume(fuel=PLENTY) == 55


# ------------------------------------------------------------------------------------ what is refused
def test_what_cannot_go_on_elsewhere_says_so():
    async def main():
        m = module(WAITS)
        instance = m.instantiate({"m": {"ask": lambda x, y: asyncio.sleep(0.01, 1)}})
        for name, arguments in (("tail", (1,)), ("fill", ())):
            task = asyncio.create_task(instance.exports[name].call_async(*arguments))
            await asyncio.sleep(0)
            with pytest.raises(SnapshotError, match="stopped inside an instruction"):
                instance.snapshot()
            await task

    asyncio.run(main())


def test_references_to_what_is_not_in_the_module_are_refused():
    text = """(func (export "f") (param externref) (result externref) (loop (br 0)) (local.get 0))"""
    instance = Module(binary(text)).instantiate(limits=Limits(fuel=50))
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(object())
    with pytest.raises(SnapshotError, match="the stack refers to a value of the host"):
        instance.snapshot()
    with pytest.raises(FuelExhausted):
        caught.value.resume(fuel=10)  # taking it has changed nothing


def test_calls_through_other_instances_are_refused():
    store = wasmcy.Store(Limits(fuel=50))
    inner = Module(binary('(func (export "f") (loop (br 0)))')).instantiate(store=store)
    outer = Module(binary('(import "m" "f" (func $f)) (func (export "f") (call $f))')).instantiate(
        {"m": {"f": inner.exports.f}}, store=store
    )
    with pytest.raises(FuelExhausted) as caught:
        outer.exports.f()
    for instance in (inner, outer):
        with pytest.raises(SnapshotError, match="several instances"):
            instance.snapshot()
    assert caught.value.call is not None


def test_a_metered_guest_goes_on_in_a_metered_store():
    instance = Module(binary(GUESTS["a loop"][0])).instantiate(limits=Limits(fuel=50))
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(50)
    with pytest.raises(SnapshotError, match="cannot go on"):
        instance.module.restore(instance.snapshot())
    assert caught.value.call is not None


def test_the_limits_hold_for_what_is_put_back():
    m = Module(binary(GUESTS["recursion"][0]))
    instance = m.instantiate(limits=Limits(fuel=8_000))
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f(2000)
    for limits in (Limits(fuel=100, depth=4096), Limits(fuel=100, memory=4096)):
        with pytest.raises(LimitError):
            m.restore(instance.snapshot(), limits=limits)
    assert caught.value.call is not None


def changed(state, rnd):
    """The same state with something in its calls replaced by something else."""
    state = copy.deepcopy(state)
    place = state[5]
    while True:
        at = rnd.randrange(len(place))
        if isinstance(place[at], (list, tuple)) and place[at] and rnd.random() < 0.9:
            if isinstance(place[at], tuple):
                place[at] = list(place[at])
            place = place[at]
            continue
        place[at] = rnd.choice([-2, -1, 0, 1, 2, 3, 7, 0xFFFFFFFF, 1 << 31, 1 << 63, 1 << 70, None, "x", [], 0.5, True])
        if isinstance(place[at], int) and rnd.random() < 0.5:
            place[at] += rnd.randrange(-3, 200)
        return state


def test_a_snapshot_that_was_tampered_with_gives_an_error_or_a_guest_that_stays_in_its_module():
    seed = secrets.token_hex(4)
    print("seed", seed)
    rnd = random.Random(seed)
    restored = 0
    for what, (text, arguments, _) in GUESTS.items():
        m = Module(binary(text))
        instance = m.instantiate(limits=Limits(fuel=rnd.randrange(20, 60)))
        try:
            instance.exports.f(*arguments)
            continue
        except FuelExhausted:
            snapshot = instance.snapshot()
        for _ in range(150):
            try:
                other = m.restore(Snapshot(snapshot.digest, changed(snapshot._state, rnd)), limits=Limits(fuel=200))
                for call in other.suspended:
                    call.resume()
            except (SnapshotError, LimitError, Trap, GuestException):
                pass
            restored += 1
    assert restored > 500
