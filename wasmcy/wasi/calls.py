"""How a call of WASI is declared, and what turns its exceptions into error codes.

A call is a function `(wasi, memory, *arguments)` that returns nothing; what it returns to the guest
it writes into memory. One that may have to wait is `(wasi, caller, memory, *arguments)`, and returns
nothing or, when it may have to wait, steps (see `waiting`). `@call` puts a call into MODULES, wrapped so
that it can be a method of a `Wasi` and an import of a guest: it takes the calling instance first, gets its
integers unsigned where the specification has them so, and answers with an error code; in a guest that can
be suspended, with an awaitable of one if it has to wait.
"""

from __future__ import annotations

from wasmcy.wasi import abi
from wasmcy.wasi.abi import EFAULT, EILSEQ, EINVAL, EIO, ENOMEM, ENOTSUP, HOST_ERRNO, WasiError
from wasmcy.wasi.streams import HostError
from wasmcy.wasi.waiting import begin, go_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wasmcy.wasi.abi import Caller
    from wasmcy.wasi.waiting import Step, Steps

    Function = Callable[..., Any]

PREVIEW1 = "wasi_snapshot_preview1"
PREVIEW0 = "wasi_unstable"

MODULES: dict[str, dict[str, Function]] = {PREVIEW1: {}, PREVIEW0: {}}

# An argument type of a declaration → its WebAssembly type, and the mask for a signed integer.
_ARGUMENTS = {"i32": ("i32", abi.MASK32), "u64": ("i64", abi.MASK64), "s64": ("i64", -1)}

# What tells of the guest's own errors; the rest is the Python program's.
ERRORS = (WasiError, OSError, IndexError, UnicodeError, OverflowError, MemoryError,
          NotImplementedError)  # fmt: skip


class _NoMemory:
    """The memory of an instance that exports none."""

    def __len__(self) -> int:
        return 0

    def read(self, at: int, length: int) -> bytes:
        raise IndexError("the instance exports no memory")

    write = read


NO_MEMORY: Any = _NoMemory()


def call(
    arguments: str,
    result: str = "i32",
    name: str | None = None,
    modules: tuple[str, ...] = (),
    waits: bool = False,
) -> Callable[[Function], Function]:
    """Declare a call: its argument types ("i32", "u64", "s64") and the modules that have it.

    One that `waits` may have to.

    The import carries its WebAssembly type as `signature`, such as "i32 i64 -> i32", and
    `wants_caller`, the mark of host functions that take the calling instance first.
    """

    def declare(function: Function) -> Function:
        kinds = [_ARGUMENTS[kind] for kind in arguments.split()]
        guarded = _guarded(function, [mask for _, mask in kinds], waits)
        guarded.__name__ = name or function.__name__
        guarded.__doc__ = function.__doc__
        guarded.wants_caller = True
        guarded.signature = f"{' '.join(kind for kind, _ in kinds)} -> {result}".strip()
        for module in modules or MODULES:
            MODULES[module][guarded.__name__] = guarded
        return function

    return declare


# What surrounds a call, for one number of arguments. Written out for each of them, because `*arguments` and a loop
# over them would cost more than the shortest calls themselves (a third of what writing a byte takes).
_GUARDED = """
def guard(function, {masks}):
    def guarded(wasi, caller, {names}):
        memory = caller.memory
        if memory is None:
            memory = NO_MEMORY
        if {negative}:
            {unsigned}
        try:
            {call}
        except HostError as carrier:
            raise carrier.error from None
        except ERRORS as error:
            return error_code(error)
        return 0
    return guarded
"""
_WAITS = """steps = function(wasi, caller, memory, {names})
            if steps is not None:
                step = begin(steps, caller)
                if step is not None:
                    return later(steps, step, caller)"""
_guards: dict[tuple[int, bool], Callable[..., Any]] = {}  # by number of arguments, and whether they wait


def _guarded(function: Function, masks: list[int], waits: bool) -> Any:
    key = len(masks), waits
    if key not in _guards:
        numbers = range(len(masks))
        arguments = ", ".join(f"a{i}" for i in numbers)
        text = _GUARDED.format(
            masks=", ".join(f"m{i}" for i in numbers),
            names=arguments,
            call=_WAITS.format(names=arguments) if waits else f"function(wasi, memory, {arguments})",
            negative=" or ".join(f"a{i} < 0" for i in numbers) or "False",
            unsigned="; ".join(f"a{i} &= m{i}" for i in numbers) or "pass",
        )
        names = {"NO_MEMORY": NO_MEMORY, "HostError": HostError, "ERRORS": ERRORS, "error_code": error_code,
                 "begin": begin, "later": _later}  # fmt: skip
        exec(text, names)
        _guards[key] = names["guard"]
    return _guards[key](function, *masks)


async def _later(steps: Steps[None], step: Step, caller: Caller) -> int:
    """The error code of a call that has to wait for `step` first."""
    try:
        await go_on(steps, step, caller)
    except HostError as carrier:
        raise carrier.error from None
    except ERRORS as error:
        return error_code(error)
    return 0


def error_code(error: Exception) -> int:
    """The error code that tells a guest of one of the exceptions that are its own."""
    if isinstance(error, WasiError):
        return error.code
    if isinstance(error, OSError):
        return HOST_ERRNO.get(error.errno or 0, EIO)
    if isinstance(error, IndexError):
        return EFAULT
    if isinstance(error, UnicodeError):
        return EILSEQ
    if isinstance(error, OverflowError):
        return EINVAL
    return ENOMEM if isinstance(error, MemoryError) else ENOTSUP
