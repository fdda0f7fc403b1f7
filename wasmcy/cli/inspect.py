"""`wasmcy inspect`: what is in a module."""

from __future__ import annotations

import sys

from ..runtime import Module, read_file
from .options import Command, Option, UsageError
from .status import EXIT_STATUS, EXPECTED, FAILED, complain, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Values

ROWS = 100  # of a block that is shown without --verbose


def _inspect(values: Values, positional: list[str]) -> int:
    if len(positional) > 1:
        raise UsageError("wasmcy inspect takes one FILE")
    file = positional[0]
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may hold what the terminal cannot show
    try:
        if "--code" in values:
            from ..tools.listing import find_function, listing

            module = Module.from_file(file, lazy=True)
            for name in values["--code"]:
                for line in listing(module, find_function(module._syntax, name)):
                    print(line)
        else:
            from .. import wat2wasm
            from ..tools.overview import overview

            source = read_file(file)
            data = wat2wasm(source) if isinstance(source, str) else source
            for line in overview(data, sys.maxsize if values.get("--verbose") else ROWS):
                print(line)
    except BrokenPipeError:
        raise
    except LookupError as error:
        complain(f"{file}: {error}")
        return FAILED
    except EXPECTED as error:
        return failed(file, error, bool(values.get("--verbose")))
    return 0


COMMAND = Command(
    _inspect,
    "[OPTION]... FILE",
    "Show what is in a module: sections, types, imports, exports and the rest.",
    [
        Option("--code", "FUNC", "show instead the instructions of a function (its index or name) and the\n"
               f"{'':24}words they are translated to: offset, instruction, word, handler, fields", many=True),
    ],
    notes=EXIT_STATUS,
)  # fmt: skip
