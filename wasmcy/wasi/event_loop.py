"""Waiting in an asyncio event loop: what wakes a suspended call of WASI."""

from __future__ import annotations

import asyncio
import sys
import threading

from wasmcy.wasi.abi import EINTR, EVENT_FD_READ, WasiError
from wasmcy.wasi.waiting import STEP, watchers

if sys.platform == "win32":  # what is waited for there are sockets, which are no descriptors
    from socket import close, dup
else:
    from os import close, dup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmcy.wasi.abi import Caller

LONGEST = 86_400.0  # seconds of one timer


class Alarm:
    """Wakes one call that waits in the running event loop.

    It may ring for no reason: who waits then looks again for what it waits for.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._loop = asyncio.get_running_loop()
        self._rings: asyncio.Future[None] | None = None
        self._undo: list[tuple[Callable[[int], object], int]] = []  # what to do at the end, with a descriptor

    def __enter__(self) -> Alarm:
        self._clock = _clock_of(self._loop)
        self._clock.add(self)
        return self

    def __exit__(self, *exception: object) -> None:
        self._clock.alarms.discard(self)
        while self._undo:
            undo, host = self._undo.pop()
            undo(host)

    def watch(self, hosts: list[tuple[int, int]]) -> bool:
        """Ring when one of these is ready; False: the loop cannot.

        The loop is given duplicates: it has room for one reader of a descriptor, and must know nothing of one that
        is closed.
        """
        loop = self._loop
        copies: dict[int, int] = {}
        try:
            for host, kind in hosts:
                if host not in copies:
                    copies[host] = dup(host)
                    self._undo.append((close, copies[host]))
                    watchers.setdefault(host, []).append(self.wake_soon)
                    self._undo.append((self._forget, host))
                if kind == EVENT_FD_READ:
                    loop.add_reader(copies[host], self.wake)
                    self._undo.append((loop.remove_reader, copies[host]))
                else:
                    loop.add_writer(copies[host], self.wake)
                    self._undo.append((loop.remove_writer, copies[host]))
        except (NotImplementedError, OSError):  # the loop of Windows; what epoll or kqueue does not take
            return False
        return True

    def _forget(self, host: int) -> None:
        watchers[host].remove(self.wake_soon)
        if not watchers[host]:
            del watchers[host]

    async def rings(self, left: int | None) -> None:
        """Wait until it rings, or as many nanoseconds as are left.

        Raises:
            KeyboardInterrupt: `interrupt` was asked for.
            WasiError: EINTR, the call must end.
        """
        self._rings = self._loop.create_future()
        timer = None if left is None else self._loop.call_later(min(left / 1e9, LONGEST), self.wake)
        try:
            await self._rings
        finally:
            if timer is not None:
                timer.cancel()
        if self.must_end():
            if self._caller.interrupted:
                raise KeyboardInterrupt
            raise WasiError(EINTR)

    def must_end(self) -> bool:
        """Whether the call has no time any more."""
        left = self._caller.time_left()
        return left is not None and left <= 0

    def wake(self) -> None:
        if self._rings is not None and not self._rings.done():
            self._rings.set_result(None)

    def wake_soon(self) -> None:
        """From any thread."""
        try:  # noqa: SIM105 contextlib takes milliseconds to import
            self._loop.call_soon_threadsafe(self.wake)
        except RuntimeError:  # the loop is closed: nobody waits
            pass


class _Clock:
    """Looks now and then, as blocking waits do, whether one of the waiting calls of a loop must end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.alarms: set[Alarm] = set()
        self._ticks = False

    def add(self, alarm: Alarm) -> None:
        self.alarms.add(alarm)
        if not self._ticks:
            self._ticks = True
            self.loop.call_later(STEP / 1e9, self._tick)

    def _tick(self) -> None:
        for alarm in self.alarms:
            if alarm.must_end():
                alarm.wake()
        self._ticks = bool(self.alarms)
        if self._ticks:
            self.loop.call_later(STEP / 1e9, self._tick)


_thread = threading.local()


def _clock_of(loop: asyncio.AbstractEventLoop) -> _Clock:
    """The clock of the loop that runs in this thread."""
    clock: _Clock | None = getattr(_thread, "clock", None)
    if clock is None or clock.loop is not loop:
        clock = _thread.clock = _Clock(loop)
    return clock
