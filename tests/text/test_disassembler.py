"""Instructions are written as the text format has them: another assembler makes the same bytes of them."""

from struct import pack

import pytest
import wasmtime

from wasmcy.binary.decoder import decode
from wasmcy.errors import InvalidError, MalformedError
from wasmcy.module import Names
from wasmcy.opcodes import OPS
from wasmcy.text.disassembler import Disassembler
from wasmcy.text.identifiers import Identifiers
from wasmcy.text.type_texts import TypeTexts

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


def reader(body, marks=False):
    names = Identifiers(Names())
    code = Disassembler(body, names, TypeTexts(names), marks=marks)
    code.begin(0, len(body), {}, {})
    return code


def lines(body, marks=False):
    """The instructions before the last `end`."""
    return reader(body, marks).lines(0, {})


def assembled(text):
    """The instructions of a function, by another assembler."""
    binary = bytes(wasmtime.wat2wasm(f"(module (type (func)) (func {text}))"))
    module = decode(binary)
    return binary[module.body_start[0] + 1 : module.body_end[0]]


def in_block(row, body):
    """The instruction, within the block it needs around it and closed if it is one itself."""
    opens = "blocktype" in row.immediates
    closed = opens or (row.mnemonic in INSIDE and row.mnemonic != "delegate")
    return INSIDE.get(row.mnemonic, b"") + body + (b"\x0b" if closed else b"") + b"\x0b"


@pytest.mark.parametrize("row", [row for row in OPS.values() if row.mnemonic != "end"], ids=str)
def test_another_assembler_makes_the_same_bytes_of_the_text(row):
    for body in (in_block(row, encoding) for encoding in encodings(row)):
        for marks in False, True:
            text = "\n".join(lines(body, marks))
            assert assembled(text) == body, text


def test_blocks_are_indented_and_labels_say_which_block_they_are():
    body = bytes.fromhex("02 40  03 7f  04 40  0c 01  05  0c 03  0b  0b  0b  06 40  01  19  01  0b  06 40  18 00  0b")
    assert (
        "\n".join(lines(body, marks=True))
        == """\
block (;@1;)
  loop (result i32) (;@2;)
    if (;@3;)
      br 1 (;@2;)
    else
      br 3
    end
  end
end
try (;@1;)
  nop
catch_all
  nop
end
try (;@1;)
delegate 0"""
    )


def test_names_of_labels_are_used_unless_an_inner_one_hides_them():
    body = bytes.fromhex("02 40  02 40  0c 00  0c 01  02 40  0c 00  0c 02  0b  0c 00  0b  0c 00  0b  0b")
    code = reader(body)
    code.begin(0, len(body), {}, {0: "$a", 1: "$b", 2: "$a"})
    texts = [line.strip() for line in code.lines(0, {})]
    assert texts == [
        *("block $a", "block $b", "br $b", "br $a"),
        *("block $a", "br $a", "br 2", "end"),
        *("br $b", "end", "br $a", "end"),
    ]


def test_deep_blocks_are_not_indented_for_ever():
    body = b"\x02\x40" * 100_000 + b"\x0b" * 100_001
    assert max(map(len, lines(body))) < 200


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
        ("02 ff 7f", "malformed block type", 1),
        ("28 80 01 00", "malformed memop flags", 1),
        ("fb 18 04 00 70 70", "malformed cast flags", 2),
        ("fe 03 01", "zero byte expected", 2),
        ("02 40 0b", "unexpected end", 3),
        ("0b 0b", "section size mismatch", 1),
        ("05 0b", "END opcode expected: else", 0),
        ("04 40 05 05 0b 0b", "END opcode expected: else", 3),
        ("02 40 19 0b 0b", "END opcode expected: catch_all", 2),
        ("06 40 19 07 00 0b 0b", "END opcode expected: catch", 3),
        ("06 40 07 00 18 00 0b", "END opcode expected: delegate", 4),
        ("18 00", "END opcode expected: delegate", 0),
    ],
)
def test_what_is_no_instruction_is_refused_with_its_offset(body, message, offset):
    with pytest.raises(MalformedError, match=message) as caught:
        lines(bytes.fromhex(body))
    assert caught.value.offset == offset


def test_locals_are_read_up_to_a_limit():
    body = bytes.fromhex("02 03 7f 02 70")
    assert [hex(t) for t in reader(body).local_types(5)] == ["0x7f"] * 3 + ["0x300000070"] * 2
    with pytest.raises(InvalidError, match="too many locals: 5") as caught:
        reader(body).local_types(4)
    assert caught.value.offset == 3
