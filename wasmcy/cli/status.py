"""How a command ends: exit statuses, and errors in one line."""

from __future__ import annotations

import os
import sys

from ..errors import ExecutionError, ModuleError, Timeout, Trap, WasmError

FAILED, USAGE, TIMEOUT, INTERRUPTED, TRAPPED, CLOSED = 1, 2, 124, 130, 134, 141


def _explained(first: str, meanings: dict[int, str]) -> str:
    """The end of a command's help: what its exit statuses mean."""
    shared = {USAGE: "the command line is wrong", INTERRUPTED: "Ctrl-C", CLOSED: "whoever read the output has gone"}
    lines = [f"  {status:<5}{meaning}" for status, meaning in sorted((shared | meanings).items())]
    return "\n".join(["\nexit status:", first, *lines, ""])


EXIT_STATUS = _explained(
    "  0    all went well",
    {FAILED: "a file cannot be read or written, is malformed or invalid, or lacks what was asked for"},
)

PROGRAM_STATUS = _explained(
    "  that of the program; 0 if it ends without one",
    {
        FAILED: "the module cannot be read, is malformed, invalid, or cannot be linked",
        TIMEOUT: "--timeout has passed",
        TRAPPED: "a trap, an uncaught exception of the program, or a limit",
    },
)

EXPECTED = (WasmError, OSError, MemoryError)  # what `failed` can tell


def complain(text: str, verbose: bool = False) -> None:
    """One line on standard error; `verbose` keeps the line ends of a text that has several."""
    kept = "\n" if verbose else ""
    clean = "".join([c if c.isprintable() or c in kept else " " if c == "\n" else repr(c)[1:-1] for c in text])
    print(f"wasmcy: {clean}", file=sys.stderr)


def failed(where: str, error: Exception, verbose: bool) -> int:
    """Say what went wrong; returns the exit status."""
    if isinstance(error, ExecutionError):
        text = str(error)
        if not verbose:
            text = f"{error.message} ({error.frames[0]})" if error.frames else error.message
        complain(f"{where}: {'trap: ' if isinstance(error, Trap) else ''}{text}", verbose)
        return TIMEOUT if isinstance(error, Timeout) else TRAPPED
    if isinstance(error, OSError):
        name = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        complain((name or f"{where}: ") + (error.strerror or str(error)))
    elif isinstance(error, MemoryError):
        complain(f"{where}: out of memory")
    else:
        kind = f"{type(error).__name__}: " if verbose and isinstance(error, ModuleError) else ""
        if isinstance(error, ModuleError) and error.line is not None:
            complain(f"{where}:{error.line}:{error.column}: {kind}{error.message}\n{error.excerpt}", True)
        else:
            complain(f"{where}: {kind}{error}")
    return FAILED
