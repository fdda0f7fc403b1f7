"""`poll_oneoff`: waiting for clocks and descriptors."""

import os
import sys
import threading
import time
from struct import pack, unpack_from

import pytest

from tests.interrupting import ctrl_c
from wasmcy.wasi import INHERIT, abi

CLOCK, READ, WRITE = range(3)
MS = 1_000_000


def clock(timeout, number=1, flags=0, userdata=7):
    return (userdata, CLOCK, number, timeout, flags)


def reads(fd, userdata=8):
    return (userdata, READ, fd, 0, 0)


def writes(fd, userdata=9):
    return (userdata, WRITE, fd, 0, 0)


def begin(guest, *subscriptions, module="wasi_snapshot_preview1"):
    """What the call returns: an error code, or something to be awaited."""
    records = b""
    for userdata, kind, what, timeout, flags in subscriptions:
        if module == "wasi_unstable":
            head = (userdata, kind, 0, what) if kind == CLOCK else (userdata, kind, what, 0)
            records += pack("<QB7xQI4xQQH6x", *head, timeout, 0, flags)
        else:
            records += pack("<QB7xI4xQQH6x", userdata, kind, what, timeout, 0, flags)
    return guest.call("poll_oneoff", guest.put(records), 8192, len(subscriptions), 512, module=module)


def events(guest):
    """The events that were stored, as (userdata, error, type, bytes ready, flags)."""
    count = unpack_from("<I", guest.memory, 512)[0]
    found = [unpack_from("<QHB5xQH", guest.memory, 8192 + 32 * i) for i in range(count)]
    return [(u, abi.ERRNO_NAMES[error], kind, ready, flags) for u, error, kind, ready, flags in found]


def poll(guest, *subscriptions, module="wasi_snapshot_preview1"):
    """The events, or the error of the call."""
    code = guest.end(begin(guest, *subscriptions, module=module))
    return abi.ERRNO_NAMES[code] if code else events(guest)


@pytest.fixture(params=["wasi_snapshot_preview1", "wasi_unstable"])
def module(request):
    return request.param


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader, open(writing, "wb", buffering=0) as writer:
        yield reader, writer


def test_a_relative_clock_sleeps(new_guest, module):
    guest = new_guest()
    before = time.monotonic_ns()
    assert poll(guest, clock(30 * MS), module=module) == [(7, "success", CLOCK, 0, 0)]
    assert time.monotonic_ns() - before >= 29 * MS


def test_an_absolute_clock_sleeps_until_its_time(new_guest, module):
    guest = new_guest(clock=INHERIT)
    for number, read in ((0, time.time_ns), (1, time.monotonic_ns)):
        until = read() + 20 * MS
        assert poll(guest, clock(until, number, abi.ABSTIME), module=module)[0][1] == "success"
        assert read() >= until - MS


@pytest.mark.parametrize(
    ("subscriptions", "expected"),
    [
        ([clock(0)], [(7, "success", CLOCK)]),
        ([clock(0), clock(1 << 60, userdata=6)], [(7, "success", CLOCK)]),
        ([clock(0), clock(0, userdata=6)], [(7, "success", CLOCK), (6, "success", CLOCK)]),
        ([clock(1 << 60), clock(MS, userdata=6)], [(6, "success", CLOCK)]),
        ([clock(0, number=4)], [(7, "inval", CLOCK)]),
        ([clock(0, flags=2)], [(7, "inval", CLOCK)]),
        ([clock(0, flags=1)], [(7, "notcapable", CLOCK)]),
        ([reads(50), clock(1 << 60)], [(8, "badf", READ)]),
        ([writes(0)], [(9, "badf", WRITE)]),
        ([reads(1)], [(8, "badf", READ)]),
        ([reads(3)], [(8, "isdir", READ)]),
        ([writes(1), clock(1 << 60)], [(9, "success", WRITE)]),
        ([reads(0), writes(1), writes(2)],
         [(8, "success", READ), (9, "success", WRITE), (9, "success", WRITE)]),
    ],
)  # fmt: skip
def test_which_events(new_guest, root, module, subscriptions, expected):
    guest = new_guest(dirs={"/": root})
    found = poll(guest, *subscriptions, module=module)
    assert [event[:3] for event in found] == expected


@pytest.mark.parametrize("count", [0, 4097, 0xFFFF_FFFF])
def test_no_subscriptions_and_too_many_are_einval(new_guest, count):
    assert new_guest()("poll_oneoff", 0, 0, count, 0) == "inval"


def test_an_unknown_type_is_einval(new_guest):
    assert poll(new_guest(), (1, 3, 0, 0, 0)) == "inval"


def test_a_file_is_ready_with_what_is_left_of_it(guest, root):
    (root / "f").write_bytes(b"0123456789")
    fd = guest.open("f", 0, abi.FD_READ | abi.FD_WRITE)
    guest.read(fd, 4)
    assert poll(guest, reads(fd), clock(1 << 60)) == [(8, "success", READ, 6, 0)]
    assert poll(guest, writes(fd), clock(1 << 60)) == [(9, "success", WRITE, 1, 0)]


@pytest.mark.skipif(sys.platform == "win32", reason="waits for sockets only")
class TestPipes:
    def test_input_that_comes_in_time(self, new_guest, pipe):
        reader, writer = pipe
        guest = new_guest(stdin=reader)
        threading.Timer(0.02, writer.write, [b"12345"]).start()
        assert poll(guest, reads(0), clock(10_000 * MS)) == [(8, "success", READ, 5, 0)]
        assert guest.read(0) == b"12345"

    def test_input_that_does_not_come(self, new_guest, pipe):
        guest = new_guest(stdin=pipe[0])
        before = time.monotonic_ns()
        assert poll(guest, reads(0), clock(20 * MS)) == [(7, "success", CLOCK, 0, 0)]
        assert time.monotonic_ns() - before >= 19 * MS
        assert poll(guest, reads(0), clock(0)) == [(7, "success", CLOCK, 0, 0)]

    def test_the_end_of_input_is_a_hangup(self, new_guest, pipe):
        reader, writer = pipe
        guest = new_guest(stdin=reader)
        writer.close()
        (event,) = poll(guest, reads(0), clock(10_000 * MS))
        assert event[:4] == (8, "success", READ, 0)
        assert event[4] in (0, abi.HANGUP)  # a system need not tell
        assert guest.read(0) == b""

    def test_output_that_has_room_and_that_has_none(self, new_guest, pipe):
        writer = pipe[1]
        guest = new_guest(stdout=writer)
        assert poll(guest, writes(1), clock(10_000 * MS)) == [(9, "success", WRITE, 1, 0)]
        os.set_blocking(writer.fileno(), False)
        while writer.write(bytes(65536)) is not None:
            pass
        assert poll(guest, writes(1), clock(MS)) == [(7, "success", CLOCK, 0, 0)]
        if not guest.suspendable:  # an event loop never leaves it to the host to wait
            assert guest.write(1, b"x") == "again"
        assert guest("fd_fdstat_set_flags", 1, abi.NONBLOCK) == "success"
        assert guest.write(1, b"x") == "again"
        os.set_blocking(writer.fileno(), True)
        assert guest.write(1, b"x") == "again"

    def test_one_descriptor_for_reading_and_writing(self, new_guest, pipe):
        reader, writer = pipe
        guest = new_guest(stdin=reader, stdout=writer)
        assert poll(guest, reads(0), writes(1)) == [(9, "success", WRITE, 1, 0)]
        writer.write(b"x")
        assert [event[2] for event in poll(guest, reads(0), writes(1), clock(0))] == [
            READ,
            WRITE,
            CLOCK,
        ]

    def test_what_was_read_ahead_is_ready(self, new_guest, pipe):
        reader, writer = pipe

        class Text:
            encoding = "utf-8"
            fileno = reader.fileno

            def readline(self, length):
                return "grüße\n"[:length]

            read = readline

        guest = new_guest(stdin=Text())
        assert guest.read(0, 3) == "grü".encode()[:3]
        assert poll(guest, reads(0), clock(10_000 * MS))[0][0] == 8


def test_a_clock_of_the_program_can_sleep_itself(new_guest):
    class Clock:
        now = 100.0

        def __call__(self, number):
            return int(self.now * 1e9)

        def sleep(self, seconds):
            self.now += seconds

    mine = Clock()
    guest = new_guest(clock=mine)
    before = time.monotonic()
    assert poll(guest, clock(5_000 * MS)) == [(7, "success", CLOCK, 0, 0)]
    assert mine.now == 105.0
    poll(guest, clock(200_000 * MS, 0, abi.ABSTIME))
    assert mine.now == 200.0
    assert time.monotonic() - before < 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of one thread")
def test_a_sleep_ends_at_ctrl_c(new_guest):
    guest = new_guest()
    with pytest.raises(KeyboardInterrupt), ctrl_c():
        poll(guest, clock(60_000 * MS))
