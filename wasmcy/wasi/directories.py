"""Directories of the host, one name at a time.

A `Directory` knows its entries by single names, never by paths, and never follows a symbolic
link: `paths.walk` does both. What a class of directories must offer is the protocol below; names
are never empty and contain no "/" and no NUL, "." is the directory itself (for `open`, `stat` and
`utime` only), ".." never comes. A class may have two methods more: `use_clock(read)` is told the guest's clock,
`now()` is asked for the time where the guest has none.
"""

from __future__ import annotations

import errno
import os
import stat

from wasmcy.wasi import abi
from wasmcy.wasi.descriptors import Descriptor, OpenFile, host_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Protocol

    class Directory(Protocol):
        def enter(self, name: str) -> Directory:
            """The directory `name`; OSError ELOOP or ENOTDIR where it is a symbolic link."""
            ...

        def open(self, name: str, oflags: int, read: bool, write: bool, fdflags: int) -> Descriptor | Directory:
            """Open or create; OSError ELOOP or ENOTDIR where it is a symbolic link.

            A file comes with all the rights it can have; `path_open` takes those away that were
            not asked for.
            """
            ...

        def stat(self, name: str) -> os.stat_result: ...
        def readlink(self, name: str) -> str: ...
        def mkdir(self, name: str) -> None: ...
        def rmdir(self, name: str) -> None: ...
        def unlink(self, name: str) -> None: ...
        def rename(self, name: str, to: Any, to_name: str) -> None:
            """Move to another directory of the same class; OSError EXDEV where that fails."""
            ...

        def link(self, name: str, to: Any, to_name: str) -> None: ...
        def symlink(self, target: str, name: str) -> None: ...
        def utime(self, name: str, atime: int, mtime: int) -> None:
            """Set both times, in nanoseconds since 1970."""
            ...

        def scan(self) -> Iterable[tuple[str, int, int]]:
            """(name, inode, filetype) of every entry but "." and ".."."""
            ...

        def sync(self) -> None: ...
        def close(self) -> None: ...


WINDOWS = os.name == "nt"

# Where every call can be made relative to an open directory. What Python was built without is
# the same on all systems of a kind, so one look is enough.
_CALLS = {os.open, os.stat, os.mkdir, os.rmdir, os.unlink, os.rename, os.link, os.symlink,
          os.readlink, os.utime}  # fmt: skip
HAS_DIR_FD = os.supports_dir_fd >= _CALLS and hasattr(os, "O_NOFOLLOW")


def open_directory(path: str | os.PathLike[str], dir_fd: bool = HAS_DIR_FD) -> Directory:
    """The host's directory `path`, the way this system allows.

    Raises:
        OSError: there is no such directory, or it cannot be opened.
    """
    if dir_fd:
        return DescriptorDirectory(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
    found = os.path.realpath(os.fspath(path))
    if not os.path.isdir(found):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
    return PathDirectory(found, found)


def _access(read: bool, write: bool, oflags: int) -> int:
    if oflags & abi.O_TRUNC:
        write = True
    access = (os.O_RDWR if read else os.O_WRONLY) if write else os.O_RDONLY
    if oflags & abi.O_CREAT:
        access |= os.O_CREAT
    if oflags & abi.O_EXCL:
        access |= os.O_EXCL
    if oflags & abi.O_TRUNC:
        access |= os.O_TRUNC
    return access


def _scan(where: int | str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(where) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                kind = abi.REGULAR_FILE
            elif entry.is_dir(follow_symlinks=False):
                kind = abi.DIRECTORY
            elif entry.is_symlink():
                kind = abi.SYMBOLIC_LINK
            else:
                kind = abi.FILETYPE_UNKNOWN
            yield entry.name, entry.inode(), kind


class DescriptorDirectory:
    """A directory by an open descriptor of the host: nothing that is renamed moves it.

    Every call names one entry relative to the descriptor and does not follow symbolic links, so
    no call can leave the directory, whatever others do to it meanwhile.
    """

    __slots__ = ("fd",)

    # On Linux a directory can be passed through that may not be read.
    _ENTER = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
    _OPEN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NOCTTY", 0)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def enter(self, name: str) -> DescriptorDirectory:
        return DescriptorDirectory(os.open(name, self._ENTER, dir_fd=self.fd))

    def open(self, name: str, oflags: int, read: bool, write: bool, fdflags: int) -> OpenFile | Directory:
        flags = _access(read, write, oflags) | host_flags(fdflags) | self._OPEN
        if oflags & abi.O_DIRECTORY:
            flags |= os.O_DIRECTORY
        fd = os.open(name, flags, 0o666, dir_fd=self.fd)
        try:
            mode = os.fstat(fd).st_mode
            if stat.S_ISDIR(mode):
                return DescriptorDirectory(fd)
            return OpenFile(fd, abi.filetype(mode), fdflags)
        except BaseException:
            os.close(fd)
            raise

    def stat(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self.fd, follow_symlinks=False)

    def readlink(self, name: str) -> str:
        return os.readlink(name, dir_fd=self.fd)

    def mkdir(self, name: str) -> None:
        os.mkdir(name, dir_fd=self.fd)

    def rmdir(self, name: str) -> None:
        os.rmdir(name, dir_fd=self.fd)

    def unlink(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self.fd)
        except PermissionError:  # what POSIX says, and macOS does, for a directory
            if stat.S_ISDIR(self.stat(name).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
            raise

    def rename(self, name: str, to: Any, to_name: str) -> None:
        os.rename(name, to_name, src_dir_fd=self.fd, dst_dir_fd=_same_kind(self, to).fd)

    def link(self, name: str, to: Any, to_name: str) -> None:
        os.link(
            name,
            to_name,
            src_dir_fd=self.fd,
            dst_dir_fd=_same_kind(self, to).fd,
            follow_symlinks=False,
        )

    def symlink(self, target: str, name: str) -> None:
        os.symlink(target, name, dir_fd=self.fd)

    def utime(self, name: str, atime: int, mtime: int) -> None:
        os.utime(name, ns=(atime, mtime), dir_fd=self.fd, follow_symlinks=False)

    def scan(self) -> Iterator[tuple[str, int, int]]:
        return _scan(self.fd)

    def sync(self) -> None:
        os.fsync(self.fd)

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class PathDirectory:
    """A directory by its path, where the system has no calls relative to a directory (Windows).

    `path` is a real path at or below `root`, the real path of the preopened directory. Before an
    entry is used it is looked at: a symbolic link or junction is never followed, and what the host
    resolves the name to must lie below the root. What is opened is looked at again afterwards.
    Between the look and the use another process could still swap the entry; only descriptors
    (`DescriptorDirectory`) close that gap.
    """

    __slots__ = ("path", "root")

    _OPEN = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_NOFOLLOW", 0)
    # Names that Windows takes for something else than an entry of this directory.
    _DEVICES = frozenset(
        ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
        + [f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³"]
    )

    def __init__(self, path: str, root: str) -> None:
        self.path = path
        self.root = root

    def _at(self, name: str) -> str:
        """The path of an entry whose name means nothing else to this system."""
        if name == ".":
            return self.path
        if WINDOWS:
            stem = name.split(".")[0].rstrip(" ").upper()
            if stem in self._DEVICES or name[-1] in ". " or not _WINDOWS_NAME.isdisjoint(name):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return os.path.join(self.path, name)

    def _look(self, name: str) -> tuple[str, os.stat_result]:
        """The path of an existing entry that is no link and lies below the root."""
        path = self._at(name)
        found = os.lstat(path)
        if _is_link(found):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._check_beneath(path)
        return path, found

    def _check_beneath(self, path: str) -> None:
        real = os.path.normcase(os.path.realpath(path))
        root = os.path.normcase(self.root)
        if real != root and not real.startswith(os.path.join(root, "")):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def enter(self, name: str) -> PathDirectory:
        path, found = self._look(name)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return PathDirectory(path, self.root)

    def open(self, name: str, oflags: int, read: bool, write: bool, fdflags: int) -> OpenFile | Directory:
        try:
            path, found = self._look(name)
        except FileNotFoundError:
            path = self._at(name)
        else:
            if oflags & abi.O_CREAT and oflags & abi.O_EXCL:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            if stat.S_ISDIR(found.st_mode):
                if write or oflags & (abi.O_CREAT | abi.O_TRUNC):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                return PathDirectory(path, self.root)
            if oflags & abi.O_DIRECTORY:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        fd = os.open(path, _access(read, write, oflags) | host_flags(fdflags) | self._OPEN, 0o666)
        try:
            opened, (_, found) = os.fstat(fd), self._look(name)
            if opened.st_ino != found.st_ino:  # st_dev is not told alike by both on Windows
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            return OpenFile(fd, abi.filetype(opened.st_mode), fdflags, path)
        except BaseException:
            os.close(fd)
            raise

    def stat(self, name: str) -> os.stat_result:
        return os.lstat(self._at(name))

    def readlink(self, name: str) -> str:
        target = os.readlink(self._at(name))
        if WINDOWS:
            target = target.replace("\\", "/")
            if os.path.splitdrive(target)[0]:  # a junction, or a link to a drive or share
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return target

    def mkdir(self, name: str) -> None:
        os.mkdir(self._at(name))

    def rmdir(self, name: str) -> None:
        os.rmdir(self._look(name)[0])

    def unlink(self, name: str) -> None:
        path = self._at(name)
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode) and not _is_link(found):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.unlink(path)

    def rename(self, name: str, to: Any, to_name: str) -> None:
        os.replace(self._at(name), _same_kind(self, to)._at(to_name))

    def link(self, name: str, to: Any, to_name: str) -> None:
        os.link(self._look(name)[0], _same_kind(self, to)._at(to_name))

    def symlink(self, target: str, name: str) -> None:
        whole = os.path.join(self.path, target)  # Windows wants to know what it will point at
        os.symlink(target.replace("/", os.sep), self._at(name), os.path.isdir(whole))

    def utime(self, name: str, atime: int, mtime: int) -> None:
        os.utime(self._look(name)[0], ns=(atime, mtime))

    def scan(self) -> Iterator[tuple[str, int, int]]:
        return _scan(self.path)

    def sync(self) -> None:
        pass

    def close(self) -> None:
        pass


_WINDOWS_NAME = frozenset('\\:<>"|?*' + "".join(map(chr, range(32))))


def _is_link(found: os.stat_result) -> bool:
    """A symbolic link, or what Windows has besides: a junction."""
    if stat.S_ISLNK(found.st_mode):
        return True
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return junction is not None and getattr(found, "st_reparse_tag", 0) == junction


def _same_kind(one: object, other: Any) -> Any:
    """`other`, if a call of the host can reach from `one` to it."""
    if type(one) is not type(other):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    return other
