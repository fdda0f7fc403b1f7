"""Scatter and gather: the lists of buffers that read and write calls are given."""

from __future__ import annotations

from wasmcy.wasi.abi import EINVAL, PAIR, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmcy.wasi.abi import Memory

    Vectors = list[tuple[int, int]]

_pair = PAIR.unpack
MAX_VECTORS = 1024  # as IOV_MAX of the hosts
MAX_TRANSFER = 0x7FFF_0000  # bytes moved by one call; macOS refuses 2 GiB and more
MAX_COPY = 1 << 24  # bytes moved by one call that has to copy them


def vectors(memory: Memory, at: int, count: int) -> Vectors:
    """Read a guest's `iovec_array` or `ciovec_array`: (address, length) pairs.

    Raises:
        WasiError: EINVAL, more than 1,024 of them.
        IndexError: the array is not inside the memory.
    """
    if count > MAX_VECTORS:
        raise WasiError(EINVAL)
    if count == 1:
        return [_pair(memory.read(at, 8))]
    return list(PAIR.iter_unpack(memory.read(at, 8 * count)))


def with_views(memory: Memory, pairs: Vectors, transfer: Callable[[list[memoryview]], int]) -> int:
    """Give `transfer` the guest's own bytes, without a copy; nothing of them is kept.

    Empty buffers are left out; what goes beyond MAX_TRANSFER is cut off, as a transfer may
    always be shorter than asked.

    Raises:
        IndexError: a buffer is not inside the memory.
    """
    parts: list[memoryview] = []
    whole = memoryview(memory)
    try:
        size = len(whole)
        room = MAX_TRANSFER
        for at, length in pairs:
            if at + length > size:
                raise IndexError("a buffer outside the memory")
            length = min(length, room)
            if length:
                parts.append(whole[at : at + length])
                room -= length
        return transfer(parts) if parts else 0
    finally:
        for part in parts:
            part.release()
        whole.release()


def size_of(memory: Memory, pairs: Vectors) -> int:
    """The length of all buffers.

    Raises:
        IndexError: a buffer is not inside the memory.
    """
    total, size = 0, len(memory)
    for at, length in pairs:
        if at + length > size:
            raise IndexError("a buffer outside the memory")
        total += length
    return total


def has_room(pairs: Vectors) -> bool:
    """Whether the buffers hold anything: a transfer of nothing waits for nothing."""
    return any(length for _, length in pairs)


def cut(pairs: Vectors, most: int) -> Vectors:
    """The buffers' first `most` bytes."""
    kept = []
    for at, length in pairs:
        kept.append((at, min(length, most)))
        most -= kept[-1][1]
    return kept


def after(pairs: Vectors, done: int) -> Vectors:
    """What is left of buffers when their first `done` bytes are moved."""
    left = []
    for at, length in pairs:
        used = min(done, length)
        done -= used
        if used < length:
            left.append((at + used, length - used))
    return left


def gather(memory: Memory, pairs: Vectors) -> bytes:
    """Copy what a guest wants written, at most MAX_COPY bytes of it.

    Raises:
        IndexError: a buffer is not inside the memory.
    """
    if len(pairs) == 1:
        at, length = pairs[0]
        return memory.read(at, min(length, MAX_COPY))
    parts = []
    room = MAX_COPY
    for at, length in pairs:
        parts.append(memory.read(at, min(length, room)))
        room -= len(parts[-1])
    return b"".join(parts)


def scatter(memory: Memory, pairs: Vectors, data: bytes) -> None:
    """Spread `data`, no longer than the buffers together, over a guest's buffers.

    Raises:
        IndexError: a buffer is not inside the memory.
    """
    start = 0
    for at, length in pairs:
        if start >= len(data):
            break
        memory.write(at, data[start : start + length])
        start += length
