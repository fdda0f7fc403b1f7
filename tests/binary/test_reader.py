"""The reader: LEB128 numbers, names and spans within bounds."""

import pytest

from wasmcy.binary.reader import Reader
from wasmcy.errors import MalformedError
from wasmcy.opcodes import BY_NAME, OPS


def reader(text, end=None):
    data = bytes.fromhex(text)
    return Reader(data, 0, len(data) if end is None else end)


NUMBERS = [
    ("u32", "00", 0),
    ("u32", "7f", 127),
    ("u32", "80 01", 128),
    ("u32", "80 80 80 80 00", 0),
    ("u32", "ff ff ff ff 0f", 2**32 - 1),
    ("u64", "ff ff ff ff ff ff ff ff ff 01", 2**64 - 1),
    ("u64", "80 80 80 80 80 80 80 80 80 01", 2**63),
    ("s32", "00", 0),
    ("s32", "3f", 63),
    ("s32", "40", -64),
    ("s32", "7f", -1),
    ("s32", "ff 7f", -1),
    ("s32", "ff ff ff ff 07", 2**31 - 1),
    ("s32", "80 80 80 80 78", -(2**31)),
    ("s32", "ff ff ff ff 7f", -1),
    ("s33", "ff ff ff ff 0f", 2**32 - 1),
    ("s33", "80 80 80 80 70", -(2**32)),
    ("s64", "ff ff ff ff ff ff ff ff ff 00", 2**63 - 1),
    ("s64", "80 80 80 80 80 80 80 80 80 7f", -(2**63)),
    ("s64", "ff ff ff ff ff ff ff ff ff 7f", -1),
    ("s64", "80 80 80 80 08", 2**31),
]


@pytest.mark.parametrize(("kind", "text", "value"), NUMBERS)
def test_numbers(kind, text, value):
    r = reader(text)
    assert getattr(r, kind)() == value
    assert r.pos == r.end


TOO_LONG = "integer representation too long"
TOO_LARGE = "integer too large"
END = "unexpected end of section or function"

WRONG_NUMBERS = [
    ("u32", "80 80 80 80 80 00", TOO_LONG, 5),
    ("u32", "80 80 80 80 10", TOO_LARGE, 4),
    ("u32", "ff ff ff ff 7f", TOO_LARGE, 4),
    ("u64", "80 80 80 80 80 80 80 80 80 80 00", TOO_LONG, 10),
    ("u64", "80 80 80 80 80 80 80 80 80 02", TOO_LARGE, 9),
    ("s32", "80 80 80 80 80 00", TOO_LONG, 5),
    ("s32", "80 80 80 80 08", TOO_LARGE, 4),
    ("s32", "ff ff ff ff 77", TOO_LARGE, 4),
    ("s33", "80 80 80 80 10", TOO_LARGE, 4),
    ("s64", "ff ff ff ff ff ff ff ff ff 01", TOO_LARGE, 9),
    ("s64", "80 80 80 80 80 80 80 80 80 7e", TOO_LARGE, 9),
    ("s64", "ff ff ff ff ff ff ff ff ff ff 7f", TOO_LONG, 10),
    ("u32", "", END, 0),
    ("u32", "80", END, 1),
    ("s64", "80 80", END, 2),
    ("byte", "", END, 0),
    ("name", "01 ff", "malformed UTF-8 encoding", 1),
    ("name", "03 ed a0 80", "malformed UTF-8 encoding", 1),
    ("name", "02 61", "length out of bounds", 0),
    ("span", "05 00 00", "length out of bounds", 0),
    ("count", "02 00", END, 2),
]


@pytest.mark.parametrize(("kind", "text", "message", "offset"), WRONG_NUMBERS)
def test_what_is_malformed_says_what_and_where(kind, text, message, offset):
    r = reader(text)
    with pytest.raises(MalformedError, match=message) as caught:
        getattr(r, kind)()
    assert caught.value.offset == offset


def test_nothing_beyond_the_end_is_read():
    r = reader("80 01", end=1)
    with pytest.raises(MalformedError, match=END):
        r.u32()
    with pytest.raises(MalformedError, match=END):
        r.skip(2)
    assert r.pos == 0


def test_names_spans_and_skips():
    r = reader("03 e2 82 ac 02 01 02 ff")
    assert r.name() == "€"
    assert r.span() == 5
    assert r.pos == 7
    assert r.skip(1) == 7


@pytest.mark.parametrize("row", OPS.values(), ids=lambda row: row.mnemonic)
def test_opcodes(row):
    assert reader(row.opcode.hex()).opcode() == row.id


@pytest.mark.parametrize(
    ("text", "op_id"),
    [
        ("fd ae 81 80 00", BY_NAME["i32x4.add"].id),
        ("fb 80 02", -1),
        ("fd 80 04", -1),
        ("fe ff ff ff ff 0f", -1),
        ("ff", 0xFF),
    ],
)
def test_unusual_opcodes(text, op_id):
    assert reader(text).opcode() == op_id
