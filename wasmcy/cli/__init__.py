"""The command line. A command is a module of this package with its name, which declares it as COMMAND.

Starting a program must not wait: only the module of the command that is given is imported, and what is
slow to import is imported by the function that needs it.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module

from .. import __version__
from .options import UsageError, help_lines, parse
from .status import CLOSED, FAILED, INTERRUPTED, USAGE, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .options import Command

COMMANDS = ("run", "validate", "inspect", "wasm2wat", "wat2wasm", "completion")


def load(name: str) -> Command:
    """The declaration of a command."""
    command: Command = import_module(f"{__name__}.{name}").COMMAND
    return command


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
        complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except OSError as error:
        complain(f"standard output: {error.strerror or error}")
        return FAILED


def _flush() -> None:
    for stream in sys.stdout, sys.stderr:
        if stream is not None:  # as it is where the process has been given none
            stream.flush()


def _command(words: list[str]) -> int:
    name = words.pop(0) if words else ""
    if name in COMMANDS:
        command = load(name)
        values, positional = parse(f"wasmcy {name}", command, words)
        if values.get("--help"):
            print("\n".join(help_lines(name, command)))
            return 0
        if not positional:
            needed = next(word.rstrip(".") for word in command.arguments.split() if word[0] != "[")
            raise UsageError(f"wasmcy {name} needs a {needed} (see wasmcy {name} --help)")
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


def _help_of_all() -> Iterator[str]:
    yield "usage: wasmcy COMMAND ...\n"
    for name in COMMANDS:
        command = load(name)
        yield f"  wasmcy {name} {command.arguments}\n      {command.summary}"
    yield "\nwasmcy COMMAND --help tells more; wasmcy --version the version."
