"""Instructions are written as the text format has them: another assembler makes the same bytes of them."""

from struct import pack, unpack

import pytest
import wasmtime

from wasmcy.binary.decoder import decode
from wasmcy.errors import MalformedError
from wasmcy.opcodes import IMMEDIATES, OPS
from wasmcy.tools.disassembly import READ, f32_text, f64_text, instructions, locals_of, quoted

SAMPLES = {
    "blocktype": [b"\x40", b"\x7f", b"\x70", b"\x6b", b"\x63\x01", b"\x64\x6b", b"\x01", b"\xe4\x00"],
    "labelidx": [b"\x00", b"\xac\x02"],
    "vec(labelidx)": [b"\x00", b"\x03\x00\x01\x02"],
    "f32": [pack("<f", x) for x in (0.0, -0.0, 1.5, 0.1, 1e30, 3.4028234663852886e38, 1e-45, float("-inf"))],
    "f64": [pack("<d", x) for x in (0.0, -0.0, 0.1, 1e300, 5e-324, float("inf"), float("nan"))],
    "i32": [b"\x00", b"\x7f", b"\x80\x80\x80\x80\x78", b"\xff\xff\xff\xff\x07"],
    "i64": [b"\x2a", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"],
    "v128": [bytes(range(16))],
    "laneidx": [b"\x01"],
    "laneidx16": [bytes(range(16, 32))],
    "heaptype": [b"\x70", b"\x6f", b"\x74", b"\x01", b"\x62\x01"],
    "castflags": [b"\x00", b"\x01", b"\x02", b"\x03"],
    "vec(valtype)": [b"\x01\x7f", b"\x01\x64\x6e"],
    "vec(catch)": [b"\x00", b"\x04\x00\x01\x00\x01\x02\x01\x02\x00\x03\x01"],
    "zero": [b"\x00"],
    "typeidx": [b"\x01", b"\xac\x02"],
}
"""Encodings of each kind of immediate; the others are indices."""
INDEX = [b"\x00", b"\x05", b"\xac\x02"]
OPENING = ("block", "loop", "if", "try", "try_table")
INSIDE = {"else": b"\x04\x40", "catch": b"\x06\x40", "catch_all": b"\x06\x40", "delegate": b"\x06\x40"}
"""Instructions that stand in a block: the block's opening."""


def encodings(row):
    """Instructions of a row, each immediate in turn through all its samples."""
    kinds = [samples(row, kind) for kind in row.immediates]
    for i in range(max(map(len, kinds), default=1)):
        yield row.opcode + b"".join(kind[i % len(kind)] for kind in kinds)


def samples(row, kind):
    if kind == "memarg":
        align = bytes([row.align.bit_length() - 1])
        chosen = [align + b"\x00", align + b"\x90\x01"]
        atomic = row.feature == "threads"  # their alignment may only be the natural one
        return chosen + ([] if atomic else [b"\x00\x05", bytes([0x40]) + b"\x01\x05"])
    return SAMPLES.get(kind, INDEX)


def text_of(body):
    return " ".join(i.text for i in instructions(body, 0, len(body)))


def assembled(text):
    """The instructions of a function, by another assembler."""
    binary = bytes(wasmtime.wat2wasm(f"(module (type (func)) (func {text}))"))
    module = decode(binary)
    start, end = module.body_start[0], module.body_end[0]
    return binary[locals_of(binary, start, end)[1] : end - 1]


def in_block(row, body):
    """The instruction, within the block it needs around it and closed if it is one itself."""
    if row.mnemonic in INSIDE:
        body = INSIDE[row.mnemonic] + body
    return body + b"\x0b" if row.mnemonic in (*OPENING, *INSIDE) and row.mnemonic != "delegate" else body


@pytest.mark.parametrize("row", [row for row in OPS.values() if row.mnemonic != "end"], ids=str)
def test_another_assembler_makes_the_same_bytes_of_the_text(row):
    for body in encodings(row):
        body = in_block(row, body)
        assert assembled(text_of(body)) == body, text_of(body)


def test_every_kind_of_immediate_can_be_read():
    assert set(READ) | {"memarg", "castflags"} == set(IMMEDIATES)


def test_blocks_are_nested():
    body = bytes.fromhex("02 40  03 7f  04 40  01  05  01  0b  0b  0b  06 40  01  19  01  0b  06 40  18 00  0b")
    depths = [(i.depth, i.text) for i in instructions(body, 0, len(body))]
    assert depths == [
        (0, "block"),
        (1, "loop (result i32)"),
        (2, "if"),
        (3, "nop"),
        (2, "else"),
        (3, "nop"),
        (2, "end"),
        (1, "end"),
        (0, "end"),
        (0, "try"),
        (1, "nop"),
        (0, "catch_all"),
        (1, "nop"),
        (0, "end"),
        (0, "try"),
        (0, "delegate 0"),
        (0, "end"),
    ]


def test_functions_are_named_where_they_have_a_name():
    body = b"\x10\x03\x10\x04"
    names = {3: "a b\n"}
    assert [i.text for i in instructions(body, 0, len(body), names.get)] == ['call 3 "a b\\0a"', "call 4"]


@pytest.mark.parametrize(
    ("body", "message", "offset"),
    [
        ("00 ff", "illegal opcode 0xff", 1),
        ("fc ff 03", "illegal opcode 0xfc", 0),
        ("41", "unexpected end", 1),
        ("20 80 80 80 80 80 00", "integer representation too long", 6),
        ("1f 40 01 04 00", "malformed catch clause", 3),
        ("0e ff ff ff ff 0f", "unexpected end", 6),
        ("fd 0c 00", "unexpected end", 3),
    ],
)
def test_what_is_no_instruction_is_refused_with_its_offset(body, message, offset):
    data = bytes.fromhex(body)
    with pytest.raises(MalformedError, match=message) as caught:
        list(instructions(data, 0, len(data)))
    assert caught.value.offset == offset


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
        (f32_text(0x7FC00000), "nan"),
        (f32_text(0xFFC00001), "-nan:0x400001"),
        (f32_text(0x7F800000), "inf"),
        (f64_text(0x7FF0000000000001), "nan:0x1"),
        (f64_text(0xFFF8000000000000), "-nan"),
        (f64_text(0x8000000000000000), "-0.0"),
    ],
)
def test_floats_are_written_so(text, expected):
    assert text == expected


def test_names_cannot_command_a_terminal():
    assert quoted('a"\\\x1b[2J\u202eé') == r'"a\22\5c\1b[2J\u{202e}é"'
