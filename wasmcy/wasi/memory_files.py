"""Files and directories that exist in memory only, mounted like those of the host.

A `MemoryDirectory` is what `directories.Directory` asks for, and a mapping of paths to bytes for the Python
program. What a subclass may change stands in the classes' docstrings.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import count

from wasmcy.errors import expect
from wasmcy.limits import parse_size
from wasmcy.wasi import abi
from wasmcy.wasi.abi import EINVAL, WasiError, filestat
from wasmcy.wasi.budget import Budget
from wasmcy.wasi.descriptors import Descriptor, OpenFile
from wasmcy.wasi.vectors import with_views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.vectors import Vectors

DEVICE = 0x6D656D  # st_dev of everything here; inode numbers are unique in the process
ENTRY = 512  # bytes that a name counts for, beside what is in its file
MAX_NAME = 255  # bytes
_inodes = count(1)


def _fail(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class Volume:
    """What the files of one tree share: how much they may hold, and the clock that dates them."""

    __slots__ = ("budget", "clock")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.clock: Callable[[], int] = int  # always 0: what is in memory comes from no clock


class Node:
    """The base of what a directory holds: an inode, times in nanoseconds, how many names it has."""

    kind = stat.S_IFREG

    def __init__(self) -> None:
        self.inode = next(_inodes)
        self.links = 0
        self.atime = self.mtime = self.ctime = 0
        self.volume: Volume | None = None  # of the directory it was put into

    @property
    def size(self) -> int:
        return 0

    def now(self) -> int:
        """The time by the clock of the guest; 0 where it was granted none."""
        return self.volume.clock() if self.volume is not None else 0

    def forget(self) -> None:
        """Give back what it took of the budget, if nothing refers to it any more."""

    def changed(self) -> None:
        self.mtime = self.ctime = self.now()

    def join(self, volume: Volume) -> None:
        """Belong to a tree, if it belongs to none yet: takes what it holds from its budget."""
        if self.volume is None:
            self.volume = volume
            self.changed()
            self.atime = self.mtime

    def status(self) -> os.stat_result:
        times = {"st_atime_ns": self.atime, "st_mtime_ns": self.mtime, "st_ctime_ns": self.ctime}
        seconds = [at // 10**9 for at in times.values()]
        return os.stat_result((self.kind, self.inode, DEVICE, self.links, 0, 0, self.size, *seconds), times)


class MemoryFile(Node):
    """A file in memory; `data` is a bytearray.

    A subclass may answer by itself: `size`, `readinto`, `write` and `resize` are all that is asked. An
    OSError of theirs becomes the guest's error code.

        >>> class Zeros(MemoryFile):
        ...     size = 1 << 20
        ...
        ...     def readinto(self, offset, buffer):
        ...         length = max(min(len(buffer), self.size - offset), 0)
        ...         buffer[:length] = bytes(length)
        ...         return length
        >>> directory = MemoryDirectory()
        >>> directory.add("zeros", Zeros())
    """

    def __init__(self, data: bytes | bytearray = b"") -> None:
        super().__init__()
        self.data = bytearray(data)
        self.charged = 0  # to the budget
        self.opened = 0  # descriptors

    @property
    def size(self) -> int:
        return len(self.data)

    def readinto(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer with what stands at `offset`; returns how many bytes there were."""
        length = max(min(len(buffer), len(self.data) - offset), 0)
        with memoryview(self.data) as whole:
            buffer[:length] = whole[offset : offset + length]
        return length

    def write(self, offset: int, data: memoryview) -> int:
        """Write at `offset`, with zeros before it if the file was shorter; returns how many bytes."""
        end = offset + len(data)
        if end > len(self.data):
            self.resize(end)
        self.data[offset:end] = data
        self.changed()
        return len(data)

    def resize(self, size: int) -> None:
        """Cut off, or lengthen with zeros. Raises: OSError: ENOSPC."""
        more = size - len(self.data)
        if more <= 0:
            del self.data[size:]
            self.charge(more)
        else:
            self.charge(more)
            self.data += bytes(more)
        self.changed()

    def charge(self, more: int) -> None:
        if self.volume is not None:
            self.volume.budget.take(more)
            self.charged += more

    def join(self, volume: Volume) -> None:
        if self.volume is None:
            volume.budget.take(len(self.data))
            self.charged = len(self.data)
        super().join(volume)

    def forget(self) -> None:
        if not self.links and not self.opened:
            self.charge(-self.charged)
            self.volume = None


class MemoryLink(Node):
    """A symbolic link."""

    kind = stat.S_IFLNK

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    @property
    def size(self) -> int:
        return len(self.target.encode("utf-8", "surrogateescape"))


class OpenMemoryFile(Descriptor):
    """A file in memory that a guest has opened."""

    __slots__ = ("file", "position")

    refusals = OpenFile.refusals

    def __init__(self, file: MemoryFile, flags: int) -> None:
        super().__init__(abi.REGULAR_FILE, abi.FILE_RIGHTS, flags=flags)
        self.file = file
        self.position = 0
        file.opened += 1

    def read(self, memory: Memory, pairs: Vectors) -> int:
        done = self.pread(memory, pairs, self.position)
        self.position += done
        return done

    def write(self, memory: Memory, pairs: Vectors) -> int:
        at = self.file.size if self.flags & abi.APPEND else self.position
        done = self.pwrite(memory, pairs, at)
        self.position = at + done
        return done

    def pread(self, memory: Memory, pairs: Vectors, offset: int) -> int:
        return _move(memory, pairs, self.file.readinto, offset)

    def pwrite(self, memory: Memory, pairs: Vectors, offset: int) -> int:
        return _move(memory, pairs, self.file.write, offset)

    def seek(self, offset: int, whence: int) -> int:
        position = offset + (0, self.position, self.file.size)[whence]
        if not 0 <= position < 1 << 63:
            raise WasiError(EINVAL)
        self.position = position
        return position

    def status(self) -> tuple[int, ...]:
        return filestat(self.file.status())

    def set_size(self, size: int) -> None:
        if size >> 63:
            raise WasiError(EINVAL)
        self.file.resize(size)

    def now(self) -> int:
        return self.file.now()

    def set_times(self, atime: int, mtime: int) -> None:
        self.file.atime, self.file.mtime = atime, mtime

    def advise(self, offset: int, length: int, advice: int) -> None:
        if advice > 5 or offset >> 63 or length >> 63:
            raise WasiError(EINVAL)

    def allocate(self, offset: int, length: int) -> None:
        if length == 0 or (offset + length) >> 63:
            raise WasiError(EINVAL)
        if self.file.size < offset + length:
            self.file.resize(offset + length)

    def available(self, event: int) -> int:
        return max(self.file.size - self.position, 0) if event == abi.EVENT_FD_READ else super().available(event)

    def close(self) -> None:
        self.file.opened -= 1
        self.file.forget()


def _move(memory: Memory, pairs: Vectors, move: Callable[[int, memoryview], int], offset: int) -> int:
    """Read or write one buffer after the other, until one is not moved whole."""
    if offset >> 63:
        raise WasiError(EINVAL)

    def transfer(parts: list[memoryview]) -> int:
        done = 0
        for part in parts:
            moved = move(offset + done, part)
            done += moved
            if moved < len(part):
                break
        return done

    return with_views(memory, pairs, transfer)


def _cost(node: Node) -> int:
    """What a name for it counts for."""
    return ENTRY + (node.size if isinstance(node, MemoryLink) else 0)


class MemoryDirectory(Node, MutableMapping[str, bytes]):
    """A directory in memory: for a guest a directory, for the Python program a mapping of paths to bytes.

        >>> files = MemoryDirectory({"in.txt": b"text", "below/empty": b""}, limit="1MiB")
        >>> files["below/out.txt"] = b"more"
        >>> sorted(files), files["in.txt"]
        (['below/empty', 'below/out.txt', 'in.txt'], b'text')

    `limit` bounds what all files below it hold together, each name counting for 512 bytes more; a guest that
    wants more gets ENOSPC. Times are those of the guest's clock, and 0 where it was granted none.

    A subclass may offer entries that it makes when they are asked for: `lookup` and `names` are all that
    reads, `create` makes the file for a new name.

    Raises:
        ValueError: a path is empty, or has an empty part, "." or "..", or a NUL.
    """

    kind = stat.S_IFDIR

    def __init__(self, files: Mapping[str, bytes] | None = None, *, limit: int | str | Volume = "64MiB") -> None:
        super().__init__()
        self.volume: Volume = limit if isinstance(limit, Volume) else Volume(Budget(parse_size(limit)))
        self.changed()
        self.entries: dict[str, Node] = {}
        self.parent: MemoryDirectory | None = None
        self.removed = False
        expect(files or {}, Mapping, "a mapping of paths to bytes")
        for path, data in (files or {}).items():
            self[path] = data

    # What a subclass may change.

    def lookup(self, name: str) -> Node | None:
        """The entry of that name: a MemoryFile, MemoryLink or MemoryDirectory; None: there is none."""
        return self.entries.get(name)

    def names(self) -> Iterable[str]:
        """The names of all entries."""
        return list(self.entries)

    def create(self, name: str) -> MemoryFile:
        """A new file, for a name that is not there. An OSError refuses it."""
        return MemoryFile()

    # For the Python program.

    def add(self, path: str, node: Node) -> None:
        """Put a file or directory of one's own at a path; directories on the way are made."""
        here, name = self._walk(path, make=True)
        before = here.entries.get(name)
        if before is not None:
            here._remove(name)
        try:
            here._put(name, node)
        except BaseException:
            if before is not None:
                here._put(name, before)
            raise

    def __getitem__(self, path: str) -> bytes:
        here, name = self._walk(path)
        node = here.lookup(name)
        if not isinstance(node, MemoryFile):
            raise KeyError(path)
        data = bytearray(node.size)
        with memoryview(data) as buffer:
            return bytes(buffer[: node.readinto(0, buffer)])

    def __setitem__(self, path: str, data: bytes) -> None:
        self.add(path, MemoryFile(data))

    def __delitem__(self, path: str) -> None:
        here, name = self._walk(path)
        if not isinstance(here.entries.get(name), MemoryFile):
            raise KeyError(path)
        here._remove(name)

    def __iter__(self) -> Iterator[str]:
        """The paths of all files below."""
        todo: list[tuple[str, MemoryDirectory]] = [("", self)]  # a guest may nest them deeper than Python calls
        while todo:
            prefix, here = todo.pop()
            for name in here.names():
                node = here.lookup(name)
                if isinstance(node, MemoryDirectory):
                    todo.append((f"{prefix}{name}/", node))
                elif isinstance(node, MemoryFile):
                    yield prefix + name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} files>"

    def _walk(self, path: str, make: bool = False) -> tuple[MemoryDirectory, str]:
        """The directory that a path leads to, and the last name."""
        *names, last = path.split("/")
        for name in (*names, last):
            if name in ("", ".", "..") or "\0" in name:
                raise ValueError(f"not a path in memory: {path!r}")
        here = self
        for name in names:
            found = here.lookup(name)
            if found is None and make:
                here.mkdir(name)
                found = here.lookup(name)
            if not isinstance(found, MemoryDirectory):
                raise KeyError(path)
            here = found
        return here, last

    def _put(self, name: str, node: Node) -> None:
        """A new entry for a node."""
        if self.removed:
            raise _fail(errno.ENOENT)
        if len(name.encode("utf-8", "surrogateescape")) > MAX_NAME:
            raise _fail(errno.ENAMETOOLONG)
        self.volume.budget.take(_cost(node))
        try:
            node.join(self.volume)
        except BaseException:
            self.volume.budget.take(-_cost(node))
            raise
        self.changed()
        if isinstance(node, MemoryDirectory):
            node.parent = self
        node.links += 1
        self.entries[name] = node

    def _remove(self, name: str) -> None:
        node = self.entries.pop(name, None)
        if node is None:  # one that `lookup` made
            raise _fail(errno.EPERM)
        self.volume.budget.take(-_cost(node))
        self.changed()
        node.links -= 1
        node.forget()
        if isinstance(node, MemoryDirectory):
            node.parent = None

    # For guests: see directories.Directory.

    def use_clock(self, clock: Callable[[], int]) -> None:
        """Date what changes by this clock: that of the guest."""
        self.volume.clock = clock

    def _find(self, name: str) -> Node:
        node = self if name == "." else self.lookup(name)
        if node is None:
            raise _fail(errno.ENOENT)
        return node

    def enter(self, name: str) -> MemoryDirectory:
        node = self._find(name)
        if not isinstance(node, MemoryDirectory):
            raise _fail(errno.ENOTDIR)
        return node

    def open(self, name: str, oflags: int, read: bool, write: bool, fdflags: int) -> Descriptor | MemoryDirectory:
        node = self if name == "." else self.lookup(name)
        if node is None:
            if not oflags & abi.O_CREAT:
                raise _fail(errno.ENOENT)
            node = self.create(name)
            self._put(name, node)
        elif oflags & abi.O_CREAT and oflags & abi.O_EXCL:
            raise _fail(errno.EEXIST)
        if isinstance(node, MemoryDirectory):
            if write or oflags & (abi.O_CREAT | abi.O_TRUNC):
                raise _fail(errno.EISDIR)
            return node
        if not isinstance(node, MemoryFile):
            raise _fail(errno.ELOOP)
        if oflags & abi.O_DIRECTORY:
            raise _fail(errno.ENOTDIR)
        if oflags & abi.O_TRUNC:
            node.resize(0)
        return OpenMemoryFile(node, fdflags)

    def stat(self, name: str) -> os.stat_result:
        return self._find(name).status()

    def readlink(self, name: str) -> str:
        node = self._find(name)
        if not isinstance(node, MemoryLink):
            raise _fail(errno.EINVAL)
        return node.target

    def mkdir(self, name: str) -> None:
        self._demand_free(name)
        self._put(name, MemoryDirectory(limit=self.volume))

    def _demand_free(self, name: str) -> None:
        if self.lookup(name) is not None:
            raise _fail(errno.EEXIST)

    def rmdir(self, name: str) -> None:
        node = self.enter(name)
        if any(True for _ in node.names()):
            raise _fail(errno.ENOTEMPTY)
        node.removed = True
        self._remove(name)

    def unlink(self, name: str) -> None:
        if isinstance(self._find(name), MemoryDirectory):
            raise _fail(errno.EISDIR)
        self._remove(name)

    def rename(self, name: str, to: Any, to_name: str) -> None:
        node, there = self._find(name), self._other(to)
        replaced = there.lookup(to_name)
        if replaced is node:
            return
        if there.removed:
            raise _fail(errno.ENOENT)
        if len(to_name.encode("utf-8", "surrogateescape")) > MAX_NAME:
            raise _fail(errno.ENAMETOOLONG)
        if name not in self.entries:
            raise _fail(errno.EPERM)
        if isinstance(node, MemoryDirectory):
            above: MemoryDirectory | None = there
            while above is not None:
                if above is node:
                    raise _fail(errno.EINVAL)
                above = above.parent
            if replaced is not None:
                there.rmdir(to_name)
        elif replaced is not None:
            there.unlink(to_name)
        node.links += 1  # it is not forgotten on its way
        self._remove(name)
        there._put(to_name, node)
        node.links -= 1

    def link(self, name: str, to: Any, to_name: str) -> None:
        node, there = self._find(name), self._other(to)
        if isinstance(node, MemoryDirectory):
            raise _fail(errno.EPERM)
        there._demand_free(to_name)
        there._put(to_name, node)

    def _other(self, to: Any) -> MemoryDirectory:
        """The other directory of a call, if it belongs to the same files."""
        if not isinstance(to, MemoryDirectory) or to.volume is not self.volume:
            raise _fail(errno.EXDEV)
        return to

    def symlink(self, target: str, name: str) -> None:
        self._demand_free(name)
        self._put(name, MemoryLink(target))

    def utime(self, name: str, atime: int, mtime: int) -> None:
        node = self._find(name)
        node.atime, node.mtime = atime, mtime

    def scan(self) -> list[tuple[str, int, int]]:
        found = ((name, self.lookup(name)) for name in self.names())
        return [(name, node.inode, abi.filetype(node.kind)) for name, node in found if node is not None]

    def sync(self) -> None:
        pass

    def close(self) -> None:
        pass
