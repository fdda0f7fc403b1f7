"""`wasmcy validate`: whether modules are valid."""

from __future__ import annotations

from ..binary.decoder import decode
from ..runtime import Module, read_file
from ..validation.module import validate
from ..validation.validator import Validator
from .options import FEATURES, Command, features_of
from .progress import Progress
from .status import EXIT_STATUS, EXPECTED, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..features import Features
    from .options import Values


def _validate(values: Values, positional: list[str]) -> int:
    status = 0
    features = features_of(values)
    for file in positional:
        try:
            count = _check(file, features)
        except EXPECTED as error:
            status = failed(file, error, bool(values.get("--verbose")))
        else:
            if values.get("--verbose"):
                print(f"{file}: valid, {count} functions")
    return status


def _check(file: str, features: Features) -> int:
    """Validate a file; returns the number of its functions."""
    source = read_file(file)
    if isinstance(source, str):
        return Module(source, features=features)._syntax.n_funcs
    module = decode(source, features)
    context = validate(module, bodies=False)
    function = Validator(context).function
    spans = zip(module.body_start, module.body_end, strict=True)
    with Progress(file, sum(module.body_end) - sum(module.body_start)) as progress:
        for index, (start, end) in enumerate(spans, context.n_imported_funcs):
            function(index, start, end)
            progress.step(end - start)
    return module.n_funcs


COMMAND = Command(
    _validate,
    "[OPTION]... FILE...",
    "Check that modules are valid; silent, with status 0, if all are.",
    [FEATURES],
    notes=EXIT_STATUS,
)
