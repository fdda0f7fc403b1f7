"""WASI in an event loop: what waits in a guest called by call_async lets others run, and ends without a trace.

That all results are those of waiting in place is tested where the calls are (`IN_BOTH_FORMS` in conftest.py).
"""

import asyncio
import io
import os
import socket
import threading
import time
from struct import pack

import pytest
import wasmtime

import wasmcy
from tests.wasi import conftest, test_poll, test_sockets, test_waiting
from tests.wasi.test_waiting import POSIX, WAITS
from wasmcy.wasi import abi

granted = test_waiting.granted
posix = pytest.mark.skipif(not POSIX, reason="Windows waits for sockets only")


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors for others, as that of Windows."""

    def _none(self, *_):
        raise NotImplementedError

    add_reader = add_writer = remove_reader = remove_writer = _none


LOOPS = [asyncio.SelectorEventLoop, WithoutReaders]


def run(coroutine, loop=asyncio.SelectorEventLoop):
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(coroutine)


@pytest.fixture(scope="module")
def module():
    return wasmcy.Module(wasmtime.wat2wasm(test_waiting.GUEST))


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "wb", buffering=0) as writer:
        yield reader, writer


@pytest.fixture
def left_over(host_descriptors):
    """What there is of readers in the running loop, of threads and of descriptors."""

    def count():
        readers = len(asyncio.get_running_loop()._selector.get_map())
        return readers, sum(t.name == "wasmcy waits" for t in threading.enumerate()), host_descriptors()

    for thread in threading.enumerate():  # those of earlier tests end a moment after they were asked to
        if thread.name == "wasmcy waits":
            thread.join(1)
    return count


async def settled(left_over, before):
    """Threads end a moment after they were asked to."""
    for _ in range(500):
        if left_over() == before:
            break
        await asyncio.sleep(0.01)
    assert left_over() == before


def test_a_guest_that_yields_lets_other_tasks_run():
    yields = wasmcy.Module("""
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (func (export "f") (result i32) (i32.add (call $yield) (call $yield)))""")
    turns = []

    async def main():
        with wasmcy.Wasi() as wasi:
            task = asyncio.create_task(yields.instantiate(wasi=wasi).exports.f.call_async())
            while not task.done():
                turns.append(1)
                await asyncio.sleep(0)
        return task.result()

    assert run(main()) == 0
    assert len(turns) >= 3


def sleeper(milliseconds):
    """A program that sleeps so long."""
    return wasmcy.Module(
        wasmtime.wat2wasm(f"""(module
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start")
            (i64.store (i32.const 120) (i64.const {milliseconds * 1_000_000}))
            (if (call $poll (i32.const 96) (i32.const 200) (i32.const 1) (i32.const 8)) (then (unreachable)))))""")
    )


# ------------------------------------------------------------------------------------ waiting together


@pytest.mark.parametrize("number", [2, 200])
def test_guests_sleep_at_the_same_time(number):
    async def main():
        before = time.monotonic()
        await asyncio.gather(*[wasmcy.run_async(module) for _ in range(number)])
        return time.monotonic() - before

    module = sleeper(1000 if number == 2 else 100)
    assert run(main()) < (2.0 if number == 2 else number * 0.1)


def test_others_run_while_a_guest_sleeps():
    async def main():
        task = asyncio.create_task(wasmcy.run_async(sleeper(50)))
        turns = 0
        while not task.done():
            turns += 1
            await asyncio.sleep(0.001)
        return turns

    assert run(main()) > 3


@posix
@pytest.mark.parametrize("loop", LOOPS)
def test_a_guest_reads_what_another_task_writes_later(module, pipe, loop):
    reader, writer = pipe

    async def main():
        task = asyncio.create_task(guest.exports.read.call_async(0))
        await asyncio.sleep(0.02)
        assert not task.done()
        writer.write(b"12345")
        assert await task == 0
        return guest.exports.memory[4096:4101]

    with wasmcy.Wasi(stdin=reader) as wasi:
        guest = module.instantiate(wasi=wasi)
        assert run(main(), loop) == b"12345"


@posix
def test_guests_that_share_a_pipe_take_turns(module, pipe, left_over):
    """Each of them waits for the same descriptor, for which the program has a reader of its own, too."""
    reader, writer = pipe
    seen = []

    async def main():
        asyncio.get_running_loop().add_reader(reader, seen.append, 1)
        before = left_over()
        tasks = [asyncio.create_task(guest.exports.read.call_async(0)) for guest in guests]
        for left in range(len(tasks), 0, -1):
            await asyncio.sleep(0.005)
            assert sum(not task.done() for task in tasks) == left
            writer.write(b"x")
        assert await asyncio.gather(*tasks) == [0] * 5
        assert left_over() == before
        asyncio.get_running_loop().remove_reader(reader)

    guests = [module.instantiate(wasi=wasmcy.Wasi(stdin=reader)) for _ in range(5)]
    run(main())
    assert seen


@pytest.mark.parametrize("loop", LOOPS)
def test_an_echo_server_and_its_client_in_one_loop(loop, left_over):
    sent = bytes(range(256)) * 4096  # more than the system's buffers hold

    async def main():
        before = left_over()
        server = asyncio.create_task(guest.exports._start.call_async())
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(sent)
        writer.write_eof()
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
        await server
        await settled(left_over, before)
        return got

    module = wasmcy.Module(wasmtime.wat2wasm(test_sockets.ECHO))
    with socket.create_server(("127.0.0.1", 0)) as listening, wasmcy.Wasi(sockets=[listening]) as wasi:
        guest = module.instantiate(wasi=wasi, limits=wasmcy.Limits(timeout=60))
        assert run(main(), loop) == sent


def test_a_guest_that_always_has_something_to_receive_lets_the_loop_run():
    """It wants all of 32 MiB, which a thread sends as fast as it can."""
    ours, theirs = socket.socketpair()

    async def main():
        task = asyncio.create_task(asyncio.wait_for(waiting, 60))
        turns = 0
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return turns, await task

    with ours, theirs, asyncio.Runner() as runner:
        guest = conftest.Guest(runner=runner, sockets=[theirs])
        guest.memory = conftest.Memory(1 << 16)
        at = guest.put(pack("<II", 4096, 32768) * 1024)
        sender = threading.Thread(target=ours.sendall, args=[bytes(1 << 25)])
        sender.start()
        waiting = guest.call("sock_recv", 3, at, 1024, abi.WAITALL, 512, 516)
        turns, code = runner.run(main())
        sender.join()
        guest.wasi.close()
    assert (code, guest.memory[512:516]) == (0, (1 << 25).to_bytes(4, "little"))
    assert turns > 3


# ------------------------------------------------------------------------------------ what does not wait


def test_what_need_not_wait_is_no_coroutine(tmp_path):
    ours, theirs = socket.socketpair()
    (tmp_path / "file").write_bytes(b"content")
    with ours, theirs, asyncio.Runner() as runner, socket.create_server(("127.0.0.1", 0)) as server:
        guest = conftest.Guest(
            stdin=lambda length: b"given", stdout=io.BytesIO(), dirs={"/": tmp_path}, sockets=[theirs, server]
        )
        file = guest.open("file")
        ours.sendall(b"12345678")
        at, count = guest.vectors(4)
        guest.runner = runner
        with socket.create_connection(server.getsockname()):
            codes = [
                guest.call("fd_read", 0, at, count, 512),
                guest.call("fd_read", file, at, count, 512),
                guest.call("fd_read", 4, at, count, 512),
                guest.call("sock_recv", 4, at, count, 0, 512, 516),
                guest.call("fd_write", 1, at, count, 512),
                guest.call("fd_write", 4, at, count, 512),
                guest.call("sock_accept", 5, 0, 512),
                guest.call("clock_time_get", 0, 0, 512),
            ]
        guest.wasi.close()
    assert codes == [0] * 7 + [abi.ENOTCAPABLE]


def test_a_plain_call_waits_in_place(module, granted):
    with wasmcy.Wasi(**granted) as wasi:
        guest = module.instantiate(wasi=wasi, limits=wasmcy.Limits(timeout=0.05))

        async def main():
            with pytest.raises(wasmcy.Timeout):
                guest.exports.sleep(0)

        run(main())


# ------------------------------------------------------------------------------------ ending


@pytest.fixture(params=LOOPS)
def ends(request, module, granted, left_over):
    """Lets a guest wait, and looks that its wait ends so and leaves no reader, thread or descriptor."""

    def check(name, fd, end, raises, store=None, limits=None):
        async def main():
            before = left_over()
            with wasmcy.Wasi(**granted) as wasi:
                guest = module.instantiate(wasi=wasi, store=store, limits=limits)
                wait = guest.exports[name].call_async(fd)

                async def waiting():
                    with pytest.raises(raises):
                        await wait
                    guest.store.set_deadline(None)
                    guest.exports.written(0)  # it is free again

                task = asyncio.create_task(waiting())
                await asyncio.sleep(0.02)
                assert not task.done()
                end(guest, task)
                await task
            await settled(left_over, before)

        run(main(), request.param)

    return check


@pytest.mark.parametrize(("name", "fd"), WAITS)
class TestEnding:
    def test_when_the_task_is_cancelled(self, ends, name, fd):
        ends(name, fd, lambda guest, task: task.cancel(), asyncio.CancelledError)

    def test_at_the_timeout(self, ends, name, fd):
        ends(name, fd, lambda guest, task: None, wasmcy.Timeout, limits=wasmcy.Limits(timeout=0.05))

    def test_when_another_thread_asks(self, ends, name, fd):
        ends(name, fd, lambda guest, task: threading.Thread(target=guest.interrupt).start(), KeyboardInterrupt)

    def test_at_the_deadline_of_an_epoch(self, ends, name, fd):
        epoch, store = wasmcy.Epoch(), wasmcy.Store()
        store.set_deadline(epoch, 1)
        ends(name, fd, lambda guest, task: epoch.advance(), wasmcy.Timeout, store=store)


def test_an_abandoned_call_leaves_nothing(module, granted, left_over):
    async def main():
        before = left_over()
        with wasmcy.Wasi(**granted) as wasi:
            coroutine = module.instantiate(wasi=wasi).exports.read.call_async(5)
            coroutine.send(None)
            coroutine.close()
        await settled(left_over, before)

    run(main())


def test_nothing_is_half_done_by_a_call_that_ends(module, pipe):
    """What comes after it was cancelled is there for the next."""
    reader, writer = pipe

    async def main():
        task = asyncio.create_task(guest.exports.read.call_async(0))
        await asyncio.sleep(0.01)
        writer.write(b"12345")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await guest.exports.read.call_async(0) == 0
        return guest.exports.written(8), guest.exports.memory[4096:4101]

    with wasmcy.Wasi(stdin=reader) as wasi:
        guest = module.instantiate(wasi=wasi)
        assert run(main()) == (5, b"12345")


@pytest.mark.parametrize("close", ["by the guest", "by the program"])
def test_a_descriptor_that_is_closed_meanwhile_is_ebadf(module, granted, close, left_over):
    async def main():
        before = left_over()
        task = asyncio.create_task(guest.exports.read.call_async(5))
        await asyncio.sleep(0.01)
        if close == "by the guest":
            assert await guest.exports.close.call_async(5, reentrant=True) == 0
        else:
            wasi.close()
        assert await asyncio.wait_for(task, 60) == abi.EBADF
        readers, threads, descriptors = left_over()
        assert (readers, threads) == before[:2] and descriptors < before[2]

    with wasmcy.Wasi(**granted) as wasi:
        guest = module.instantiate(wasi=wasi)
        run(main())


# ------------------------------------------------------------------------------------ poll_oneoff


@posix
@pytest.mark.parametrize("written", [b"", b"12345"], ids=["the clock", "the pipe"])
@pytest.mark.parametrize("loop", LOOPS)
def test_whichever_comes_first(pipe, written, loop):
    reader, writer = pipe

    async def main():
        waits = test_poll.begin(guest, *subscriptions)
        if written:
            asyncio.get_running_loop().call_later(0.02, writer.write, written)
        assert await waits == 0
        return test_poll.events(guest)

    with asyncio.Runner(loop_factory=loop) as runner:
        guest = conftest.Guest(runner=runner, stdin=reader, clock=wasmcy.INHERIT)
        until = time.monotonic_ns() + 1_000_000 * (60_000 if written else 50)
        subscriptions = [
            test_poll.clock(10**18, userdata=5),
            test_poll.reads(0),
            test_poll.clock(until, flags=abi.ABSTIME, userdata=6),
        ]
        events = [(8, "success", test_poll.READ, 5, 0)] if written else [(6, "success", test_poll.CLOCK, 0, 0)]
        assert runner.run(main()) == events
        assert written or time.monotonic_ns() >= until
        guest.wasi.close()


# ------------------------------------------------------------------------------------ streams of Python


def echoing(stdin, stdout, limits=None):
    """A coroutine that runs a program which copies what it reads, at most 16 bytes at a time, to its end."""
    program = wasmtime.wat2wasm("""(module
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (loop $more
          (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 16))
          (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)) (then (unreachable)))
          (if (i32.load (i32.const 4)) (then
            (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
            (br $more))))))""")
    return wasmcy.run_async(bytes(program), stdin=stdin, stdout=stdout, limits=limits)


TEXT = b"what goes in comes out, a few bytes at a time"


@posix
def test_streams_of_asyncio_are_standard_streams(pipe):
    """stdin as an asyncio pipe: what other tasks read and write."""

    async def main():
        loop = asyncio.get_running_loop()
        incoming, outgoing = asyncio.StreamReader(), asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(incoming), reader)
        server = await asyncio.start_server(lambda r, w: accepted.set_result((r, w)), "127.0.0.1", 0)
        accepted = loop.create_future()
        outgoing, other = await asyncio.open_connection(*server.sockets[0].getsockname())
        back, to_program = await accepted
        task = asyncio.create_task(echoing(incoming, to_program))
        for at in range(0, len(TEXT), 7):
            await asyncio.sleep(0.001)
            writer.write(TEXT[at : at + 7])
            assert await outgoing.readexactly(len(TEXT[at : at + 7])) == TEXT[at : at + 7]
        writer.close()
        assert (await task).returncode == 0
        for stream in (to_program, other):
            stream.close()
            await stream.wait_closed()
        server.close()

    reader, writer = pipe
    run(main())


class Slow(io.RawIOBase):
    """A file object that blocks, with no descriptor to wait for."""

    def __init__(self):
        self.given = []
        self.more = threading.Semaphore(0)
        self.reads = 0

    def give(self, data):
        self.given.append(data)
        self.more.release()

    def readable(self):
        return True

    def readinto(self, buffer):
        self.reads += 1
        assert self.more.acquire(timeout=60)
        data = self.given.pop(0)
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("buffered", [False, True])
def test_a_file_object_that_blocks_is_read_in_a_thread(buffered, left_over):
    async def main():
        before = left_over()
        task = asyncio.create_task(echoing(io.BufferedReader(slow) if buffered else slow, out))
        for part in (TEXT[:10], TEXT[10:20], b""):
            await asyncio.sleep(0.01)
            assert not task.done()
            slow.give(part)
        await task
        await settled(left_over, before)

    slow, out = Slow(), io.BytesIO()
    run(main())
    assert out.getvalue() == TEXT[:20]


def test_what_a_thread_has_read_for_a_cancelled_call_is_there_for_the_next(module, left_over):
    async def main():
        before = left_over()
        task = asyncio.create_task(guest.exports.read.call_async(0))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again = asyncio.create_task(guest.exports.read.call_async(0))
        await asyncio.sleep(0.02)
        slow.give(b"12345")
        assert await again == 0
        await settled(left_over, before)
        return guest.exports.written(8), slow.reads

    slow = Slow()
    with wasmcy.Wasi(stdin=slow) as wasi:
        guest = module.instantiate(wasi=wasi)
        assert run(main()) == (5, 1)


def test_callables_may_be_coroutine_functions():
    parts, out = [TEXT[:10], TEXT[10:20]], []

    async def give(length):
        await asyncio.sleep(0.001)
        return parts.pop(0) if parts else b""

    async def take(data):
        await asyncio.sleep(0.001)
        out.append(data)

    run(echoing(give, take))
    assert out == [TEXT[:10], TEXT[10:20]]


def test_errors_of_coroutines_are_those_of_functions():
    async def fails(length):
        await asyncio.sleep(0)
        raise ValueError("no")

    async def broken(length):
        await asyncio.sleep(0)
        raise BrokenPipeError(32, "gone")

    with pytest.raises(ValueError, match="no"):
        run(echoing(fails, None))
    with pytest.raises(wasmcy.Trap, match="unreachable"):  # the guest was given an error code
        run(echoing(broken, None))


def test_a_plain_call_refuses_what_is_asynchronous():
    async def give(length):
        return b""

    async def main():
        for source in (give, asyncio.StreamReader()):
            with pytest.raises(TypeError, match="stdin is asynchronous: the guest must be called by call_async"):
                conftest.Guest(stdin=source).read(0)
        with pytest.raises(TypeError, match="stdout is asynchronous"):
            conftest.Guest(stdout=give).write(1, b"x")

    run(main())


def test_a_clock_can_sleep_asynchronously():
    class Clock:
        slept = 0.0

        def __call__(self, number):
            return 0

        async def sleep(self, seconds):
            await asyncio.sleep(0)
            self.slept += seconds

    clock = Clock()
    run(wasmcy.run_async(sleeper(3_600_000), clock=clock))
    assert clock.slept == 3600.0


# ------------------------------------------------------------------------------------ run_async


def test_a_program_run_in_the_loop_ends_like_one_that_is_not():
    from tests.wasi.test_running import IMPORTS, PROGRAMS

    program = {name: bytes(wasmtime.wat2wasm(f"(module {IMPORTS} {text})")) for name, text in PROGRAMS.items()}
    done = run(wasmcy.run_async(program["cat"], stdin="abc", text=True))
    assert (done.returncode, done.stdout, done.stderr) == (3, "abc", "abc")
    with pytest.raises(wasmcy.Exit) as caught:
        run(wasmcy.run_async(program["cat"], stdin=b"abc", check=True))
    assert (caught.value.code, caught.value.stdout) == (3, b"abc")
    with pytest.raises(wasmcy.Trap, match="unreachable") as caught:
        run(wasmcy.run_async(program["trap"]))
    assert caught.value.stdout == b"so far"
    with pytest.raises(wasmcy.Timeout):
        run(wasmcy.run_async(program["endless"], limits=wasmcy.Limits(timeout=0.05)))
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        run(wasmcy.run_async(program["cat"], colour="red"))
