"""Standard input, output and error: what a Python program hands over, as descriptors.

An OSError of such an object becomes the guest's error code. Any other exception is the Python
program's own: it travels as a `HostError` past the guest and comes out unchanged.

Pipes, terminals and sockets are waited for by their descriptors. What else may wait is served by the steps of
`waiting`: a file object that may block is read and written in a thread when the guest runs in an event loop; a
callable or an object with coroutines, such as asyncio's streams, may return an awaitable there.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import stat
import sys

from wasmcy.wasi import abi
from wasmcy.wasi.abi import EAGAIN, EINVAL, ESPIPE, WasiError, filestat
from wasmcy.wasi.descriptors import Descriptor, OpenFile, writev
from wasmcy.wasi.vectors import MAX_COPY, after, cut, gather, has_room, scatter, size_of, with_views
from wasmcy.wasi.waiting import LATER, Threaded, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from wasmcy.wasi.abi import Caller, Memory
    from wasmcy.wasi.budget import Budget
    from wasmcy.wasi.vectors import Vectors
    from wasmcy.wasi.waiting import Steps, TimeLeft

    T = TypeVar("T")


class Inherit:
    """The type of INHERIT: the process's own stream, environment, clock or randomness."""

    def __repr__(self) -> str:
        return "wasmcy.wasi.INHERIT"


INHERIT = Inherit()


class HostError(Exception):
    """Carries the Python program's exception through code that makes error codes of exceptions."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def carrying(function: Callable[..., T]) -> Callable[..., T]:
    """The Python program's `function`, its exceptions (but OSError) carried by HostErrors."""

    def call(*arguments: Any) -> T:
        try:
            return function(*arguments)
        except OSError:
            raise
        except Exception as error:
            raise HostError(error) from error

    return call


class Awaited:
    """Until what the Python program's own `what` has returned has come."""

    __slots__ = ("awaitable", "what")

    def __init__(self, awaitable: Awaitable[Any], what: str) -> None:
        self.awaitable = awaitable
        self.what = what

    def block(self, time_left: TimeLeft) -> Any:
        raise refused(self.awaitable, self.what)

    def now(self) -> Any:
        return LATER

    async def in_loop(self, caller: Caller) -> Any:
        try:
            return await self.awaitable
        except OSError:
            raise
        except Exception as error:
            raise HostError(error) from error


def awaited(given: Any, what: str) -> Steps[Any]:
    """What a function of the Python program returned, or what comes of it if it is asynchronous."""
    return (yield Awaited(given, what)) if _is_awaitable(given) else given


def _is_awaitable(given: object) -> bool:
    return given is not None and hasattr(type(given), "__await__")


def refused(given: Any, what: str) -> HostError:
    """The error of a plain call that has got something to be awaited."""
    if hasattr(given, "close"):
        given.close()
    return HostError(TypeError(f"{what} is asynchronous: the guest must be called by call_async"))


_PLAIN = (io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)


_SMALL = 4096  # bytes that are copied rather than lent


class Stream(Descriptor):
    """The base of both directions: an object with, perhaps, a host descriptor behind it.

    `fd` is None where there is none; it is only looked at and waited on, never read or closed. One that `blocks`
    has nothing to say beyond its descriptor, which is waited for; one that is `threaded` cannot be waited for.
    """

    __slots__ = ("fd", "file", "pending", "threaded")

    refusals = OpenFile.refusals | {abi.FD_SEEK: ESPIPE, abi.FD_TELL: ESPIPE,
                                    abi.FD_ADVISE: ESPIPE, abi.FD_ALLOCATE: ESPIPE,
                                    abi.FD_FILESTAT_SET_SIZE: EINVAL}  # fmt: skip

    def __init__(self, rights: int, file: Any = None) -> None:
        rights |= abi.FD_FDSTAT_SET_FLAGS | abi.FD_FILESTAT_GET | abi.POLL_FD_READWRITE
        super().__init__(abi.FILETYPE_UNKNOWN, rights | abi.FD_SYNC | abi.FD_DATASYNC)
        self.file = file
        self.fd = _fileno(file)
        self.threaded = False
        self.pending: Threaded | None = None  # what a thread does; also when nobody waits for it any more
        if self.fd is not None:
            mode = os.fstat(self.fd).st_mode
            self.filetype = abi.filetype(mode)
            terminal = stat.S_ISCHR(mode) and os.isatty(self.fd)
            slow = terminal or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
            self.blocks = slow and _is_plain(file) and hasattr(select, "poll")
            self.threaded = self.waits = slow and not self.blocks
        if _is_seekable(file):
            self.rights |= abi.FD_SEEK | abi.FD_TELL

    def serve(self, function: Callable[..., Any], argument: Any, what: str) -> Steps[Any]:
        """Call a function of the Python program that may wait, or return an awaitable; its result."""
        if not self.threaded:
            return (yield from awaited(function(argument), what))
        self.pending = Threaded(lambda time_left: function(argument), kept=True)
        return (yield from self.settle(self.pending))

    def settle(self, pending: Threaded) -> Steps[Any]:
        """Wait for what a thread does; its result, or LATER where another call has had it."""
        try:
            result = yield pending
            return result if self.pending is pending else LATER
        finally:
            if pending.over and self.pending is pending:
                self.pending = None

    def status(self) -> tuple[int, ...]:
        return super().status() if self.fd is None else filestat(os.fstat(self.fd))

    def seek(self, offset: int, whence: int) -> int:
        if whence == os.SEEK_SET and offset < 0:
            raise WasiError(EINVAL)
        try:
            return int(carrying(self.file.seek)(offset, whence))
        except HostError as carrier:
            if isinstance(carrier.error, (ValueError, OverflowError)):
                raise WasiError(EINVAL) from None
            raise

    def pread(self, memory: Memory, pairs: Vectors, offset: int) -> int:
        raise WasiError(ESPIPE)

    pwrite = pread

    def advise(self, offset: int, length: int, advice: int) -> None:
        raise WasiError(ESPIPE)

    def waitable(self, event: int) -> int | None:
        return None if self.filetype == abi.REGULAR_FILE else self.fd

    def _is_ready(self, event: int) -> bool:
        """Whether a transfer would not wait, on systems that can tell."""
        return self.fd is None or not hasattr(select, "poll") or Wait([(self.fd, event)], None).now() is not LATER


class Input(Stream):
    """What a guest reads from: bytes, a file object, a callable, or nothing."""

    __slots__ = ("_ahead", "_given", "_into", "_looked", "_read")

    def __init__(self, source: object) -> None:
        if source is INHERIT:
            source = sys.stdin
        if isinstance(source, (bytes, bytearray, memoryview)):
            source = io.BytesIO(source)
        self._given = source  # a text file that is forgotten closes the one beneath
        source = _beneath(source)
        self._ahead = b""  # what the source gave beyond what was asked
        self._looked = False
        self._read: Callable[[int], Any]
        self._into = _reader_into(source)
        is_file = hasattr(source, "read")
        asynchronous = is_file and _is_asynchronous(source, "read")
        if source is None:
            self._read = lambda length: b""
        elif is_file:
            # One read of what is there, not as many as fill the buffer.
            for method in ("read1", "readline" if _is_text(source) else "read"):
                if hasattr(source, method):
                    break
            self._read = carrying(getattr(source, method))
        elif callable(source):
            self._read = carrying(source)
        else:
            raise TypeError(f"stdin is bytes, a file object, a callable or None, not {type(source).__name__}")
        super().__init__(abi.FD_READ, source if is_file and not asynchronous else None)
        if _is_text(source):
            self.rights &= ~(abi.FD_SEEK | abi.FD_TELL)
        if self.blocks:  # by its descriptor, which knows nothing of a buffer
            raw: Any = getattr(source, "raw", source)
            self._read, self._into = carrying(raw.read), carrying(raw.readinto)
        elif self.fd is None and source is not None and not _is_in_memory(source):
            self.threaded = is_file and not asynchronous
            self.waits = True

    def read(self, memory: Memory, pairs: Vectors) -> int:
        wanted = size_of(memory, pairs)
        if not wanted:
            return 0
        self._look()
        if self._into is not None and not self._ahead and (len(pairs) == 1 or pairs[0][1] > _SMALL):
            return with_views(memory, pairs, self._read_into)
        if not self._ahead:
            self._check_input()
            self._keep(self._read(min(wanted, MAX_COPY)))
        return self._give(memory, pairs, wanted)

    def reading(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        return super().reading(memory, pairs) if self.blocks else self._fetching(memory, pairs)

    def _fetching(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        """`read` from what may wait by itself."""
        wanted = size_of(memory, pairs)
        while not self._ahead:
            self._check_input()
            if self.pending is None:
                given = yield from self.serve(self._read, min(wanted, MAX_COPY), "stdin")
            else:
                given = yield from self.settle(self.pending)
            if given is not LATER and not self._keep(given):
                return 0
        return self._give(memory, pairs, wanted)

    def _read_into(self, parts: list[memoryview]) -> int:
        """Read into the first buffer: a read may always be shorter than asked."""
        self._check_input()
        assert self._into is not None
        got = self._into(parts[0])
        if got is None:  # a file object that does not block
            raise BlockingIOError(errno.EAGAIN, "nothing is there")
        return got

    def _check_input(self) -> None:
        """Raises: WasiError: EAGAIN, nothing is there and the guest does not want to wait."""
        if self.flags & abi.NONBLOCK and not self._is_ready(abi.EVENT_FD_READ):
            raise WasiError(EAGAIN)

    def _keep(self, given: Any) -> bool:
        """Keep what the source gave; whether it is anything."""
        if given is None:  # a file object that does not block
            raise BlockingIOError(errno.EAGAIN, "nothing is there")
        if isinstance(given, str):
            given = given.encode("utf-8", "surrogateescape")
        elif _is_awaitable(given):
            raise refused(given, "stdin")
        self._ahead += given
        return bool(given)

    def _give(self, memory: Memory, pairs: Vectors, wanted: int) -> int:
        """Hand out at most as many bytes as are `wanted` of those kept."""
        data, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        scatter(memory, pairs, data)
        return len(data)

    def seek(self, offset: int, whence: int) -> int:
        if whence == os.SEEK_CUR:
            offset -= len(self._ahead)
        position = super().seek(offset, whence)
        self._ahead = b""
        return position

    def waitable(self, event: int) -> int | None:
        self._look()
        return None if self._ahead else super().waitable(event)

    def _look(self) -> None:
        """Take over what the Python program's own reads have left in a file object's buffer."""
        if self.blocks and not self._looked:
            self._looked = True
            if type(self.file) is io.BufferedReader:
                self._ahead += _read_ahead(self.file)


def _reader_into(source: Any) -> Callable[[memoryview], int | None] | None:
    """How a file object of the standard library reads into the guest's own memory, without a copy."""
    if type(source) in (io.BufferedReader, io.BufferedRandom):
        return carrying(source.readinto1)
    return carrying(source.readinto) if type(source) in (io.BytesIO, io.FileIO) else None


def _read_ahead(file: io.BufferedReader) -> bytes:
    """What is in a file object's buffer: its descriptor knows nothing of it."""
    blocking = os.get_blocking(file.fileno())
    os.set_blocking(file.fileno(), False)
    try:
        return file.read1(len(file.peek(1)))
    except OSError:
        return b""
    finally:
        os.set_blocking(file.fileno(), blocking)


class Output(Stream):
    """What a guest writes to: a file object, a callable that takes bytes, or nothing.

    What is written to an `io.BytesIO` or `io.StringIO` stays in memory and is taken from the budget.
    A terminal, pipe or socket gets every write at once, as from a native program; a file gets
    them when its own buffer is full, and the rest at `flush`, which close and proc_exit call.
    """

    __slots__ = ("_budget", "_drain", "_eager", "_flush", "_lends", "_name", "_past", "_write")

    atomic = 4096  # PIPE_BUF: what a pipe that is ready takes without waiting

    def __init__(self, target: object, name: str, budget: Budget) -> None:
        if target is INHERIT:
            target = getattr(sys, name)
        self._name = name
        self._write: Callable[[bytes | memoryview], Any]
        self._flush: Callable[[], object] | None = None
        self._drain: Callable[[], Any] | None = None
        is_file = hasattr(target, "write")
        asynchronous = is_file and (_is_asynchronous(target, "write") or _is_asynchronous(target, "drain"))
        if target is None:
            self._write = len
        elif is_file:
            self._write = carrying(_writer_to(target))
            self._flush = carrying(target.flush) if hasattr(target, "flush") and not asynchronous else None
            self._drain = carrying(target.drain) if hasattr(target, "drain") and asynchronous else None
        elif callable(target):
            self._write = carrying(target)
        else:
            raise TypeError(f"{name} is a file object, a callable or None, not {type(target).__name__}")
        file = _beneath(target)
        super().__init__(abi.FD_WRITE, file if hasattr(file, "write") and not asynchronous else None)
        self._budget = budget if isinstance(file, (io.BytesIO, io.StringIO)) else None
        if _is_text(file):
            self.rights &= ~(abi.FD_SEEK | abi.FD_TELL)
        self._eager = self.fd is not None and self.filetype != abi.REGULAR_FILE
        # Where every write is flushed at once, it can as well go past a file object of the system's own.
        self._past = self.fd if self._eager and _is_plain(file) else None
        # These copy what they are given before they return; others might keep it.
        self._lends = type(file) is io.BytesIO or (_is_plain(file) and not isinstance(file, io.RawIOBase))
        self.waits = self.blocks or self.threaded or asynchronous or (target is not None and not is_file)

    def write(self, memory: Memory, pairs: Vectors) -> int:
        if self._past is not None:
            self.flush()  # what the program has written comes before
            if self.flags & abi.NONBLOCK and self.blocks:
                if not self._is_ready(abi.EVENT_FD_WRITE):
                    raise WasiError(EAGAIN)
                pairs = cut(pairs, self.atomic)
            if len(pairs) == 1 and pairs[0][1] <= _SMALL:
                return os.write(self._past, memory.read(*pairs[0]))
            return with_views(memory, pairs, self._writev)
        if self._lends and sum([length for _, length in pairs]) > _SMALL:
            return with_views(memory, pairs, self._write_each)
        data = gather(memory, pairs)
        if self._budget is not None:
            self._budget.take(len(data))
        return self._put(data)

    def writing(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        if not self.blocks:
            return self._serving(memory, pairs)
        few = size_of(memory, pairs) <= self.atomic
        return super().writing(memory, pairs) if few else self._writing_all(memory, pairs)

    def _writing_all(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        """Write everything, as the host does when it waits by itself; less where an error comes in between."""
        done = 0
        while has_room(pairs):
            try:
                moved = yield from super().writing(memory, pairs)
            except (OSError, WasiError):
                if not done:
                    raise
                break
            done += moved
            pairs = after(pairs, moved)
        return done

    def _serving(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        """`write` to what may wait by itself."""
        while self.pending is not None:  # what is being written comes before
            yield from self.settle(self.pending)
        data = gather(memory, pairs)
        if self.threaded:
            written: int = yield from self.serve(self._put, data, self._name)
            return written
        yield from awaited(self._write(data), self._name)
        if self._drain is not None:
            yield from awaited(self._drain(), self._name)
        return len(data)

    def _put(self, data: bytes) -> int:
        """Write copied bytes; returns how many were taken."""
        written = self._write(data)
        if self.waits and _is_awaitable(written):
            raise refused(written, self._name)
        if self._eager:
            self.flush()
        # Only a raw file may take less than it is given; others return what they like, or nothing.
        if isinstance(self.file, io.RawIOBase):
            if written is None:
                raise WasiError(EAGAIN)
            return int(written)
        return len(data)

    def _write_each(self, parts: list[memoryview]) -> int:
        total = sum(map(len, parts))
        if self._budget is not None:
            self._budget.take(total)
        for part in parts:
            self._write(part)
        if self._eager:
            self.flush()
        return total

    def _writev(self, parts: list[memoryview]) -> int:
        assert self._past is not None
        return writev(self._past, parts)

    def flush(self) -> None:
        if self._flush is not None:
            self._flush()

    def close(self) -> None:
        try:
            self.flush()
        except HostError as carrier:
            if not isinstance(carrier.error, ValueError):  # the file object is already closed
                raise


def _writer_to(target: Any) -> Callable[[bytes], Any]:
    """A function that writes bytes to a file object, be it binary or text."""
    beneath = _beneath(target)
    if _is_text(beneath):
        return _text_writer(target)
    if beneath is target:
        return target.write  # type: ignore[no-any-return]

    def write_beneath(data: bytes) -> Any:
        target.flush()  # what was printed before comes before
        return beneath.write(data)

    return write_beneath


def _text_writer(target: Any) -> Callable[[bytes], None]:
    """Writes to a file object that takes only text; a character may come in two pieces."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def write(data: bytes) -> None:
        target.write(decode(data))

    return write


def _beneath(file: Any) -> Any:
    """The binary file beneath a text file, if it has one: guests write bytes."""
    return (getattr(file, "buffer", None) or file) if _is_text(file) else file


def _is_text(file: object) -> bool:
    return isinstance(file, io.TextIOBase) or (
        not isinstance(file, io.IOBase) and isinstance(getattr(file, "encoding", None), str)
    )


def _fileno(file: Any) -> int | None:
    try:
        fd = file.fileno()
        os.fstat(fd)
    except Exception:  # none, or one that is no descriptor of this system
        return None
    return fd if isinstance(fd, int) else None


def _is_seekable(file: Any) -> bool:
    try:
        if not file.seekable():
            return False
        fd = _fileno(file)
        return fd is None or stat.S_ISREG(os.fstat(fd).st_mode)
    except Exception:
        return False


def _is_plain(file: Any) -> bool:
    """Whether a file object has what its descriptor has, but for what is read ahead; a class of the program's own,
    a socket's file or a Windows console may answer by themselves."""
    return type(file) in _PLAIN and type(getattr(file, "raw", file)) is io.FileIO


def _is_in_memory(file: Any) -> bool:
    """Whether a file object has all it gives, and never waits."""
    return type(getattr(file, "raw", file)) in (io.BytesIO, io.StringIO)


def _is_asynchronous(file: Any, name: str) -> bool:
    """Whether a method of a file object that is not of the standard library is a coroutine function."""
    if isinstance(file, io.IOBase):
        return False
    from inspect import iscoroutinefunction  # milliseconds

    return iscoroutinefunction(getattr(file, name, None))
