"""Writing numbers, names and types into a growing span of bytes. Spec: 5.2 "Values", 5.3 "Types".

Compiled with the C types of writer.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..types import CONCRETE, EXACT, HEAP_MASK, INDEX_MASK, REF
from ..types import NULL as NULLABLE
from .types import EXACT_HEAP, REF_NONNULL, REF_NULL

MAX_LEB = 10  # bytes of the longest number


class Writer:
    """Bytes that grow at their end; `size` says how many there are.

    Numbers are written in as few bytes as they need. What is out of range is the caller's mistake:
    the parser and the encoder write only what they have checked.
    """

    def __init__(self) -> None:
        self.store = bytearray(256)
        self.buffer = self.store
        self.capacity = 256
        self.size = 0

    def reserve(self, n: int) -> int:
        """Make room for `n` bytes more."""
        if n > self.capacity - self.size:
            self.grow(n)
        return 0

    def grow(self, n: int) -> int:
        capacity = max(2 * self.capacity, self.size + n)
        fresh = bytearray(capacity)
        fresh[: self.size] = self.store[: self.size]
        self.store = fresh
        self.buffer = fresh
        self.capacity = capacity
        return 0

    def take(self, start: int) -> bytes:
        """Cut off the bytes from `start` on."""
        cut = bytes(self.store[start : self.size])
        self.size = start
        return cut

    def getvalue(self) -> bytes:
        return bytes(self.store[: self.size])

    def byte(self, value: int) -> int:
        self.reserve(1)
        self.buffer[self.size] = value
        self.size += 1
        return 0

    def raw(self, data: bytes) -> int:
        n = len(data)
        self.reserve(n)
        at = self.size
        source = data
        for i in range(n):
            self.buffer[at + i] = source[i]
        self.size = at + n
        return 0

    def little(self, value: int, n: int) -> int:
        """The `n` lowest bytes of a number, lowest first."""
        self.reserve(n)
        for i in range(n):
            self.buffer[self.size + i] = (value >> (8 * i)) & 0xFF
        self.size += n
        return 0

    def unsigned(self, value: int) -> int:
        """An unsigned number below 2**64."""
        self.reserve(MAX_LEB)
        at = self.size
        while value >= 0x80:
            self.buffer[at] = value & 0x7F | 0x80
            value >>= 7
            at += 1
        self.buffer[at] = value
        self.size = at + 1
        return 0

    def signed(self, value: int) -> int:
        """A signed number of 64 bits."""
        self.reserve(MAX_LEB)
        at = self.size
        while value < -0x40 or value > 0x3F:
            self.buffer[at] = value & 0x7F | 0x80
            value >>= 7
            at += 1
        self.buffer[at] = value & 0x7F
        self.size = at + 1
        return 0

    def span(self, data: bytes) -> int:
        """A vector of bytes: their number, then they."""
        self.unsigned(len(data))
        return self.raw(data)

    def name(self, text: str) -> int:
        return self.span(text.encode())

    def val_type(self, t: int) -> int:
        """A value type or packed type, as types.py represents it."""
        if not t & REF:
            return self.byte(t)
        heap = t & HEAP_MASK
        if t & NULLABLE and not t & CONCRETE:
            return self.byte(heap)
        self.byte(REF_NULL if t & NULLABLE else REF_NONNULL)
        return self.heap_type(heap)

    def heap_type(self, heap: int) -> int:
        """A heap type, as types.py represents it."""
        if not heap & CONCRETE:
            return self.byte(heap)
        if heap & EXACT:
            self.byte(EXACT_HEAP)  # the index is a u32: an s33 of the same value is one, too
        return self.signed(heap & INDEX_MASK)
