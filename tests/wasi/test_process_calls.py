"""Arguments, environment, clocks, randomness and exit."""

import io
import time
from struct import unpack_from

import pytest

from wasmcy.errors import Exit
from wasmcy.wasi import INHERIT

STRINGS = [
    ([], []),
    (["prog"], [b"prog"]),
    (["prog", "", "two words", "größe"], [b"prog", b"", b"two words", "größe".encode()]),
    ([b"\xff\xfe", "sur\udcffrogate"], [b"\xff\xfe", b"sur\xffrogate"]),
]


def strings(guest, kind):
    """What a guest finds: the strings its pointers point at."""
    assert guest(f"{kind}_sizes_get", 512, 516) == "success"
    count, size = unpack_from("<II", guest.memory, 512)
    assert guest(f"{kind}_get", 1024, 8192) == "success"
    pointers = unpack_from(f"<{count}I", guest.memory, 1024)
    found = [bytes(guest.memory[at : guest.memory.index(0, at)]) for at in pointers]
    assert sum(map(len, found)) + count == size
    return found


@pytest.mark.parametrize(("given", "found"), STRINGS)
def test_arguments(new_guest, given, found):
    assert strings(new_guest(args=given), "args") == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        (None, []),
        ({"A": "1", "B": "", "C": "x=y"}, [b"A=1", b"B=", b"C=x=y"]),
        ({"größe": "世"}, ["größe=世".encode()]),
    ],
)
def test_environment(new_guest, given, found):
    assert strings(new_guest(env=given), "environ") == found


def test_the_environment_of_the_process_is_there_only_if_granted(new_guest, monkeypatch):
    monkeypatch.setenv("WASMCY_TEST", "granted")
    assert b"WASMCY_TEST=granted" in strings(new_guest(env=INHERIT), "environ")
    assert strings(new_guest(), "environ") == []


CLOCKS = [(0, time.time_ns), (1, time.monotonic_ns), (2, time.process_time_ns)]


@pytest.mark.parametrize(("number", "read"), CLOCKS)
def test_the_clocks_of_the_system(new_guest, number, read):
    guest = new_guest(clock=INHERIT)
    before = read()
    told = guest.result("clock_time_get", number, 0, layout="<Q")
    assert before <= told <= read()
    assert 0 < guest.result("clock_res_get", number, layout="<Q") <= 1_000_000_000


@pytest.mark.parametrize(
    ("granted", "number", "answer"),
    [
        (None, 0, "notcapable"),
        (None, 1, "notcapable"),
        (None, 4, "inval"),
        (INHERIT, 4, "inval"),
        (INHERIT, 0xFFFF_FFFF, "inval"),
        (lambda number: 1000 + number, 0, 1000),
        (lambda number: 1000 + number, 3, 1003),
        (lambda number: -1, 0, (1 << 64) - 1),
        (lambda number: 1.5e9, 1, 1_500_000_000),
        (lambda number: 0, 4, "inval"),
    ],
)
def test_clocks(new_guest, granted, number, answer):
    guest = new_guest(clock=granted)
    assert guest.result("clock_time_get", number, 0, layout="<Q") == answer
    resolution = guest.result("clock_res_get", number, layout="<Q")
    assert (resolution if isinstance(resolution, str) else 1) == (answer if isinstance(answer, str) else 1)


@pytest.mark.parametrize("length", [0, 1, 8, 65536, 65537, 200_000])
def test_random_bytes_fill_the_buffer_and_no_more(new_guest, length):
    guest = new_guest(random=INHERIT)
    assert guest("random_get", 16, length) == "success"
    assert guest.memory[:16] == bytes(16)
    assert guest.memory[16 + length :].strip(b"\0") == b""
    if length >= 65536:
        assert len(set(guest.memory[16 : 16 + length])) == 256
        assert guest.memory[16 + length - 16 : 16 + length].strip(b"\0")


@pytest.mark.parametrize(
    ("granted", "answer"),
    [(None, "notcapable"), (lambda length: b"x" * length, b"xxxxxxxx"), (INHERIT, None)],
)
def test_randomness_is_what_was_granted(new_guest, granted, answer):
    guest = new_guest(random=granted)
    said = guest("random_get", 16, 8)
    if isinstance(answer, str):
        assert said == answer
    else:
        assert said == "success"
        assert answer is None or guest.memory[16:24] == answer


def test_a_seed_gives_the_same_bytes_every_time(new_guest):
    found = []
    for seed in (1, 1, 2):
        guest = new_guest(random=seed)
        guest("random_get", 0, 32)
        guest("random_get", 32, 7)
        found.append(bytes(guest.memory[:39]))
    assert found[0] == found[1] != found[2]


def test_random_of_a_wrong_length_is_the_programs_error(new_guest):
    guest = new_guest(random=lambda length: bytes(length + 1))
    with pytest.raises(ValueError, match="random gave 9 bytes, asked for 8"):
        guest("random_get", 0, 8)


@pytest.mark.parametrize("code", [0, 1, 42, 127, 255, 0x8000_0000, 0xFFFF_FFFF])
def test_exit_raises_with_the_status(new_guest, code):
    with pytest.raises(Exit) as caught:
        new_guest().raw("proc_exit", code)
    assert caught.value.code == code


def test_exit_flushes_and_survives_a_broken_stream(new_guest):
    class Broken(io.RawIOBase):
        flushed = False

        def writable(self):
            return True

        def write(self, data):
            return len(data)

        def flush(self):
            self.flushed = True
            raise BrokenPipeError

    broken, out = Broken(), io.BytesIO()
    buffered = io.BufferedWriter(out)
    guest = new_guest(stdout=broken, stderr=buffered)
    guest.write(2, b"said")
    with pytest.raises(Exit):
        guest.raw("proc_exit", 3)
    assert broken.flushed
    assert out.getvalue() == b"said"
    with pytest.raises(BrokenPipeError):
        guest.wasi.close()
    Broken.flush = lambda self: None


@pytest.mark.parametrize(
    ("signal", "answer"),
    [(0, "success"), (1, 129), (2, 130), (6, 134), (9, 137), (13, "success"), (16, "success"),
     (18, "notsup"), (19, "notsup"), (21, "notsup"), (22, "success"), (30, 158), (31, "inval"),
     (0xFFFF_FFFF, "inval")],
)  # fmt: skip
def test_raise(new_guest, signal, answer):
    guest = new_guest()
    if isinstance(answer, str):
        assert guest("proc_raise", signal) == answer
    else:
        with pytest.raises(Exit) as caught:
            guest("proc_raise", signal)
        assert caught.value.code == answer


def test_yield(new_guest):
    assert new_guest()("sched_yield") == "success"
