"""Which proposals a module needs: those without which it would be refused."""

from __future__ import annotations

from ..binary.decoder import decode
from ..errors import ModuleError
from ..features import Features
from ..validation.module import validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def features_used(data: bytes, tried: Callable[[], object] = lambda: None) -> list[str]:
    """The names of the features that a valid module uses; `tried` is called after each that was looked for.

    Raises:
        MalformedError, InvalidError: the module is not valid with all of them.
    """
    everything = Features.all()
    validate(decode(data, everything))
    used = []
    for name in Features.NAMES:
        try:
            validate(decode(data, everything.with_(**{name: False})))
        except ModuleError:
            used.append(name)
        tried()
    return used
