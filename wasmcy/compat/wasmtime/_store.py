"""Store: where a guest's objects live; with data, limits, WASI, fuel and a deadline."""

from __future__ import annotations

import wasmcy

from ._engine import Engine
from ._error import WasmtimeError
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ._func import Caller
    from ._wasi import WasiConfig

    Storelike: TypeAlias = Caller | "Store" | "StoreContext"


_MOST_FUEL = 1 << 62


class Store(Managed):
    """Where instances and what they share live."""

    def __init__(self, engine: Engine | None = None, data: Any = None) -> None:
        if engine is None:
            engine = Engine()
        elif not isinstance(engine, Engine):
            raise TypeError("expected an Engine")
        engine._open()
        self.engine = engine
        self._data = data
        self._fuel_beyond = 0  # what there is above the most that wasmcy counts
        self._wasi: wasmcy.Wasi | None = None
        self._wasi_imports: dict[str, dict[str, Callable[..., Any]]] = {}
        limits = wasmcy.Limits(depth=self._depth, fuel=0 if self._metered else None)
        self._store = wasmcy.Store(limits, bool(engine._settings.get("cranelift_nan_canonicalization")))
        if engine._settings.get("epoch_interruption"):
            self._store.set_deadline(engine._epoch, 0)

    @property
    def _depth(self) -> int | None:
        depth = self.engine._settings.get("max_wasm_stack")
        return depth if isinstance(depth, int) else None

    @property
    def _metered(self) -> bool:
        return bool(self.engine._settings.get("consume_fuel"))

    def _release(self) -> None:
        if self._wasi is not None:
            self._wasi.close()
        self._data = self._wasi = None
        self._wasi_imports = {}
        self._store = wasmcy.Store()

    def _context(self) -> wasmcy.Store:
        if self._closed:
            raise ValueError("already closed")
        return self._store

    def _owner(self) -> Store:
        self._open()
        return self

    def data(self) -> Any:
        """What the store was made with."""
        self._open()
        return self._data

    def gc(self) -> None:
        """Let go of what guests no longer refer to."""
        self._context().gc()

    def set_fuel(self, fuel: int) -> None:
        """Give the store that much fuel, from 0 to 2**64 - 1: a unit is an instruction of a guest."""
        store = self._metered_context()
        if not isinstance(fuel, int):
            raise TypeError("expected an int")
        fuel &= (1 << 64) - 1  # as ctypes passes it on
        store.fuel = min(fuel, _MOST_FUEL)
        self._fuel_beyond = max(fuel - _MOST_FUEL, 0)

    def get_fuel(self) -> int:
        """The fuel that is left."""
        return (self._metered_context().fuel or 0) + self._fuel_beyond

    def _metered_context(self) -> wasmcy.Store:
        store = self._context()
        if not self._metered:
            raise WasmtimeError("fuel is not configured in this store")
        return store

    def set_wasi(self, wasi: WasiConfig) -> None:
        """Grant what `wasi` says, which is used up."""
        self._context()
        granted = wasi._consume()
        if self._wasi is not None:
            self._wasi.close()
        self._wasi, self._wasi_imports = granted, granted.imports()

    def set_wasi_http(self) -> None:
        """WASI HTTP belongs to components, which there are none of."""
        raise NotImplementedError("components")

    def set_epoch_deadline(self, ticks_after_current: int) -> None:
        """Stop guests once the engine's epoch has moved on by so many ticks."""
        store = self._context()
        if self.engine._settings.get("epoch_interruption"):
            store.set_deadline(self.engine._epoch, self.engine._epoch.now + ticks_after_current)

    def set_limits(
        self,
        memory_size: int = -1,
        table_elements: int = -1,
        instances: int = -1,
        tables: int = -1,
        memories: int = -1,
    ) -> None:
        """Limit the bytes of each memory, the elements of each table, and how many objects there are.

        Negative: no such limit. Earlier limits hold no longer.
        """
        given = {
            "each_memory": memory_size,
            "each_table": table_elements,
            "instances": instances,
            "tables": tables,
            "memories": memories,
        }
        self._context().limits = wasmcy.Limits(
            depth=self._depth,
            fuel=self._store.fuel,
            **{name: value for name, value in given.items() if value >= 0},
        )


class StoreContext:
    """A store as seen from a running guest; invalid afterwards."""

    def __init__(self, store: Store) -> None:
        self._of: Store | None = store

    def _owner(self) -> Store:
        if self._of is None:
            raise ValueError("caller is no longer valid")
        return self._of

    def _context(self) -> wasmcy.Store:
        return self._owner()._context()

    def _invalidate(self) -> None:
        self._of = None
