"""`wasmcy inspect`: what is in a module."""

from __future__ import annotations

import sys

from ..errors import ModuleError
from ..runtime import Module, read_file
from .options import Command, Option, UsageError
from .progress import Progress
from .status import EXIT_STATUS, EXPECTED, FAILED, complain, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .options import Values

ROWS = 100  # of a block that is shown without --verbose
SMALL = 8 << 20  # bytes of a module in which features are looked for without --verbose


def _inspect(values: Values, positional: list[str]) -> int:
    if len(positional) > 1:
        raise UsageError("wasmcy inspect takes one FILE")
    file = positional[0]
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may hold what the terminal cannot show
    verbose = bool(values.get("--verbose"))
    try:
        for line in _lines(file, values, verbose):
            print(line)
    except BrokenPipeError:
        raise
    except LookupError as error:
        complain(f"{file}: {error}")
        return FAILED
    except EXPECTED as error:
        return failed(file, error, verbose)
    return 0


def _lines(file: str, values: Values, verbose: bool) -> Iterator[str]:
    if "--code" in values:
        from ..tools.listing import find_function, listing

        module = Module.from_file(file, lazy=True)
        for name in values["--code"]:
            yield from listing(module, find_function(module._syntax, name))
        return
    data = read_file(file)
    if isinstance(data, str):
        from .. import wat2wasm

        data = wat2wasm(data)
    if "--memory" in values:
        from ..tools.memory_map import memory_map

        yield from memory_map(data)
        return
    from ..tools.overview import overview

    yield from overview(data, sys.maxsize if verbose else ROWS)
    if verbose or len(data) <= SMALL:
        yield from _features(file, data)
    else:
        yield "\nFeatures used: looked for with --verbose"


def _features(file: str, data: bytes) -> Iterator[str]:
    from ..features import Features
    from ..tools.features_used import features_used

    with Progress(file, len(Features.NAMES)) as progress:
        try:
            used = features_used(data, progress.step)
        except ModuleError as error:
            used = [f"not known, for the module is not valid: {error}"]
    yield "\nFeatures used"
    yield from (f"  {name}" for name in used or ["none: WebAssembly 1.0"])


COMMAND = Command(
    _inspect,
    "[OPTION]... FILE",
    "Show what is in a module: sections, types, imports, exports and the rest.",
    [
        Option("--code", "FUNC", "show instead the instructions of a function (its index or name) and the\n"
               f"{'':24}words they are translated to: offset, instruction, word, handler, fields", many=True),
        Option("--memory", "", "show instead how wasm-ld laid out linear memory: data, BSS, stack, heap"),
    ],
    notes=EXIT_STATUS,
)  # fmt: skip
