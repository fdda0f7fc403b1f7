"""Calls that wait instead of blocking: coroutines as host functions, turns, cancelling, many guests in one loop."""

import asyncio
import gc
import threading
import time
import tracemalloc

import pytest
from instantiating import binary, instantiate, module

import wasmcy
from wasmcy import FuelExhausted, Limits, Module, Store, Timeout, Trap, WasmError

WAITS = """
    (import "m" "wait" (func $wait (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "f") (param i32) (result i32)
      (i32.add (call $wait (local.get 0)) (i32.mul (call $wait (i32.const 100)) (i32.const 2))))
    (func (export "tail") (param i32) (result i32) (return_call $wait (local.get 0)))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (local.get 0)))
        (else (call $wait (i32.const 7)))))
    (func (export "plain") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
"""
CATCHES = """
    (import "m" "h" (func $h (param i32) (result i32)))
    (func (export "f") (param i32) (result i32)
      (block $b (try_table (catch_all $b) (return (call $h (local.get 0))))) (i32.const -1))
    (func (export "spin") (loop (br 0)))
    (func (export "catching") (loop $l (block $b (try_table (catch_all $b) (loop (br 0)))) (br $l)))
"""


async def later(value, seconds=0.0):
    await asyncio.sleep(seconds)
    return value


def waiting(**options):
    return instantiate(WAITS, {"m": {"wait": later}}, **options)


@pytest.mark.parametrize(
    ("name", "argument", "result"), [("f", 5, 205), ("tail", 5, 5), ("deep", 300, 45157), ("plain", 5, 6)]
)
@pytest.mark.parametrize("limits", [None, Limits(fuel=1_000_000), Limits(timeout=60)], ids=["", "metered", "timed"])
def test_host_functions_may_be_coroutines(name, argument, result, limits):
    instance = waiting(limits=limits)
    for _ in range(2):
        assert asyncio.run(instance.exports[name].call_async(argument)) == result


def test_plain_host_functions_work_too():
    instance = instantiate(WAITS, {"m": {"wait": lambda x: x}})
    assert asyncio.run(instance.exports.f.call_async(5)) == 205


def test_fuel_is_counted_across_waits():
    instance, plain = (
        waiting(limits=Limits(fuel=10_000)),
        instantiate(WAITS, {"m": {"wait": lambda x: x}}, limits=Limits(fuel=10_000)),
    )
    asyncio.run(instance.exports.deep.call_async(20))
    plain.exports.deep(20)
    assert instance.store.fuel == plain.store.fuel < 10_000


def test_a_coroutine_that_raises_raises_in_the_guest():
    async def h(x):
        await asyncio.sleep(0)
        if x:
            raise ValueError("no")
        return 1

    exports = instantiate(CATCHES, {"m": {"h": h}}).exports
    assert asyncio.run(exports.f.call_async(1)) == -1
    assert asyncio.run(exports.f.call_async(0)) == 1


def test_a_result_of_the_wrong_type_is_an_error_of_the_host():
    async def wrong(x):
        return "text"

    instance = instantiate(WAITS, {"m": {"wait": wrong}})
    with pytest.raises(TypeError, match="result of host function wrong: expected an int"):
        asyncio.run(instance.exports.f.call_async(5))


def test_a_plain_call_refuses_coroutines():
    instance = waiting()
    with pytest.raises(TypeError, match="later is asynchronous"):
        instance.exports.f(5)
    assert instance.exports.plain(1) == 2


def test_several_results_and_many_arguments():
    names = " ".join(f"(local.get {i})" for i in range(20))
    text = f"""
        (import "m" "h" (func $h (param {"i32 " * 20}) (result i32 f64 i64)))
        (func (export "f") (param {"i32 " * 20}) (result i32 f64 i64) (call $h {names}))
    """

    async def h(*args):
        await asyncio.sleep(0)
        return sum(args), 1.5, -1

    instance = instantiate(text, {"m": {"h": h}})
    assert asyncio.run(instance.exports.f.call_async(*range(20))) == (190, 1.5, -1)


def test_calls_across_instances_wait_too():
    inner = waiting()
    outer = instantiate(
        '(import "m" "deep" (func $deep (param i32) (result i32))) (func (export "g") (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))',
        {"m": inner},
    )  # fmt: skip

    async def main():
        task = asyncio.create_task(outer.exports.g.call_async(10))
        await asyncio.sleep(0)
        with pytest.raises(WasmError, match="suspended"):
            inner.exports.plain(1)
        return await task

    assert asyncio.run(main()) == 63
    assert inner.exports.plain(1) == 2


# ------------------------------------------------------------------------------------ turns and cancelling
def test_long_work_lets_the_event_loop_run():
    ticks = []

    async def ticking():
        while True:
            ticks.append(time.perf_counter())
            await asyncio.sleep(0)

    async def main():
        task = asyncio.create_task(ticking())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exports.spin.call_async(), 0.3)
        task.cancel()

    exports = instantiate(CATCHES, {"m": {"h": later}}).exports
    asyncio.run(main())
    assert len(ticks) > 10


@pytest.mark.parametrize("name", ["spin", "catching"])
def test_cancelling_the_task_stops_the_guest(name):
    async def main():
        task = asyncio.create_task(exports[name].call_async())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    exports = instantiate(CATCHES, {"m": {"h": later}}).exports
    asyncio.run(main())
    assert asyncio.run(exports.f.call_async(3)) == 3


def test_a_large_fill_lets_the_event_loop_run():
    text = '(memory (export "memory") 16384) (func (export "f") (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x40000000)))'

    async def main():
        turns = 0
        task = asyncio.create_task(exports.f.call_async())
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    exports = instantiate(text).exports
    assert asyncio.run(main()) > 3
    assert exports.memory[0] == exports.memory[0x3FFFFFFF] == 7


def test_guests_do_not_catch_cancelling_while_they_wait():
    async def main():
        task = asyncio.create_task(exports.f.call_async(1))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def h(x):
        await asyncio.sleep(1000)

    exports = instantiate(CATCHES, {"m": {"h": h}}).exports
    asyncio.run(main())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_guests_do_not_catch_what_ends_programs(error):
    async def h(x):
        await asyncio.sleep(0)
        raise error

    exports = instantiate(CATCHES, {"m": {"h": h}}).exports
    with pytest.raises(error):
        asyncio.run(exports.f.call_async(1))


def test_an_abandoned_call_is_gone():
    instance = waiting()
    before = instance.store.memory_bytes
    coroutine = instance.exports.f.call_async(5)
    coroutine.send(None)
    assert instance.store.memory_bytes > before
    coroutine.close()
    assert instance.store.memory_bytes == before
    assert instance.exports.plain(1) == 2


# ------------------------------------------------------------------------------------ one guest, several calls
def test_one_instance_refuses_a_second_call_while_one_waits():
    async def main():
        task = asyncio.create_task(instance.exports.f.call_async(5))
        await asyncio.sleep(0)
        with pytest.raises(WasmError, match="the instance has a suspended call"):
            instance.exports.plain(1)
        with pytest.raises(WasmError, match="the instance has a suspended call"):
            await instance.exports.plain.call_async(1)
        assert await instance.exports.plain.call_async(1, reentrant=True) == 2
        return await task

    instance = waiting()
    assert asyncio.run(main()) == 205
    assert instance.exports.plain(1) == 2


def test_calls_that_queue_run_one_after_the_other():
    async def main():
        return await asyncio.gather(*[instance.exports.tail.call_async(i, queue=True) for i in range(20)])

    async def wait(x):
        running.append(x)
        assert len(running) == 1
        await asyncio.sleep(0)
        running.remove(x)
        return x

    running = []
    instance = instantiate(WAITS, {"m": {"wait": wait}})
    assert asyncio.run(main()) == list(range(20))


def test_a_cancelled_call_leaves_the_queue():
    async def main():
        first = asyncio.create_task(instance.exports.tail.call_async(1))
        await asyncio.sleep(0)
        second = asyncio.create_task(instance.exports.tail.call_async(2, queue=True))
        third = asyncio.create_task(instance.exports.tail.call_async(3, queue=True))
        await asyncio.sleep(0)
        second.cancel()
        return await asyncio.gather(first, second, third, return_exceptions=True)

    instance = instantiate(WAITS, {"m": {"wait": lambda x: later(x, 0.01)}})
    one, two, three = asyncio.run(main())
    assert (one, three) == (1, 3) and isinstance(two, asyncio.CancelledError)


def test_reentrant_calls_run_beside_each_other():
    async def main():
        return await asyncio.gather(*[instance.exports.deep.call_async(i, reentrant=True) for i in range(50)])

    instance = waiting()
    assert asyncio.run(main()) == [7 + i * (i + 1) // 2 for i in range(50)]


def test_guests_of_one_store_wait_at_the_same_time():
    async def main():
        return await asyncio.gather(*[i.exports.deep.call_async(n) for n, i in enumerate(instances)])

    store = Store()
    instances = [waiting(store=store) for _ in range(50)]
    assert asyncio.run(main()) == [7 + n * (n + 1) // 2 for n in range(50)]


def test_a_waiting_guest_calls_back():
    """A host function runs another function of its guest before it waits, and a coroutine after it."""

    def wait(x):
        assert instance.exports.plain(x) == x + 1
        assert instance.store.suspendable
        return later(x)

    instance = instantiate(WAITS, {"m": {"wait": wait}})
    assert asyncio.run(instance.exports.deep.call_async(4)) == 17
    assert not instance.store.suspendable


# ------------------------------------------------------------------------------------ limits
def test_a_timeout_ends_a_wait():
    async def wait(x):
        await asyncio.sleep(1000)

    instance = instantiate(WAITS, {"m": {"wait": wait}}, limits=Limits(timeout=0.05))
    with pytest.raises(Timeout, match=r"timeout of 0\.05 s") as caught:
        asyncio.run(instance.exports.deep.call_async(1))
    assert [frame.function for frame in caught.value.frames] == [3, 3]
    assert instance.exports.plain(1) == 2


def test_a_timeout_ends_long_work():
    instance = instantiate(CATCHES, {"m": {"h": later}}, limits=Limits(timeout=0.05))
    with pytest.raises(Timeout):
        asyncio.run(instance.exports.catching.call_async())


def test_a_timeout_error_of_a_host_function_is_its_own():
    async def h(x):
        raise TimeoutError("mine")

    exports = instantiate(CATCHES, {"m": {"h": h}}, limits=Limits(timeout=60)).exports
    assert asyncio.run(exports.f.call_async(1)) == -1


def test_the_coroutine_is_made_by_call_async_alone():
    call = instantiate('(func (export "f"))').exports.f.call_async()
    kind = type(call)
    with pytest.raises(TypeError, match="call_async"):
        kind()
    bare = kind.__new__(kind)
    for use in (lambda: bare.send(None), lambda: next(bare), lambda: bare.throw(ValueError), bare.resume):
        with pytest.raises((TypeError, RuntimeError)):
            use()
    bare.close()
    assert asyncio.run(call) is None


def test_a_call_waits_for_one_of_another_event_loop():
    async def second():
        return await asyncio.wait_for(instance.exports.tail.call_async(2, queue=True), 20)

    async def wait(x):
        if x == 1:
            other.start()
            await asyncio.sleep(0.2)  # so that it queues, mostly
        return x

    results = []
    other = threading.Thread(target=lambda: results.append(asyncio.run(second())))
    instance = instantiate(WAITS, {"m": {"wait": wait}})
    assert asyncio.run(instance.exports.tail.call_async(1, queue=True)) == 1
    other.join()
    assert results == [2]


def test_what_is_interrupted_while_it_waits_ends_when_it_goes_on():
    async def wait(x):
        await asyncio.sleep(0.01)
        instance.interrupt()
        await asyncio.sleep(0)
        return x

    instance = instantiate(WAITS, {"m": {"wait": wait}})
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(instance.exports.f.call_async(5))
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(instance.exports.f.call_async(5))


def test_fuel_runs_out_in_a_call_that_waits():
    instance = waiting(limits=Limits(fuel=100))
    with pytest.raises(FuelExhausted):
        asyncio.run(instance.exports.deep.call_async(50))
    instance.store.fuel = 10_000
    assert asyncio.run(instance.exports.deep.call_async(50)) == 1282


def test_a_stack_put_aside_counts_as_memory():
    instance = waiting(limits=Limits(memory=65536 + 1000))
    with pytest.raises(wasmcy.MemoryLimit):
        asyncio.run(instance.exports.deep.call_async(1000))
    assert instance.store.memory_bytes == 65536


def test_a_trap_after_a_wait_has_its_backtrace():
    text = """
        (import "m" "wait" (func $wait (param i32) (result i32)))
        (func $g (result i32) (i32.div_u (i32.const 1) (call $wait (i32.const 0))))
        (func (export "f") (result i32) (call $g))
    """
    instance = instantiate(text, {"m": {"wait": later}})
    with pytest.raises(Trap, match="integer divide by zero") as caught:
        asyncio.run(instance.exports.f.call_async())
    assert [frame.function for frame in caught.value.frames] == [1, 2]


# ------------------------------------------------------------------------------------ scale
def test_ten_thousand_guests_wait_in_one_loop():
    """Each with a store and an instance of its own, at most 64 KiB beside its memory."""
    number = 10_000
    made = Module(binary(WAITS.replace('(memory (export "memory") 1)', "")))
    gate = []

    async def wait(x):
        await gate[0]
        return x

    async def main():
        gate.append(asyncio.get_running_loop().create_future())
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        stores = [made.instantiate({"m": {"wait": wait}}, store=Store(Limits(memory="64KiB"))) for _ in range(number)]
        tasks = [asyncio.create_task(instance.exports.deep.call_async(9)) for instance in stores]
        await asyncio.sleep(0)
        traced = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert traced / number < 32_768
        assert all(0 < instance.store.memory_bytes < 32_768 for instance in stores)
        gate[0].set_result(None)
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [52] * number


def test_a_function_of_the_host_can_be_awaited():
    async def twice(x):
        return 2 * x

    assert asyncio.run(wasmcy.Func(twice, ["i32"], ["i32"]).call_async(4)) == 8
    assert asyncio.run(wasmcy.Func(lambda x: 3 * x, ["i32"], ["i32"]).call_async(4)) == 12


def test_structs_of_a_waiting_guest_live_on():
    """Garbage is made, and all of the heap is collected, while a guest holds structs in a local and an operand."""
    text = """
        (type $s (struct (field i32) (field (ref null $s))))
        (import "m" "wait" (func $wait (param (ref $s)) (result (ref null $s))))
        (func (export "f") (result i32) (local (ref null $s))
          (local.set 0 (struct.new $s (i32.const 40) (ref.null $s)))
          (i32.add (struct.get $s 0 (struct.new $s (i32.const 1) (ref.null $s)))
            (i32.add (struct.get $s 0 (call $wait (struct.new $s (i32.const 1) (local.get 0))))
              (struct.get $s 0 (local.get 0)))))
        (func (export "garbage") (param i32)
          (loop (drop (struct.new $s (i32.const 9) (ref.null $s)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    """

    async def wait(struct):
        await asyncio.sleep(0)
        instance.exports.garbage(20_000)
        store.gc()
        await asyncio.sleep(0)
        return struct

    store = wasmcy.Store()
    instance = Module(binary(text)).instantiate({"m": {"wait": wait}}, store=store)
    assert asyncio.run(instance.exports.f.call_async(reentrant=True)) == 42
    store.gc()
    assert store.heap_objects == 0


def test_references_of_a_waiting_guest_live_on():
    text = """
        (import "m" "wait" (func $wait (param i32) (result i32)))
        (tag $t (param i32))
        (func (export "f") (result i32) (local exnref)
          (block $b (result i32 exnref) (try_table (result i32 exnref) (catch_ref $t $b) (throw $t (i32.const 42))))
          (local.set 0) (drop) (drop (call $wait (i32.const 1)))
          (block $c (result i32) (try_table (result i32) (catch $t $c) (throw_ref (local.get 0)))))
        (func (export "throws") (param i32)
          (loop (block $b (try_table (catch_all $b) (throw $t (i32.const 1))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    """

    async def wait(x):
        await asyncio.sleep(0)
        module(text).instantiate({"m": {"wait": wait}}, store=instance.store).exports.throws(20_000)
        await asyncio.sleep(0)
        return x

    instance = instantiate(text, {"m": {"wait": wait}})
    assert asyncio.run(instance.exports.f.call_async()) == 42
