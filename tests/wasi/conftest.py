"""A guest without an engine: a memory, and the calls of one `Wasi` made by name."""

from __future__ import annotations

import asyncio
import os
from struct import pack, unpack_from

import pytest

from wasmcy.wasi import Wasi, abi, descriptors, directories

PREVIEW1, PREVIEW0 = "wasi_snapshot_preview1", "wasi_unstable"


class Memory(bytearray):
    """What the calls need of a linear memory."""

    def read(self, at, length):
        if at + length > len(self):
            raise IndexError("out of bounds")
        return bytes(self[at : at + length])

    def write(self, at, data):
        if at + len(data) > len(self):
            raise IndexError("out of bounds")
        self[at : at + len(data)] = data


class Guest:
    """Calls WASI as an instance does: integers are signed, what is pointed at is put in memory.

    A call that answers with an error gives its name, as in the specification.
    """

    def __init__(self, size=1 << 18, *, runner=None, **granted):
        self.memory = Memory(size)
        self.wasi = Wasi(**granted)
        self.functions = self.wasi.imports()
        self._free = 1024
        self._size = size
        self.left = None  # seconds until the running call must end
        self.interrupted = False
        self.runner = runner  # of the event loop in which it waits

    @property
    def suspendable(self):
        return self.runner is not None

    def time_left(self):
        return self.left

    def call(self, name, *arguments, module=PREVIEW1):
        """What a call with plain integers returns: the error code, or something to be awaited."""
        function = self.functions[module][name]
        kinds = function.signature.split("->")[0].split()
        assert len(kinds) == len(arguments)
        signed = []
        for kind, value in zip(kinds, arguments, strict=True):
            bits = int(kind[1:])
            signed.append((value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1))
        return function(self, *signed)

    def end(self, code):
        """The error code of a call, when it has come to its end."""
        return self.runner.run(code) if asyncio.iscoroutine(code) else code

    def raw(self, name, *arguments, module=PREVIEW1):
        """The error code of a call with plain integers."""
        return self.end(self.call(name, *arguments, module=module))

    def __call__(self, name, *arguments, module=PREVIEW1):
        """A call; strings and bytes become (address, length). Answers "success" or an error."""
        flat = []
        for argument in arguments:
            if isinstance(argument, str):
                argument = argument.encode()
            if isinstance(argument, bytes):
                flat += [self.put(argument), len(argument)]
            else:
                flat.append(argument)
        return abi.ERRNO_NAMES[self.raw(name, *flat, module=module)]

    def put(self, data):
        """Put bytes somewhere in memory; where."""
        if self._free + len(data) > self._size:
            self._free = 1024
        at = self._free
        self._free += (len(data) + 15) & ~15
        self.memory[at : at + len(data)] = data
        return at

    def result(self, name, *arguments, layout="<I", module=PREVIEW1):
        """A call whose last argument is the address of its result: the result, or the error."""
        said = self(name, *arguments, 512, module=module)
        if said != "success":
            return said
        found = unpack_from(layout, self.memory, 512)
        return found[0] if len(found) == 1 else found

    def vectors(self, *parts):
        """An array of buffers: bytes are put in memory, for an int that much room is."""
        pairs = b"".join(
            pack("<II", self.put(bytes(part)), part if isinstance(part, int) else len(part)) for part in parts
        )
        return self.put(pairs), len(parts)

    # The calls made most, with the usual arguments.

    def open(self, path, oflags=0, rights=abi.FD_READ, fdflags=0, *, fd=3, follow=True, inheriting=0):
        return self.result("path_open", fd, int(follow), path, oflags, rights, inheriting, fdflags)

    def open_directory(self, path, fd=3):
        everything = abi.ALL_RIGHTS
        return self.open(path, abi.O_DIRECTORY, abi.DIRECTORY_RIGHTS, fd=fd, inheriting=everything)

    def create(self, path, data=b"", fd=3):
        new = self.open(path, abi.O_CREAT, abi.FD_READ | abi.FD_WRITE, fd=fd)
        assert isinstance(new, int), new
        assert self.write(new, data) == len(data)
        assert self("fd_close", new) == "success"

    def write(self, fd, *parts):
        return self.result("fd_write", fd, *self.vectors(*parts))

    def read(self, fd, length=4096):
        at, count = self.vectors(length)
        got = self.result("fd_read", fd, at, count)
        return got if isinstance(got, str) else self._buffer(at, got)

    def pread(self, fd, length, offset):
        at, count = self.vectors(length)
        got = self.result("fd_pread", fd, at, count, offset)
        return got if isinstance(got, str) else self._buffer(at, got)

    def _buffer(self, vectors, length):
        return self.memory.read(unpack_from("<I", self.memory, vectors)[0], length)

    def stat(self, path, fd=3, follow=True):
        """(dev, ino, filetype, nlink, size, atim, mtim, ctim)"""
        return self.result("path_filestat_get", fd, int(follow), path, layout="<QQB7xQQQQQ")

    def fdstat(self, fd):
        """(filetype, flags, rights, inheriting)"""
        return self.result("fd_fdstat_get", fd, layout="<BxH4xQQ")

    def names(self, fd=3, room=4096):
        """The names in a directory, read with a buffer of this size."""
        names, cookie = [], 0
        while True:
            at = self.put(bytes(room))
            used = self.result("fd_readdir", fd, at, room, cookie)
            assert isinstance(used, int), used
            entries = self.memory.read(at, used)
            while len(entries) >= 24:
                following, _, length, _ = unpack_from("<QQIB", entries)
                if len(entries) < 24 + length:
                    break
                names.append(entries[24 : 24 + length].decode())
                entries = entries[24 + length :]
                cookie = following
            if used < room:
                return names


IN_BOTH_FORMS = {"test_hostile_calls", "test_poll", "test_sockets", "test_streams"}


def pytest_generate_tests(metafunc):
    """Whatever waits is tested both in place and in an event loop: all results are the same."""
    if "runner" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in IN_BOTH_FORMS:
        metafunc.parametrize("runner", [False, True], ids=["in place", "in an event loop"], indirect=True)


@pytest.fixture
def runner(request):
    """Runs an event loop for guests that wait in one; None where they wait in place."""
    if not getattr(request, "param", False):
        yield None
        return
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def new_guest(runner):
    """Makes guests, and closes them after the test."""
    guests = []

    def new(**granted):
        guests.append(Guest(runner=runner, **granted))
        return guests[-1]

    yield new
    for guest in guests:
        guest.wasi.close()


WAYS = ["by descriptor", "by path"] if directories.HAS_DIR_FD else ["by path"]
NOT_ON_WINDOWS = ["readv", "writev", "preadv", "pwritev", "posix_fallocate", "fdatasync"]


@pytest.fixture(params=WAYS)
def directory_way(request, monkeypatch):
    """Runs a test with each way to reach the host's files: the best, and what Windows has."""
    by_descriptor = request.param == "by descriptor"
    monkeypatch.setattr(directories.open_directory, "__defaults__", (by_descriptor,))
    if not by_descriptor:
        for name in NOT_ON_WINDOWS:
            monkeypatch.delattr(os, name, raising=False)
        monkeypatch.setattr(os, "supports_fd", os.supports_fd - {os.utime})
        monkeypatch.setattr(descriptors, "fcntl", None)
    return request.param


@pytest.fixture
def root(tmp_path):
    """A directory to grant, beside one ("outside") that is not granted."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def guest(new_guest, root, directory_way):
    """A guest with `root` as its "/", at descriptor 3."""
    return new_guest(dirs={"/": root})


@pytest.fixture
def host_descriptors():
    """How many descriptors this process has open, where it can tell."""

    def count():
        return len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0

    return count
