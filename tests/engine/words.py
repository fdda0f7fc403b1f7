"""Reading translated code: which handlers it names, and which of them surely run."""

from collections.abc import Iterator, Sequence

from wasmcy.engine.handlers import Handler
from wasmcy.engine.operations import HANDLERS

CONDITIONAL = ("br_", "br.", "br64_", "brn.", "step.", "test.")
ENDS = ("return", "unreachable", "throw")
# What a call of a function may end in without leaving out part of its path.
WHOLE = ("unreachable", "uncaught exception")


def instructions(words: Sequence[int]) -> Iterator[tuple[int, Handler]]:
    """(place, handler) of each instruction."""
    at = 0
    while at < len(words):
        handler = HANDLERS[words[at]]
        yield at, handler
        at += handler.words or 2 + ((words[at + 1] >> 32) + 2) // 2


def names(words: Sequence[int]) -> set[str]:
    return {handler.name for _, handler in instructions(words)}


def certain(words: Sequence[int]) -> set[str]:
    """The handlers that every call runs which does not trap: up to the first that may go two ways."""
    places = dict(instructions(words))
    found: set[str] = set()
    at = 0
    while True:
        handler = places.pop(at, None)
        if handler is None:  # back where it has been
            return found
        name = handler.name
        found.add(name)
        if name.startswith((*CONDITIONAL, *ENDS)):
            return found
        if name.rstrip("^$") in ("br", "movebr"):
            distance = words[at + 1] >> 32
            at += (distance - (distance >> 31 << 32)) // 8
        else:
            at += handler.words
