"""Waiting for descriptors, for time and for other threads: in place, or in an event loop.

A call that may have to wait is a generator of steps: each `yield` says what is waited for (`Wait`, `Threaded`,
`streams.Awaited`) and brings what came of it. `begin` runs it. In a plain call it waits in place; in one made by
`call_async` it goes on as long as nothing has to be waited for, and leaves the rest to the event loop (`go_on`).

A call of the guest may have a deadline, another thread may ask it to stop, and Ctrl-C must be seen on every
system. So nothing here waits longer than STEP at a time, and `time_left` (`Caller.time_left`) is asked between.
When nothing is left the wait ends with EINTR, which no guest ever sees: its call is over.
"""

from __future__ import annotations

import os
import select
import time

from wasmcy.wasi.abi import EINTR, EVENT_FD_READ, HANGUP, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from typing import Any, Protocol, TypeVar

    from wasmcy.wasi.abi import Caller

    T = TypeVar("T")
    TimeLeft = Callable[[], float | None]
    Steps = Generator["Step", Any, T]
    States = list[int | None]

    class Step(Protocol):
        """What a call waits for."""

        def block(self, time_left: TimeLeft) -> Any:
            """Wait for it; returns what came of it."""

        def now(self) -> Any:
            """What has come of it without waiting, or LATER."""

        def in_loop(self, caller: Caller) -> Coroutine[Any, Any, Any]:
            """Wait for it in the running event loop."""


STEP = 50_000_000  # ns
SLICE = 4_000_000  # ns after which a call in an event loop lets it run
LATER = object()
_NS = 1_000_000_000

# For each descriptor of the host that is waited for in an event loop, what wakes those who do.
watchers: dict[int, list[Callable[[], None]]] = {}


def closed(host: int) -> None:
    """A descriptor has been closed: nothing will come of waiting for it."""
    for wake in list(watchers.get(host, ())):
        wake()


class Wait:
    """Until a descriptor of the host is ready, or `longest` nanoseconds have passed; None: without end.

    `hosts` holds pairs of a descriptor and EVENT_FD_READ or _WRITE. For each the answer is None (not ready),
    its `eventrwflags`, or -1 where it is not open.
    """

    __slots__ = ("end", "hosts")

    def __init__(self, hosts: list[tuple[int, int]], longest: int | None) -> None:
        self.hosts = hosts
        self.end = None if longest is None else time.monotonic_ns() + longest

    def left(self) -> int | None:
        """Nanoseconds until the end, 0 when it has come."""
        return None if self.end is None else max(self.end - time.monotonic_ns(), 0)

    def block(self, time_left: TimeLeft) -> States:
        while True:
            step = _step(self.left(), time_left)
            ready = _ready(self.hosts, step)
            if not step or ready.count(None) < len(ready):
                return ready

    def now(self) -> Any:
        ready = _ready(self.hosts, 0)
        return ready if self.left() == 0 or ready.count(None) < len(ready) else LATER

    async def in_loop(self, caller: Caller) -> States:
        from wasmcy.wasi.event_loop import Alarm

        with Alarm(caller) as alarm:
            if not alarm.watch(self.hosts):
                thread = Threaded(self.block)
                ready: States = await thread.in_loop(caller)
                return ready
            while True:
                await alarm.rings(self.left())
                answer = self.now()
                if answer is not LATER:
                    found: States = answer
                    return found


class Turn:
    """Until others have had their turn."""

    __slots__ = ()

    def block(self, time_left: TimeLeft) -> None:
        if hasattr(os, "sched_yield"):
            os.sched_yield()
        else:
            time.sleep(0)

    def now(self) -> Any:
        return LATER

    async def in_loop(self, caller: Caller) -> None:
        from asyncio import sleep

        await sleep(0)


class Threaded:
    """Until a function has returned, which waits by itself: in an event loop, in a thread of its own.

    It is given a `time_left`, by which it learns that nobody waits any more. What it returns then is discarded; one
    that is `kept` runs on, and can be waited for again.
    """

    __slots__ = ("abandoned", "discard", "error", "function", "kept", "lock", "over", "result", "wakers")

    def __init__(
        self, function: Callable[[TimeLeft], Any], discard: Callable[[Any], object] | None = None, kept: bool = False
    ) -> None:
        self.function = function
        self.discard = discard
        self.kept = kept
        self.abandoned = False
        self.wakers: list[Callable[[], None]] = []
        self.lock: Any = None  # once it is started
        self.over = False
        self.result: Any = None
        self.error: BaseException | None = None

    def block(self, time_left: TimeLeft) -> Any:
        if self.lock is None:
            return self.function(time_left)
        while not self.over:
            time.sleep(_step(None, time_left) / _NS / 10)
        return self.outcome()

    def now(self) -> Any:
        return self.outcome() if self.over else LATER

    async def in_loop(self, caller: Caller) -> Any:
        from wasmcy.wasi.event_loop import Alarm

        with Alarm(caller) as alarm:
            self.start(alarm.wake_soon)
            try:
                while not self.over:
                    await alarm.rings(None)
            except BaseException:
                self.abandon()
                raise
            finally:
                self.wakers.remove(alarm.wake_soon)
            return self.outcome()

    def start(self, waker: Callable[[], None]) -> None:
        """Let a thread run it, if none does, and call `waker` at its end.

        The thread is no worker of the loop's executor: of those there are few, and the loop's end waits for them.
        It does not look at the store, in which another call may run meanwhile: who waits for it does.
        """
        from threading import Lock, Thread

        self.wakers.append(waker)
        if self.lock is None:
            self.lock = Lock()
            Thread(target=self._run, name="wasmcy waits", daemon=True).start()

    def _run(self) -> None:
        try:
            self.result = self.function(lambda: 0.0 if self.abandoned else None)
        except BaseException as error:
            self.error = error
        with self.lock:
            self.over = True
            if self.abandoned:
                self._discard()
        for waker in list(self.wakers):
            waker()

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        if not self.kept:
            with self.lock:
                self.abandoned = True
                if self.over:
                    self._discard()

    def _discard(self) -> None:
        result, self.result = self.result, None
        if self.discard is not None and result is not None:
            self.discard(result)

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


def begin(steps: Steps[None], caller: Caller) -> Step | None:
    """Run a call to its end; in one that may be suspended, until something has to be waited for: that."""
    if caller.suspendable:
        return _until_later(steps, None)
    block(steps, caller.time_left)
    return None


async def go_on(steps: Steps[None], step: Step | None, caller: Caller) -> None:
    """Run what is left of a call that waits for `step`, in the running event loop."""
    try:
        while step is not None:
            step = _until_later(steps, await step.in_loop(caller))
    finally:
        steps.close()


def block(steps: Steps[T], time_left: TimeLeft) -> T:
    """Run steps in place; returns their result."""
    answer = None
    try:
        while True:
            answer = steps.send(answer).block(time_left)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def _until_later(steps: Steps[None], answer: Any) -> Step | None:
    """Go on until something has to be waited for, or the loop is to have its turn; None: the call is at its end."""
    end = time.monotonic_ns() + SLICE
    try:
        while answer is not LATER:
            step = steps.send(answer)
            answer = step.now() if time.monotonic_ns() < end else LATER
    except StopIteration:
        return None
    return step


def _step(left: int | None, time_left: TimeLeft) -> int:
    """How many nanoseconds to wait next of those that are `left`. Raises: WasiError: EINTR, the call must end."""
    step = STEP if left is None else min(left, STEP)
    allowed = time_left()
    if allowed is None:
        return step
    if allowed <= 0:
        raise WasiError(EINTR)
    return min(step, int(allowed * _NS) + 1)


def _ready(hosts: list[tuple[int, int]], longest: int) -> States:
    if not hosts:
        if longest:
            time.sleep(longest / _NS)
        return []
    if not hasattr(select, "poll"):
        return _ready_windows(hosts, longest)
    poll = select.poll()
    milliseconds = -(-longest // 1_000_000)  # rounded up
    if len(hosts) == 1:
        host, kind = hosts[0]
        if host < 0:
            return [-1]
        poll.register(host, _MASKS[kind])
        found = poll.poll(milliseconds)
        return [_state(found[0][1], kind) if found else None]
    wanted: dict[int, int] = {}
    for host, kind in hosts:
        if host >= 0:
            wanted[host] = wanted.get(host, 0) | _MASKS[kind]
    for host, mask in wanted.items():
        poll.register(host, mask)
    flags = dict(poll.poll(milliseconds))
    return [-1 if host < 0 else _state(flags.get(host, 0), kind) for host, kind in hosts]


def _state(flags: int, kind: int) -> int | None:
    """What `poll` says of a descriptor that is waited for."""
    if flags & select.POLLNVAL:
        return -1
    if flags & (select.POLLHUP | select.POLLERR):
        return HANGUP
    return 0 if flags & _MASKS[kind] else None


if hasattr(select, "poll"):
    _MASKS = (0, select.POLLIN, select.POLLOUT)  # by event type


def _ready_windows(hosts: list[tuple[int, int]], longest: int) -> States:
    """Windows waits for sockets only: everything else is said to be ready, and may block then."""
    try:
        reading = [host for host, kind in hosts if kind == EVENT_FD_READ]
        writing = [host for host, kind in hosts if kind != EVENT_FD_READ]
        can_read, can_write, _ = select.select(reading, writing, [], longest / _NS)
    except OSError:
        return [0] * len(hosts)
    return [0 if host in (can_read if kind == EVENT_FD_READ else can_write) else None for host, kind in hosts]
