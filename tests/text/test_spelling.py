"""Numbers are read back as the same bits; strings and identifiers are what the text format allows."""

from struct import pack, unpack

import pytest

from wasmcy.text.spelling import byte_string, f32_text, f64_text, identifier, quoted


@pytest.mark.parametrize("start", range(0, 1 << 32, 0x01F3_5A77))
def test_a_short_float_is_read_back_as_the_same_bits(start):
    for bits in start, start ^ 0x7FFF_FFFF:
        text = f32_text(bits)
        if "nan" not in text:
            assert pack("<f", float(text)) == pack("<I", bits)
            assert len(text) <= len(repr(unpack("<f", pack("<I", bits))[0]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f32_text(0x3DCCCCCD), "0.1"),
        (f32_text(0x7F7FFFFF), "3.4028235e+38"),
        (f32_text(0x00000001), "1.401298464324817e-45"),
        (f32_text(0x00800000), "1.1754944e-38"),
        (f32_text(0x7FC00000), "nan"),
        (f32_text(0xFFC00001), "-nan:0x400001"),
        (f32_text(0x7F800000), "inf"),
        (f64_text(0x7FF0000000000001), "nan:0x1"),
        (f64_text(0xFFF8000000000000), "-nan"),
        (f64_text(0x8000000000000000), "-0.0"),
        (f64_text(0x7FEFFFFFFFFFFFFF), "1.7976931348623157e+308"),
    ],
)
def test_floats_are_written_so(text, expected):
    assert text == expected


def test_names_cannot_command_a_terminal():
    assert quoted('a"\\\x1b[2J\u202eé') == r'"a\22\5c\1b[2J\u{202e}é"'


def test_bytes_are_escaped_unless_printable():
    assert byte_string(b'ab "\\\0\n\x7f\xff~') == r'"ab \22\5c\00\0a\7f\ff~"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("main", "$main"),
        ("a#$.%:^|~", "$a#$.%:^|~"),
        ("a b", '$"a b"'),
        ("a(", '$"a("'),
        ("é", '$"é"'),
        ('"', r'$"\22"'),
        ("a\n", r'$"a\0a"'),
    ],
)
def test_identifiers_are_quoted_where_they_must_be(name, expected):
    assert identifier(name) == expected
