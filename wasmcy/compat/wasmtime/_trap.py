"""Traps: what they say, their codes and frames; and what each of wasmcy's errors becomes."""

from __future__ import annotations

from enum import Enum

import wasmcy

from ._error import ExitTrap, WasmtimeError
from ._managed import Managed


class TrapCode(Enum):
    """Why a guest trapped."""

    STACK_OVERFLOW = 0
    MEMORY_OUT_OF_BOUNDS = 1
    HEAP_MISALIGNED = 2
    TABLE_OUT_OF_BOUNDS = 3
    INDIRECT_CALL_TO_NULL = 4
    BAD_SIGNATURE = 5
    INTEGER_OVERFLOW = 6
    INTEGER_DIVISION_BY_ZERO = 7
    BAD_CONVERSION_TO_INTEGER = 8
    UNREACHABLE = 9
    INTERRUPT = 10
    OUT_OF_FUEL = 11
    ATOMIC_WAIT_NON_SHARED_MEMORY = 12
    NULL_REFERENCE = 13
    ARRAY_OUT_OF_BOUNDS = 14
    ALLOCATION_TOO_LARGE = 15
    CAST_FAILURE = 16
    # of components and stack switching: they exist for programs that name them
    CANNOT_ENTER_COMPONENT = 17
    NO_ASYNC_RESULT = 18
    UNHANDLED_TAG = 19
    CONTINUATION_ALREADY_CONSUMED = 20
    DISABLED_OPCODE = 21
    ASYNC_DEADLOCK = 22
    CANNOT_LEAVE_COMPONENT = 23
    CANNOT_BLOCK_SYNC_TASK = 24
    INVALID_CHAR = 25
    DEBUG_ASSERT_STRING_ENCODING_FINISHED = 26
    DEBUG_ASSERT_EQUAL_CODE_UNITS = 27
    DEBUG_ASSERT_POINTER_ALIGNED = 28
    DEBUG_ASSERT_UPPER_BITS_UNSET = 29
    STRING_OUT_OF_BOUNDS = 30
    LIST_OUT_OF_BOUNDS = 31
    INVALID_DISCRIMINANT = 32
    UNALIGNED_POINTER = 33
    TASK_CANCEL_NOT_CANCELLED = 34
    TASK_CANCEL_OR_RETURN_TWICE = 35
    SUBTASK_CANCEL_AFTER_TERMINAL = 36
    TASK_RETURN_INVALID = 37
    WAITABLE_SET_DROP_HAS_WAITERS = 38
    SUBTASK_DROP_NOT_RESOLVED = 39
    THREAD_NEW_INDIRECT_INVALID_TYPE = 40
    THREAD_NEW_INDIRECT_UNINITIALIZED = 41
    BACKPRESSURE_OVERFLOW = 42
    UNSUPPORTED_CALLBACK_CODE = 43
    CANNOT_RESUME_THREAD = 44
    CONCURRENT_FUTURE_STREAM_OP = 45
    REFERENCE_COUNT_OVERFLOW = 46
    STREAM_OP_TOO_BIG = 47
    WAITABLE_SYNC_AND_ASYNC = 48
    UNCAUGHT_EXCEPTION = 49


# The beginning of wasmcy's message: the code, and what wasmtime says.
_TRAPS = {
    "unreachable": (TrapCode.UNREACHABLE, "wasm `unreachable` instruction executed"),
    "out of bounds memory access": (TrapCode.MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"),
    "unaligned atomic": (TrapCode.HEAP_MISALIGNED, "unaligned atomic"),
    "out of bounds table access": (
        TrapCode.TABLE_OUT_OF_BOUNDS,
        "undefined element: out of bounds table access",
    ),
    "undefined element": (TrapCode.TABLE_OUT_OF_BOUNDS, "undefined element: out of bounds table access"),
    "uninitialized element": (TrapCode.INDIRECT_CALL_TO_NULL, "uninitialized element"),
    "indirect call type mismatch": (TrapCode.BAD_SIGNATURE, "indirect call type mismatch"),
    "integer overflow": (TrapCode.INTEGER_OVERFLOW, "integer overflow"),
    "integer divide by zero": (TrapCode.INTEGER_DIVISION_BY_ZERO, "integer divide by zero"),
    "invalid conversion to integer": (TrapCode.BAD_CONVERSION_TO_INTEGER, "invalid conversion to integer"),
    "expected shared memory": (TrapCode.ATOMIC_WAIT_NON_SHARED_MEMORY, "atomic wait on non-shared memory"),
    "null": (TrapCode.NULL_REFERENCE, "null reference"),
    "out of bounds array access": (TrapCode.ARRAY_OUT_OF_BOUNDS, "out of bounds array access"),
    "cast failure": (TrapCode.CAST_FAILURE, "cast failure"),
}
_LIMITS = {
    wasmcy.StackExhausted: (TrapCode.STACK_OVERFLOW, "call stack exhausted"),
    wasmcy.Timeout: (TrapCode.INTERRUPT, "interrupt"),
    wasmcy.FuelExhausted: (TrapCode.OUT_OF_FUEL, "all fuel consumed by WebAssembly"),
    wasmcy.MemoryLimit: (TrapCode.ALLOCATION_TOO_LARGE, "allocation size too large"),
}


class Frame(Managed):
    """A function of a backtrace."""

    def __init__(self, frame: wasmcy.Frame) -> None:
        self._frame = frame

    @property
    def func_index(self) -> int:
        return -1 if self._frame.function is None else self._frame.function

    @property
    def func_name(self) -> str | None:
        return None if self._frame.borrowed else self._frame.name

    @property
    def module_name(self) -> str | None:
        return self._frame.module

    @property
    def module_offset(self) -> int:
        """The offset of the instruction in the module."""
        return self._frame.offset or 0

    @property
    def func_offset(self) -> int:
        """The offset of the instruction in the function's body."""
        return max(self.module_offset - (self._frame.start or 0), 0)


class Trap(Exception, Managed):
    """A guest did what it must not do, or was stopped."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._message = message
        self._frames: tuple[wasmcy.Frame, ...] = ()
        self._code: TrapCode | None = None

    @property
    def message(self) -> str:
        """What happened, with the backtrace."""
        return self._message

    @property
    def frames(self) -> list[Frame]:
        """The functions that were running, innermost first."""
        return [Frame(frame) for frame in self._frames]

    @property
    def trap_code(self) -> TrapCode | None:
        """Why; None for traps made by Python."""
        return self._code

    def __str__(self) -> str:
        return self._message


def _described(number: int, frame: wasmcy.Frame) -> str:
    offset = "" if frame.offset is None else f"{frame.offset:#8x} - "
    name = Frame(frame).func_name or f"<wasm function {frame.function}>"
    return f"{number:5}: {offset}{frame.module or '<unknown>'}!{name}\n"


def _with_backtrace(frames: tuple[wasmcy.Frame, ...], cause: str) -> str:
    if not frames:
        return cause
    lines = "".join(_described(number, frame) for number, frame in enumerate(frames))
    return f"error while executing at wasm backtrace:\n{lines}\nCaused by:\n    {cause}\n"


def _trap(frames: tuple[wasmcy.Frame, ...], code: TrapCode | None, cause: str) -> Trap:
    trap = Trap(_with_backtrace(frames, cause))
    trap._frames, trap._code = frames, code
    return trap


def converted(error: wasmcy.WasmError) -> Exception:
    """What wasmtime raises where wasmcy raised `error`."""
    if isinstance(error, wasmcy.Exit):
        return ExitTrap(error.code)
    if isinstance(error, wasmcy.Trap):
        for phrase, (code, text) in _TRAPS.items():
            if error.message.startswith(phrase):
                return _trap(error.frames, code, f"wasm trap: {text}")
        return _trap(error.frames, None, error.message)
    if isinstance(error, wasmcy.GuestException):
        return _trap(error.frames, TrapCode.UNCAUGHT_EXCEPTION, "thrown Wasm exception")
    if isinstance(error, wasmcy.LimitError) and (error.frames or not isinstance(error, wasmcy.MemoryLimit)):
        code, text = _LIMITS[type(error)]
        return _trap(error.frames, code, f"wasm trap: {text}")
    return WasmtimeError(str(error))
