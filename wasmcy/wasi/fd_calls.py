"""The calls `fd_*`: on open descriptors.

Each raises EBADF for a descriptor that is not open, and what `Descriptor.refuse` says where a
right is missing. Specification: preview 1, "Modules", `wasi_snapshot_preview1`.
"""

from __future__ import annotations

from wasmcy.wasi import abi
from wasmcy.wasi.abi import EBADF, EINVAL, ENAMETOOLONG, ENOTCAPABLE, U32, U64, WasiError
from wasmcy.wasi.calls import PREVIEW0, PREVIEW1, call
from wasmcy.wasi.vectors import has_room, vectors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wasmcy.wasi.abi import Caller, Memory
    from wasmcy.wasi.descriptors import Descriptor
    from wasmcy.wasi.preview1 import Wasi
    from wasmcy.wasi.waiting import Steps

# ------------------------------------------------------------------------------ reading, writing


@call("i32 i32 i32 i32", waits=True)
def fd_read(wasi: Wasi, caller: Caller, memory: Memory, fd: int, iovs: int, count: int, out: int) -> Steps[None] | None:
    """Read into buffers, from the descriptor's position. EINVAL: more than 1,024 buffers."""
    file: Any = wasi.descriptors.find(fd, abi.FD_READ)
    pairs = vectors(memory, iovs, count)
    if (file.blocks or file.waits) and must_wait_here(file, caller) and has_room(pairs):
        return told(memory, out, file.reading(memory, pairs))
    memory.write(out, U32.pack(file.read(memory, pairs)))
    return None


@call("i32 i32 i32 i32", waits=True)
def fd_write(
    wasi: Wasi, caller: Caller, memory: Memory, fd: int, iovs: int, count: int, out: int
) -> Steps[None] | None:
    """Write from buffers, at the descriptor's position. EINVAL: more than 1,024 buffers."""
    file: Any = wasi.descriptors.find(fd, abi.FD_WRITE)
    pairs = vectors(memory, iovs, count)
    if (file.blocks or file.waits) and must_wait_here(file, caller) and has_room(pairs):
        return told(memory, out, file.writing(memory, pairs))
    memory.write(out, U32.pack(file.write(memory, pairs)))
    return None


def must_wait_here(file: Any, caller: Caller) -> bool:
    """Whether a transfer must not wait by itself: in an event loop, in a call that has a deadline, behind a thread."""
    if caller.suspendable or file.pending is not None:
        return True
    return file.blocks and not (file.waits and caller.time_left() is None)


def told(memory: Memory, out: int, transfer: Steps[int]) -> Steps[None]:
    """A transfer, and storing how many bytes it moved."""
    memory.write(out, U32.pack((yield from transfer)))


@call("i32 i32 i32 u64 i32")
def fd_pread(wasi: Wasi, memory: Memory, fd: int, iovs: int, count: int, offset: int, out: int) -> None:
    """Read at an offset; the position stays. ESPIPE: a stream."""
    file = wasi.descriptors.find(fd, abi.FD_READ | abi.FD_SEEK)
    memory.write(out, U32.pack(file.pread(memory, vectors(memory, iovs, count), offset)))


@call("i32 i32 i32 u64 i32")
def fd_pwrite(wasi: Wasi, memory: Memory, fd: int, iovs: int, count: int, offset: int, out: int) -> None:
    """Write at an offset; the position stays. ESPIPE: a stream."""
    file = wasi.descriptors.find(fd, abi.FD_WRITE | abi.FD_SEEK)
    memory.write(out, U32.pack(file.pwrite(memory, vectors(memory, iovs, count), offset)))


# -------------------------------------------------------------------------------------- position


def _seek(wasi: Wasi, memory: Memory, fd: int, offset: int, whence: int, out: int) -> None:
    tells = offset == 0 and whence == 1
    file = wasi.descriptors.find(fd, abi.FD_TELL if tells else abi.FD_SEEK)
    memory.write(out, U64.pack(file.seek(offset, whence)))


@call("i32 s64 i32 i32", modules=(PREVIEW1,))
def fd_seek(wasi: Wasi, memory: Memory, fd: int, offset: int, whence: int, out: int) -> None:
    """Move the position. EINVAL: no such `whence`, or before the start. ESPIPE: a stream."""
    if whence >= len(abi.WHENCE):
        raise WasiError(EINVAL)
    _seek(wasi, memory, fd, offset, abi.WHENCE[whence], out)


@call("i32 s64 i32 i32", name="fd_seek", modules=(PREVIEW0,))
def fd_seek_0(wasi: Wasi, memory: Memory, fd: int, offset: int, whence: int, out: int) -> None:
    """`fd_seek` with preview 0's order of `whence`."""
    if whence >= len(abi.WHENCE_0):
        raise WasiError(EINVAL)
    _seek(wasi, memory, fd, offset, abi.WHENCE_0[whence], out)


@call("i32 i32")
def fd_tell(wasi: Wasi, memory: Memory, fd: int, out: int) -> None:
    """The position. ESPIPE: a stream."""
    _seek(wasi, memory, fd, 0, 1, out)


# ------------------------------------------------------------------------- descriptors themselves


@call("i32")
def fd_close(wasi: Wasi, memory: Memory, fd: int) -> None:
    """Close, preopened directories and standard streams too."""
    wasi.descriptors.close(fd)


@call("i32 i32")
def fd_renumber(wasi: Wasi, memory: Memory, fd: int, to: int) -> None:
    """Move a descriptor to an open number, which is closed. EBADF: one of them is not open."""
    wasi.descriptors.renumber(fd, to)


@call("i32 i32")
def fd_fdstat_get(wasi: Wasi, memory: Memory, fd: int, out: int) -> None:
    """Filetype, flags and rights."""
    found: Descriptor = wasi.descriptors.find(fd)
    fields = (found.filetype, found.flags, found.rights, found.inheriting)
    memory.write(out, abi.FDSTAT.pack(*fields))


@call("i32 i32")
def fd_fdstat_set_flags(wasi: Wasi, memory: Memory, fd: int, flags: int) -> None:
    """Set `append` and `nonblock`. EINVAL: another flag would change."""
    wasi.descriptors.find(fd, abi.FD_FDSTAT_SET_FLAGS).set_flags(flags)


@call("i32 u64 u64")
def fd_fdstat_set_rights(wasi: Wasi, memory: Memory, fd: int, rights: int, inheriting: int) -> None:
    """Take rights away. ENOTCAPABLE: one would be added."""
    found: Descriptor = wasi.descriptors.find(fd)
    if rights & ~found.rights or inheriting & ~found.inheriting:
        raise WasiError(ENOTCAPABLE)
    found.rights, found.inheriting = rights, inheriting


@call("i32 i32")
def fd_prestat_get(wasi: Wasi, memory: Memory, fd: int, out: int) -> None:
    """The length of a preopened directory's name. EBADF: it is none."""
    memory.write(out, abi.PRESTAT.pack(0, len(_preopened(wasi, fd))))


@call("i32 i32 i32")
def fd_prestat_dir_name(wasi: Wasi, memory: Memory, fd: int, at: int, length: int) -> None:
    """A preopened directory's name. EBADF: it is none. ENAMETOOLONG: there is no room for it."""
    name = _preopened(wasi, fd)
    if len(name) > length:
        raise WasiError(ENAMETOOLONG)
    memory.write(at, name)


def _preopened(wasi: Wasi, fd: int) -> bytes:
    name: bytes | None = wasi.descriptors.find(fd).name
    if name is None:
        raise WasiError(EBADF)
    return name


# ----------------------------------------------------------------------------------------- files


@call("i32 i32", modules=(PREVIEW1,))
def fd_filestat_get(wasi: Wasi, memory: Memory, fd: int, out: int) -> None:
    """Everything known of an open file; zeros for a stream that has no file behind it."""
    found = wasi.descriptors.find(fd, abi.FD_FILESTAT_GET)
    memory.write(out, abi.FILESTAT.pack(*found.status()))


@call("i32 i32", name="fd_filestat_get", modules=(PREVIEW0,))
def fd_filestat_get_0(wasi: Wasi, memory: Memory, fd: int, out: int) -> None:
    """`fd_filestat_get` with preview 0's layout."""
    found = wasi.descriptors.find(fd, abi.FD_FILESTAT_GET)
    memory.write(out, abi.FILESTAT_0.pack(*found.status()))


@call("i32 u64")
def fd_filestat_set_size(wasi: Wasi, memory: Memory, fd: int, size: int) -> None:
    """Cut off or lengthen with zeros. EINVAL: not open for writing, or no file."""
    wasi.descriptors.find(fd, abi.FD_FILESTAT_SET_SIZE).set_size(size)


@call("i32 u64 u64 i32")
def fd_filestat_set_times(wasi: Wasi, memory: Memory, fd: int, atime: int, mtime: int, flags: int) -> None:
    """Set times, in nanoseconds since 1970. EINVAL: a time both given and "now"."""
    found = wasi.descriptors.find(fd, abi.FD_FILESTAT_SET_TIMES)
    times = new_times(atime, mtime, flags, found.status, wasi.now(found))
    if times is not None:
        found.set_times(*times)


def new_times(
    atime: int, mtime: int, flags: int, status: Callable[[], tuple[int, ...]], now: int
) -> tuple[int, int] | None:
    """Both times that `fstflags` ask for, a time not asked for as it is; None: leave both.

    Raises:
        WasiError: EINVAL, an unknown flag, or a time both given and "now".
    """
    atim, mtim = flags & (abi.ATIM | abi.ATIM_NOW), flags & (abi.MTIM | abi.MTIM_NOW)
    if flags >> 4 or atim == abi.ATIM | abi.ATIM_NOW or mtim == abi.MTIM | abi.MTIM_NOW:
        raise WasiError(EINVAL)
    if not flags:
        return None
    if not (atim and mtim):
        *_, old_atime, old_mtime, _ = status()
    return (
        (atime if atim == abi.ATIM else now) if atim else old_atime,
        (mtime if mtim == abi.MTIM else now) if mtim else old_mtime,
    )


@call("i32 u64 u64 i32")
def fd_advise(wasi: Wasi, memory: Memory, fd: int, offset: int, length: int, advice: int) -> None:
    """Say how a file will be read. EINVAL: no such advice."""
    wasi.descriptors.find(fd, abi.FD_ADVISE).advise(offset, length, advice)


@call("i32 u64 u64")
def fd_allocate(wasi: Wasi, memory: Memory, fd: int, offset: int, length: int) -> None:
    """Reserve room in a file and make it long enough. EINVAL: a length of 0."""
    wasi.descriptors.find(fd, abi.FD_ALLOCATE).allocate(offset, length)


@call("i32")
def fd_sync(wasi: Wasi, memory: Memory, fd: int) -> None:
    """Bring data and attributes to the disk."""
    wasi.descriptors.find(fd, abi.FD_SYNC).sync()


@call("i32")
def fd_datasync(wasi: Wasi, memory: Memory, fd: int) -> None:
    """Bring data to the disk."""
    wasi.descriptors.find(fd, abi.FD_DATASYNC).datasync()


@call("i32 i32 i32 u64 i32")
def fd_readdir(wasi: Wasi, memory: Memory, fd: int, at: int, length: int, cookie: int, out: int) -> None:
    """Entries from `cookie` on, the last cut off where the room ends; less than the room: all."""
    entries = wasi.descriptors.find(fd, abi.FD_READDIR).list(cookie, length, wasi.budget)
    memory.write(at, entries)
    memory.write(out, U32.pack(len(entries)))
