"""What is written is read as it was, in as few bytes as it needs."""

import random

import pytest

from wasmcy.binary.reader import Reader
from wasmcy.binary.writer import Writer


def edges(bits):
    """Numbers around the powers of two, where a number of more bytes begins."""
    return sorted({(1 << n) + d for n in range(bits) for d in (-1, 0, 1)} | {(1 << bits) - 1})


@pytest.mark.parametrize("value", edges(64))
def test_unsigned_numbers(value):
    out = Writer()
    out.unsigned(value)
    data = out.getvalue()
    assert Reader(data, 0, len(data)).u64() == value
    assert len(data) == max((value.bit_length() + 6) // 7, 1)


@pytest.mark.parametrize("magnitude", edges(63))
def test_signed_numbers(magnitude):
    for value in (magnitude, -magnitude, -magnitude - 1):
        out = Writer()
        out.signed(value)
        data = out.getvalue()
        assert Reader(data, 0, len(data)).s64() == value
        assert len(data) == (value if value >= 0 else ~value).bit_length() // 7 + 1


@pytest.mark.parametrize("n", [0, 1, 127, 128, 255, 256, 257, 100_000])
def test_bytes_and_names(n):
    out = Writer()
    out.byte(7)
    out.span(b"x" * n)
    out.name("é" * n)
    data = out.getvalue()
    reader = Reader(data, 1, len(data))
    assert data[reader.span() : reader.pos] == b"x" * n
    assert reader.name() == "é" * n
    assert reader.pos == out.size == len(data)


def test_bytes_are_cut_off():
    out = Writer()
    out.raw(b"abc")
    assert (out.take(1), out.size, out.getvalue()) == (b"bc", 1, b"a")
    out.little(0x1122334455667788, 8)
    assert out.getvalue().hex() == "618877665544332211"


def test_a_writer_grows():
    out, parts = Writer(), []
    rng = random.Random(5)
    for _ in range(300):
        parts.append(rng.randbytes(rng.randrange(300)))
        out.raw(parts[-1])
    assert out.getvalue() == b"".join(parts)
