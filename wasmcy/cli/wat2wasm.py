"""`wasmcy wat2wasm`: from the text format to the binary format."""

from __future__ import annotations

import sys
from pathlib import Path

from ..binary.decoder import MAGIC
from ..errors import MalformedError
from ..text import wat2wasm
from .options import FEATURES, Command, Option, UsageError, features_of
from .status import EXIT_STATUS, EXPECTED, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Values


def _wat2wasm(values: Values, positional: list[str]) -> int:
    if len(positional) > 1:
        raise UsageError("wasmcy wat2wasm takes one FILE")
    file = positional[0]
    features = features_of(values)
    target = values.get("--output", "-" if file == "-" else Path(file).with_suffix(".wasm"))
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        if text.startswith(MAGIC):
            raise MalformedError("the module is in the binary format already", 0)
        if target == Path(file):
            raise UsageError(f"wasmcy wat2wasm would write {file} over itself: say where to with --output")
        data = wat2wasm(text, features)
        if target == "-":
            sys.stdout.buffer.write(data)
        else:
            Path(target).write_bytes(data)
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        return failed(file, error, bool(values.get("--verbose")))
    return 0


COMMAND = Command(
    _wat2wasm,
    "[OPTION]... FILE",
    "Write a text (a file, or - for standard input) in the binary format; it need not be valid.",
    [Option("--output", "OUT", "into this file (-o), - for standard output; else FILE.wasm"), FEATURES],
    notes=EXIT_STATUS,
)
