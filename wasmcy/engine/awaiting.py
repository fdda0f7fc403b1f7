"""What calls that wait need of the event loop: a place in a queue, an end to their time, notifications."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from .waiting import LoopWaiter

T = TypeVar("T")
STEP = 0.05  # seconds between two looks at what would end a call that waits


class TimeIsOver(Exception):
    """The call must not go on."""


async def in_time(awaited: Awaitable[T], seconds: float) -> T:
    """What a call waits for, until its time is over."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await awaited
    except TimeoutError:
        if not limit.expired():
            raise
    raise TimeIsOver


async def until_notified(waiter: LoopWaiter, nanoseconds: int, time_left: Callable[[], float | None]) -> int:
    """memory.atomic.wait in an event loop: 0 woken by a notification, 1 not equal, 2 timed out, or the call must end.

    It may take so many nanoseconds, any time if they are negative.
    """
    loop = asyncio.get_running_loop()
    notified = loop.create_future()
    end = None if nanoseconds < 0 else loop.time() + nanoseconds * 1e-9
    if not waiter.enter(partial(_wake, notified)):
        return 1
    try:
        while not waiter.notified() and time_left() != 0:
            left = STEP if end is None else min(end - loop.time(), STEP)
            if left <= 0:
                break
            await asyncio.wait([notified], timeout=left)
    finally:
        woken = waiter.leave()
    return 0 if woken else 2


class Turns:
    """The calls that wait for an instance to become free, in their order."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        self.busy = busy
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def mine(self) -> None:
        """Wait until the instance is free, behind those that came before."""
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            await turn
            while self.busy():  # a call that does not queue came first
                at = self.waiting.index(turn)
                turn = self.waiting[at] = asyncio.get_running_loop().create_future()
                await turn
        except BaseException:
            self.waiting.remove(turn)
            self.next()
            raise
        self.waiting.remove(turn)

    def next(self) -> None:
        """Let the next call begin, if it may."""
        if not self.busy():
            for turn in self.waiting:
                if not turn.done() and _wake(turn):
                    break


def _wake(turn: asyncio.Future[None]) -> bool:
    """End a wait, which may be one of another thread's event loop; False: that loop is closed."""

    def end() -> None:
        if not turn.done():
            turn.set_result(None)

    loop = turn.get_loop()
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if loop is here:
        end()
        return True
    try:
        loop.call_soon_threadsafe(end)
    except RuntimeError:
        return False
    return True
