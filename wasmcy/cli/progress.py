"""A bar that shows how far work is, once it has taken a second and if somebody looks."""

from __future__ import annotations

import sys
import time

PATIENCE = 1.0  # seconds before the bar appears
PACE = 0.1  # between two pictures of it
WIDTH = 30


class Progress:
    """The bar of one piece of work, on standard error if that is a terminal; to be used with `with`.

    `total` is the amount of work, in any unit.
    """

    def __init__(self, what: str, total: int) -> None:
        self.what = "".join(c if c.isprintable() else "?" for c in what)
        self.total = max(total, 1)
        self.done = 0
        self._shown = False
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + PATIENCE

    def step(self, amount: int = 1) -> None:
        """So much more is done."""
        self.done += amount
        if self._terminal and time.monotonic() >= self._next:
            self._next = time.monotonic() + PACE
            self._shown = True
            part = min(self.done / self.total, 1.0)
            filled = "#" * int(part * WIDTH)
            print(f"\r{self.what} [{filled:<{WIDTH}}] {part:4.0%}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
