"""The call `poll_oneoff`: wait for descriptors and clocks."""

from __future__ import annotations

import sys

from wasmcy.wasi import abi
from wasmcy.wasi.abi import (
    ABSTIME,
    EBADF,
    EINVAL,
    EVENT,
    EVENT_CLOCK,
    EVENT_FD_READ,
    U32,
    WasiError,
)
from wasmcy.wasi.calls import PREVIEW0, PREVIEW1, call, error_code
from wasmcy.wasi.waiting import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from struct import Struct

    from wasmcy.wasi.abi import Caller, Memory
    from wasmcy.wasi.descriptors import Descriptor
    from wasmcy.wasi.preview1 import Wasi
    from wasmcy.wasi.waiting import Steps

MAX_SUBSCRIPTIONS = 4096

# (userdata, type, fd, clock, timeout, flags)
Subscription = tuple[int, int, int, int, int, int]


@call("i32 i32 i32 i32", modules=(PREVIEW1,), waits=True)
def poll_oneoff(wasi: Wasi, caller: Caller, memory: Memory, at: int, events: int, count: int, out: int) -> Steps[None]:
    """Wait until one of the subscribed events occurs; store all that have.

    EINVAL: no subscriptions, more than 4,096, or one of an unknown type. What is wrong with a
    single subscription is told by its own event.
    """
    found = [
        (userdata, kind, fd, fd, timeout, flags)
        for userdata, kind, fd, timeout, _, flags in _subscriptions(memory, abi.SUBSCRIPTION, at, count)
    ]
    return _Poll(wasi, found).run(memory, events, out)


@call("i32 i32 i32 i32", name="poll_oneoff", modules=(PREVIEW0,), waits=True)
def poll_oneoff_0(
    wasi: Wasi, caller: Caller, memory: Memory, at: int, events: int, count: int, out: int
) -> Steps[None]:
    """`poll_oneoff` with preview 0's layout of a subscription."""
    found = [
        (userdata, kind, fd & abi.MASK32, clock, timeout, flags)
        for userdata, kind, fd, clock, timeout, _, flags in _subscriptions(memory, abi.SUBSCRIPTION_0, at, count)
    ]
    return _Poll(wasi, found).run(memory, events, out)


def _subscriptions(memory: Memory, layout: Struct, at: int, count: int) -> Iterable[tuple[int, ...]]:
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        raise WasiError(EINVAL)
    return layout.iter_unpack(memory.read(at, count * layout.size))


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

    def run(self, memory: Memory, at: int, out: int) -> Steps[None]:
        """Wait, and store the events and their number."""
        longest = min((left for left, _ in self.clocks), default=None)
        if self.events:
            longest = 0
        if (self.watched or longest) and (yield from self.wait(longest)):
            longest = 0  # something came before the first clock
        for due, userdata in self.clocks:
            if due <= (longest or 0):
                self.add(userdata, EVENT_CLOCK)
        memory.write(at, b"".join(self.events))
        memory.write(out, U32.pack(len(self.events)))

    def wait(self, longest: int | None) -> Steps[bool]:
        """Wait for what is watched, `longest` nanoseconds; whether any of it is ready."""
        if not self.watched:
            if longest:
                yield from self.wasi.sleep(longest)
            return False
        ready = yield Wait([(host, kind) for host, _, kind, _ in self.watched], longest)
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


def _readable(host: int) -> int:
    """How many bytes can be read from a descriptor that is ready; 1 where the host cannot tell."""
    try:
        import fcntl
        import termios

        count = fcntl.ioctl(host, termios.FIONREAD, bytes(4))
    except (ImportError, AttributeError, OSError):
        return 1
    return int.from_bytes(count, sys.byteorder)
