"""`wasmcy wasm2wat`: modules as text."""

from __future__ import annotations

import os
import sys

from .options import Command, Option, UsageError
from .status import EXIT_STATUS, EXPECTED, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .options import Values


def _wasm2wat(values: Values, positional: list[str]) -> int:
    from ..text.printer import pieces

    if len(positional) > 1:
        raise UsageError("wasmcy wasm2wat takes one FILE")
    file, output = positional[0], values.get("--output")
    try:
        with open(0 if file == "-" else file, "rb", closefd=file != "-") as stream:
            data = stream.read()
        text = pieces(data, folded="--fold" in values, names="--no-names" not in values)
        if output is None:
            if hasattr(sys.stdout, "reconfigure"):
                sys.stdout.reconfigure(encoding="utf-8")
            sys.stdout.writelines(text)
        else:
            _write(output, text)
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        return failed(file, error, bool(values.get("--verbose")))
    return 0


def _write(path: str, text: Iterator[str]) -> None:
    """Write a file, which is there whole or not at all."""
    unfinished = f"{path}.{os.getpid()}.tmp"
    try:
        with open(unfinished, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(text)
        os.replace(unfinished, path)
    except BaseException as error:
        if os.path.exists(unfinished):
            os.unlink(unfinished)
        if isinstance(error, OSError):
            error.filename = path  # the name that was asked for
        raise


COMMAND = Command(
    _wasm2wat,
    "[OPTION]... FILE",
    "Write a module (a file, or - for standard input) in the text format.",
    [
        Option("--fold", "", "with operands inside of what takes them, in parentheses"),
        Option("--no-names", "", "with indices instead of the names in the name section"),
        Option("--output", "OUT", "into this file (-o), not to standard output"),
    ],
    notes=EXIT_STATUS,
)
