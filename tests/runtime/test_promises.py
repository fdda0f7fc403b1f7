"""What is promised to those who run code that nobody trusts, each with the guest that tries to break it.

docs/limits.md and SECURITY.md say what is promised. Every hostile guest runs against everything that may end it, and
its instance is called again afterwards. Times are bounded very generously: what is tested is that a guest ends.
"""

import asyncio
import threading
import time

import pytest

import wasmcy
from tests.interrupting import interrupting
from wasmcy import Limits, Module

SECONDS = 10  # after which a guest has not been stopped; all of them are within some milliseconds

HOSTILE = """
(module
  (import "host" "back" (func $back))
  (import "host" "raise" (func $raise))
  (type $list (struct (field (ref null $list)) (field i64 i64 i64 i64)))
  (type $bytes (array (mut i8)))
  (type $none (func))
  (tag $e)
  (memory (export "memory") 16 65536)
  (memory $shared 1 1 shared)
  (table $t (export "table") 1000 funcref)
  (elem (i32.const 0) func $indirect $mutual_a)
  (global $caught (export "caught") (mut i32) (i32.const 0))
  (global $keep (mut (ref null $list)) (ref.null $list))

  (func (export "ok") (result i32) (i32.const 7))

  (func (export "loop") (loop (br 0)))
  (func (export "loop of blocks") (loop (block (block (br 2)))))
  (func (export "br_table") (loop (br_table 0 0 0 (i32.const 1))))
  (func $tail (export "tail calls") (return_call $tail))
  (func $tail_a (export "mutual tail calls") (return_call $tail_b))
  (func $tail_b (return_call $tail_a))
  (func $tail_indirect (export "indirect tail calls") (return_call_indirect (type $none) (i32.const 5)))
  (elem (i32.const 5) func $tail_indirect)
  (func $calls (export "calls") (loop (call $leaf) (br 0)))
  (func $leaf)
  (func (export "copies") (loop (memory.copy (i32.const 0) (i32.const 65536) (i32.const 983040)) (br 0)))
  (func (export "fills") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576)) (br 0)))
  (func (export "tables") (loop (table.copy (i32.const 10) (i32.const 100) (i32.const 900)) (br 0)))
  (func (export "growing") (loop (drop (memory.grow (i32.const 1))) (br 0)))
  (func (export "growing tables") (loop (drop (table.grow (ref.null func) (i32.const 1))) (br 0)))
  (func (export "garbage") (loop (drop (struct.new_default $list)) (br 0)))
  (func (export "arrays") (loop (drop (array.new_default $bytes (i32.const 100000))) (br 0)))
  (func (export "throws") (loop $again (block $h (try_table (catch_all $h) (throw $e))) (br $again)))
  (func (export "throws references")
    (loop $again (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e)) (unreachable)) (drop) (br $again)))
  (func (export "throws from afar") (loop $again (block $h (try_table (catch_all $h) (call $thrower))) (br $again)))
  (func $thrower (throw $e))
  (func (export "catches everything")
    (loop $again
      (block $h (try_table (catch_all $h) (loop (br 0))))
      (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
      (br $again)))
  (func $endless (loop (br 0)))
  (func (export "catches everything of a call")
    (loop $again
      (block $h (try_table (catch_all $h) (call $endless)))
      (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
      (br $again)))
  (func (export "asks the host") (loop (call $back) (br 0)))
  (func (export "catches the host's errors")
    (loop $again (block $h (try_table (catch_all $h) (call $raise))) (br $again)))

  (func (export "waits") (drop (memory.atomic.wait32 $shared (i32.const 0) (i32.const 0) (i64.const -1))))

  (func $direct (export "recursion") (call $direct) (call $direct))
  (func $mutual_a (export "mutual recursion") (call $mutual_b))
  (func $mutual_b (call $mutual_a) (nop))
  (func $indirect (export "indirect recursion") (call_indirect (type $none) (i32.const 0)) (nop))
  (func $wide (export "recursion with many values") (param i64 i64 i64 i64) (result i64)
    (i64.add (call $wide (local.get 1) (local.get 2) (local.get 3) (local.get 0)) (i64.const 1)))
  (func (export "recursion that catches everything") (block $h (try_table (catch_all $h) (call $direct))) (call $direct))

  (func (export "list")
    (loop (global.set $keep (struct.new $list (global.get $keep) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
      (br 0)))
  (func (export "giant array") (drop (array.new_default $bytes (i32.const 0x3fffffff))))
  (func (export "more than giant") (drop (array.new_default $bytes (i32.const -1))))
  (func (export "list that catches everything")
    (loop $again
      (block $h (try_table (catch_all $h)
        (loop (global.set $keep (struct.new $list (global.get $keep) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
          (br 0))))
      (br $again)))
)
"""
ENDLESS = [
    "loop", "loop of blocks", "br_table", "tail calls", "mutual tail calls", "indirect tail calls", "calls", "copies",
    "fills", "tables", "growing", "growing tables", "garbage", "arrays", "throws", "throws references",
    "throws from afar", "catches everything", "catches everything of a call", "asks the host",
    "catches the host's errors",
]  # fmt: skip
RECURSIVE = [
    "recursion", "mutual recursion", "indirect recursion", "recursion with many values",
    "recursion that catches everything",
]  # fmt: skip
HOARDING = ["list", "giant array", "more than giant", "list that catches everything"]


@pytest.fixture(scope="module")
def hostile() -> Module:
    return Module(HOSTILE)


def nothing() -> None:
    pass


def fails() -> None:
    raise ValueError("of the host")


def made(module, back=nothing, **limits):
    limits = {"memory": "64MiB", "depth": "64KiB", **limits}
    return module.instantiate({"host": {"back": back, "raise": fails}}, limits=Limits(**limits))


def check_afterwards(instance):
    """The guest caught nothing, and can be called again."""
    if instance.store.fuel is not None:
        instance.store.fuel = 1000
    assert instance.exports.caught.value == 0
    assert instance.exports.ok() == 7


def by_timeout(module, name):
    instance = made(module, timeout=0.03)
    with pytest.raises(wasmcy.Timeout):
        instance.exports[name]()
    return instance


def by_fuel(module, name):
    instance = made(module, fuel=50_000)
    with pytest.raises(wasmcy.FuelExhausted):
        instance.exports[name]()
    return instance


def by_interrupt(module, name):
    instance = made(module)
    with interrupting(instance), pytest.raises(KeyboardInterrupt):
        instance.exports[name]()
    return instance


def by_epoch(module, name):
    instance = made(module)
    epoch = wasmcy.Epoch()
    instance.store.set_deadline(epoch, 1)
    threading.Timer(0.03, epoch.advance).start()
    with pytest.raises(wasmcy.Timeout):
        instance.exports[name]()
    instance.store.set_deadline(None)
    return instance


def by_cancelling(module, name):
    instance = made(module)

    async def run():
        task = asyncio.create_task(instance.exports[name].call_async())
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return instance


@pytest.mark.parametrize("end", [by_timeout, by_fuel, by_interrupt, by_epoch, by_cancelling])
@pytest.mark.parametrize("name", ENDLESS)
def test_no_guest_runs_for_ever(hostile, name, end):
    begun = time.monotonic()
    instance = end(hostile, name)
    assert time.monotonic() - begun < SECONDS
    check_afterwards(instance)


@pytest.mark.parametrize("end", [by_timeout, by_interrupt, by_epoch])
def test_no_guest_waits_for_ever(hostile, end):
    begun = time.monotonic()
    instance = end(hostile, "waits")
    assert time.monotonic() - begun < SECONDS
    check_afterwards(instance)


@pytest.mark.parametrize("limits", [{}, {"fuel": 10_000_000}, {"depth": "1MiB"}])
@pytest.mark.parametrize("name", RECURSIVE)
def test_no_guest_exhausts_the_native_stack(hostile, name, limits):
    instance = made(hostile, **limits)
    function = instance.exports[name]
    with pytest.raises(wasmcy.StackExhausted):
        function(*[1] * len(function.type.params))
    check_afterwards(instance)


def test_no_guest_exhausts_the_native_stack_through_the_host(hostile):
    instance = made(hostile, back=lambda: instance.exports["asks the host"]())
    with pytest.raises((wasmcy.StackExhausted, RecursionError)):
        instance.exports["asks the host"]()
    check_afterwards(instance)


@pytest.mark.parametrize("name", HOARDING)
def test_no_guest_takes_more_memory_than_it_may(hostile, name):
    instance = made(hostile)
    with pytest.raises(wasmcy.MemoryLimit):
        instance.exports[name]()
    assert instance.store.memory_bytes <= 64 << 20
    check_afterwards(instance)


def test_memory_and_tables_stop_growing_at_the_limit(hostile):
    for name in ("growing", "growing tables"):
        instance = by_timeout(hostile, name)
        assert instance.store.memory_bytes <= 64 << 20
        check_afterwards(instance)


BORN_LARGE = {
    "a memory": "(memory 65536)",
    "a 64-bit memory": "(memory i64 0x1000000000)",
    "many memories": "(memory 1000) " * 50,
    "a shared memory": "(memory 60000 60000 shared)",
    "a table": "(table 10000000 funcref)",
    "many tables": "(table 1000000 externref) " * 50,
    "an array": "(type $a (array i64)) (global (ref $a) (array.new_default $a (i32.const 0x7ffffff)))",
    "many arrays": "(type $a (array i64)) " + "(global (ref $a) (array.new_default $a (i32.const 1000000))) " * 50,
    "elements": "(type $a (array i64)) (elem (ref $a) "
    + "(item (array.new_default $a (i32.const 1000000))) " * 50
    + ")",
}


@pytest.mark.parametrize("what", BORN_LARGE)
def test_no_module_is_born_with_more_than_it_may_have(what):
    store = wasmcy.Store(Limits(memory="16MiB"))
    with pytest.raises(wasmcy.MemoryLimit):
        Module.from_wat(f"(module {BORN_LARGE[what]})").instantiate(store=store)
    assert store.memory_bytes <= 16 << 20


@pytest.mark.parametrize("limits", [{"timeout": 0.03}, {"fuel": 10_000}])
def test_a_start_function_is_a_guest_too(limits):
    begun = time.monotonic()
    with pytest.raises((wasmcy.Timeout, wasmcy.FuelExhausted)):
        Module.from_wat("(module (func $f (loop (br 0))) (start $f))").instantiate(limits=Limits(**limits))
    assert time.monotonic() - begun < SECONDS


def test_a_host_function_that_calls_back_shares_the_limits_of_the_guest(hostile):
    instance = made(hostile, back=lambda: instance.exports["loop"](), timeout=0.03)
    begun = time.monotonic()
    with pytest.raises(wasmcy.Timeout):
        instance.exports["asks the host"]()
    assert time.monotonic() - begun < SECONDS
    check_afterwards(instance)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, wasmcy.Timeout, wasmcy.Trap])
def test_no_guest_catches_what_must_end_it(hostile, error):
    def back():
        raise error("now")

    instance = made(hostile, back=back)
    text = """(module (import "host" "back" (func $back)) (global (export "caught") (mut i32) (i32.const 0))
      (func (export "run") (loop $again (block $h (try_table (catch_all $h) (call $back)))
        (global.set 0 (i32.const 1)) (br $again))))"""
    guest = Module.from_wat(text).instantiate({"host": {"back": back}}, limits=Limits(timeout=5))
    with pytest.raises(error):
        guest.exports.run()
    assert guest.exports.caught.value == 0
    del instance
