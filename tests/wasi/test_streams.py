"""Standard input, output and error: every kind of object a Python program can hand over."""

import io
import os
import sys

import pytest

from wasmcy.wasi import INHERIT, abi


class Pipe:
    """A pipe of the host: its two ends as file objects."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "wb") as writer:
        yield Pipe(reader, writer)


def once(data):
    """A callable that gives everything at its first call, whatever it is asked."""
    parts = [data]
    return lambda length: parts.pop() if parts else data[:0]


@pytest.mark.parametrize("fd", [1, 2])
@pytest.mark.parametrize(
    ("make", "take"),
    [
        (io.BytesIO, lambda out: out.getvalue()),
        (io.StringIO, lambda out: out.getvalue().encode()),
        (lambda: io.TextIOWrapper(io.BytesIO(), "utf-8"), lambda out: out.buffer.getvalue()),
        (lambda: io.TextIOWrapper(io.BytesIO(), "latin-1"), lambda out: out.buffer.getvalue()),
        (lambda: io.BufferedWriter(io.BytesIO()), lambda out: out.raw.getvalue()),
    ],
    ids=["bytes", "string", "text", "latin-1 text", "buffered"],
)
def test_what_a_guest_writes_arrives(new_guest, fd, make, take):
    out = make()
    guest = new_guest(**{("stdout", "stderr")[fd - 1]: out})
    text = "grüße 世界\n".encode()
    assert guest.write(fd, text[:3], text[3:4]) == 4  # in the middle of a character
    assert guest.write(fd, text[4:]) == len(text) - 4
    assert guest.write(3 - fd, b"elsewhere") == 9
    guest.wasi.flush()
    assert take(out) == text


def test_a_callable_gets_the_bytes(new_guest):
    said = []
    guest = new_guest(stdout=said.append)
    guest.write(1, b"one ", b"two")
    guest.write(1, b"\xff")
    assert said == [b"one two", b"\xff"]


def test_nothing_granted_reads_as_the_end_and_swallows_what_is_written(new_guest):
    guest = new_guest()
    assert guest.read(0) == b""
    assert guest.write(1, b"text") == 4
    assert guest.write(2, b"text") == 4
    assert [guest.fdstat(fd)[0] for fd in range(3)] == [abi.FILETYPE_UNKNOWN] * 3


@pytest.mark.parametrize(
    "make",
    [
        lambda data: data,
        bytearray,
        memoryview,
        io.BytesIO,
        lambda data: io.StringIO(data.decode()),
        lambda data: io.TextIOWrapper(io.BytesIO(data), "utf-8"),
        lambda data: io.BufferedReader(io.BytesIO(data)),
        lambda data: io.BytesIO(data).read,
        once,
        lambda data: once(data.decode()),
    ],
    ids=["bytes", "bytearray", "memoryview", "BytesIO", "StringIO", "text", "buffered", "read",
         "too much at once", "text at once"],
)  # fmt: skip
@pytest.mark.parametrize("length", [1, 3, 7, 4096])
def test_what_a_guest_reads(new_guest, make, length):
    data = "one\ntwo grüße\nthree".encode()
    guest = new_guest(stdin=make(data))
    read = b""
    while True:
        part = guest.read(0, length)
        assert len(part) <= length
        if not part:
            break
        read += part
    assert read == data
    assert guest.read(0) == b""


def test_reading_spreads_over_buffers(new_guest):
    guest = new_guest(stdin=b"0123456789")
    at, count = guest.vectors(2, 0, 3)
    assert guest.result("fd_read", 0, at, count) == 5
    assert guest.read(0) == b"56789"


def test_reading_takes_what_is_there_and_does_not_wait_for_more(new_guest, pipe):
    guest = new_guest(stdin=pipe.reader)
    pipe.writer.write(b"line\n")
    pipe.writer.flush()
    assert guest.read(0, 4096) == b"line\n"
    pipe.writer.close()
    assert guest.read(0, 4096) == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows waits for sockets only")
def test_what_a_pipe_gave_is_read_in_small_pieces(new_guest, pipe):
    guest = new_guest(stdin=pipe.reader)
    for part in (b"abcdef", b"ghijkl"):  # nothing lies in a buffer that waiting for the pipe does not see
        pipe.writer.write(part)
        pipe.writer.flush()
        assert [guest.read(0, 2) for _ in range(3)] == [part[:2], part[2:4], part[4:]]


def test_an_empty_read_does_not_wait(new_guest, pipe):
    guest = new_guest(stdin=pipe.reader)
    assert guest.read(0, 0) == b""


def test_a_pipe_gets_every_write_at_once(new_guest, pipe):
    guest = new_guest(stdout=pipe.writer)
    guest.write(1, b"no line end")
    assert pipe.reader.read1(100) == b"no line end"


@pytest.mark.parametrize("kind", ["memory", "pipe", "file"])
def test_much_and_nothing_arrive_whole(new_guest, pipe, tmp_path, kind):
    with open(tmp_path / "out", "w+b") as file:
        out = {"memory": io.BytesIO(), "pipe": pipe.writer, "file": file}[kind]
        guest = new_guest(stdout=out)
        parts = [bytes([i]) * (i * 1000) for i in range(9)]
        assert guest.result("fd_write", 1, 512, 0) == 0
        assert guest.write(1, b"") == 0
        assert guest.write(1, *parts) == 36_000
        assert guest.write(1, b"end") == 3
        guest.wasi.flush()
        if kind != "pipe":
            out.seek(0)
        source = pipe.reader if kind == "pipe" else out
        assert source.read(36_003) == b"".join(parts) + b"end"


@pytest.mark.parametrize("buffered", [False, True])
def test_a_class_of_the_programs_own_gets_what_is_written(new_guest, pipe, buffered):
    class Loud(io.FileIO):
        def write(self, data):
            return super().write(bytes(data).upper())

        def read(self, size=-1):
            return super().read(size).lower()

        def readinto(self, buffer):
            got = super().readinto(buffer)
            buffer[:got] = bytes(buffer[:got]).lower()
            return got

    def loud(end, mode):
        raw = Loud(end.fileno(), mode, closefd=False)
        return (io.BufferedReader if mode == "rb" else io.BufferedWriter)(raw) if buffered else raw

    guest = new_guest(stdin=loud(pipe.reader, "rb"), stdout=loud(pipe.writer, "wb"))
    assert guest.write(1, b"Said") == 4
    assert pipe.reader.read1(100) == b"SAID"
    pipe.writer.write(b"HEARD")
    pipe.writer.flush()
    assert guest.read(0) == b"heard"


def test_a_file_gets_the_rest_at_the_end(new_guest, tmp_path):
    path = tmp_path / "out"
    with open(path, "wb") as out:
        guest = new_guest(stdout=out)
        guest.write(1, b"text\n")
        guest.wasi.flush()
        assert path.read_bytes() == b"text\n"
        guest.write(1, b"more")
        guest.wasi.close()
        assert path.read_bytes() == b"text\nmore"
        assert not out.closed


def test_a_raw_file_may_take_less(new_guest):
    class Raw(io.RawIOBase):
        taken = b""

        def writable(self):
            return True

        def write(self, data):
            if len(self.taken) >= 6:
                return None
            self.taken += bytes(data[:3])
            return len(data[:3])

    raw = Raw()
    guest = new_guest(stdout=raw)
    assert [guest.write(1, b"0123456789") for _ in range(3)] == [3, 3, "again"]
    assert raw.taken == b"012012"


@pytest.mark.parametrize(
    ("error", "answer"),
    [(BrokenPipeError(32, "broken"), "pipe"), (OSError(28, "full"), "nospc"), (OSError(), "io")],
)
def test_an_oserror_is_the_guests(new_guest, error, answer):
    def fail(*_):
        raise error

    guest = new_guest(stdin=fail, stdout=fail)
    assert guest.write(1, b"x") == answer
    assert guest.read(0) == answer


@pytest.mark.parametrize("error", [IndexError, UnicodeError, KeyError, MemoryError, ValueError])
def test_other_exceptions_pass_through_unchanged(new_guest, error):
    original = error("mine")

    def fail(*_):
        raise original

    class File:
        read = write = fail

    for granted in (fail, File()):
        guest = new_guest(stdin=granted, stdout=granted, clock=fail, random=fail)
        for call in (
            lambda guest=guest: guest.write(1, b"x"),
            lambda guest=guest: guest.read(0),
            lambda guest=guest: guest("clock_time_get", 0, 0, 512),
            lambda guest=guest: guest("random_get", 0, 8),
        ):
            with pytest.raises(error) as caught:
                call()
            assert caught.value is original


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_passes_through(new_guest, error):
    def fail(*_):
        raise error

    guest = new_guest(stdin=fail)
    with pytest.raises(error):
        guest.read(0)


def test_a_closed_file_object_is_the_programs_error_but_not_at_the_end(new_guest):
    out = io.BytesIO()
    guest = new_guest(stdout=out)
    out.close()
    with pytest.raises(ValueError, match="closed"):
        guest.write(1, b"x")
    guest.wasi.close()


def test_files_can_be_sought_and_pipes_cannot(new_guest, tmp_path, pipe):
    (tmp_path / "in").write_bytes(b"0123456789")
    with open(tmp_path / "in", "rb") as file:
        guest = new_guest(stdin=file, stdout=pipe.writer)
        assert guest.fdstat(0)[0] == abi.REGULAR_FILE
        assert guest.read(0, 2) == b"01"
        assert guest.result("fd_seek", 0, 3, 1, layout="<Q") == 5
        assert guest.result("fd_seek", 0, -1, 0, layout="<Q") == "inval"
        assert guest.result("fd_tell", 0, layout="<Q") == 5
        assert guest.read(0, 2) == b"56"
        assert guest.result("fd_filestat_get", 0, layout="<32xQ") == 10
        assert guest.result("fd_seek", 1, 0, 1, layout="<Q") == "spipe"
        assert guest.result("fd_seek", 2, 0, 1, layout="<Q") == "spipe"


def test_bytes_can_be_sought(new_guest):
    guest = new_guest(stdin=b"0123456789")
    assert guest.read(0, 4) == b"0123"
    assert guest.result("fd_seek", 0, 0, 0, layout="<Q") == 0
    assert guest.result("fd_seek", 0, -2, 2, layout="<Q") == 8
    assert guest.result("fd_seek", 0, -9, 1, layout="<Q") in (0, "inval")
    guest("fd_seek", 0, 8, 0, 512)
    assert guest.read(0) == b"89"


def test_the_process_streams_are_the_ones_of_the_moment(new_guest, monkeypatch):
    out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"typed\n")))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    guest = new_guest(stdin=INHERIT, stdout=INHERIT, stderr=INHERIT)
    print("printed before", end=" ")
    guest.write(1, b"written ")
    print("printed after", end="")
    guest.write(2, b"error")
    assert guest.read(0) == b"typed\n"
    out.flush()
    assert out.buffer.getvalue() == b"printed before written printed after"
    assert err.getvalue() == "error"


def test_a_process_without_streams_has_none(new_guest, monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    guest = new_guest(stdin=INHERIT, stdout=INHERIT, stderr=INHERIT)
    assert guest.read(0) == b""
    assert guest.write(1, b"x") == 1


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals to be had there")
def test_a_terminal_is_a_character_device_that_cannot_seek(new_guest, tmp_path):
    ours, theirs = os.openpty()
    try:
        with open(theirs, "r+b", buffering=0) as terminal:
            guest = new_guest(stdin=terminal, stdout=terminal)
            for fd in (0, 1):
                kind, _, rights, _ = guest.fdstat(fd)
                assert kind == abi.CHARACTER_DEVICE
                assert not rights & (abi.FD_SEEK | abi.FD_TELL)
            guest.write(1, b"hello")
            assert os.read(ours, 100) == b"hello"
            os.write(ours, b"line\n")
            assert guest.read(0) == b"line\n"
    finally:
        os.close(ours)


@pytest.mark.skipif(sys.platform == "win32", reason="cannot tell there")
def test_nonblocking_input_that_is_not_there_is_eagain(new_guest, pipe):
    guest = new_guest(stdin=pipe.reader)
    assert guest("fd_fdstat_set_flags", 0, abi.NONBLOCK) == "success"
    assert guest.read(0) == "again"
    pipe.writer.write(b"x")
    pipe.writer.flush()
    assert guest.read(0) == b"x"
