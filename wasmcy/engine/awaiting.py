"""What calls that wait need of the event loop: a place in a queue, an end to their time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


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
    elif loop.is_closed():
        return False
    else:
        loop.call_soon_threadsafe(end)
    return True
