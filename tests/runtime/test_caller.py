"""What a host function learns of its caller: the instance, the limits, how long it may take."""

import asyncio
import threading
import time

import pytest
import wasmtime

import wasmcy

MODULE = """(module (import "env" "look" (func $look)) (memory (export "memory") 1)
    (func (export "run") (call $look)))"""


@pytest.fixture
def calling():
    """Calls a function with its Caller, from an instance with these limits; gives the instance."""
    module = wasmcy.Module(wasmtime.wat2wasm(MODULE))

    def call(function, limits=None):
        instance = module.instantiate({"env": {"look": wasmcy.with_caller(function)}}, limits=limits)
        instance.exports.run()
        return instance

    return call


def test_the_instance_its_exports_and_its_memory(calling):
    seen = []
    instance = calling(lambda caller: seen.append((caller.instance, caller.memory, list(caller.exports))))
    assert seen == [(instance, instance.exports.memory, ["memory", "run"])]


def test_the_limits(calling):
    limits = wasmcy.Limits(memory="1MiB")
    seen = []
    calling(lambda caller: seen.append(caller.limits), limits)
    calling(lambda caller: seen.append(caller.limits))
    assert seen == [limits, None]


def test_the_time_that_is_left(calling):
    seen = []

    def look(caller):
        seen.append(caller.time_left())
        time.sleep(0.01)
        seen.append(caller.time_left())

    calling(look, wasmcy.Limits(timeout=60))
    first, second = seen
    assert 0 < second <= first - 0.01 and first <= 60
    seen.clear()
    calling(look)
    assert seen == [None, None]


def test_nothing_is_left_once_another_thread_asks_the_call_to_end(calling):
    seen = []

    def look(caller):
        thread = threading.Thread(target=caller.instance.interrupt)
        thread.start()
        thread.join()
        seen.append((caller.time_left(), caller.interrupted))

    with pytest.raises(KeyboardInterrupt):
        calling(look)
    assert seen == [(0.0, True)]


def test_whether_it_may_return_an_awaitable(calling):
    seen = []
    instance = calling(lambda caller: seen.append((caller.suspendable, caller.interrupted)))
    asyncio.run(instance.exports.run.call_async())
    assert seen == [(False, False), (True, False)]


def test_called_from_python_there_is_no_caller():
    seen = []
    look = wasmcy.Func(
        wasmcy.with_caller(
            lambda caller: seen.append((caller.memory, caller.limits, caller.time_left(), caller.suspendable))
        )
    )
    look()
    assert seen == [(None, None, None, False)]
