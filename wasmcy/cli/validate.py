"""`wasmcy validate`: whether modules are valid."""

from __future__ import annotations

from ..runtime import Module
from .options import Command
from .status import EXIT_STATUS, EXPECTED, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Values


def _validate(values: Values, positional: list[str]) -> int:
    status = 0
    for file in positional:
        try:
            module = Module.from_file(file)
        except EXPECTED as error:
            status = failed(file, error, bool(values.get("--verbose")))
        else:
            if values.get("--verbose"):
                print(f"{file}: valid, {module._syntax.n_funcs} functions")
    return status


COMMAND = Command(
    _validate, "FILE...", "Check that modules are valid; silent, with status 0, if all are.", notes=EXIT_STATUS
)
