"""The command line: `wasmcy run`, `wasmcy validate`, `wasmcy inspect`.

Starting a program must not wait: arguments are parsed here, from the table COMMANDS, for argparse takes
as long to import as the engine; and what a command alone needs is imported when it runs.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

from . import __version__
from .engine.machine import Func
from .errors import ExecutionError, Exit, ModuleError, Timeout, Trap, WasmError
from .limits import Limits, parse_size
from .runtime import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from .runtime import ExternType
    from .types import FuncType, ValType

    Values = dict[str, Any]

FAILED, USAGE, TIMEOUT, INTERRUPTED, TRAPPED, CLOSED = 1, 2, 124, 130, 134, 141

ROWS = 100  # of a block that `inspect` shows without --verbose

EXIT_STATUS = f"""
exit status:
  that of the program; 0 if it ends without one
  {FAILED:<5}the module cannot be read, is malformed, invalid, or cannot be linked
  {USAGE:<5}the command line is wrong
  {TIMEOUT:<5}--timeout has passed
  {INTERRUPTED:<5}Ctrl-C
  {TRAPPED:<5}a trap, an uncaught exception of the program, or a limit
"""


class UsageError(Exception):
    """The command line is wrong."""


class Option:
    """An option: its name, the name of its value (empty: it takes none), whether it may be repeated."""

    __slots__ = ("help", "many", "name", "value")

    def __init__(self, name: str, value: str, help: str, many: bool = False) -> None:
        self.name = name
        self.value = value
        self.help = help
        self.many = many


class Command:
    """A command: what runs it, its arguments and options.

    `last` says that everything after the first argument is left for the guest.
    """

    __slots__ = ("arguments", "last", "notes", "options", "run", "summary")

    def __init__(
        self,
        run: Callable[[Values, list[str]], int],
        arguments: str,
        summary: str,
        options: Sequence[Option],
        last: bool = False,
        notes: str = "",
    ) -> None:
        self.run = run
        self.arguments = arguments
        self.summary = summary
        self.options = {option.name: option for option in (*options, VERBOSE, HELP)}
        self.last = last
        self.notes = notes


VERBOSE = Option("--verbose", "", "say more; errors with a backtrace (-v)")
HELP = Option("--help", "", "show this (-h)")
SHORT = {"-v": "--verbose", "-h": "--help"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status.

    Without `arguments` the command line is that of the process, which ends here: to take the
    interpreter down in good order would take a fifth of the time of a small program.
    """
    if arguments is not None:
        return _main(list(arguments))
    status = _main(sys.argv[1:])
    atexit._run_exitfuncs()
    try:
        _flush()
    finally:
        os._exit((status + (1 << 31)) % (1 << 32) - (1 << 31))  # a C int


def _main(words: list[str]) -> int:
    try:
        status = _command(words)
        _flush()
        return status
    except UsageError as error:
        _complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except OSError as error:
        _complain(f"standard output: {error.strerror or error}")
        return FAILED


def _flush() -> None:
    for stream in sys.stdout, sys.stderr:
        if stream is not None:  # as it is where the process has been given none
            stream.flush()


def _command(words: list[str]) -> int:
    name = words.pop(0) if words else ""
    command = COMMANDS.get(name)
    if command is not None:
        values, positional = _parse(f"wasmcy {name}", command, words)
        if values.get("--help"):
            print("\n".join(_help(name, command)))
            return 0
        if not positional:
            raise UsageError(f"wasmcy {name} needs a FILE (see wasmcy {name} --help)")
        return command.run(values, positional)
    if name in ("-h", "--help", "help"):
        print("\n".join(_help_of_all()))
        return 0
    if name in ("-V", "--version"):
        print(f"wasmcy {__version__}")
        return 0
    if not name:
        print("\n".join(_help_of_all()), file=sys.stderr)
        return USAGE
    what = "option" if name.startswith("-") else "command"
    hint = f"wasmcy run {name}" if os.path.exists(name) else "wasmcy --help"
    raise UsageError(f"there is no {what} {name!r} (see {hint})")


def _parse(prefix: str, command: Command, words: list[str]) -> tuple[Values, list[str]]:
    """The options' values by name (lists for those that may be repeated), and the arguments."""
    values: Values = {}
    positional: list[str] = []
    words = words[::-1]
    while words:
        word = words.pop()
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            positional.append(word)
            if command.last:
                break
            continue
        name, equals, value = word.partition("=")
        name = SHORT.get(name, name)
        option = command.options.get(name)
        if option is None:
            raise UsageError(f"{prefix} has no option {name} (see {prefix} --help)")
        if not option.value:
            if equals:
                raise UsageError(f"{name} takes no value")
            values[name] = True
            continue
        if not equals:
            if not words:
                raise UsageError(f"{name} needs a value: {name} {option.value}")
            value = words.pop()
        if option.many:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values, positional + words[::-1]


# Help


def _help_of_all() -> Iterator[str]:
    yield "usage: wasmcy COMMAND ...\n"
    for name, command in COMMANDS.items():
        yield f"  wasmcy {name} {command.arguments}\n      {command.summary}"
    yield "\nwasmcy COMMAND --help tells more; wasmcy --version the version."


def _help(name: str, command: Command) -> Iterator[str]:
    yield f"usage: wasmcy {name} {command.arguments}\n\n{command.summary}\n\noptions:"
    for option in command.options.values():
        head = f"  {option.name} {option.value}".rstrip()
        yield f"{head:<24}{option.help}" if len(head) < 23 else f"{head}\n{'':24}{option.help}"
    yield command.notes.rstrip()


# Errors


def _complain(text: str, verbose: bool = False) -> None:
    """One line on standard error; `verbose` keeps the line ends of a text that has several."""
    kept = "\n" if verbose else ""
    clean = "".join([c if c.isprintable() or c in kept else " " if c == "\n" else repr(c)[1:-1] for c in text])
    print(f"wasmcy: {clean}", file=sys.stderr)


def _failed(where: str, error: Exception, verbose: bool) -> int:
    """Say what went wrong; returns the exit status."""
    if isinstance(error, ExecutionError):
        text = str(error)
        if not verbose:
            text = f"{error.message} ({error.frames[0]})" if error.frames else error.message
        _complain(f"{where}: {'trap: ' if isinstance(error, Trap) else ''}{text}", verbose)
        return TIMEOUT if isinstance(error, Timeout) else TRAPPED
    if isinstance(error, OSError):
        name = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        _complain((name or f"{where}: ") + (error.strerror or str(error)))
    elif isinstance(error, MemoryError):
        _complain(f"{where}: out of memory")
    else:
        kind = f"{type(error).__name__}: " if verbose and isinstance(error, ModuleError) else ""
        _complain(f"{where}: {kind}{error}")
    return FAILED


_EXPECTED = (WasmError, OSError, MemoryError)


# run


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
    except _EXPECTED as error:
        return _failed(file, error, bool(values.get("--verbose")))


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
    from .wasi import INHERIT, Wasi

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
    from .types import F32, F64, I32, I64

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

    from .tools.disassembly import f32_text
    from .types import F32

    func_type: ExternType = next(item.type for item in module.exports if item.name == name)
    types: tuple[ValType, ...] = func_type.results  # type: ignore[union-attr]
    for valtype, value in zip(types, results if len(types) > 1 else (results,), strict=False):
        if valtype == F32:
            print(f32_text(unpack("<I", pack("<f", value))[0]))
        else:
            print("null" if value is None else value)


# validate, inspect


def _validate(values: Values, positional: list[str]) -> int:
    status = 0
    for file in positional:
        try:
            module = Module.from_file(file)
        except _EXPECTED as error:
            status = _failed(file, error, bool(values.get("--verbose")))
        else:
            if values.get("--verbose"):
                print(f"{file}: valid, {module._syntax.n_funcs} functions")
    return status


def _inspect(values: Values, positional: list[str]) -> int:
    if len(positional) > 1:
        raise UsageError("wasmcy inspect takes one FILE")
    file = positional[0]
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may hold what the terminal cannot show
    try:
        if "--code" in values:
            from .tools.listing import find_function, listing

            module = Module.from_file(file, lazy=True)
            for name in values["--code"]:
                for line in listing(module, find_function(module._syntax, name)):
                    print(line)
        else:
            from .tools.overview import overview

            with open(file, "rb") as stream:
                data = stream.read()
            for line in overview(data, sys.maxsize if values.get("--verbose") else ROWS):
                print(line)
    except BrokenPipeError:
        raise
    except LookupError as error:
        _complain(f"{file}: {error}")
        return FAILED
    except _EXPECTED as error:
        return _failed(file, error, bool(values.get("--verbose")))
    return 0


COMMANDS = {
    "run": Command(
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
    ),
    "validate": Command(
        _validate, "FILE...", "Check that modules are valid; silent, with status 0, if all are.", [], notes=EXIT_STATUS
    ),
    "inspect": Command(
        _inspect,
        "[OPTION]... FILE",
        "Show what is in a module: sections, types, imports, exports and the rest.",
        [
            Option("--code", "FUNC", "show instead the instructions of a function (its index or name) and the\n"
                   f"{'':24}words they are translated to: offset, instruction, word, handler, fields", many=True),
        ],
        notes=EXIT_STATUS,
    ),
}  # fmt: skip
