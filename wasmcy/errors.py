"""Every error of the package: one class per phase of the spec, under `WasmError`.

Messages begin with the phrase the official test suite uses, then say what was
expected and found, then where. The same facts are attributes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def expect(value: object, wanted: type, what: str) -> None:
    """Raises: TypeError: an argument is not of the type it must have."""
    if not isinstance(value, wanted):
        raise TypeError(f"expected {what}, got {type(value).__name__}")


class WasmError(Exception):
    """The base of all errors that have to do with WebAssembly."""


class ModuleError(WasmError):
    """A module is refused; says where in its bytes, or in its text.

    `offset` is a byte offset into the module, `function` an index into the
    function index space (imports first); `line` and `column` are a place in the
    text, counted from 1, `excerpt` is that line with a mark below the place.
    Each is None where it is not known.
    """

    def __init__(
        self,
        message: str,
        offset: int | None = None,
        function: int | None = None,
        function_name: str | None = None,
        line: int | None = None,
        column: int | None = None,
        excerpt: str | None = None,
    ) -> None:
        super().__init__(message, offset, function, function_name, line, column, excerpt)
        self.message = message
        self.offset = offset
        self.function = function
        self.function_name = function_name
        self.line = line
        self.column = column
        self.excerpt = excerpt

    def __str__(self) -> str:
        where = []
        if self.function is not None:
            where.append(describe_function(self.function, self.function_name))
        if self.offset is not None:
            where.append(f"offset {self.offset:#x}")
        if self.line is not None:
            where.append(f"line {self.line}, column {self.column}")
        text = f"{self.message} ({', '.join(where)})" if where else self.message
        return f"{text}\n{self.excerpt}" if self.excerpt else text


class MalformedError(ModuleError):
    """The bytes (or the text) are not a module at all. Spec: chapters 5 and 6."""


class InvalidError(ModuleError):
    """The module is well-formed but not valid. Spec: chapter 3."""


class Unsupported(ModuleError):
    """The module is valid, but this build cannot execute a part of it yet."""


class LinkError(WasmError):
    """Imports are missing, or do not match what the module wants. Spec: 4.7 "Modules"."""


def describe_function(index: int | None, name: str | None) -> str:
    """The words for a function in messages: `function 3 "fact"`."""
    if index is None:
        return "host function" + (f' "{name}"' if name else "")
    return f'function {index} "{name}"' if name else f"function {index}"


class Frame:
    """One line of a backtrace: a function and the offset of an instruction in the module.

        >>> Frame(3, "divide", 0x75)
        function 3 "divide", offset 0x75

    `offset` is None where the position is not known, `module` the module's name if it has one, `start` the offset
    of the function's body. `borrowed` says that the name is that of an export or import: the function has no other.
    """

    __slots__ = ("function", "name", "offset", "module", "start", "borrowed")

    def __init__(
        self,
        function: int | None,
        name: str | None = None,
        offset: int | None = None,
        module: str | None = None,
        start: int | None = None,
        borrowed: bool = False,
    ) -> None:
        self.function = function
        self.name = name
        self.offset = offset
        self.module = module
        self.start = start
        self.borrowed = borrowed

    def __repr__(self) -> str:
        text = describe_function(self.function, self.name)
        if self.offset is not None:
            text += f", offset {self.offset:#x}"
        if self.module:
            text += f", module {self.module}"
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (self.function, self.name, self.offset, self.module)


class ExecutionError(WasmError):
    """Something that ended a running guest; `frames` is its backtrace, innermost first."""

    def __init__(self, message: str, frames: Sequence[Frame] = ()) -> None:
        super().__init__(message, frames)
        self.message = message
        self.frames = tuple(frames)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  at {frame}" for frame in self.frames)])


class Trap(ExecutionError):
    """A trap: the guest did what the spec forbids at run time. `message` is the spec's phrase."""


class LimitError(ExecutionError):
    """A limit set by the host (or by this implementation) was reached."""


class StackExhausted(LimitError):
    """Calls are nested too deeply for the stack the store was given."""


class FuelExhausted(LimitError):
    """The fuel given to the store is used up, before the block that could not be paid for.

    The guest stands where it stopped: `resume` lets it go on. `Store.fuel` is what is left.
    """

    def __init__(self, message: str, frames: Sequence[Frame] = (), call: Any = None) -> None:
        super().__init__(message, frames)
        self.args = (message, frames)
        self.call = call

    def resume(self, *, fuel: int = 0) -> Any:
        """Add fuel to the store and go on; returns what the call would have returned.

        Raises:
            RuntimeError: it went on already, or the error came through a host function, which cannot.
        """
        if self.call is None:
            raise RuntimeError("the call cannot be resumed")
        return self.call.resume(fuel)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args  # a call stays in its process


class Timeout(LimitError):
    """The time given to the store has passed."""


class MemoryLimit(LimitError):
    """The guest wanted more memory than the store was given."""


class TableLimit(MemoryLimit):
    """The guest wanted more elements of tables than the store was given."""


class InstanceLimit(MemoryLimit):
    """More instances were wanted than the store was given."""


class SnapshotError(WasmError):
    """A snapshot cannot be taken, or does not fit."""


class GuestException(ExecutionError):
    """An exception of the guest that no guest caught: its tag and the values thrown with it."""

    def __init__(
        self,
        message: str = "uncaught exception",
        frames: Sequence[Frame] = (),
        tag: object = None,
        values: tuple[object, ...] = (),
    ) -> None:
        super().__init__(message, frames)
        self.args = (message, frames, tag, values)
        self.tag = tag
        self.values = values


class Exit(WasmError):
    """The guest ended itself, as a WASI program does; `code` is its exit status."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"exit status {self.code}"
