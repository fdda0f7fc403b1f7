"""Waiting for descriptors and for time, in steps that end when the running call must end.

A call of the guest may have a deadline, another thread may ask it to stop, and Ctrl-C must be seen on every
system. So nothing here waits longer than STEP at a time, and `time_left` (`Caller.time_left`) is asked between.
When nothing is left the wait ends with EINTR, which no guest ever sees: its call is over.
"""

from __future__ import annotations

import select
import time

from wasmcy.wasi.abi import EINTR, EVENT_FD_READ, HANGUP, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    TimeLeft = Callable[[], float | None]

STEP = 50_000_000  # ns
_NS = 1_000_000_000


def _step(end: int | None, time_left: TimeLeft) -> int:
    """How many nanoseconds to wait next; 0: `end` has come. Raises: WasiError: EINTR, the call must end."""
    step = STEP if end is None else max(min(end - time.monotonic_ns(), STEP), 0)
    left = time_left()
    if left is None:
        return step
    if left <= 0:
        raise WasiError(EINTR)
    return min(step, int(left * _NS) + 1)


def sleep(longest: int, time_left: TimeLeft) -> None:
    """Let `longest` nanoseconds pass."""
    end = time.monotonic_ns() + longest
    while step := _step(end, time_left):
        time.sleep(step / _NS)


def wait(waits: list[tuple[int, int]], longest: int | None, time_left: TimeLeft) -> list[int | None]:
    """Wait until a descriptor of the host is ready, or `longest` nanoseconds have passed; None: without end.

    `waits` holds pairs of a descriptor and EVENT_FD_READ or _WRITE. For each the answer is None (not ready),
    its `eventrwflags`, or -1 where it is not open.
    """
    if longest is not None and longest <= 0:
        return _ready(waits, 0)
    end = None if longest is None else time.monotonic_ns() + longest
    while True:
        step = _step(end, time_left)
        ready = _ready(waits, step)
        if not step or any(state is not None for state in ready):
            return ready


def _ready(waits: list[tuple[int, int]], longest: int) -> list[int | None]:
    if not hasattr(select, "poll"):
        return _ready_windows(waits, longest)
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


def _ready_windows(waits: list[tuple[int, int]], longest: int) -> list[int | None]:
    """Windows waits for sockets only: everything else is said to be ready, and may block then."""
    try:
        reading = [host for host, kind in waits if kind == EVENT_FD_READ]
        writing = [host for host, kind in waits if kind != EVENT_FD_READ]
        can_read, can_write, _ = select.select(reading, writing, [], longest / _NS)
    except OSError:
        return [0] * len(waits)
    return [0 if host in (can_read if kind == EVENT_FD_READ else can_write) else None for host, kind in waits]
