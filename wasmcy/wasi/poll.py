"""The call `poll_oneoff`: wait for descriptors and clocks."""

from __future__ import annotations

import select
import sys

from wasmcy.wasi import abi
from wasmcy.wasi.abi import (
    ABSTIME,
    EBADF,
    EINVAL,
    EVENT,
    EVENT_CLOCK,
    EVENT_FD_READ,
    HANGUP,
    U32,
    WasiError,
)
from wasmcy.wasi.calls import PREVIEW0, PREVIEW1, call, error_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from struct import Struct

    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.descriptors import Descriptor
    from wasmcy.wasi.preview1 import Wasi

MAX_SUBSCRIPTIONS = 4096
_LONGEST_WAIT = 3_600_000_000_000  # ns at a time; hosts refuse much longer ones
_NS = 1_000_000_000

# (userdata, type, fd, clock, timeout, flags)
Subscription = tuple[int, int, int, int, int, int]


@call("i32 i32 i32 i32", modules=(PREVIEW1,))
def poll_oneoff(wasi: Wasi, memory: Memory, at: int, events: int, count: int, out: int) -> None:
    """Wait until one of the subscribed events occurs; store all that have.

    EINVAL: no subscriptions, more than 4,096, or one of an unknown type. What is wrong with a
    single subscription is told by its own event.
    """
    found = [
        (userdata, kind, fd, fd, timeout, flags)
        for userdata, kind, fd, timeout, _, flags in _subscriptions(memory, abi.SUBSCRIPTION, at, count)
    ]
    _store(memory, events, out, _Poll(wasi, found).run())


@call("i32 i32 i32 i32", name="poll_oneoff", modules=(PREVIEW0,))
def poll_oneoff_0(wasi: Wasi, memory: Memory, at: int, events: int, count: int, out: int) -> None:
    """`poll_oneoff` with preview 0's layout of a subscription."""
    found = [
        (userdata, kind, fd & abi.MASK32, clock, timeout, flags)
        for userdata, kind, fd, clock, timeout, _, flags in _subscriptions(memory, abi.SUBSCRIPTION_0, at, count)
    ]
    _store(memory, events, out, _Poll(wasi, found).run())


def _subscriptions(memory: Memory, layout: Struct, at: int, count: int) -> Iterable[tuple[int, ...]]:
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        raise WasiError(EINVAL)
    return layout.iter_unpack(memory.read(at, count * layout.size))


def _store(memory: Memory, at: int, out: int, events: list[bytes]) -> None:
    memory.write(at, b"".join(events))
    memory.write(out, U32.pack(len(events)))


class _Poll:
    """One call: what is waited for, and the events so far."""

    def __init__(self, wasi: Wasi, subscriptions: Iterable[Subscription]) -> None:
        self.wasi = wasi
        self.events: list[bytes] = []
        self.clocks: list[tuple[int, int]] = []  # (ns left, userdata)
        self.watched: list[tuple[int, int, int, Descriptor]] = []  # (host fd, userdata, type, …)
        for userdata, kind, fd, clock, timeout, flags in subscriptions:
            if kind > abi.EVENT_FD_WRITE:
                raise WasiError(EINVAL)
            try:
                if kind == EVENT_CLOCK:
                    self.clocks.append((self.left(clock, timeout, flags), userdata))
                else:
                    self.watch(userdata, kind, fd)
            except (WasiError, OSError) as error:
                self.add(userdata, kind, error=error_code(error))

    def left(self, clock: int, timeout: int, flags: int) -> int:
        """The nanoseconds from now to what a subscription to a clock names."""
        if clock > 3 or flags & ~ABSTIME:
            raise WasiError(EINVAL)
        if not flags & ABSTIME:
            return timeout  # how long a wait takes tells nothing: it needs no clock
        return max(timeout - self.wasi.clock(clock)(), 0)

    def watch(self, userdata: int, kind: int, fd: int) -> None:
        right = abi.FD_READ if kind == EVENT_FD_READ else abi.FD_WRITE
        descriptor = self.wasi.descriptors.find(fd, abi.POLL_FD_READWRITE | right)
        host = descriptor.waitable(kind)
        if host is None:
            self.add(userdata, kind, descriptor.available(kind))
        else:
            self.watched.append((host, userdata, kind, descriptor))

    def add(self, userdata: int, kind: int, ready: int = 0, flags: int = 0, error: int = 0) -> None:
        self.events.append(EVENT.pack(userdata, error, kind, ready, flags))

    def run(self) -> list[bytes]:
        left = min((left for left, _ in self.clocks), default=None)
        if self.events:
            left = 0
        passed = 0
        while True:
            step = _LONGEST_WAIT if left is None else min(left - passed, _LONGEST_WAIT)
            if self.wait(step):
                break
            passed += step
            if left is not None and passed >= left:
                break
        for due, userdata in self.clocks:
            if due <= passed:
                self.add(userdata, EVENT_CLOCK)
        return self.events

    def wait(self, longest: int) -> bool:
        """Wait for what is watched, `longest` nanoseconds; whether any of it is ready."""
        if not self.watched:
            if longest > 0:
                self.wasi.sleep(longest / _NS)
            return False
        ready = _select([(host, kind) for host, _, kind, _ in self.watched], longest)
        for (host, userdata, kind, descriptor), state in zip(self.watched, ready, strict=True):
            if state is None:
                continue
            if state < 0:
                self.add(userdata, kind, error=EBADF)
            elif kind == EVENT_FD_READ:
                self.add(userdata, kind, _readable(host), state)
            else:
                self.add(userdata, kind, descriptor.available(kind), state)
        return any(state is not None for state in ready)


def _select(waits: list[tuple[int, int]], longest: int) -> list[int | None]:
    """For each (host descriptor, type): None, not ready; else its `eventrwflags`; -1: no file."""
    if not hasattr(select, "poll"):
        return _select_windows(waits, longest)
    poll = select.poll()
    wanted: dict[int, int] = {}
    for host, kind in waits:
        wanted[host] = wanted.get(host, 0) | _MASKS[kind]
    for host, mask in wanted.items():
        poll.register(host, mask)
    found = dict(poll.poll(-(-longest // 1_000_000)))  # milliseconds, rounded up
    ended = select.POLLHUP | select.POLLERR
    return [
        -1 if found.get(host, 0) & select.POLLNVAL
        else HANGUP if found.get(host, 0) & ended
        else 0 if found.get(host, 0) & _MASKS[kind]
        else None
        for host, kind in waits
    ]  # fmt: skip


if hasattr(select, "poll"):
    _MASKS = (0, select.POLLIN, select.POLLOUT)  # by event type


def _select_windows(waits: list[tuple[int, int]], longest: int) -> list[int | None]:
    """Windows waits for sockets only: everything else is said to be ready, and may block then."""
    try:
        reading = [host for host, kind in waits if kind == EVENT_FD_READ]
        writing = [host for host, kind in waits if kind != EVENT_FD_READ]
        can_read, can_write, _ = select.select(reading, writing, [], longest / _NS)
    except OSError:
        return [0] * len(waits)
    return [0 if host in (can_read if kind == EVENT_FD_READ else can_write) else None for host, kind in waits]


def _readable(host: int) -> int:
    """How many bytes can be read from a descriptor that is ready; 1 where the host cannot tell."""
    try:
        import fcntl
        import termios

        count = fcntl.ioctl(host, termios.FIONREAD, bytes(4))
    except (ImportError, AttributeError, OSError):
        return 1
    return int.from_bytes(count, sys.byteorder)
