"""The numbers and layouts of WASI preview 1: error codes, rights, flags, records.

All names are those of the specification's `typenames`, in Python's spelling: `errno::badf` is
EBADF, `rights::fd_read` is FD_READ. Records are little-endian `struct.Struct`s. Preview 0
(module "wasi_unstable") differs in two records and one enumeration; those end in `_0`.

The specification numbers its enumerations by position, so the lists below *are* the numbers.
"""

from __future__ import annotations

import errno
import stat
from struct import Struct

TYPE_CHECKING = False  # as typing's, without the milliseconds that importing typing takes
if TYPE_CHECKING:
    import os
    from typing import Any, Protocol

    class Memory(Protocol):
        """What the calls need of a linear memory; every address is checked: IndexError."""

        def __len__(self) -> int: ...
        def __buffer__(self, flags: int, /) -> memoryview: ...
        def read(self, at: int, length: int, /) -> bytes: ...
        def write(self, at: int, data: Any, /) -> Any: ...

    class Caller(Protocol):
        """The calling instance; `memory` is its export of that name, or None."""

        @property
        def memory(self) -> Memory | None: ...
        @property
        def suspendable(self) -> bool: ...
        @property
        def interrupted(self) -> bool: ...
        def time_left(self) -> float | None: ...


U32 = Struct("<I")
U64 = Struct("<Q")
PAIR = Struct("<II")  # an iovec or ciovec; also the two results of the *_sizes_get calls

MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF

# ---------------------------------------------------------------------------------- error codes

_ERRNOS = (
    "success 2big acces addrinuse addrnotavail afnosupport again already badf badmsg busy canceled "
    "child connaborted connrefused connreset deadlk destaddrreq dom dquot exist fault fbig "
    "hostunreach idrm ilseq inprogress intr inval io isconn isdir loop mfile mlink msgsize "
    "multihop nametoolong netdown netreset netunreach nfile nobufs nodev noent noexec nolck nolink "
    "nomem nomsg noprotoopt nospc nosys notconn notdir notempty notrecoverable notsock notsup "
    "notty nxio overflow ownerdead perm pipe proto protonosupport prototype range rofs spipe srch "
    "stale timedout txtbsy xdev notcapable"
)
ERRNO_NAMES = _ERRNOS.split()

# Those the calls give by themselves; the others come from the host's OSErrors.
EACCES = 2
EAGAIN = 6
EBADF = 8
EBUSY = 10
EEXIST = 20
EFAULT = 21
EILSEQ = 25
EINTR = 27
EINVAL = 28
EIO = 29
EISDIR = 31
ELOOP = 32
EMFILE = 33
ENAMETOOLONG = 37
ENOENT = 44
ENOMEM = 48
ENOTCONN = 53
ENOTDIR = 54
ENOTSOCK = 57
ENOTSUP = 58
EPERM = 63
EROFS = 69
ESPIPE = 70
EXDEV = 75
ENOTCAPABLE = 76

HOST_ERRNO = {
    getattr(errno, "E" + name.upper()): code
    for code, name in enumerate(ERRNO_NAMES)
    if hasattr(errno, "E" + name.upper())
}
HOST_ERRNO[errno.EOPNOTSUPP] = ENOTSUP  # its own number where it is not ENOTSUP's
HOST_ERRNO[errno.EWOULDBLOCK] = EAGAIN


class WasiError(Exception):
    """A call ends with this error code."""

    def __init__(self, code: int) -> None:
        self.code = code

    def __str__(self) -> str:
        return ERRNO_NAMES[self.code]


# --------------------------------------------------------------------------------------- rights

FD_DATASYNC = 1 << 0
FD_READ = 1 << 1
FD_SEEK = 1 << 2
FD_FDSTAT_SET_FLAGS = 1 << 3
FD_SYNC = 1 << 4
FD_TELL = 1 << 5
FD_WRITE = 1 << 6
FD_ADVISE = 1 << 7
FD_ALLOCATE = 1 << 8
PATH_CREATE_DIRECTORY = 1 << 9
PATH_CREATE_FILE = 1 << 10
PATH_LINK_SOURCE = 1 << 11
PATH_LINK_TARGET = 1 << 12
PATH_OPEN = 1 << 13
FD_READDIR = 1 << 14
PATH_READLINK = 1 << 15
PATH_RENAME_SOURCE = 1 << 16
PATH_RENAME_TARGET = 1 << 17
PATH_FILESTAT_GET = 1 << 18
PATH_FILESTAT_SET_SIZE = 1 << 19
PATH_FILESTAT_SET_TIMES = 1 << 20
FD_FILESTAT_GET = 1 << 21
FD_FILESTAT_SET_SIZE = 1 << 22
FD_FILESTAT_SET_TIMES = 1 << 23
PATH_SYMLINK = 1 << 24
PATH_REMOVE_DIRECTORY = 1 << 25
PATH_UNLINK_FILE = 1 << 26
POLL_FD_READWRITE = 1 << 27
SOCK_SHUTDOWN = 1 << 28
SOCK_ACCEPT = 1 << 29

ALL_RIGHTS = (1 << 30) - 1

# Rights that only look; an open file has them whether they were asked for or not, because
# programs that ask for too few of them run everywhere else.
LOOKING_RIGHTS = (
    FD_SEEK | FD_TELL | FD_FDSTAT_SET_FLAGS | FD_SYNC | FD_DATASYNC | FD_ADVISE | FD_FILESTAT_GET
    | POLL_FD_READWRITE
)  # fmt: skip
# Rights that need the host's file to be open for writing.
WRITING_RIGHTS = FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE
FILE_RIGHTS = LOOKING_RIGHTS | WRITING_RIGHTS | FD_READ | FD_FILESTAT_SET_TIMES

# What changes the tree; a read-only directory lacks these, and its files FD_FILESTAT_SET_TIMES.
TREE_WRITING_RIGHTS = (
    PATH_CREATE_DIRECTORY | PATH_CREATE_FILE | PATH_LINK_SOURCE | PATH_LINK_TARGET
    | PATH_RENAME_SOURCE | PATH_RENAME_TARGET | PATH_FILESTAT_SET_SIZE | PATH_FILESTAT_SET_TIMES
    | PATH_SYMLINK | PATH_REMOVE_DIRECTORY | PATH_UNLINK_FILE | FD_FILESTAT_SET_TIMES
)  # fmt: skip
DIRECTORY_RIGHTS = (
    TREE_WRITING_RIGHTS | PATH_OPEN | PATH_READLINK | PATH_FILESTAT_GET
    | FD_FDSTAT_SET_FLAGS | FD_SYNC | FD_DATASYNC | FD_READDIR | FD_FILESTAT_GET
)  # fmt: skip

# ---------------------------------------------------------------------- flags and enumerations

FILETYPE_UNKNOWN, BLOCK_DEVICE, CHARACTER_DEVICE, DIRECTORY, REGULAR_FILE = range(5)
SOCKET_DGRAM, SOCKET_STREAM, SYMBOLIC_LINK = range(5, 8)

APPEND, DSYNC, NONBLOCK, RSYNC, SYNC = (1 << bit for bit in range(5))  # fdflags
O_CREAT, O_DIRECTORY, O_EXCL, O_TRUNC = (1 << bit for bit in range(4))  # oflags
SYMLINK_FOLLOW = 1  # lookupflags
PEEK, WAITALL = 1, 2  # riflags
DATA_TRUNCATED = 1  # roflags
SHUT_RD, SHUT_WR = 1, 2  # sdflags
ATIM, ATIM_NOW, MTIM, MTIM_NOW = (1 << bit for bit in range(4))  # fstflags

EVENT_CLOCK, EVENT_FD_READ, EVENT_FD_WRITE = range(3)
HANGUP = 1  # eventrwflags
ABSTIME = 1  # subclockflags

# whence → the host's, by position
WHENCE = (0, 1, 2)  # set, cur, end
WHENCE_0 = (1, 2, 0)  # cur, end, set

# -------------------------------------------------------------------------------------- records

FDSTAT = Struct("<BxH4xQQ")  # filetype, flags, rights, inheriting rights
FILESTAT = Struct("<QQB7xQQQQQ")  # dev, ino, filetype, nlink, size, atim, mtim, ctim
FILESTAT_0 = Struct("<QQB3xIQQQQ")
DIRENT = Struct("<QQIB3x")  # next cookie, inode, length of the name, filetype
PRESTAT = Struct("<B3xI")  # 0 (a directory), length of its name
EVENT = Struct("<QHB5xQH6x")  # userdata, error, type, bytes ready, flags
# userdata, type, clock or fd, timeout, precision, flags
SUBSCRIPTION = Struct("<QB7xI4xQQH6x")
# userdata, type, identifier or fd, clock, timeout, precision, flags
SUBSCRIPTION_0 = Struct("<QB7xQI4xQQH6x")

_FILETYPES = {
    stat.S_IFBLK: BLOCK_DEVICE,
    stat.S_IFCHR: CHARACTER_DEVICE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFREG: REGULAR_FILE,
    stat.S_IFLNK: SYMBOLIC_LINK,
    stat.S_IFSOCK: SOCKET_STREAM,
}


def filetype(mode: int) -> int:
    """The filetype for a host's `st_mode`; a pipe has none in WASI and is "unknown"."""
    return _FILETYPES.get(stat.S_IFMT(mode), FILETYPE_UNKNOWN)


def filestat(found: os.stat_result) -> tuple[int, ...]:
    """The fields of FILESTAT for what the host says of a file; times before 1970 become 0."""
    return (
        found.st_dev & MASK64,
        found.st_ino & MASK64,
        filetype(found.st_mode),
        found.st_nlink,
        found.st_size,
        max(found.st_atime_ns, 0),
        max(found.st_mtime_ns, 0),
        max(found.st_ctime_ns, 0),
    )
