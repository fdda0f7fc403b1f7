"""WASI preview 1: `Wasi`, what one guest is granted."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from wasmcy.errors import expect
from wasmcy.limits import parse_size
from wasmcy.wasi import abi, fd_calls, path_calls, poll, process_calls, sock_calls  # noqa: F401 they fill MODULES
from wasmcy.wasi.abi import EINVAL, ENOTCAPABLE, WasiError
from wasmcy.wasi.budget import Budget
from wasmcy.wasi.calls import MODULES
from wasmcy.wasi.descriptors import Descriptors, OpenDirectory
from wasmcy.wasi.directories import open_directory
from wasmcy.wasi.streams import HostError, Inherit, Input, Output, awaited, carrying
from wasmcy.wasi.waiting import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from socket import socket
    from typing import Any

    from wasmcy.wasi.directories import Directory
    from wasmcy.wasi.waiting import Steps

    Text = str | bytes | os.PathLike[str]
    HostPath = str | os.PathLike[str]
    Files = Directory | dict[str, bytes]

_CLOCKS: dict[int, tuple[Callable[[], int], Any]] = {  # how to read it, its name in `time`
    0: (time.time_ns, "time"),
    1: (time.monotonic_ns, "monotonic"),
    2: (time.process_time_ns, "process_time"),
}
if hasattr(time, "thread_time_ns"):
    _CLOCKS[3] = (time.thread_time_ns, "thread_time")


class ReadOnly:
    """A directory that a guest can look into but not change: the host's path, or one in memory.

    >>> Wasi(dirs={"/data": ReadOnly("examples"), "/more": ReadOnly({"name": b"content"})}).close()
    """

    __slots__ = ("path",)

    def __init__(self, path: HostPath | Files | Directory) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"ReadOnly({self.path!r})"


if TYPE_CHECKING:
    Grant = HostPath | Files | ReadOnly


class Wasi:
    """What one guest is granted of the system: nothing but what is named here.

    A provider of imports for one instance. Close it when the guest has ended (or use `with`):
    that writes what is still buffered and closes the guest's files; so does its deletion.

        >>> import io
        >>> out = io.BytesIO()
        >>> wasi = Wasi(args=["echo", "hello"], stdout=out)
        >>> sorted(wasi.imports())
        ['wasi_snapshot_preview1', 'wasi_unstable']

    Args:
        args: the arguments; the first is the program's name.
        env: the variables, or INHERIT for the process's.
        stdin: bytes, a file object, a callable that takes a length and returns at most that many
            bytes (none at the end), INHERIT, or None: nothing to read.
        stdout, stderr: a file object, a callable that takes bytes, INHERIT, or None: discarded.
            File objects may be binary or text (UTF-8) and are flushed, never closed.
        dirs: the directories the guest finds: its path → the host's path; or a dict of paths to
            bytes, which holds what the guest has left there when the Wasi is flushed or closed; or
            a `MemoryDirectory`, or another object like `wasmcy.wasi.directories.Directory`; or
            `ReadOnly` of one of these. The first has the number 3.
        sockets: `socket.socket` objects, listening or connected; their numbers follow those of the
            directories. The guest gets duplicates that do not block, so neither do these.
        buffer: bytes (or a text such as "64MiB") that may be kept in memory for the guest: what it
            writes to an `io.BytesIO` or `io.StringIO`, files in a dict, lists of directories.
            Beyond that it gets ENOSPC.
        clock: INHERIT, or a callable that takes a clock's number (0 real time, 1 monotonic, 2 and
            3 processor time of process and thread) and returns nanoseconds. If it has a method
            `sleep`, taking seconds, the guest sleeps by it. None: the guest learns no time, but
            may sleep.
        random: INHERIT, a callable that takes a length and returns that many bytes, or an int: the
            seed of a repeatable sequence. None: there is none.

    In a guest called by `call_async` the callables, and the clock's `sleep`, may be coroutine functions, and the
    streams those of asyncio.

    Exceptions of the callables and file objects pass through the guest unchanged, but an OSError
    becomes the guest's error code.

    Raises:
        OSError: a directory of `dirs` cannot be opened.
        ValueError: a NUL in an argument or variable, a "=" in a variable's name.
        TypeError: a stream is nothing that can be read or written.
    """

    def __init__(
        self,
        args: Iterable[Text] = (),
        env: Mapping[str, str] | Inherit | None = None,
        stdin: object = None,
        stdout: object = None,
        stderr: object = None,
        dirs: Mapping[str, Grant] | None = None,
        clock: Callable[[int], int] | Inherit | None = None,
        random: Callable[[int], bytes] | Inherit | int | None = None,
        sockets: Iterable[socket] = (),
        buffer: int | str = "256MiB",
    ) -> None:
        self.budget = Budget(parse_size(buffer))
        self._dicts: list[tuple[dict[str, bytes], Mapping[str, bytes]]] = []  # what to fill with what
        self.descriptors = Descriptors()
        self.args = [_string(arg, "an argument") for arg in several(args)]
        self.env = _variables(os.environ if isinstance(env, Inherit) else env or {})
        expect(dirs or {}, Mapping, "a mapping of names to directories")
        self.clocks = _clocks(clock)
        self._sleep: Callable[[float], object] | None = getattr(clock, "sleep", None)
        self._system_clock = isinstance(clock, Inherit)
        self.random = _random(random)
        self.descriptors.add(Input(stdin))
        self.descriptors.add(Output(stdout, "stdout", self.budget))
        self.descriptors.add(Output(stderr, "stderr", self.budget))
        try:
            for name, host in (dirs or {}).items():
                self._preopen(_string(name, "a directory's name"), host)
            for given in sockets:
                from wasmcy.wasi.sockets import duplicate  # most guests have none

                self.descriptors.add(duplicate(given))
        except BaseException:
            self.descriptors.close_all()
            raise

    def _preopen(self, name: bytes, host: Grant) -> None:
        read_only = isinstance(host, ReadOnly)
        if isinstance(host, ReadOnly):
            host = host.path
        directory: Directory
        if isinstance(host, dict):
            from wasmcy.wasi.memory_files import MemoryDirectory, Volume  # most guests have none

            directory = files = MemoryDirectory(host, limit=Volume(self.budget))
            self._dicts.append((host, files))
        else:
            directory = open_directory(host) if isinstance(host, (str, os.PathLike)) else host
        if self.clocks and hasattr(directory, "use_clock"):
            directory.use_clock(self.clocks[0])
        opened = OpenDirectory(directory, abi.DIRECTORY_RIGHTS, abi.ALL_RIGHTS, read_only)
        opened.name = name
        self.descriptors.add(opened)

    def imports(self) -> dict[str, dict[str, Callable[..., Any]]]:
        """Every call by module and name, for one instance to import.

        Each takes the calling instance and then its integers, signed or unsigned, and returns an
        error code. Its `signature` is its WebAssembly type, such as "i32 i64 -> i32".
        """
        return {
            module: {name: function.__get__(self) for name, function in functions.items()}
            for module, functions in MODULES.items()
        }

    def clock(self, number: int) -> Callable[[], int]:
        """The clock of that number.

        Raises:
            WasiError: EINVAL, there is none; ENOTCAPABLE, no clock was granted.
        """
        found = self.clocks.get(number)
        if found is None:
            raise WasiError(EINVAL if self.clocks or number > 3 else ENOTCAPABLE)
        return found

    def sleep(self, duration: int) -> Steps[None]:
        """Let so many nanoseconds pass, by the guest's clock if that can sleep."""
        if self._sleep is None:
            yield Wait([], duration)
        else:
            yield from awaited(carrying(self._sleep)(duration / 1e9), "the clock's sleep")

    def resolution(self, number: int) -> int:
        """The nanoseconds between two readings of a clock; 1 for a clock of the program's own."""
        if not self._system_clock:
            return 1
        return max(int(time.get_clock_info(_CLOCKS[number][1]).resolution * 1e9), 1)

    def now(self, target: object) -> int:
        """The time that "now" is for a file: by the guest's clock if it has one, else by the file's own."""
        if self.clocks:
            return self.clocks[0]()
        return getattr(target, "now", time.time_ns)()

    def flush(self) -> None:
        """Write what the guest has written and is still buffered; fill the dicts of `dirs`."""
        self._fill()
        _uncarried(self.descriptors.flush)

    def close(self) -> None:
        """Flush, and close all the guest has open; its calls give EBADF from now on."""
        self._fill()
        self._dicts.clear()
        _uncarried(self.descriptors.close_all)

    def _fill(self) -> None:
        for given, files in self._dicts:
            found = dict(files)
            given.clear()
            given.update(found)

    def __enter__(self) -> Wasi:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        try:  # noqa: SIM105 contextlib takes milliseconds to import
            self.close()
        except Exception:  # nobody is left to be told
            pass


def _uncarried(function: Callable[[], None]) -> None:
    try:
        function()
    except HostError as carrier:
        raise carrier.error from None


def several(args: Iterable[Text]) -> Iterable[Text]:
    """The arguments of a program, if they are not one string, which would be taken for its letters.

    Raises:
        TypeError: they are.
    """
    if isinstance(args, (str, bytes)):
        raise TypeError("args is a sequence of arguments, not one string")
    return args


def _string(value: Text, what: str) -> bytes:
    if not isinstance(value, (str, bytes)):
        value = os.fspath(value)
    encoded = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    if b"\0" in encoded:
        raise ValueError(f"{what} contains a NUL: {value!r}")
    return encoded


def _variables(env: Mapping[str, str]) -> list[bytes]:
    expect(env, Mapping, "a mapping of variables")
    for name in env:
        if not name or "=" in name:
            raise ValueError(f"not the name of a variable: {name!r}")
    return [_string(f"{name}={value}", "a variable") for name, value in env.items()]


def _clocks(clock: Callable[[int], int] | Inherit | None) -> dict[int, Callable[[], int]]:
    """The clocks by number."""
    if clock is None:
        return {}
    if isinstance(clock, Inherit):
        return {number: read for number, (read, _) in _CLOCKS.items()}
    read = carrying(lambda number: int(clock(number)) & abi.MASK64)
    return {number: lambda number=number: read(number) for number in range(4)}  # type: ignore[misc]


def _random(source: Callable[[int], bytes] | Inherit | int | None) -> Callable[[int], bytes]:
    if source is None:
        return _no_random
    if isinstance(source, Inherit):
        return os.urandom
    if isinstance(source, int):
        from random import Random

        return Random(source).randbytes
    return carrying(lambda length: _exactly(length, source(length)))


def _exactly(length: int, data: bytes) -> bytes:
    if len(data) != length:
        raise ValueError(f"random gave {len(data)} bytes, asked for {length}")
    return data


def _no_random(length: int) -> bytes:
    raise WasiError(ENOTCAPABLE)
