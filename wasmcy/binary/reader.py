"""Reading numbers and names from a span of bytes. Spec: 5.2 "Values".

Compiled with the C types of reader.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from array import array

from ..errors import MalformedError
from ..opcodes import N_IDS, PREFIX_BASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MASK64 = 0xFFFFFFFFFFFFFFFF
INT64_MAX = 0x7FFFFFFFFFFFFFFF

# For each first byte of an opcode its id, or minus the id of the prefix's first instruction.
_first_byte = array("h", range(256))
_width = array("h", bytes(512))
for _prefix, _base in PREFIX_BASE.items():
    _first_byte[_prefix] = -_base
    _above = [base for base in PREFIX_BASE.values() if base > _base]
    _width[_prefix] = min(_above, default=N_IDS) - _base


class Reader:
    """A position `pos` in the bytes of a module, and the offset `end` it must not pass.

    Every method reads at `pos` and moves it.

    Raises:
        MalformedError: with the offset where the value begins (or the byte that is wrong).
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        assert 0 <= start <= end <= len(data)
        self.data = data
        self.buffer = data
        self.pos = start
        self.end = end
        self.size = len(data)

    def fail(self, message: str, offset: int) -> NoReturn:
        raise MalformedError(message, offset)

    def overrun(self) -> NoReturn:
        raise MalformedError("unexpected end of section or function", self.end)

    def byte(self) -> int:
        pos = self.pos
        if pos >= self.end:
            self.overrun()
        self.pos = pos + 1
        return self.buffer[pos]

    def skip(self, n: int) -> int:
        """Step over `n` bytes; returns where they begin."""
        pos = self.pos
        if n < 0 or n > self.end - pos:
            self.overrun()
        self.pos = pos + n
        return pos

    def u32(self) -> int:
        pos = self.pos
        if pos < self.end:
            byte = self.buffer[pos]
            if byte < 0x80:
                self.pos = pos + 1
                return byte
        return self.unsigned_leb(32)

    def u64(self) -> int:
        return self.unsigned_leb(64)

    def s32(self) -> int:
        return self.signed_leb(32)

    def s33(self) -> int:
        return self.signed_leb(33)

    def s64(self) -> int:
        return self.signed_leb(64)

    # A number that crosses `end` is refused, but first for what is wrong with itself.

    def unsigned_leb(self, bits: int) -> int:
        """An unsigned LEB128 number of at most `bits` bits, at most 64."""
        result = 0
        shift = 0
        pos = self.pos
        while True:
            if shift >= bits:
                self.fail("integer representation too long", pos)
            if pos >= self.size:
                self.overrun()
            byte = self.buffer[pos]
            if bits - shift < 7 and (byte & 0x7F) >> (bits - shift) != 0:
                self.fail("integer too large", pos)
            result |= (byte & 0x7F) << shift
            pos += 1
            if byte < 0x80:
                break
            shift += 7
        if pos > self.end:
            self.overrun()
        self.pos = pos
        return result

    def signed_leb(self, bits: int) -> int:
        """A signed LEB128 number of at most `bits` bits, at most 64."""
        result = 0
        shift = 0
        pos = self.pos
        while True:
            if shift >= bits:
                self.fail("integer representation too long", pos)
            if pos >= self.size:
                self.overrun()
            byte = self.buffer[pos]
            if bits - shift < 7:
                # The bits beyond the sign bit must repeat it.
                beyond = 0x7F & (0x7F << (bits - shift - 1))
                if byte & beyond != 0 and byte & beyond != beyond:
                    self.fail("integer too large", pos)
            result = (result | (byte & 0x7F) << shift) & MASK64
            pos += 1
            shift += 7
            if byte < 0x80:
                break
        if pos > self.end:
            self.overrun()
        self.pos = pos
        if byte & 0x40 and shift < 64:
            result |= (MASK64 << shift) & MASK64
        if result > INT64_MAX:
            value = MASK64 - result
            return -value - 1
        value = result
        return value

    def count(self) -> int:
        """The length of a vector, whose elements take at least a byte each."""
        n = self.u32()
        if n > self.end - self.pos:
            self.overrun()
        return n

    def span(self) -> int:
        """A length in bytes and that many bytes, stepped over; returns where they begin."""
        at = self.pos
        end = self.end
        self.end = self.size  # a length beyond the end is refused, too, but first for what it says
        try:
            n = self.u32()
        finally:
            self.end = end
        if n > (end if self.pos <= end else self.size) - self.pos:
            self.fail("length out of bounds", at)
        if self.pos > end:
            self.overrun()
        pos = self.pos
        self.pos = pos + n
        return pos

    def name(self) -> str:
        start = self.span()
        try:
            return self.data[start : self.pos].decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedError("malformed UTF-8 encoding", start + error.start) from None

    def opcode(self) -> int:
        """An instruction's id (see opcodes.py); -1 for an opcode that no table row can have."""
        byte = self.byte()
        op_id = _first_byte[byte]
        if op_id >= 0:
            return op_id
        sub = self.unsigned_leb(32)
        if sub >= _width[byte]:
            return -1
        return sub - op_id
