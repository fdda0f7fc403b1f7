"""SharedMemory: a memory that instances of several stores and threads share."""

from __future__ import annotations

import wasmcy

from ._engine import Engine
from ._error import WasmtimeError
from ._managed import Managed
from ._memory import grow, make, pointer_to
from ._types import MemoryType, extern_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._memory import BytePointer


class SharedMemory(Managed):
    """A shared memory: it belongs to no store."""

    _memory: wasmcy.Memory

    def __init__(self, engine: Engine, ty: MemoryType) -> None:
        allowed = engine._settings.get("shared_memory")
        type_ = ty._type
        if not type_.shared:
            raise WasmtimeError("shared memory must have the `shared` flag enabled on its memory type")
        if not allowed:
            raise WasmtimeError("shared memory support is disabled for this engine")
        self._memory = make(type_, None)

    @classmethod
    def _of(cls, memory: wasmcy.Memory) -> SharedMemory:
        made = cls.__new__(cls)
        made._memory = memory
        return made

    def type(self) -> MemoryType:
        self._open()
        return extern_type(self._memory.type)  # type: ignore[return-value]

    def grow(self, delta: int) -> int:
        """Grow by `delta` pages; returns the size before."""
        self._open()
        return grow(self._memory, delta)

    def size(self) -> int:
        """The size in pages."""
        self._open()
        return self._memory.size

    def data_ptr(self) -> BytePointer:
        """A pointer to the bytes themselves."""
        self._open()
        return pointer_to(self._memory)

    def data_len(self) -> int:
        """The size in bytes."""
        self._open()
        return len(self._memory)
