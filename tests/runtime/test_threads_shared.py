"""Shared memories: several threads, each with a store of its own, in one memory."""

import asyncio
import os
import signal
import threading
import time

import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import Limits, Memory, MemoryLimit, Store, Timeout, Trap
from wasmcy.engine import awaiting
from wasmcy.engine.waiting import LoopWaiter

PAGE = 65536
THREADS = 4
FOREVER = -1
LONGEST = (1 << 63) - 1  # nanoseconds: 292 years


def shared(low=1, high=4):
    return Memory(low, high, shared=True)


def importing(memory, text, **options):
    """The exports of a module that imports the memory, in a store of its own."""
    size = f"{memory.type.min} {memory.type.max} shared"
    return exports(f'(import "m" "memory" (memory $m {size})) {text}', {"m": {"memory": memory}}, **options)


def together(*functions):
    """Run functions in threads of their own; their results, or what they raised."""
    results = [None] * len(functions)

    def run(at):
        try:
            results[at] = functions[at]()
        except BaseException as error:
            results[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


# ------------------------------------------------------------------------------------ the object
def test_a_shared_memory_needs_a_maximum():
    with pytest.raises(ValueError, match="maximum"):
        Memory(1, shared=True)


def test_a_shared_memory_belongs_to_no_store_and_never_moves():
    memory = Memory(0, 65536, shared=True)
    assert memory.type == wasmcy.MemoryType(0, 65536, shared=True)
    address = memory.address
    view = memoryview(memory)
    for store in (Store(), Store()):
        importing(memory, "", store=store)
    assert memory.grow(100) == 0 and memory.grow(1) == 100
    assert (memory.store, memory.address, len(view), len(memory)) == (None, address, 0, 101 * PAGE)
    memory[101 * PAGE - 1] = 7
    assert memory.read(101 * PAGE - 2, 2) == b"\0\7"


def test_a_shared_memory_of_any_maximum_can_be_made():
    for memory in (Memory(0, 1 << 32, shared=True, is64=True), Memory(1, 1 << 40, shared=True, page_size=1, is64=True)):
        with pytest.raises(MemoryLimit):
            memory.grow(1 << 39)
        memory.grow(1)


def test_a_module_can_define_a_memory_that_others_share():
    text = '(memory (export "memory") 1 2 shared) (func (export "set") (i32.store (i32.const 4) (i32.const 9)))'
    one, other = exports(text), exports(text)
    assert one.memory is not other.memory
    get = importing(one.memory, '(func (export "load") (result i32) (i32.load (i32.const 4)))').load
    one.set()
    assert get() == 9


@pytest.mark.parametrize("given", [lambda: Memory(1, 4), lambda: Memory(1, 5, shared=True)], ids=["unshared", "larger"])
def test_only_a_memory_of_the_type_is_taken(given):
    with pytest.raises(wasmcy.LinkError, match="incompatible import type"):
        exports('(import "m" "memory" (memory 1 4 shared))', {"m": {"memory": given()}})


def test_its_bytes_count_against_every_store_that_uses_it_once():
    memory = shared(2, 4)
    store = Store(Limits(memory=3 * PAGE))
    for _ in range(3):
        offered = importing(memory, '(func (export "grow") (result i32) (memory.grow (i32.const 1)))', store=store)
    assert store.memory_bytes == 2 * PAGE
    assert [offered.grow(), offered.grow()] == [2, -1]
    with pytest.raises(MemoryLimit):
        importing(memory, "", limits=Limits(memory=PAGE))


# ------------------------------------------------------------------------------------ atomic instructions
ADD = """
    (func (export "add") (param $n i32)
      (loop (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
            (drop (i64.atomic.rmw8.add_u (i32.const 73) (i64.const 1)))
            (drop (i64.atomic.rmw.sub (i32.const 80) (i64.const 1)))
            (drop (i32.atomic.rmw16.xor_u (i32.const 90) (i32.const 1)))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
"""


def test_no_addition_of_any_thread_is_lost():
    memory, n = shared(), 100_000
    offered = [importing(memory, ADD) for _ in range(THREADS)]
    assert together(*(lambda one=one: one.add(n) for one in offered)) == [None] * THREADS
    assert int.from_bytes(memory.read(64, 4), "little") == THREADS * n
    assert memory.read(72, 3) == bytes([0, THREADS * n % 256, 0])
    assert int.from_bytes(memory.read(80, 8), "little", signed=True) == -THREADS * n
    assert memory.read(90, 2) == b"\0\0"


LOCKED = """
    (func $lock (loop
      (if (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)) (then
        (drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const -1))) (br 1)))))
    (func $unlock
      (i32.atomic.store (i32.const 0) (i32.const 0)) (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
    (func (export "add") (param $n i32)
      (loop (call $lock)
        (i64.store (i32.const 64) (i64.add (i64.load (i32.const 64)) (i64.const 1)))
        (call $unlock)
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
"""


def test_a_lock_made_of_wait_and_notify_excludes_other_threads():
    memory, n = shared(), 3000
    offered = [importing(memory, LOCKED, limits=Limits(timeout=60)) for _ in range(THREADS)]
    assert together(*(lambda one=one: one.add(n) for one in offered)) == [None] * THREADS
    assert int.from_bytes(memory.read(64, 8), "little") == THREADS * n


# ------------------------------------------------------------------------------------ growth
GROWTH = """
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "size") (result i32) (memory.size))
    (func (export "set") (param i32) (i32.atomic.store (i32.const 0) (local.get 0)))
    (func $wait (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0))))))
    (func (export "all") (param $n i32) (result i64 f64 f32 i32) (local $x f64) (local $y f32)
      ;; accesses beyond the size that the function started with, with their operands in the accumulators
      (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0)))))
      (f64.store (i32.add (local.get $n) (i32.const 8)) (f64.add (f64.const 1.5) (f64.convert_i32_u (local.get $n))))
      (f32.store (i32.add (local.get $n) (i32.const 16)) (f32.add (f32.const 0.5) (f32.convert_i32_u (local.get $n))))
      (i64.load (i32.add (local.get $n) (i32.const 65536)))
      (f64.load offset=8 (i32.mul (local.get $n) (i32.const 1)))
      (f32.load offset=16 (local.get $n))
      (memory.size))
    (func (export "fill") (param $n i32)
      (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0)))))
      (memory.fill (local.get $n) (i32.const 1) (i32.const 65536)))
    (func (export "copy") (param $n i32)
      (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0)))))
      (memory.copy (local.get $n) (i32.const 0) (i32.const 65536)))
"""


@pytest.mark.parametrize("name", ["all", "fill", "copy"])
def test_a_running_guest_sees_what_another_thread_adds(name):
    memory = shared(1, 8)
    one, other = importing(memory, GROWTH), importing(memory, GROWTH)

    def grow():
        time.sleep(0.02)
        sizes = [other.grow(), other.grow()]
        other.set(1)
        return sizes

    found, sizes = together(lambda: one[name](PAGE), grow)
    assert sizes == [1, 2]
    assert found == ((0, 1.5 + PAGE, 0.5 + PAGE, 3) if name == "all" else None)
    if name != "all":
        assert memory.read(2 * PAGE - 1, 2) == (b"\1\0" if name == "fill" else b"\0\0")


def test_what_is_out_of_bounds_for_all_traps_all_the_same():
    memory = shared(1, 8)
    one = importing(memory, GROWTH)
    one.set(1)
    with pytest.raises(Trap, match="out of bounds memory access"):
        one.all(PAGE)
    memory.grow(1)
    with pytest.raises(Trap, match="out of bounds memory access"):
        one.all(PAGE)  # one more is needed
    memory.grow(1)
    assert one.all(PAGE)[3] == one.size() == 3


def test_threads_that_grow_and_write_at_the_same_time_keep_the_memory_whole():
    text = """
        (func (export "grow") (result i32) (local $n i32)
          (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.size))
        (func (export "write") (param $n i32) (local $at i32)
          (loop
            (local.set $at (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
            (memory.fill (local.get $at) (i32.const 255) (i32.const 65536))
            (memory.copy (i32.const 0) (local.get $at) (i32.const 65536))
            (i64.store offset=65528 (local.get $at) (i64.const -1))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"""
    memory = shared(1, 512)
    offered = [importing(memory, text) for _ in range(THREADS)]
    found = together(
        *(lambda one=one: (one.grow if one in offered[:2] else lambda: one.write(3000))() for one in offered)
    )
    assert found == [512, 512, None, None]


# ------------------------------------------------------------------------------------ wait and notify
WAIT = """
    (func (export "wait32") (param i32 i32 i64) (result i32)
      (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32)
      (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "far") (param i32) (result i32)
      (memory.atomic.wait32 offset=0xfffffffc (local.get 0) (i32.const 0) (i64.const 0)))
    (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify (local.get 0) (local.get 1)))
    (func (export "local") (param $a i32) (param $e i32) (param $t i64) (result i32)
      (i32.sub (memory.atomic.wait32 offset=4 (local.get $a) (local.get $e) (local.get $t)) (local.get $a)))
"""


@pytest.fixture
def memory():
    return shared()


def notify(offered, address, count=1):
    """Notify until somebody has waited; how many were woken."""
    end = time.monotonic() + 30
    while not (woken := offered.notify(address, count)) and time.monotonic() < end:
        time.sleep(0.001)
    return woken


def test_a_value_that_is_not_expected_is_not_waited_for(memory):
    offered = importing(memory, WAIT)
    assert offered.wait32(0, 1, FOREVER) == 1
    assert offered.wait64(0, 1 << 32, FOREVER) == 1
    memory[3] = 128
    assert offered.wait32(0, 1 << 31, 0) == 2
    assert offered.wait64(0, 1 << 31, 0) == 2


@pytest.mark.parametrize("nanoseconds", [0, 1, 999, 1_000_000])
def test_a_wait_ends_when_its_time_does(memory, nanoseconds):
    offered = importing(memory, WAIT)
    assert offered.wait32(0, 0, nanoseconds) == 2
    assert offered.wait64(8, 0, nanoseconds) == 2
    assert offered.notify(0, 10) == 0


def test_a_wait_does_not_change_the_locals_it_reads(memory):
    assert importing(memory, WAIT).local(4, 0, 1000) == 2 - 4


@pytest.mark.parametrize("nanoseconds", [FOREVER, -(1 << 63), LONGEST])
@pytest.mark.parametrize(("name", "address"), [("wait32", 4), ("wait64", 65528)])
def test_a_notification_ends_a_wait(memory, name, address, nanoseconds):
    one, other = importing(memory, WAIT), importing(memory, WAIT)
    assert together(lambda: one[name](address, 0, nanoseconds), lambda: notify(other, address)) == [0, 1]


def test_only_waits_on_the_address_are_ended_and_no_more_than_asked_for(memory):
    offered = [importing(memory, WAIT) for _ in range(5)]
    started = threading.Barrier(5)

    def wait(one, address):
        started.wait()
        return one.wait32(address, 0, FOREVER)

    def notify_all():
        started.wait()
        woken = []
        while sum(woken) < 2:
            woken.append(offered[4].notify(8, 2))
        others = [offered[4].notify(address, 100) for address in (4, 12)]
        while sum(woken) < 3:
            woken.append(offered[4].notify(8, 0xFFFFFFFF))
        return max(woken) <= 2, others, notify(offered[4], 1032, 1)

    *ends, notified = together(*(lambda one=one: wait(one, 8) for one in offered[:3]),
                               lambda: wait(offered[3], 1032), notify_all)  # fmt: skip
    assert (ends, notified) == ([0] * 4, (True, [0, 0], 1))


def test_notifying_nobody_wakes_nobody(memory):
    offered = importing(memory, WAIT)
    assert [offered.notify(0, count) for count in (0, 1, -1)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("wait32", (2, 0, 0), "unaligned atomic"),
        ("wait64", (4, 0, 0), "unaligned atomic"),
        ("notify", (1, 0), "unaligned atomic"),
        ("wait32", (PAGE, 0, 0), "out of bounds memory access"),
        ("wait64", (0xFFFFFFF8, 0, 0), "out of bounds memory access"),
        ("notify", (0xFFFFFFFC, 0), "out of bounds memory access"),
        ("far", (0,), "out of bounds memory access"),
        ("far", (4,), "out of bounds memory access"),
    ],
)
def test_absurd_addresses_trap(memory, name, arguments, message):
    with pytest.raises(Trap) as caught:
        importing(memory, WAIT)[name](*arguments)
    assert caught.value.message == message


@pytest.mark.parametrize("offset", [1 << 32, 1 << 48, (1 << 64) - 4, (1 << 64) - 8])
def test_offsets_of_64_bits_do_not_wrap(offset):
    text = f"""(memory i64 1 1 shared)
        (func (export "wait") (param i64) (result i32)
          (memory.atomic.wait32 offset={offset} (local.get 0) (i32.const 0) (i64.const 0)))
        (func (export "notify") (param i64) (result i32) (memory.atomic.notify offset={offset} (local.get 0) (i32.const 1)))
        (func (export "add") (param i64) (result i64) (i64.atomic.rmw32.add_u offset={offset} (local.get 0) (i64.const 1)))
    """
    offered = exports(text)
    for name in ("wait", "notify", "add"):
        for address in (0, 4, 8, 16, -offset, 4 - offset):
            with pytest.raises(Trap, match="out of bounds memory access"):
                offered[name](address % (1 << 64))


def test_an_unshared_memory_is_not_waited_on():
    offered = exports(f"(memory 1) {WAIT}")
    with pytest.raises(Trap) as caught:
        offered.wait32(0, 0, 0)
    assert caught.value.message == "expected shared memory"
    assert caught.value.frames[0].offset is not None
    assert offered.notify(0, 1) == 0


# ------------------------------------------------------------------------------------ ends of waits that nobody notifies
@pytest.mark.parametrize("nanoseconds", [FOREVER, LONGEST])
def test_the_deadline_ends_a_wait(memory, nanoseconds):
    offered = importing(memory, WAIT, limits=Limits(timeout=0.05))
    for _ in range(2):
        with pytest.raises(Timeout):
            offered.wait32(0, 0, nanoseconds)
    assert offered.notify(0, 1) == 0


def test_an_interrupt_ends_a_wait(memory):
    one = instantiate('(import "m" "memory" (memory 1 4 shared))' + WAIT, {"m": {"memory": memory}})
    other = importing(memory, WAIT)

    def interrupt():
        time.sleep(0.05)
        one.interrupt()

    assert isinstance(together(lambda: one.exports.wait32(0, 0, FOREVER), interrupt)[0], KeyboardInterrupt)
    assert other.notify(0, 1) == 0
    assert together(lambda: one.exports.wait32(0, 0, FOREVER), lambda: notify(other, 0)) == [0, 1]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="there are no such signals here")
def test_a_signal_handler_ends_a_wait_of_the_main_thread_or_lets_it_go_on(memory):
    offered, other = importing(memory, WAIT), importing(memory, WAIT)
    seen = []

    def handler(number, frame):
        seen.append(number)
        assert offered.wait32(4, 0, 1000) == 2  # a wait inside of the wait
        if len(seen) == 2:
            raise ZeroDivisionError

    before = signal.signal(signal.SIGUSR1, handler)
    main = threading.get_ident()

    def kill(then):
        time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGUSR1)
        time.sleep(0.05)
        then()

    try:
        for then, end in ((lambda: notify(other, 0), 0), (lambda: None, ZeroDivisionError)):
            thread = threading.Thread(target=kill, args=(then,))
            thread.start()
            if end == 0:
                assert offered.wait32(0, 0, FOREVER) == 0
            else:
                with pytest.raises(end):
                    offered.wait32(0, 0, FOREVER)
            thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) == 2 and other.notify(0, 1) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
def test_the_child_of_a_fork_can_wait_while_its_parents_threads_do(memory):
    one, other = importing(memory, WAIT), importing(memory, WAIT)
    thread = threading.Thread(target=lambda: one.wait32(0, 0, FOREVER))
    thread.start()
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        try:
            ok = other.notify(0, 5) == 0 and other.wait32(0, 0, 1000) == 2
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert notify(other, 0) == 1
    thread.join(30)
    assert not thread.is_alive()


def test_an_epoch_ends_a_wait(memory):
    instance = instantiate('(import "m" "memory" (memory 1 4 shared))' + WAIT, {"m": {"memory": memory}})
    epoch = wasmcy.Epoch()
    instance.store.set_deadline(epoch, epoch.now + 1)
    timer = threading.Timer(0.02, epoch.advance)
    timer.start()
    with pytest.raises(Timeout):
        instance.exports.wait32(0, 0, FOREVER)
    timer.join()


# ------------------------------------------------------------------------------------ in an event loop
@pytest.mark.parametrize("limits", [None, Limits(fuel=1_000_000), Limits(timeout=60)], ids=["", "metered", "timed"])
def test_a_wait_in_an_event_loop_lets_other_tasks_run(memory, limits):
    waiting = [importing(memory, WAIT, limits=limits) for _ in range(5)]
    other = importing(memory, WAIT)

    async def main():
        waits = [asyncio.create_task(one.local.call_async(12, 0, FOREVER)) for one in waiting]
        await asyncio.sleep(0.001)
        assert [other.notify(12, 3), other.notify(16, 3), await other.notify.call_async(16, 9)] == [0, 3, 2]
        found = await asyncio.gather(*waits)
        memory[16] = 1
        return [*found, await other.local.call_async(12, 0, FOREVER), await other.wait64.call_async(16, 1, 1000)]

    assert asyncio.run(main()) == [-12] * 5 + [-11, 2]


def test_threads_notify_waits_in_event_loops(memory):
    offered = [importing(memory, WAIT) for _ in range(3)]

    def waits(one):
        return asyncio.run(one.wait32.call_async(0, 0, FOREVER))

    found = together(lambda: waits(offered[0]), lambda: waits(offered[1]), lambda: notify(offered[2], 0, 1),
                     lambda: notify(importing(memory, WAIT), 0, 1))  # fmt: skip
    assert found == [0, 0, 1, 1]


def test_what_ends_a_call_ends_its_wait_in_an_event_loop(memory):
    epoch = wasmcy.Epoch()

    async def cancelled(one):
        task = asyncio.create_task(one.wait32.call_async(0, 0, FOREVER))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    async def interrupted(one):
        asyncio.get_running_loop().call_later(0.01, one.wait32.store.interrupt)
        await one.wait32.call_async(0, 0, FOREVER)

    async def over(one):
        one.wait32.store.set_deadline(epoch, 1)
        asyncio.get_running_loop().call_later(0.01, epoch.advance)
        await one.wait32.call_async(0, 0, FOREVER)

    async def late(one):
        await one.wait32.call_async(0, 0, LONGEST)

    for end, error in (
        (cancelled, asyncio.CancelledError), (interrupted, KeyboardInterrupt), (over, Timeout), (late, Timeout)
    ):  # fmt: skip
        one = importing(memory, WAIT, limits=Limits(timeout=0.05) if end is late else None)
        start = time.monotonic()
        with pytest.raises(error):
            asyncio.run(end(one))
        assert time.monotonic() - start < 5
        one.wait32.store.set_deadline(None)
        assert one.notify(0, 9) == 0  # nobody is left in the queue
        assert one.wait32(0, 0, 0) == 2


def test_a_call_that_is_dropped_while_it_waits_leaves_the_queue(memory):
    offered = importing(memory, WAIT)

    async def main():
        call = offered.wait32.call_async(0, 0, FOREVER)
        call.send(None)
        call.close()

    asyncio.run(main())
    assert offered.notify(0, 9) == 0


def test_a_wait_of_an_event_loop_begins_and_ends_once():
    with pytest.raises(TypeError):
        LoopWaiter()
    nobodys = LoopWaiter.__new__(LoopWaiter)
    with pytest.raises(RuntimeError, match="no wait of a guest"):
        nobodys.enter(print)
    with pytest.raises(RuntimeError, match="has not begun"):
        nobodys.leave()


def test_all_that_are_notified_wake_even_if_waking_one_is_interrupted(memory, monkeypatch):
    waiting = [importing(memory, WAIT) for _ in range(3)]
    other = importing(memory, WAIT)
    wake, interrupted = awaiting._wake, []

    def interrupted_once(turn):
        if not interrupted:
            interrupted.append(turn)
            raise KeyboardInterrupt
        return wake(turn)

    async def main():
        waits = [asyncio.create_task(one.wait32.call_async(0, 0, FOREVER)) for one in waiting]
        await asyncio.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            other.notify(0, 9)
        return await asyncio.wait_for(asyncio.gather(*waits), 30)

    monkeypatch.setattr(awaiting, "_wake", interrupted_once)
    assert asyncio.run(main()) == [0, 0, 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_the_child_of_a_fork_ends_the_waits_of_its_parents_event_loop(memory):
    one, other = importing(memory, WAIT), importing(memory, WAIT)

    async def main():
        calls = [one.wait32.call_async(0, 0, FOREVER), other.wait32.call_async(0, 0, FOREVER)]
        for call in calls:
            call.send(None)
        child = os.fork()
        if not child:
            try:
                for call in calls:
                    call.close()
                    assert importing(memory, WAIT).notify(0, 9) == 0
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        for call in calls:
            call.close()

    asyncio.run(main())
