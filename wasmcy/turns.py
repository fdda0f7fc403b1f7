"""Where compiled code lets the interpreter do what it does between its own instructions.

A compiled loop neither looks for signals nor lets other threads have their turn. A call of a Python function, however
short, does both on its way: the main thread runs the handlers of signals, of which Ctrl-C's raises KeyboardInterrupt.
So loops whose length a module determines call these, and this file is not compiled.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def take_turn() -> None:
    """Let signals be handled, and other threads run."""


def turns(n: int) -> Iterator[int]:
    """Numbers as of `range(n)`, with a turn before each."""
    for i in range(n):  # noqa: UP028 `yield from` would take no turns
        yield i
