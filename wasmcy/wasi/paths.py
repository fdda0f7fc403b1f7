"""Resolution of a guest's paths: the sandbox.

A path is walked one name at a time from an open directory, which is the root of all its paths.
Symbolic links are expanded here, as text, never by the host, so a link can only lead to where the
guest could have gone by itself. ".." goes back along the names walked so far, never to the host's
"..". Nothing above the root can be named in any way, also while others rename and swap things.
"""

from __future__ import annotations

import errno
import stat

from wasmcy.wasi.abi import (
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    ELOOP,
    ENAMETOOLONG,
    ENOENT,
    EPERM,
    WasiError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.directories import Directory

    T = TypeVar("T")
    # (directory, name in it, whether the path demands a directory) → result
    Act = Callable[[Directory, str, bool], T]

MAX_PATH = 4096  # bytes
MAX_LINKS = 40  # expanded on one walk

# What opening a symbolic link without following it gives, on one host or another; ENOTDIR also
# where a directory was asked for.
_MAYBE_A_LINK = frozenset([errno.ELOOP, errno.ENOTDIR, errno.EMLINK])


def guest_path(memory: Memory, at: int, length: int) -> str:
    """Read a path argument.

    Raises:
        WasiError: ENOENT, it is empty; ENAMETOOLONG, it has more than 4,096 bytes; EINVAL, it
            contains a NUL; EPERM, it is absolute.
        UnicodeDecodeError: it is not UTF-8 (EILSEQ to the guest).
        IndexError: it is not inside the memory.
    """
    if length > MAX_PATH:
        raise WasiError(ENAMETOOLONG)
    path = memory.read(at, length).decode()
    if not path:
        raise WasiError(ENOENT)
    if "\0" in path:
        raise WasiError(EINVAL)
    if path[0] == "/":
        raise WasiError(EPERM)
    return path


def names_of(path: str) -> tuple[list[str], bool]:
    """The names in a path, last one first, and whether it demands a directory.

    Empty names and "." vanish; a path of nothing else is ".".
    """
    names = [name for name in path.split("/") if name and name != "."]
    demands = path.rsplit("/", 1)[-1] in ("", ".", "..")
    names.reverse()
    return names or ["."], demands


def walk(root: Directory, path: str, act: Act[T], follow: bool = False) -> T:
    """Walk to where `path` leads and return `act(directory, name, demands_directory)` there.

    `act` must not follow a symbolic link; if it fails on one with ELOOP or ENOTDIR and `follow` is
    set (or the path ends in "/"), the walk goes on where the link points.

    Raises:
        WasiError: EPERM, the path leads above `root`; ELOOP, more than 40 links.
        OSError: what the host says of a name on the way, and what `act` raises.
    """
    if "/" not in path and path != "..":  # a single name: no walk, if it is no link
        try:
            return act(root, path, path == ".")
        except OSError as error:
            if not follow or error.errno not in _MAYBE_A_LINK:
                raise
    names, demands = names_of(path)
    return _Walk(root, names, demands).run(act, follow)


class _Walk:
    """The state of one walk: where it is, the names that led there, the names to come."""

    __slots__ = ("root", "here", "trail", "names", "demands", "links")

    def __init__(self, root: Directory, names: list[str], demands: bool) -> None:
        self.root = root
        self.here = root
        self.trail: list[str] = []
        self.names = names
        self.demands = demands
        self.links = 0

    def run(self, act: Act[T], follow: bool) -> T:
        names = self.names
        try:
            while True:
                name = names.pop()
                if name == "..":
                    self.leave()
                    if names:
                        continue
                    name = "."
                if names:
                    self.enter(name)
                    continue
                try:
                    return act(self.here, name, self.demands)
                except OSError as error:
                    if error.errno not in _MAYBE_A_LINK or not (follow or self.demands):
                        raise
                    self.expand(name, error, last=True)
        finally:
            self.move(self.root)

    def move(self, to: Directory) -> None:
        if self.here is not self.root:
            self.here.close()
        self.here = to

    def enter(self, name: str) -> None:
        try:
            self.move(self.here.enter(name))
        except OSError as error:
            if error.errno not in _MAYBE_A_LINK:
                raise
            self.expand(name, error, last=False)
        else:
            self.trail.append(name)

    def leave(self) -> None:
        """Go to the directory the last name was found in: by its names, from the root."""
        if not self.trail:
            raise WasiError(EPERM)
        self.trail.pop()
        self.move(self.root)
        for name in self.trail:
            self.move(self.here.enter(name))

    def expand(self, name: str, error: OSError, last: bool) -> None:
        """Put what the link `name` says before the names to come; raise `error` if it is none."""
        if name == ".":
            raise error
        try:
            target = self.here.readlink(name)
        except OSError:
            raise error from None
        self.links += 1
        if self.links > MAX_LINKS:
            raise WasiError(ELOOP)
        if not target:
            raise WasiError(ENOENT)
        if target[0] == "/":
            raise WasiError(EPERM)
        names, demands = names_of(target)
        self.names += names
        self.demands |= demands and last


# What changing the root itself (".") is refused with, for each change.
_ROOT = {"create": EEXIST, "rmdir": EINVAL, "unlink": EISDIR, "rename": EBUSY}


def change(root: Directory, path: str, kind: str, act: Act[T]) -> T:
    """`walk` for an act that changes the entry itself: makes it, moves it or takes it away.

    `kind` is "create", "rmdir", "unlink" or "rename". A path that ends in "/" does not make such
    an act follow a link: the entry is the link.
    """

    def act_on_entry(here: Directory, name: str, _: bool) -> T:
        if name == ".":
            raise WasiError(_ROOT[kind])
        return act(here, name, demands)

    names, demands = names_of(path)
    return _Walk(root, names, False).run(act_on_entry, False)


def demand_directory(here: Directory, name: str) -> None:
    """Raises: NotADirectoryError: the entry is none. OSError: as `Directory.stat`."""
    if not stat.S_ISDIR(here.stat(name).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "not a directory")
