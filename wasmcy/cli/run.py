"""`wasmcy run`: a WASI program with this process's streams, or one function of a module."""

from __future__ import annotations

import gc
import os

from ..engine.machine import Func
from ..errors import Exit, WasmError
from ..limits import Limits, parse_size
from ..runtime import Module
from .options import Command, Option, UsageError
from .status import EXIT_STATUS, EXPECTED, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..runtime import ExternType
    from ..types import FuncType, ValType
    from .options import Values


def _run(values: Values, positional: list[str]) -> int:
    file, *arguments = positional
    try:
        limits = _limits(values)
        module = _load(file)
        return _run_module(module, file, arguments, values, limits)
    except Exit as error:
        return error.code
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        return failed(file, error, bool(values.get("--verbose")))


def _load(file: str) -> Module:
    gc.disable()  # a module is many objects that stay
    try:
        return Module.from_file(file, lazy=True)
    finally:
        gc.freeze()
        gc.enable()


def _run_module(module: Module, file: str, arguments: list[str], values: Values, limits: Limits | None) -> int:
    name = values.get("--invoke")
    call, given = _entry(module, name, arguments)
    wasi = None
    if any(item.module.startswith("wasi_") for item in module._syntax.imports):
        wasi = _wasi(values, [values.get("--argv0", os.path.basename(file)), *arguments])
    try:
        instance = module.instantiate(wasi=wasi, limits=limits)
        exports = instance.exports
        if name is not None and name != "_initialize" and isinstance(exports.get("_initialize"), Func):
            exports["_initialize"]()
        if call is None:
            return 0
        results = exports[call](*given)
    finally:
        if wasi is not None:
            wasi.close()
    if name is not None:
        _print_results(module, name, results)
    return 0


def _limits(values: Values) -> Limits | None:
    if not values.keys() & {"--timeout", "--max-memory", "--max-stack"}:
        return None
    given: Values = {}
    for option, name, read in _LIMITS:
        if option in values:
            try:
                given[name] = read(values[option])
                Limits(**{name: given[name]})
            except (ValueError, OverflowError) as error:
                raise UsageError(f"{option}: {error}") from None
    return Limits(**given)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"no number of seconds: {text!r}") from None


_LIMITS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("--timeout", "timeout", _seconds),
    ("--max-memory", "memory", parse_size),
    ("--max-stack", "depth", parse_size),
)


def _wasi(values: Values, arguments: list[str]) -> Any:
    """What the guest is granted of the system."""
    from ..wasi import INHERIT, Wasi

    env = {}
    for text in values.get("--env", ()):
        name, equals, value = text.partition("=")
        if not name:
            raise UsageError(f"--env: no name in {text!r}")
        if equals or name in os.environ:
            env[name] = value if equals else os.environ[name]
    dirs = {}
    for text in values.get("--dir", ()):
        host, colons, guest = text.partition("::")
        dirs[guest if colons else host] = host
    return Wasi(
        args=arguments,
        env=env,
        dirs=dirs,
        stdin=INHERIT,
        stdout=INHERIT,
        stderr=INHERIT,
        clock=INHERIT,
        random=INHERIT,
    )


def _entry(module: Module, name: str | None, arguments: list[str]) -> tuple[str | None, list[Any]]:
    """The export to call, and its arguments.

    Raises:
        WasmError: there is no such function.
        UsageError: arguments that the function does not take.
    """
    functions: dict[str, FuncType] = {item.name: item.type for item in module.exports if item.kind == "func"}  # type: ignore[misc]
    if name is None:
        if "_start" in functions:
            return "_start", []
        if module._syntax.start is not None:
            return None, []
        known = ", ".join(functions)
        raise WasmError(f"no _start is exported; --invoke may name {known or 'nothing, for it exports no function'}")
    if name not in functions:
        raise WasmError(f"no function {name!r} is exported{', only ' + ', '.join(functions) if functions else ''}")
    params = functions[name].params
    if len(arguments) != len(params):
        raise UsageError(f"{name} takes {len(params)} arguments {functions[name]}, {len(arguments)} are given")
    return name, [_value(text, valtype) for text, valtype in zip(arguments, params, strict=True)]


def _value(text: str, valtype: ValType) -> int | float | None:
    """An argument from its text: 42, -0x2a, 1.5, inf, 0x1.8p3, null."""
    from ..types import F32, F64, I32, I64

    try:
        if valtype in (I32, I64):
            number = int(text, 0) if "x" in text.lower() else int(text)
            bits = 32 if valtype == I32 else 64
            if not -(1 << bits - 1) <= number < 1 << bits:
                raise UsageError(f"{text} does not fit {valtype}")
            return number
        if valtype in (F32, F64):
            return float.fromhex(text) if "x" in text.lower() else float(text)
    except (ValueError, OverflowError):
        raise UsageError(f"not an {valtype}: {text!r}") from None
    if valtype.is_nullable and text == "null":
        return None
    only = " but null" if valtype.is_nullable else ""
    raise UsageError(f"no value of type {valtype} can be written here{only}: {text!r}")


def _print_results(module: Module, name: str, results: Any) -> None:
    """The results of a function, one in a line."""
    from struct import pack, unpack

    from ..text.spelling import f32_text
    from ..types import F32

    func_type: ExternType = next(item.type for item in module.exports if item.name == name)
    types: tuple[ValType, ...] = func_type.results  # type: ignore[union-attr]
    for valtype, value in zip(types, results if len(types) > 1 else (results,), strict=False):
        if valtype == F32:
            print(f32_text(unpack("<I", pack("<f", value))[0]))
        else:
            print("null" if value is None else value)


COMMAND = Command(
    _run,
    "[OPTION]... FILE [ARGS]...",
    "Run a WebAssembly program (WASI): its _start, with ARGS and the terminal's input and output.",
    [
        Option("--dir", "HOST[::GUEST]", "a directory the program may use, under the name GUEST", many=True),
        Option("--env", "NAME[=VALUE]", "a variable of its environment; without VALUE, ours", many=True),
        Option("--argv0", "NAME", "its own name, instead of FILE's last part"),
        Option("--invoke", "NAME", "call this export instead; ARGS are its arguments: 42, -0x2a, 1.5,\n"
               f"{'':24}inf, null; its results are printed, one in a line"),
        Option("--timeout", "SECONDS", "stop it after that time"),
        Option("--max-memory", "SIZE", "let it have at most that much memory: 64MiB, 1GB, 65536"),
        Option("--max-stack", "SIZE", "let its calls use at most that much: 8MiB if not given"),
    ],
    last=True,
    notes="\nThe program sees nothing of the system but what is named here, the time, randomness, and\n"
    "standard input, output and error.\n" + EXIT_STATUS,
)  # fmt: skip
