"""Global: a variable that guests and Python share."""

from __future__ import annotations

import wasmcy

from ._error import WasmtimeError
from ._types import GlobalType, extern_type
from ._value import lift, lowering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._store import Storelike


class Global:
    """A global variable."""

    _global: wasmcy.Global

    def __init__(self, store: Storelike, ty: GlobalType, val: Any) -> None:
        if not isinstance(ty, GlobalType):
            raise TypeError("expected a GlobalType")
        context = store._context()
        self._global = wasmcy.Global(value=lowering(ty._type.type)(val), type=ty._type, store=context)

    @classmethod
    def _of(cls, variable: wasmcy.Global) -> Global:
        made = cls.__new__(cls)
        made._global = variable
        return made

    def type(self, store: Storelike) -> GlobalType:
        store._context()
        return extern_type(self._global.type)  # type: ignore[return-value]

    def value(self, store: Storelike) -> Any:
        """The value, as a Python object."""
        store._context()
        return lift(self._global.value)

    def set_value(self, store: Storelike, val: Any) -> None:
        store._context()
        lowered = lowering(self._global.type.type)(val)
        if not self._global.mutable:
            raise WasmtimeError("immutable global cannot be set")
        self._global.value = lowered
