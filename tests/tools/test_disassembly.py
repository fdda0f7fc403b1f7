"""A function body is listed as instructions with their offsets."""

from wasmcy.tools.disassembly import Body, expression


def test_instructions_have_their_offsets_and_their_nesting():
    body = Body(bytes.fromhex("ff 02 02 7f 01 7e  02 40  03 7f  01  0b  0b  0b"), 1, 14)
    assert body.locals == [(2, "i32"), (1, "i64")]
    assert [(i.offset, i.depth, i.text) for i in body.instructions] == [
        (6, 0, "block"),
        (8, 1, "loop (result i32)"),
        (10, 2, "nop"),
        (11, 1, "end"),
        (12, 0, "end"),
        (13, 0, "end"),
    ]


def test_functions_are_named_where_they_have_a_name():
    names = {3: "a b\n"}
    body = Body(bytes.fromhex("00 10 03 10 04 0b"), 0, 6, names.get)
    assert [i.text for i in body.instructions] == ['call 3 "a b\\0a"', "call 4", "end"]


def test_expressions_are_on_one_line():
    assert expression(bytes.fromhex("41 01 41 02 6a 0b"), 0, 6) == "(i32.const 1) (i32.const 2) (i32.add)"
