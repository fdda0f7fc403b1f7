"""Standard input, output and error: what a Python program hands over, as descriptors.

An OSError of such an object becomes the guest's error code. Any other exception is the Python
program's own: it travels as a `HostError` past the guest and comes out unchanged.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import stat
import sys

from wasmcy.wasi import abi
from wasmcy.wasi.abi import EAGAIN, EINVAL, ESPIPE, WasiError, filestat
from wasmcy.wasi.descriptors import Descriptor, OpenFile, writev
from wasmcy.wasi.vectors import MAX_COPY, gather, scatter, with_views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.budget import Budget
    from wasmcy.wasi.vectors import Vectors
    from wasmcy.wasi.waiting import TimeLeft

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


_PLAIN = (io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)


_SMALL = 4096  # bytes that are copied rather than lent


class Stream(Descriptor):
    """The base of both directions: an object with, perhaps, a host descriptor behind it.

    `fd` is None where there is none; it is only looked at and waited on, never read or closed.
    """

    __slots__ = ("file", "fd")

    refusals = OpenFile.refusals | {abi.FD_SEEK: ESPIPE, abi.FD_TELL: ESPIPE,
                                    abi.FD_ADVISE: ESPIPE, abi.FD_ALLOCATE: ESPIPE,
                                    abi.FD_FILESTAT_SET_SIZE: EINVAL}  # fmt: skip

    def __init__(self, rights: int, file: Any = None) -> None:
        rights |= abi.FD_FDSTAT_SET_FLAGS | abi.FD_FILESTAT_GET | abi.POLL_FD_READWRITE
        super().__init__(abi.FILETYPE_UNKNOWN, rights | abi.FD_SYNC | abi.FD_DATASYNC)
        self.file = file
        self.fd = _fileno(file)
        if self.fd is not None:
            mode = os.fstat(self.fd).st_mode
            self.filetype = abi.filetype(mode)
            terminal = stat.S_ISCHR(mode) and os.isatty(self.fd)
            waits = terminal or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
            self.blocks = waits and _is_plain(file) and hasattr(select, "poll")
        if _is_seekable(file):
            self.rights |= abi.FD_SEEK | abi.FD_TELL

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


class Input(Stream):
    """What a guest reads from: bytes, a file object, a callable, or nothing."""

    __slots__ = ("_read", "_into", "_ahead", "_given", "_looked")

    def __init__(self, source: object) -> None:
        if source is INHERIT:
            source = sys.stdin
        if isinstance(source, (bytes, bytearray, memoryview)):
            source = io.BytesIO(source)
        self._given = source  # a text file that is forgotten closes the one beneath
        source = _beneath(source)
        self._ahead = b""  # what the source gave beyond what was asked
        self._looked = False
        self._read: Callable[[int], bytes | str | None]
        self._into = _reader_into(source)
        if source is None:
            self._read = lambda length: b""
        elif hasattr(source, "read"):
            # One read of what is there, not as many as fill the buffer.
            for method in ("read1", "readline" if _is_text(source) else "read"):
                if hasattr(source, method):
                    break
            self._read = carrying(getattr(source, method))
        elif callable(source):
            self._read = carrying(source)
        else:
            raise TypeError(f"stdin is bytes, a file object, a callable or None, not {type(source).__name__}")
        super().__init__(abi.FD_READ, source if hasattr(source, "read") else None)
        if _is_text(source):
            self.rights &= ~(abi.FD_SEEK | abi.FD_TELL)

    def read(self, memory: Memory, pairs: Vectors) -> int:
        wanted, size = 0, len(memory)
        for at, length in pairs:
            if at + length > size:
                raise IndexError("a buffer outside the memory")
            wanted += length
        if not wanted:
            return 0
        if self._into is not None and not self._ahead and (len(pairs) == 1 or pairs[0][1] > _SMALL):
            return with_views(memory, pairs, self._read_into)
        data = self.take(min(wanted, MAX_COPY))
        scatter(memory, pairs, data)
        return len(data)

    def _read_into(self, parts: list[memoryview]) -> int:
        """Read into the first buffer: a read may always be shorter than asked."""
        self._check_input()
        assert self._into is not None
        got = self._into(parts[0])
        if got is None:  # a file object that does not block
            raise WasiError(EAGAIN)
        return got

    def _check_input(self) -> None:
        """Raises: WasiError: EAGAIN, nothing is there and the guest does not want to wait."""
        if self.flags & abi.NONBLOCK and self.fd is not None and not _has_input(self.fd):
            raise WasiError(EAGAIN)

    def take(self, length: int) -> bytes:
        """At most `length` bytes; fewer when no more are there now, none at the end."""
        if self._ahead:
            data, self._ahead = self._ahead, b""
        else:
            self._check_input()
            given = self._read(length)
            if given is None:  # a file object that does not block
                raise WasiError(EAGAIN)
            data = given.encode("utf-8", "surrogateescape") if isinstance(given, str) else given
        if len(data) > length:
            self._ahead = bytes(data[length:])
            data = data[:length]
        return data

    def seek(self, offset: int, whence: int) -> int:
        if whence == os.SEEK_CUR:
            offset -= len(self._ahead)
        position = super().seek(offset, whence)
        self._ahead = b""
        return position

    def waitable(self, event: int) -> int | None:
        if not self._looked:
            self._looked = True
            if self.blocks and type(self.file) is io.BufferedReader:
                self._ahead += _read_ahead(self.file)
        return None if self._ahead else super().waitable(event)


def _reader_into(source: Any) -> Callable[[memoryview], int | None] | None:
    """How a file object of the standard library reads into the guest's own memory, without a copy."""
    if type(source) in (io.BufferedReader, io.BufferedRandom):
        return carrying(source.readinto1)
    return carrying(source.readinto) if type(source) in (io.BytesIO, io.FileIO) else None


def _read_ahead(file: io.BufferedReader) -> bytes:
    """What the Python program's own reads have left in a file object's buffer: its descriptor knows nothing of it."""
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

    __slots__ = ("_write", "_flush", "_eager", "_budget", "_past", "_lends")

    atomic = 4096  # PIPE_BUF: what a pipe that is ready takes without waiting

    def __init__(self, target: object, name: str, budget: Budget) -> None:
        if target is INHERIT:
            target = getattr(sys, name)
        self._write: Callable[[bytes | memoryview], int | None]
        self._flush: Callable[[], object] | None = None
        if target is None:
            self._write = len
        elif hasattr(target, "write"):
            self._write = carrying(_writer_to(target))
            self._flush = carrying(target.flush) if hasattr(target, "flush") else None
        elif callable(target):
            self._write = carrying(target)
        else:
            raise TypeError(f"{name} is a file object, a callable or None, not {type(target).__name__}")
        file = _beneath(target)
        super().__init__(abi.FD_WRITE, file if hasattr(file, "write") else None)
        self._budget = budget if isinstance(file, (io.BytesIO, io.StringIO)) else None
        if _is_text(file):
            self.rights &= ~(abi.FD_SEEK | abi.FD_TELL)
        self._eager = self.fd is not None and self.filetype != abi.REGULAR_FILE
        # Where every write is flushed at once, it can as well go past a file object of the system's own.
        self._past = self.fd if self._eager and _is_plain(file) else None
        # These copy what they are given before they return; others might keep it.
        self._lends = type(file) is io.BytesIO or (_is_plain(file) and not isinstance(file, io.RawIOBase))

    def write(self, memory: Memory, pairs: Vectors) -> int:
        if self._past is not None:
            self.flush()  # what the program has written comes before
            if len(pairs) == 1 and pairs[0][1] <= _SMALL:
                return os.write(self._past, memory.read(*pairs[0]))
            return with_views(memory, pairs, self._writev)
        if self._lends and sum([length for _, length in pairs]) > _SMALL:
            return with_views(memory, pairs, self._write_each)
        data = gather(memory, pairs)
        if self._budget is not None:
            self._budget.take(len(data))
        written = self._write(data)
        if self._eager:
            self.flush()
        # Only a raw file may take less than it is given; others return what they like, or nothing.
        if isinstance(self.file, io.RawIOBase):
            if written is None:
                raise WasiError(EAGAIN)
            return written
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

    def when_ready(self, event: int, time_left: TimeLeft, transfer: Callable[[], T]) -> T:
        if time_left() is None:  # the host may wait: one system call less
            return transfer()
        return super().when_ready(event, time_left, transfer)

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


def _has_input(fd: int) -> bool:
    """Whether reading would not wait, on systems that can tell."""
    import select

    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
