"""Table: references that guests and Python share."""

from __future__ import annotations

import wasmcy

from ._error import WasmtimeError
from ._types import TableType, extern_type
from ._value import lift, lowering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._store import Storelike


class Table:
    """A table of references."""

    _table: wasmcy.Table

    def __init__(self, store: Storelike, ty: TableType, init: Any) -> None:
        context = store._context()
        first = lowering(ty._type.element)(init)
        try:
            self._table = wasmcy.Table(init=first, type=ty._type, store=context)
        except wasmcy.MemoryLimit as error:
            raise WasmtimeError(
                f"table minimum size of {ty._type.min} elements exceeds table limits: {error}"
            ) from None
        except ValueError as error:
            raise WasmtimeError(str(error)) from None

    @classmethod
    def _of(cls, table: wasmcy.Table) -> Table:
        made = cls.__new__(cls)
        made._table = table
        return made

    def type(self, store: Storelike) -> TableType:
        store._context()
        return extern_type(self._table.type)  # type: ignore[return-value]

    def size(self, store: Storelike) -> int:
        """The number of elements."""
        store._context()
        return self._table.size

    def grow(self, store: Storelike, amt: int, init: Any) -> int:
        """Grow by `amt` elements that hold `init`; returns the size before."""
        store._context()
        value = lowering(self._table.type.element)(init)
        if not isinstance(amt, int):
            raise TypeError("expected an integer")
        try:
            return self._table.grow(amt, value)
        except (wasmcy.MemoryLimit, ValueError):
            raise WasmtimeError(f"failed to grow table by `{amt}`") from None

    def get(self, store: Storelike, idx: int) -> Any:
        """An element; None for null, and outside of the table."""
        store._context()
        return lift(self._table[idx]) if 0 <= idx < self._table.size else None

    def set(self, store: Storelike, idx: int, val: Any) -> None:
        store._context()
        value = lowering(self._table.type.element)(val)
        try:
            self._table[idx] = value
        except IndexError:
            raise WasmtimeError("wasm trap: undefined element: out of bounds table access") from None
