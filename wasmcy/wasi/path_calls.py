"""The calls `path_*`: on names below an open directory.

Each raises EBADF or ENOTDIR for a descriptor that is no open directory, ENOTCAPABLE where it lacks
the right, EROFS where a read-only directory would change, and for a path what `guest_path` and
`walk` say. Specification: preview 1, "Modules", `wasi_snapshot_preview1`.
"""

from __future__ import annotations

import errno
import stat

from wasmcy.wasi import abi
from wasmcy.wasi.abi import (
    EEXIST,
    EINVAL,
    EISDIR,
    ENOENT,
    ENOTCAPABLE,
    ENOTDIR,
    EROFS,
    U32,
    WasiError,
    filestat,
)
from wasmcy.wasi.calls import PREVIEW0, PREVIEW1, call
from wasmcy.wasi.descriptors import Descriptor, OpenDirectory
from wasmcy.wasi.fd_calls import new_times
from wasmcy.wasi.paths import change, demand_directory, guest_path, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.directories import Directory
    from wasmcy.wasi.preview1 import Wasi

# --------------------------------------------------------------------------------------- opening


@call("i32 i32 i32 i32 i32 u64 u64 i32 i32")
def path_open(
    wasi: Wasi, memory: Memory, fd: int, lookup: int, at: int, length: int,
    oflags: int, rights: int, inheriting: int, fdflags: int, out: int,
) -> None:  # fmt: skip
    """Open or create a file or directory.

    EINVAL: an unknown flag, or `directory` together with `creat`, `excl` or `trunc`. EISDIR:
    writing to a directory. ELOOP: a symbolic link that is not to be followed. EMFILE: too many
    are open. ENOTCAPABLE: rights that this directory does not pass on.
    """
    needed = abi.PATH_OPEN
    if oflags & abi.O_CREAT:
        needed |= abi.PATH_CREATE_FILE
    if oflags & abi.O_TRUNC:
        needed |= abi.PATH_FILESTAT_SET_SIZE
    parent: OpenDirectory = wasi.descriptors.find(fd, needed)
    if oflags >> 4 or fdflags >> 5 or (oflags & abi.O_DIRECTORY and oflags & ~abi.O_DIRECTORY):
        raise WasiError(EINVAL)
    rights = _granted(parent, rights)
    inheriting &= parent.inheriting
    wasi.descriptors.check_room()
    read = bool(rights & (abi.FD_READ | abi.FD_READDIR))
    write = bool(rights & abi.WRITING_RIGHTS)

    def open_entry(here: Directory, name: str, demands: bool) -> Descriptor | Directory:
        if demands and oflags & abi.O_CREAT:
            raise WasiError(EISDIR)
        flags = oflags | abi.O_DIRECTORY if demands else oflags
        return here.open(name, flags, read, write, fdflags)

    path = guest_path(memory, at, length)
    opened = walk(parent.directory, path, open_entry, _follows(lookup))
    if isinstance(opened, Descriptor):
        descriptor = opened
        descriptor.rights &= rights | abi.LOOKING_RIGHTS
    else:
        descriptor = OpenDirectory(opened, rights, inheriting, parent.read_only)
    try:
        memory.write(out, U32.pack(wasi.descriptors.next()))
    except IndexError:
        descriptor.close()
        raise
    wasi.descriptors.add(descriptor)


def _granted(parent: OpenDirectory, rights: int) -> int:
    """The rights a descriptor gets that was asked for with `rights`, numbers unknown left out."""
    rights &= abi.ALL_RIGHTS
    missing = rights & ~parent.inheriting
    if missing and parent.read_only:
        if missing & abi.WRITING_RIGHTS:
            raise WasiError(EROFS)
        missing &= ~abi.TREE_WRITING_RIGHTS  # asked for by habit
    if missing:
        raise WasiError(ENOTCAPABLE)
    return rights & parent.inheriting


def _follows(lookup: int) -> bool:
    if lookup & ~abi.SYMLINK_FOLLOW:
        raise WasiError(EINVAL)
    return lookup != 0


# --------------------------------------------------------------------------- looking, and times


def _status(wasi: Wasi, memory: Memory, fd: int, lookup: int, at: int, length: int) -> tuple[int, ...]:
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_FILESTAT_GET)
    follow = _follows(lookup)
    path = guest_path(memory, at, length)

    def look(here: Directory, name: str, demands: bool) -> os.stat_result:
        return _stat(here, name, follow, demands)

    return filestat(walk(parent.directory, path, look, follow))


def _stat(here: Directory, name: str, follow: bool, demands: bool) -> os.stat_result:
    """What the host says of an entry; ELOOP where it is a link that is to be followed."""
    found = here.stat(name)
    if stat.S_ISLNK(found.st_mode):
        if follow or demands:
            raise OSError(errno.ELOOP, "a symbolic link")
    elif demands and not stat.S_ISDIR(found.st_mode):
        raise WasiError(ENOTDIR)
    return found


@call("i32 i32 i32 i32 i32", modules=(PREVIEW1,))
def path_filestat_get(wasi: Wasi, memory: Memory, fd: int, lookup: int, at: int, length: int, out: int) -> None:
    """Everything known of a file, or of a symbolic link that is not followed."""
    memory.write(out, abi.FILESTAT.pack(*_status(wasi, memory, fd, lookup, at, length)))


@call("i32 i32 i32 i32 i32", name="path_filestat_get", modules=(PREVIEW0,))
def path_filestat_get_0(wasi: Wasi, memory: Memory, fd: int, lookup: int, at: int, length: int, out: int) -> None:
    """`path_filestat_get` with preview 0's layout."""
    memory.write(out, abi.FILESTAT_0.pack(*_status(wasi, memory, fd, lookup, at, length)))


@call("i32 i32 i32 i32 u64 u64 i32")
def path_filestat_set_times(
    wasi: Wasi, memory: Memory, fd: int, lookup: int, at: int, length: int,
    atime: int, mtime: int, flags: int,
) -> None:  # fmt: skip
    """Set times, in nanoseconds since 1970. EINVAL: a time both given and "now"."""
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_FILESTAT_SET_TIMES)
    follow = _follows(lookup)
    path = guest_path(memory, at, length)

    def touch(here: Directory, name: str, demands: bool) -> None:
        found = _stat(here, name, follow, demands)
        times = new_times(atime, mtime, flags, lambda: filestat(found), wasi.now(here))
        if times is not None:
            here.utime(name, *times)

    walk(parent.directory, path, touch, follow)


@call("i32 i32 i32 i32 i32 i32")
def path_readlink(wasi: Wasi, memory: Memory, fd: int, at: int, length: int, buffer: int, room: int, out: int) -> None:
    """What a symbolic link says, cut off where the room ends. EINVAL: it is no link."""
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_READLINK)
    path = guest_path(memory, at, length)

    def read(here: Directory, name: str, demands: bool) -> str:
        if name == "." or demands:
            _stat(here, name, True, demands)
            raise WasiError(EINVAL)
        return here.readlink(name)

    target = walk(parent.directory, path, read).encode("utf-8", "surrogateescape")[:room]
    memory.write(buffer, target)
    memory.write(out, U32.pack(len(target)))


# -------------------------------------------------------------------------------------- changing


@call("i32 i32 i32")
def path_create_directory(wasi: Wasi, memory: Memory, fd: int, at: int, length: int) -> None:
    """Create a directory. EEXIST: the name is there."""
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_CREATE_DIRECTORY)
    path = guest_path(memory, at, length)
    change(parent.directory, path, "create", lambda here, name, _: here.mkdir(name))


@call("i32 i32 i32")
def path_remove_directory(wasi: Wasi, memory: Memory, fd: int, at: int, length: int) -> None:
    """Remove a directory. ENOTEMPTY: it is not empty. ENOTDIR: it is none."""
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_REMOVE_DIRECTORY)
    path = guest_path(memory, at, length)
    change(parent.directory, path, "rmdir", lambda here, name, _: here.rmdir(name))


@call("i32 i32 i32")
def path_unlink_file(wasi: Wasi, memory: Memory, fd: int, at: int, length: int) -> None:
    """Remove a file or symbolic link. EISDIR: it is a directory. ENOTDIR: a "/" after a file."""
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_UNLINK_FILE)
    path = guest_path(memory, at, length)

    def unlink(here: Directory, name: str, demands: bool) -> None:
        if demands:
            demand_directory(here, name)
            raise WasiError(EISDIR)
        here.unlink(name)

    change(parent.directory, path, "unlink", unlink)


@call("i32 i32 i32 i32 i32 i32")
def path_rename(
    wasi: Wasi, memory: Memory, fd: int, at: int, length: int,
    to_fd: int, to_at: int, to_length: int,
) -> None:  # fmt: skip
    """Move a file, link or directory, onto what has the new name. EXDEV: to another disk.

    EISDIR: a file onto a directory. ENOTDIR: a directory onto a file, or a "/" after a file.
    ENOTEMPTY: onto a directory that is not empty.
    """
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_RENAME_SOURCE)
    to_parent: OpenDirectory = wasi.descriptors.find(to_fd, abi.PATH_RENAME_TARGET)
    path = guest_path(memory, at, length)
    to_path = guest_path(memory, to_at, to_length)

    def rename(here: Directory, name: str, demands: bool) -> None:
        def rename_to(there: Directory, to_name: str, to_demands: bool) -> None:
            if demands or to_demands:
                demand_directory(here, name)
            here.rename(name, there, to_name)

        change(to_parent.directory, to_path, "rename", rename_to)

    change(parent.directory, path, "rename", rename)


@call("i32 i32 i32 i32 i32 i32 i32")
def path_link(
    wasi: Wasi, memory: Memory, fd: int, lookup: int, at: int, length: int,
    to_fd: int, to_at: int, to_length: int,
) -> None:  # fmt: skip
    """Create a hard link. EEXIST: the new name is there. EINVAL: following a symbolic link.

    EPERM: to a directory. ENOENT: a "/" after the new name. ENOTDIR: a "/" after a file.
    """
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_LINK_SOURCE)
    to_parent: OpenDirectory = wasi.descriptors.find(to_fd, abi.PATH_LINK_TARGET)
    if lookup:
        raise WasiError(EINVAL)
    path = guest_path(memory, at, length)
    to_path = guest_path(memory, to_at, to_length)

    def link(here: Directory, name: str, demands: bool) -> None:
        if demands:
            demand_directory(here, name)

        def link_to(there: Directory, to_name: str, to_demands: bool) -> None:
            if to_demands:
                _refuse_slash(there, to_name)
            here.link(name, there, to_name)

        change(to_parent.directory, to_path, "create", link_to)

    change(parent.directory, path, "create", link)


@call("i32 i32 i32 i32 i32")
def path_symlink(wasi: Wasi, memory: Memory, target_at: int, target_length: int, fd: int, at: int, length: int) -> None:
    """Create a symbolic link. EEXIST: the name is there. EPERM: to an absolute path.

    ENOENT: a "/" after the name.
    """
    parent: OpenDirectory = wasi.descriptors.find(fd, abi.PATH_SYMLINK)
    target = guest_path(memory, target_at, target_length)
    path = guest_path(memory, at, length)

    def symlink(here: Directory, name: str, demands: bool) -> None:
        if demands:
            _refuse_slash(here, name)
        here.symlink(target, name)

    change(parent.directory, path, "create", symlink)


def _refuse_slash(here: Directory, name: str) -> None:
    """A link cannot be made at a name that ends in "/": EEXIST or ENOENT."""
    try:
        here.stat(name)
    except FileNotFoundError:
        raise WasiError(ENOENT) from None
    raise WasiError(EEXIST)
