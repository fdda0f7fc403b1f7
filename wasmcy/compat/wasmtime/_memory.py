"""Memory: bytes that guests and Python share."""

from __future__ import annotations

import ctypes

import wasmcy

from ._error import WasmtimeError
from ._types import MemoryType, extern_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._store import Storelike

    BytePointer = ctypes._Pointer[ctypes.c_ubyte]

_BYTES = ctypes.POINTER(ctypes.c_ubyte)


def pointer_to(memory: wasmcy.Memory) -> BytePointer:
    """A pointer to the first byte: it keeps the memory alive, and in its place."""
    if not len(memory):
        return ctypes.cast(memory.address, _BYTES)
    return ctypes.cast((ctypes.c_ubyte * len(memory)).from_buffer(memory), _BYTES)


def grow(memory: wasmcy.Memory, delta: int) -> int:
    """Grow by `delta` pages; returns the size before."""
    if delta < 0:
        raise WasmtimeError("cannot grow by negative amount")
    try:
        return memory.grow(delta)
    except wasmcy.MemoryLimit:
        raise WasmtimeError(f"failed to grow memory by `{delta}`") from None


def make(type_: wasmcy.MemoryType, store: wasmcy.Store | None) -> wasmcy.Memory:
    """A memory of wasmcy."""
    try:
        return wasmcy.Memory(type=type_, store=store)
    except wasmcy.MemoryLimit as error:
        raise WasmtimeError(f"memory minimum size of {type_.min} pages exceeds memory limits: {error}") from None
    except (ValueError, NotImplementedError) as error:
        raise WasmtimeError(str(error)) from None


class Memory:
    """A linear memory."""

    _memory: wasmcy.Memory

    def __init__(self, store: Storelike, ty: MemoryType) -> None:
        context = store._context()
        if ty._type.shared:
            raise WasmtimeError("shared memories must be created through `SharedMemory`")
        self._memory = make(ty._type, context)

    @classmethod
    def _of(cls, memory: wasmcy.Memory) -> Memory:
        made = cls.__new__(cls)
        made._memory = memory
        return made

    def type(self, store: Storelike) -> MemoryType:
        store._context()
        return extern_type(self._memory.type)  # type: ignore[return-value]

    def grow(self, store: Storelike, delta: int) -> int:
        """Grow by `delta` pages; returns the size before."""
        store._context()
        return grow(self._memory, delta)

    def size(self, store: Storelike) -> int:
        """The size in pages."""
        store._context()
        return self._memory.size

    def data_ptr(self, store: Storelike) -> BytePointer:
        """A pointer to the guest's bytes themselves; nothing checks what is done with it.

        It stays good when the memory grows, which wasmtime does not promise.
        """
        store._context()
        return pointer_to(self._memory)

    def data_len(self, store: Storelike) -> int:
        """The size in bytes."""
        store._context()
        return len(self._memory)

    def get_buffer_ptr(
        self, store: Storelike, size: int | None = None, offset: int = 0
    ) -> ctypes.Array[ctypes.c_ubyte]:
        """The guest's bytes themselves as a ctypes array, for instance for numpy.frombuffer."""
        store._context()
        if size is None:
            size = len(self._memory) - offset if offset else len(self._memory)
        return (ctypes.c_ubyte * size).from_buffer(self._memory, offset)

    def read(self, store: Storelike, start: int | None = 0, stop: int | None = None) -> bytearray:
        """A copy of the bytes from `start` to `stop`, which are as in a slice of a list."""
        store._context()
        first, last, _ = slice(start, stop).indices(len(self._memory))
        return bytearray(self._memory[first:last]) if first < last else bytearray()

    def write(self, store: Storelike, value: bytes | bytearray, start: int | None = None) -> int:
        """Write bytes from `start` on, which is as in a slice of a list; returns how many.

        Raises:
            IndexError: they do not fit.
        """
        store._context()
        size = len(self._memory)
        first = slice(start, None).indices(size)[0]
        data = value if isinstance(value, (bytes, bytearray)) else bytearray(value)
        if first >= size or first + len(data) > size:
            raise IndexError("index out of range")
        self._memory.write(first, data)
        return len(data)

    def page_size(self, store: Storelike) -> int:
        """The bytes of a page."""
        return 1 << self.page_size_log2(store)

    def page_size_log2(self, store: Storelike) -> int:
        store._context()
        return self._memory.type.page_size_log2
