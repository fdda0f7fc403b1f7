"""Where the values of a frame are: the state of a function in WebAssembly's terms, at the points where it can stop.

Nothing about them is stored in code.  A body is walked again with `wanted` points, and the translator notes
what it knows there.  Points are numbered by words of the function's code:

    2 * word + 1    the instruction at that word comes next: the machine has left before it, or in it, to do it again
    2 * word        a call is running that will return to that word; its arguments belong to the callee

A value has one place for each of its words: the slot of the frame it is in, if any, and a number to be added.  So
an operand that is a constant has no slot, one that stands for a local has that of the local, and a local that cannot
be read before it is set is the constant 0.  Where the machine can leave, no value is in an accumulator.
"""

from typing import Any, NamedTuple

from ..types import REF, V128
from .forms import ACC, CONST, HIGH_HALF, SUM


class Place(NamedTuple):
    """Where a word is: in `slot`, or -1, plus `constant`, modulo 2**32 where there are both."""

    slot: int
    constant: int


class Value(NamedTuple):
    """A local or an operand: its type as the module has it, and the places of its words, the low one first."""

    type: int
    places: tuple[Place | None, ...]  # None: an accumulator, where the machine cannot leave


class FrameMap(NamedTuple):
    """What a frame holds at a point.

    `offset` is that of the instruction to go on with, or of the call; operands are those it finds, below its
    arguments where it is a call that is running. The handler of an older `try` has its exception as an operand below
    those that the specification knows.
    """

    offset: int
    locals: list[Value]
    operands: list[Value]
    callee: int  # the slot where the frame of who is called begins

    def references(self) -> list[int]:
        """The slots that hold references."""
        values = (value for value in (*self.locals, *self.operands) if value.type & REF)
        return sorted({place.slot for value in values for place in value.places if place and place.slot >= 0})


def frame_map(translator: Any, point: int) -> FrameMap:
    """What the translator has noted at a point, numbered by words of its walk."""
    offset, locals_, operands, callee = translator.frames[point]
    zeroed = range(translator.first_zero, translator.last_zero + 1) if point != 1 else ()  # by the first instruction
    values = []
    for type_, slot, assigned in locals_:
        slots = (slot, slot + 1) if type_ == V128 else (slot,)
        values.append(Value(type_, tuple(Place(s if assigned or s in zeroed else -1, 0) for s in slots)))
    stack: list[Value] = []
    for type_, kind, value, addend in operands:
        place = place_of(kind, value, addend)
        if type_ == HIGH_HALF:
            stack[-1] = Value(V128, (*stack[-1].places, place))
        else:
            stack.append(Value(type_, (place,)))
    return FrameMap(offset, values, stack, callee)


def place_of(kind: int, value: int, addend: int) -> Place | None:
    """The place of an entry of the translator's stack."""
    if kind == ACC:
        return None
    if kind == CONST:
        return Place(-1, value)
    return Place(value, addend if kind == SUM else 0)
