"""Every row of the table has a rule, and a proposal that is off takes its instructions along."""

import pytest
from assembling import HEADER, check, code, from_text, section, with_last_body

from wasmcy.errors import InvalidError, MalformedError
from wasmcy.features import Features
from wasmcy.opcodes import OPS
from wasmcy.text import wat2wasm

# Types by index: 0 void, 1 struct, 2 array of i32, 3 of i8, 4 of funcref; the rest is index 0.
MODULE = from_text("""
    (type $void (func)) (type $s (struct (field (mut i32) (mut i8)))) (type (array (mut i32)))
    (type (array (mut i8))) (type (array (mut funcref)))
    (table 1 funcref) (memory 1) (global (mut i32) (i32.const 0)) (tag) (elem func 0) (data "")
    (func (local i32)) (func data.drop 0) (func)
""")

# A struct and its descriptor, for the instructions on those.
DESCRIBED = wat2wasm("(rec (type (descriptor 1) (struct)) (type (describes 0) (struct))) (func)", Features.all())

# Valid bytes for each kind of immediate.
IMMEDIATES = {
    "blocktype": b"\x40",
    "vec(labelidx)": b"\0",
    "f32": bytes(4),
    "f64": bytes(8),
    "v128": bytes(16),
    "laneidx16": bytes(16),
    "heaptype": b"\x6e",  # any
    "vec(valtype)": b"\1\x7f",
    "vec(catch)": b"\0",
    "memarg": b"",  # made from the row
}

# The first type index where 0 will not do; where that is not enough, all immediates.
TYPE_INDEX = {"struct": b"\1", "array": b"\2"}
WHOLE = {
    "struct.get_s": b"\1\1",
    "struct.get_u": b"\1\1",
    "array.get_s": b"\3",
    "array.get_u": b"\3",
    "array.copy": b"\2\2",
    "array.new_elem": b"\4\0",
    "array.init_elem": b"\4\0",
    "struct.new_desc": b"\0",
    "struct.new_default_desc": b"\0",
    "ref.cast_desc_eq": b"\0",
    "ref.cast_desc_eq_null": b"\0",
    "br_on_cast_desc_eq": b"\0\0\x6e\0",
    "br_on_cast_desc_eq_fail": b"\0\0\x6e\0",
}

# Instructions that belong to blocks: how the frame around them begins, and what ends theirs.
AROUND = {
    "else": (code("i32.const", 0, "if", 0x40), code("end")),
    "catch": (code("try", 0x40), code("end")),
    "catch_all": (code("try", 0x40), code("end")),
    "rethrow": (code("try", 0x40, "catch_all"), code("end")),
    "delegate": (code("try", 0x40), b""),
    "end": (code("block", 0x40), b""),
    **{name: (b"", code("end")) for name in ("block", "loop", "if", "try", "try_table")},
}


def instruction(row):
    """The bytes of one instruction of this row."""
    immediates = WHOLE.get(row.mnemonic)
    if immediates is None:
        parts = [IMMEDIATES.get(kind, b"\0") for kind in row.immediates]
        family = row.mnemonic.partition(".")[0]
        if row.immediates[:1] == ("typeidx",) and family in TYPE_INDEX:
            parts[0] = TYPE_INDEX[family]
        if row.immediates[:1] == ("memarg",):
            parts[0] = bytes([row.align.bit_length() - 1, 0])
        immediates = b"".join(parts)
    return row.opcode + immediates


def body(row):
    """A body with this instruction in code that cannot be reached, where all operands fit.

    The label 0 takes an anyref, for the branches on references.
    """
    before, after = AROUND.get(row.mnemonic, (b"", b""))
    start = code("block", 0x6E, before, "unreachable")
    if row.mnemonic in ("else", "catch", "catch_all", "end", "delegate"):
        start = code("block", 0x6E, before)
    end = code("unreachable", after, "unreachable", "end", "drop", "end")
    return b"\1\1\x7f" + code(start, instruction(row)) + end


def rows(chosen):
    """Parametrize a test by the rows of the table that are chosen."""
    picked = [row for row in OPS.values() if chosen(row)]
    assert len(picked) > 3
    return pytest.mark.parametrize("row", picked, ids=lambda row: row.mnemonic)


@rows(lambda row: row.feature != "custom_descriptors")
def test_every_instruction_has_a_rule(row):
    check(with_last_body(MODULE, body(row)))


@rows(lambda row: row.feature == "custom_descriptors")
def test_every_instruction_on_descriptors_has_a_rule(row):
    check(with_last_body(DESCRIBED, body(row), Features.all()), Features.all())


@rows(lambda row: row.feature)
def test_an_instruction_of_a_proposal_that_is_off_is_refused(row):
    before = code("try", 0x40) if row.mnemonic in ("catch", "catch_all", "delegate") else b""
    data = with_last_body(from_text("(func)"), b"\0" + code(before, instruction(row), "end"))
    features = Features.all().with_(**{row.feature: False})
    with pytest.raises(MalformedError, match=f"needs the feature {row.feature}, which is off"):
        check(data, features)


def global_of(expression):
    """A module with a global variable of type i32 that begins as this expression says."""
    content = b"\1\x7f\0" + expression
    return HEADER + section(6, content)


@rows(lambda row: row.params is not None and not row.const and row.mnemonic != "nop")
def test_other_instructions_are_refused_in_constant_expressions(row):
    with pytest.raises(InvalidError, match=f"^constant expression required: {row.mnemonic} is"):
        check(global_of(code(instruction(row), "end")))


@pytest.mark.parametrize("operator", ["i32.add", "i32.sub", "i32.mul"])
def test_constant_arithmetic_is_a_feature(operator):
    data = global_of(code("i32.const", 1, "i32.const", 2, operator, "end"))
    check(data)
    with pytest.raises(InvalidError, match="needs the feature extended_const, which is off"):
        check(data, Features(extended_const=False))
