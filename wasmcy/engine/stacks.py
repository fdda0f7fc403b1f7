"""Calls that were put aside, as typed values: what a snapshot holds of a stack (docs/embedding.md).

The state of a call is (function, bits, marked, frames, host): the index of the function that was called; whether its
results are wanted as bits; whether it keeps others out of its instance; its frames, the outermost first; and
(function, arguments) of the host function it waits for, or None.

A frame is (function, offset, number, locals, operands).  The instruction at the offset in the module comes next, or, if
the number is -1, is a call that is running; the function begins where the offset is -1.  The number tells apart the
steps of one instruction.  Values are numbers as bits, references are numbered as in graphs.pyx.

All of it is checked when it is put back: that the instruction is there, that callees return what their callers expect,
and that each value has the place where the code of this process has it.
"""

from collections.abc import Sequence
from typing import Any

from .. import matching
from ..binary.reader import Reader
from ..errors import SnapshotError
from ..opcodes import OP_CALL
from ..types import F32, I32, NULL, REF, V128, FuncType
from .frames import FrameMap, Place, Value
from .graphs import Given, Taken
from .snapshots import calls_of, rebuild, room_for_frame, stack_of
from .store import Suspended

ENTRY = 1  # the point where a function begins
WORDS_OF_CALLS = (2, 3)  # of an instruction that calls
Frame = tuple[int, int, int, list[int], list[int]]
State = tuple[int, bool, bool, list[Frame], tuple[int, list[int]] | None]


def width(type_: int) -> int:
    """The bits of a value."""
    return 128 if type_ == V128 else 32 if type_ in (I32, F32) else 64


class Stacks:
    """The stacks of an instance, taken and put back; `references` are those of the same snapshot."""

    def __init__(self, instance: Any, references: Taken | Given) -> None:
        self.instance = instance
        self.references: Any = references
        self.code = instance.module._code.variant(instance.store.metered, instance.store.deterministic)
        self.module = instance.module._syntax
        self.found: dict[tuple[int, int, int], tuple[int, FrameMap]] = {}  # by function, offset, number

    def take(self) -> list[State]:
        """The calls that were put aside, the oldest first.

        Raises:
            SnapshotError: a call cannot go on from typed values alone, and why.
        """
        return [self._taken(call) for call in calls_of(self.instance)]

    def put_back(self, calls: list[State]) -> list[Suspended]:
        """The same calls in a fresh instance.

        Raises:
            SnapshotError: the state does not fit the module.
            MemoryLimit, StackExhausted: it does not fit the limits.
        """
        return [self._put_back(*call) for call in calls]

    # -------------------------------------------------------------------------------- taking
    def _taken(self, call: Suspended) -> State:
        function, bits, marked, stack, words, called = stack_of(self.instance, call)
        frames: list[Frame] = []
        points: dict[int, set[int]] = {}
        for index, point, _ in stack:
            points.setdefault(index, set()).add(point)
        maps = {index: self.code.frames(index, some) for index, some in points.items()}  # one walk for each function
        for index, point, at in reversed(stack):
            frame = maps[index].get(point)
            if frame is None:
                raise SnapshotError(f"function {index} has stopped inside an instruction: let it go on first")
            offset = -1 if point == ENTRY else frame.offset
            number = 0 if point == ENTRY else self._steps(index, offset).index(point // 2) if point % 2 else -1
            values = [[self._value(v, words, at) for v in some] for some in (frame.locals, frame.operands)]
            frames.append((index, offset, number, values[0], values[1]))
        host = None
        if called is not None:
            index, at = called
            host = index, [self._value(v, words, at) for v in self._parameters(index)]
        return function, bits, marked, frames, host

    def _value(self, value: Value, words: Sequence[int], at: int) -> int:
        bits = 0
        for i, place in enumerate(value.places):
            if place is None:
                raise SnapshotError("a guest has stopped inside an instruction: let it go on first")
            word = (words[at + place.slot] if place.slot >= 0 else 0) + place.constant
            bits |= (word & (1 << min(width(value.type), 64)) - 1) << (64 * i)
        return self.references.number(bits, self._closed(value), "the stack") if value.type & REF else bits

    def _closed(self, value: Value) -> int:
        return matching.close_val(value.type, self.code.context.canon)

    def _parameters(self, index: int) -> list[Value]:
        """The parameters of a function, which stand at the beginning of its frame."""
        found, slot = [], 0
        for t in self.module.func_type(index).params:
            places = tuple(Place(slot + i, 0) for i in range(2 if t == V128 else 1))
            found.append(Value(t, places))
            slot += len(places)
        return found

    def _steps(self, index: int, offset: int) -> list[int]:
        """The words of the code that begin what the instruction at an offset became."""
        return sorted(word for word, at in self.code.points(index).items() if at == offset)

    # -------------------------------------------------------------------------------- putting back
    def _put_back(
        self, function: int, bits: bool, marked: bool, frames: list[Frame], host: tuple[int, list[int]] | None
    ) -> Suspended:
        if not frames:
            raise SnapshotError("a call of the snapshot has no frames")
        stack: list[tuple[int, int, int]] = []
        slots: dict[int, int] = {}
        expected = self._results(function)
        at = 0
        for i, (index, offset, number, locals_, operands) in enumerate(frames):
            self._expect(index, expected)
            running = number == -1 != offset
            if running != (i + 1 < len(frames) or host is not None):
                raise SnapshotError("a frame of the snapshot has no callee, or one that it does not call")
            room_for_frame(self.instance, index, at)
            point, frame = self._point(index, offset, number)
            if len(locals_) != len(frame.locals) or len(operands) != len(frame.operands):
                raise SnapshotError(f"function {index} has other locals or operands at offset {offset:#x}")
            for value, given in zip((*frame.locals, *frame.operands), (*locals_, *operands), strict=True):
                self._place(value, given, at, slots)
            stack.append((index, point, at))
            if running:
                expected = self._called(offset)
                at += frame.callee
        called = None
        if host is not None:
            self._expect(host[0], expected)
            parameters = self._parameters(host[0])
            if len(parameters) != len(host[1]):
                raise SnapshotError("a host call of the snapshot has not the arguments its function takes")
            for value, given in zip(parameters, host[1], strict=True):
                self._place(value, given, at, slots)
            called = host[0], at
        return rebuild(self.instance, function, bits, marked, stack, slots, called)

    def _point(self, index: int, offset: int, number: int) -> tuple[int, FrameMap]:
        """Where in the code of this process a frame goes on."""
        if (index, offset, number) in self.found:
            return self.found[index, offset, number]
        if offset == -1:
            points = [ENTRY]
        else:
            steps = self._steps(index, offset)
            points = steps[number : number + 1] if number >= 0 else []
            points = [2 * word + 1 for word in points]
            if number == -1:
                points = [2 * (word + n) for word in steps for n in WORDS_OF_CALLS]
        found = self.code.frames(index, points)
        for point, frame in found.items():
            if frame.offset == offset or offset == -1:
                self.found[index, offset, number] = point, frame
                return point, frame
        raise SnapshotError(f"function {index} cannot go on at offset {offset:#x}: other code was made of it here")

    def _place(self, value: Value, given: int, at: int, slots: dict[int, int]) -> None:
        """A value into its slots; it must agree with what other values say about them."""
        type_ = self._closed(value)
        bits = width(type_)
        if type(given) is not int:
            raise SnapshotError("a value of the snapshot is no int")
        if given == -1 and type_ & REF:  # a local that is not set yet, an operand before it is looked at
            type_ |= NULL  # whoever uses a reference looks for null anyway
        word = self.references.word(given, type_) if type_ & REF else given
        if not 0 <= word < 1 << bits:
            raise SnapshotError("a value of the snapshot is out of range")
        mask = (1 << min(bits, 64)) - 1
        for i, place in enumerate(value.places):
            if place is None:
                raise SnapshotError("a frame of the snapshot has stopped inside an instruction")
            half = (word >> (64 * i)) - place.constant & mask
            if half != (0 if place.slot < 0 else slots.setdefault(at + place.slot, half)):
                raise SnapshotError("a value of the snapshot is not what the code of its function has there")

    def _results(self, index: int) -> Sequence[int]:
        if not 0 <= index < self.module.n_funcs:
            raise SnapshotError(f"the snapshot names function {index}")
        return self._closed_results(self.module.func_type(index))

    def _closed_results(self, type_: FuncType) -> Sequence[int]:
        found: FuncType = matching.close_func(type_, self.code.context.canon)
        return found.results

    def _expect(self, index: int, expected: Sequence[int]) -> None:
        results = self._results(index)
        if len(results) != len(expected) or not all(map(matching.val_matches, results, expected)):
            raise SnapshotError(f"function {index} does not return what its caller expects")

    def _called(self, offset: int) -> Sequence[int]:
        """The results that the call at an offset expects of its callee, or of who was called in its place."""
        reader = Reader(self.module.data, offset, len(self.module.data))
        called = reader.byte() == OP_CALL
        index = reader.u32()  # of a function; of its type, if it is called indirectly or by a reference
        return self._closed_results(self.module.func_type(index) if called else self.module.func_type_at(index))
