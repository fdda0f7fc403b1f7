"""What a guest's file descriptors stand for, and the table of them.

The rights of a descriptor say which operations it has: a call looks a descriptor up together with
the rights it needs (`Descriptors.find`) and may then use the operations those rights name. Which
error a missing right gives depends on the kind of descriptor, as it does on a POSIX system: reading
a directory is EISDIR, seeking a pipe ESPIPE.
"""

from __future__ import annotations

import errno
import heapq
import os
import time
from itertools import accumulate, chain

from wasmcy.wasi import abi
from wasmcy.wasi.abi import (
    EBADF,
    EINVAL,
    EISDIR,
    EMFILE,
    ENOTCAPABLE,
    ENOTDIR,
    ENOTSUP,
    EROFS,
    WasiError,
    filestat,
)
from wasmcy.wasi.vectors import MAX_TRANSFER, cut, with_views
from wasmcy.wasi.waiting import Wait, closed

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.budget import Budget
    from wasmcy.wasi.directories import Directory
    from wasmcy.wasi.vectors import Vectors
    from wasmcy.wasi.waiting import Steps, Threaded

    T = TypeVar("T")

_LISTED = 64  # bytes that an entry of a list takes beside its own
MAX_DESCRIPTORS = 1024  # open at a time, of one guest

_ADVICE = [
    getattr(os, "POSIX_FADV_" + name, None)
    for name in ("NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE")
]


class Descriptor:
    """The base of all kinds: rights, `fdflags` and the filetype.

    `name` is the guest's path of a preopened directory, None for everything else. `blocks` says that a transfer
    has to be waited for: then it is done by `reading` and `writing`, otherwise by `read` and `write`; `waits`,
    that `read` or `write` may wait by themselves, which they must not do in an event loop.
    """

    __slots__ = ("rights", "inheriting", "flags", "filetype", "name", "blocks", "waits")

    refusals: dict[int, int] = {}  # right → the error where this kind of descriptor lacks it
    pending: Threaded | None = None  # what another thread does with it
    atomic = MAX_TRANSFER  # bytes that a write to a ready descriptor takes without waiting

    def __init__(self, filetype: int, rights: int = 0, inheriting: int = 0, flags: int = 0) -> None:
        self.filetype = filetype
        self.rights = rights
        self.inheriting = inheriting
        self.flags = flags
        self.name: bytes | None = None
        self.blocks = self.waits = False

    def refuse(self, rights: int) -> WasiError:
        """The error for a call that needs `rights`, not all of which are there."""
        missing = rights & ~self.rights
        return WasiError(self.refusals.get(missing & -missing, ENOTCAPABLE))

    def status(self) -> tuple[int, ...]:
        """The fields of FILESTAT."""
        return (0, 0, self.filetype, 0, 0, 0, 0, 0)

    def set_flags(self, flags: int) -> None:
        """Take over new `fdflags`; how data is synchronised cannot change."""
        if (flags ^ self.flags) & ~(abi.APPEND | abi.NONBLOCK):
            raise WasiError(EINVAL)
        self.flags = flags

    def waitable(self, event: int) -> int | None:
        """The host descriptor to wait on for EVENT_FD_READ or _WRITE; None: it is ready."""
        return None

    def when_ready(self, event: int, transfer: Callable[[], T]) -> Steps[T]:
        """Do a transfer, after waiting for the descriptor if it `blocks`.

        Raises:
            WasiError: EAGAIN, it is not to be waited for and not ready.
        """
        waiting = self.blocks and not self.flags & abi.NONBLOCK
        while True:
            if waiting:
                host = self.waitable(event)
                if host is not None:
                    yield Wait([(host, event)], None)
            try:
                return transfer()
            except BlockingIOError:
                if not waiting:
                    raise

    def reading(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        """`read` when something is there."""
        return self.when_ready(abi.EVENT_FD_READ, lambda: self.read(memory, pairs))

    def writing(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        """`write` when there is room, at most as many bytes as then do not wait."""
        pairs = cut(pairs, self.atomic)
        return self.when_ready(abi.EVENT_FD_WRITE, lambda: self.write(memory, pairs))

    def read(self, memory: Memory, pairs: Vectors) -> int:
        raise NotImplementedError

    write = read

    def available(self, event: int) -> int:
        """How many bytes can be moved without waiting, as far as that is known; else 1."""
        return 1

    def flush(self) -> None:
        pass

    def sync(self) -> None:
        self.flush()

    datasync = sync

    def close(self) -> None:
        self.flush()


_NO_DIRECTORY = {1 << bit: ENOTDIR for bit in range(30) if abi.DIRECTORY_RIGHTS & ~abi.FILE_RIGHTS & 1 << bit}


class OpenFile(Descriptor):
    """A file of the host that the guest has opened, by its host descriptor, which it owns.

    `path` is the host's path where a descriptor cannot do everything (Windows), else None.
    """

    __slots__ = ("fd", "path")

    refusals = _NO_DIRECTORY | {abi.FD_READ: EBADF, abi.FD_WRITE: EBADF, abi.FD_ALLOCATE: EBADF,
                                abi.FD_FILESTAT_SET_SIZE: EINVAL}  # fmt: skip

    def __init__(self, fd: int, filetype: int, flags: int, path: str | None = None) -> None:
        rights = abi.FILE_RIGHTS
        if filetype == abi.CHARACTER_DEVICE and os.isatty(fd):
            rights &= ~(abi.FD_SEEK | abi.FD_TELL)  # by this guests know a terminal
        super().__init__(filetype, rights, flags=flags)
        self.blocks = filetype != abi.REGULAR_FILE and fcntl is not None
        self.fd = fd
        self.path = path

    def read(self, memory: Memory, pairs: Vectors) -> int:
        return with_views(memory, pairs, self._readv)

    def write(self, memory: Memory, pairs: Vectors) -> int:
        if fcntl is None and self.flags & abi.APPEND:
            os.lseek(self.fd, 0, os.SEEK_END)
        return with_views(memory, pairs, self._writev)

    def pread(self, memory: Memory, pairs: Vectors, offset: int) -> int:
        return with_views(memory, pairs, lambda parts: _preadv(self.fd, parts, offset))

    def pwrite(self, memory: Memory, pairs: Vectors, offset: int) -> int:
        return with_views(memory, pairs, lambda parts: _pwritev(self.fd, parts, offset))

    def _readv(self, parts: list[memoryview]) -> int:
        return _readv(self.fd, parts)

    def _writev(self, parts: list[memoryview]) -> int:
        return writev(self.fd, parts)

    def seek(self, offset: int, whence: int) -> int:
        return os.lseek(self.fd, offset, whence)

    def status(self) -> tuple[int, ...]:
        return filestat(os.fstat(self.fd))

    def set_size(self, size: int) -> None:
        os.ftruncate(self.fd, size)

    def set_times(self, atime: int, mtime: int) -> None:
        if os.utime in os.supports_fd:
            os.utime(self.fd, ns=(atime, mtime))
        elif self.path is not None:
            os.utime(self.path, ns=(atime, mtime))
        else:
            raise WasiError(ENOTSUP)

    def advise(self, offset: int, length: int, advice: int) -> None:
        """Pass advice on where the host takes it (Linux, FreeBSD), drop it elsewhere."""
        if advice >= len(_ADVICE) or offset >> 63 or length >> 63:
            raise WasiError(EINVAL)
        known = _ADVICE[advice]
        if known is not None:
            os.posix_fadvise(self.fd, offset, length, known)

    def allocate(self, offset: int, length: int) -> None:
        """Reserve room; where the host cannot (macOS, Windows), the file is only made longer."""
        if length == 0 or (offset + length) >> 63:
            raise WasiError(EINVAL)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self.fd, offset, length)
        elif os.fstat(self.fd).st_size < offset + length:
            os.ftruncate(self.fd, offset + length)

    def set_flags(self, flags: int) -> None:
        super().set_flags(flags)
        if fcntl is not None:
            host = fcntl.fcntl(self.fd, fcntl.F_GETFL) & ~os.O_APPEND
            fcntl.fcntl(self.fd, fcntl.F_SETFL, host | host_flags(flags))

    def waitable(self, event: int) -> int | None:
        """Regular files are always ready."""
        return None if self.filetype == abi.REGULAR_FILE else self.fd

    def available(self, event: int) -> int:
        if self.filetype != abi.REGULAR_FILE or event != abi.EVENT_FD_READ:
            return super().available(event)
        return max(os.fstat(self.fd).st_size - os.lseek(self.fd, 0, os.SEEK_CUR), 0)

    def sync(self) -> None:
        os.fsync(self.fd)

    def datasync(self) -> None:
        getattr(os, "fdatasync", os.fsync)(self.fd)

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
            closed(fd)


class OpenDirectory(Descriptor):
    """A directory: where paths begin, and a list of names."""

    __slots__ = ("directory", "read_only", "_entries", "_starts", "_budget")

    refusals = {
        abi.FD_READ: EISDIR, abi.FD_WRITE: EBADF, abi.FD_SEEK: EBADF, abi.FD_TELL: EBADF,
        abi.FD_ADVISE: EBADF, abi.FD_ALLOCATE: EBADF, abi.FD_FILESTAT_SET_SIZE: EBADF,
        abi.POLL_FD_READWRITE: EBADF,
    }  # fmt: skip

    def __init__(self, directory: Directory, rights: int, inheriting: int, read_only: bool = False) -> None:
        if read_only:
            rights &= ~abi.TREE_WRITING_RIGHTS
            inheriting &= ~(abi.TREE_WRITING_RIGHTS | abi.WRITING_RIGHTS)
        super().__init__(abi.DIRECTORY, rights & abi.DIRECTORY_RIGHTS, inheriting)
        self.directory = directory
        self.read_only = read_only
        self._entries = b""
        self._starts: list[int] = []
        self._budget: Budget | None = None  # from which the list is taken

    def now(self) -> int:
        return getattr(self.directory, "now", time.time_ns)()

    def refuse(self, rights: int) -> WasiError:
        if self.read_only and rights & ~self.rights & abi.TREE_WRITING_RIGHTS:
            return WasiError(EROFS)
        return super().refuse(rights)

    def status(self) -> tuple[int, ...]:
        return filestat(self.directory.stat("."))

    def set_times(self, atime: int, mtime: int) -> None:
        self.directory.utime(".", atime, mtime)

    def sync(self) -> None:
        self.directory.sync()

    datasync = sync

    def list(self, cookie: int, length: int, budget: Budget) -> bytes:
        """The directory's entries as bytes from `cookie` on, cut off after `length`.

        Cookies are positions in the list made when entry 0 is read: names that come and go while
        a guest reads on move nothing. The list is kept, and taken from `budget`.
        """
        if cookie == 0 or not self._starts:
            self._forget_entries()
            self._budget = budget
            self._read_entries(budget)
        if cookie >= len(self._starts):
            return b""
        start = self._starts[cookie]
        return self._entries[start : start + length]

    def _forget_entries(self) -> None:
        if self._budget is not None:
            self._budget.take(-_LISTED * len(self._starts) - len(self._entries))
        self._entries, self._starts = b"", []

    def _read_entries(self, budget: Budget) -> None:
        own = self.directory.stat(".").st_ino
        pack, mask = abi.DIRENT.pack, abi.MASK64
        entries = []
        left = budget.limit - budget.used
        dots = [(".", own, abi.DIRECTORY), ("..", own, abi.DIRECTORY)]
        for number, (name, inode, kind) in enumerate(chain(dots, self.directory.scan()), 1):
            encoded = name.encode("utf-8", "surrogateescape")
            entries.append(pack(number, inode & mask, len(encoded), kind) + encoded)
            left -= _LISTED + abi.DIRENT.size + len(encoded)
            if left < 0:
                raise OSError(errno.ENOSPC, "a list too long to be kept")
        ends = list(accumulate(map(len, entries)))
        budget.take(_LISTED * len(entries) + ends[-1])
        self._entries, self._starts = b"".join(entries), [0, *ends[:-1]]

    def close(self) -> None:
        self._forget_entries()
        self.directory.close()


class Descriptors:
    """The table of a guest's open descriptors; a new one gets the lowest free number."""

    def __init__(self) -> None:
        self._open: dict[int, Descriptor] = {}
        self._free: list[int] = []  # a heap
        self._next = 0
        self.get: Callable[[int], Descriptor | None] = self._open.get

    def find(self, fd: int, rights: int = 0) -> Any:
        """The descriptor `fd`, which has these rights and so the operations they name.

        Raises:
            WasiError: EBADF, it is not open; ENOTCAPABLE, or what is usual for its kind
                (`Descriptor.refuse`), it lacks a right.
        """
        found = self._open.get(fd)
        if found is None:
            raise WasiError(EBADF)
        if rights & ~found.rights:
            raise found.refuse(rights)
        return found

    def check_room(self) -> None:
        """Raises: WasiError: EMFILE, the guest has MAX_DESCRIPTORS open."""
        if len(self._open) >= MAX_DESCRIPTORS:
            raise WasiError(EMFILE)

    def next(self) -> int:
        """The number that `add` will give."""
        return self._free[0] if self._free else self._next

    def add(self, descriptor: Descriptor) -> int:
        if self._free:
            fd = heapq.heappop(self._free)
        else:
            fd = self._next
            self._next += 1
        self._open[fd] = descriptor
        return fd

    def close(self, fd: int) -> None:
        found: Descriptor = self.find(fd)
        del self._open[fd]
        heapq.heappush(self._free, fd)
        found.close()

    def renumber(self, fd: int, to: int) -> None:
        """Move `fd` to the open number `to`, closing what is there."""
        moved, replaced = self.find(fd), self.find(to)
        if fd != to:
            del self._open[fd]
            heapq.heappush(self._free, fd)
            self._open[to] = moved
            replaced.close()

    def flush(self) -> None:
        """Flush everything; the first error is raised when all are flushed."""
        _each([descriptor.flush for descriptor in self._open.values()])

    def close_all(self) -> None:
        """Close everything; the first error is raised when all are closed."""
        closing = [descriptor.close for descriptor in self._open.values()]
        self._open.clear()
        _each(closing)


def _each(functions: list[Callable[[], None]]) -> None:
    failed = None
    for function in functions:
        try:
            function()
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed


def host_flags(flags: int) -> int:
    """The host's open flags for `fdflags`; waiting is done here, never in the host."""
    host = getattr(os, "O_NONBLOCK", 0)
    if flags & abi.APPEND and fcntl is not None:  # without fcntl OpenFile.write does it
        host |= os.O_APPEND
    if flags & abi.DSYNC:
        host |= getattr(os, "O_DSYNC", 0)
    if flags & (abi.SYNC | abi.RSYNC):
        host |= getattr(os, "O_SYNC", 0)
    return host


def _readv(fd: int, parts: list[memoryview]) -> int:
    if hasattr(os, "readv"):
        return os.readv(fd, parts)
    done = 0
    for part in parts:
        data = os.read(fd, len(part))
        part[: len(data)] = data
        done += len(data)
        if len(data) < len(part):
            break
    return done


def writev(fd: int, parts: list[memoryview]) -> int:
    """Write buffers to a descriptor of the host; returns how many bytes it took."""
    if hasattr(os, "writev"):
        return os.writev(fd, parts)
    done = 0
    for part in parts:
        written = os.write(fd, part)
        done += written
        if written < len(part):
            break
    return done


def _preadv(fd: int, parts: list[memoryview], offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(fd, parts, offset)
    return _at(fd, offset, lambda: _readv(fd, parts))


def _pwritev(fd: int, parts: list[memoryview], offset: int) -> int:
    if hasattr(os, "pwritev"):
        return os.pwritev(fd, parts, offset)
    return _at(fd, offset, lambda: writev(fd, parts))


def _at(fd: int, offset: int, transfer: Callable[[], int]) -> int:
    """Read or write at an offset where the host has no call for it, and go back."""
    before = os.lseek(fd, 0, os.SEEK_CUR)
    os.lseek(fd, offset, os.SEEK_SET)
    try:
        return transfer()
    finally:
        os.lseek(fd, before, os.SEEK_SET)
