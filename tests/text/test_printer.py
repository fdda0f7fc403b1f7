"""Modules are written as text that another assembler turns into the same bytes."""

import pytest
import wasmtime

import wasmcy
from wasmcy.binary.decoder import decode
from wasmcy.errors import InvalidError, MalformedError
from wasmcy.text import wat2wasm
from wasmcy.text.printer import wasm2wat

HEADER = b"\0asm\1\0\0\0"
FORMS = [{"folded": False}, {"folded": True}, {"names": False}, {"folded": True, "names": False}]


def assembled(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text if text.isascii() else text.encode()))


def section(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number, len(content)]) + content


def custom(name: str, content: bytes) -> bytes:
    return section(0, bytes([len(name)]) + name.encode() + content)


EVERYTHING = """\
(module $all
  (type $sig (func (param i32) (result i32)))
  (rec
    (type $node (sub (struct (field $value (mut i8)) (field (ref null $node)))))
    (type (;2;) (sub final $node (struct (field (mut i8)) (field (ref null $node)) (field f64))))
    (type (;3;) (array (mut (ref $sig))))
  )
  (type (;4;) (func (param i32 i64)))
  (type (;5;) (func))
  (import "host" "f" (func $f (type $sig) (param i32) (result i32)))
  (import "host" "table" (table (;0;) 1 funcref))
  (import "host" "memory" (memory (;0;) 1 2 shared))
  (import "host" "v" (global (;0;) (mut i64)))
  (import "host" "tag" (tag (;0;) (type 4) (param i32 i64)))
  (table $t i64 1 10 (ref null $sig))
  (table (;2;) 5 funcref (ref.func $f))
  (memory (;1;) i64 0 3)
  (tag $oops (type 5))
  (global (;1;) i32 (i32.add (i32.const 1) (i32.const 2)))
  (global $g (mut anyref) (ref.null any))
  (export "g" (func $g))
  (export "quote \\22 é" (memory 1))
  (start 2)
  (elem (;0;) (i32.const 0) func $f $g)
  (elem $passive (ref null $sig) (ref.func $f) (ref.null $sig))
  (elem (;2;) (table $t) (i64.const 0) (ref null $sig) (ref.null $sig))
  (elem (;3;) declare func $g)
  (func $g (type $sig) (param $x i32) (result i32)
    (local i64 i64) (local $y f32)
    local.get $x
    call $f
  )
  (func (;2;) (type 5))
  (data (;0;) (i32.const 8) "hi\\00\\ff")
  (data (;1;) (memory 1) (i64.const 0) "")
  (data $d "passive")
)
"""


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_field_is_written(form):
    binary = assembled(EVERYTHING)
    text = wasm2wat(binary, **form)
    if form == {"folded": False}:
        assert text == EVERYTHING
    assert assembled(text) == binary


def test_the_module_may_be_loaded_already_and_bytes_of_any_kind():
    binary = assembled('(module (func (export "f")))')
    text = wasm2wat(binary)
    for source in bytearray(binary), memoryview(binary), wasmcy.Module(binary), wasmcy.Module(binary, lazy=True):
        assert wasmcy.wasm2wat(source) == text


@pytest.mark.parametrize("form", FORMS)
def test_our_own_assembler_makes_the_same_bytes(form):
    hinted = '(module (func (@metadata.code.branch_hint "\\01") (if (i32.const 1) (then))))'
    for source in EVERYTHING, CUSTOMS, HINTED, hinted:
        binary = wat2wasm(source)
        text = wasm2wat(binary, **form)
        assert wat2wasm(text) == binary, text


# Folding

FOLDED = [
    ("i32.const 1 i32.const 2 i32.add drop", "(drop (i32.add (i32.const 1) (i32.const 2)))"),
    ("i32.const 1 nop drop", "(i32.const 1)\n(nop)\n(drop)"),
    ("call 1 i32.add drop", "(drop (i32.add (call 1)))"),
    ("i32.const 1 call 1 drop drop drop", "(i32.const 1)\n(call 1)\n(drop)\n(drop)\n(drop)"),
    ("unreachable i32.add drop", "(unreachable)\n(drop (i32.add))"),
    ("i32.const 1 i32.const 2 i32.store", "(i32.store (i32.const 1) (i32.const 2))"),
    ("i32.const 0 call_indirect (type 2)", "(call_indirect (type 2) (i32.const 0))"),
    (
        "i32.const 1 if nop else end",
        "(if (;@1;)\n  (i32.const 1)\n  (then\n    (nop)\n  )\n  (else)\n)",
    ),
    (
        "i32.const 1 block (result i32) i32.const 2 end i32.add drop",
        "(drop\n  (i32.add\n    (i32.const 1)\n    (block (result i32) (;@1;)\n      (i32.const 2)\n    )))",
    ),
    (
        "i32.const 1 block (type 3) drop end",
        "(i32.const 1)\n(block (type 3) (;@1;)\n  (drop)\n)",
    ),
    (
        "block (result i32) i32.const 1 i32.const 2 br_if 0 end drop",
        "(drop\n  (block (result i32) (;@1;)\n    (br_if 0 (;@1;) (i32.const 1) (i32.const 2))\n  ))",
    ),
    (
        "try_table (catch_all 0) end",
        "(try_table (catch_all 0) (;@1;))",
    ),
    (
        "i32.const 1 throw 0",
        "(throw 0 (i32.const 1))",
    ),
]


@pytest.mark.parametrize(("flat", "folded"), FOLDED)
def test_operands_are_folded_where_they_fit(flat, folded):
    binary = assembled(f"""(module
        (type (func)) (type (func (result i32 i32))) (type (func)) (type (func (param i32)))
        (memory 1) (table 1 funcref) (tag (param i32))
        (func $f (type 0) {flat}) (func (type 1) unreachable))""")
    text = wasm2wat(binary, folded=True, names=False)
    body = text.split("(func (;0;) (type 0)\n")[1].split("\n  )\n  (func (;1;)")[0]
    assert "\n".join(line[4:] for line in body.split("\n")) == folded
    assert assembled(text) == binary


def test_legacy_handlers_are_folded():
    body = bytes.fromhex("06 40  01  07 00  1a  19  09 00  0b  06 40  18 00  0b")
    binary = HEADER + section(1, bytes.fromhex("02 60 00 00  60 01 7f 00")) + section(3, b"\1\0")
    binary += section(13, b"\1\0\1") + section(10, bytes([1, len(body) + 1, 0]) + body)
    text = wasm2wat(binary, folded=True)
    inside = text.split("(type 0)\n")[1].split("\n  )\n)")[0]
    assert [line.strip() for line in inside.split("\n")] == [
        *("(try (;@1;)", "(do", "(nop)", ")", "(catch 0", "(drop)", ")", "(catch_all", "(rethrow 0 (;@1;))", ")", ")"),
        *("(try (;@1;)", "(do)", "(delegate 0)", ")"),
    ]
    assert assembled(wasm2wat(binary)) == wat2wasm(text) == binary


def test_deep_nesting_is_no_recursion():
    n = 50_000
    chain = "(module (func (result i32) i32.const 0 " + "i32.eqz " * n + "))"
    blocks = "(module (func " + "block " * n + "end " * n + "))"
    for source in chain, blocks:
        binary = assembled(source)
        for folded in False, True:
            text = wasm2wat(binary, folded=folded)
            assert len(text) < 200 * n


# Names


def names_of(text: str) -> bytes:
    return assembled(text).partition(b"name")[2]


def test_names_that_are_taken_are_numbered_and_annotated():
    names = bytes.fromhex("01 11 05  00 01 61  01 01 61  02 03 61 23 31  03 00  04 01 61")
    binary = HEADER + section(1, b"\1\x60\0\0") + section(3, b"\5\0\0\0\0\0")
    binary += section(10, b"\5" + b"\2\0\x0b" * 5) + custom("name", names)
    text = wasm2wat(binary)
    heads = [line.split(" (type")[0].strip() for line in text.split("\n") if "(func " in line and "type (" not in line]
    assert heads == [
        "(func $a",
        '(func $a#2 (@name "a")',
        "(func $a#1",
        '(func (;3;) (@name "")',
        '(func $a#3 (@name "a")',
    ]
    assert assembled(text) == binary


TAKEN = """\
(module
  (type $t (struct (field $x i32) (field $x#1 (@name "x") i64)))
  (type $f (func (param i32 i32) (result i32)))
  (import "a" "b" (func (;0;) (type $f) (param $p i32) (param $p#1 (@name "p") i32) (result i32)))
  (func (;1;) (type $f) (param $x i32) (param $x#2 (@name "x") i32) (result i32)
    (local i32) (local $x#1 i32) (local (;4;) (@name "") i64)
    local.get $x#2
  )
)
"""


def test_locals_parameters_and_fields_are_numbered_where_their_names_are_taken():
    binary = wat2wasm(TAKEN)
    assert wasm2wat(binary) == TAKEN
    assert decode(binary).names().nested == {
        "local": {0: {0: "p", 1: "p"}, 1: {0: "x", 1: "x", 3: "x#1", 4: ""}},
        "field": {0: {0: "x", 1: "x"}},
    }


def test_names_of_what_is_not_there_are_left_out():
    binary = assembled("(module (type $t (struct)) (func $f (param $x i32)) (func $g))")
    text = wasm2wat(binary[: binary.index(b"\x04name") - 2] + custom("name", bytes.fromhex(
        "01 07 02 00 01 66 09 01 66  02 0d 01 00 03 00 01 78 01 01 78 02 01 79  04 07 02 00 01 74 09 01 74"
    )))  # fmt: skip
    assert "$f#" not in text and "$x" in text and "$x#" not in text and "@name" not in text


def test_names_are_quoted_where_they_must_be():
    binary = assembled(r'(module $"my module" (func $"operator ()" (param $"é" i32) (local.set $"é" (i32.const 1))))')
    text = wasm2wat(binary)
    assert text.startswith('(module $"my module"\n')
    assert '(func $"operator ()" (type 0) (param $"é" i32)' in text and 'local.set $"é"' in text
    assert assembled(text) == binary


def test_names_section_is_kept_as_it_is_without_names():
    binary = assembled("(module $m (func $f))") + custom("name", b"\xff\xff")
    text = wasm2wat(binary, names=False)
    assert text.count('(@custom "name" (after code)') == 2 and "$" not in text.replace("\\00\\02\\01m", "")
    assert assembled(text) == binary


def test_a_name_section_that_cannot_be_read_gives_the_names_before():
    base = assembled("(module (func))")
    text = wasm2wat(base + custom("name", bytes.fromhex("01 04 01 00 01 66 01 ff")))
    assert "(func $f (type 0))" in text


# Custom sections

CUSTOMS = """\
(module
  (@custom "first" (before first) "1")
  (type (;0;) (func))
  (@custom "t" (after type))
  (@custom "t" (after type) "again")
  (memory (;0;) 1)
  (@custom "m" (after memory) "\\00\\ff")
  (func (;0;) (type 0))
  (data (;0;) (i32.const 0) "x")
  (@custom "last" (after data) "2")
)
"""


def test_custom_sections_keep_their_places():
    binary = assembled(CUSTOMS)
    assert binary.startswith(HEADER + custom("first", b"1")) and binary.endswith(custom("last", b"2"))
    text = wasm2wat(binary)
    assert text == CUSTOMS
    assert assembled(text) == binary


def test_custom_sections_stay_before_and_after_the_names():
    base = wat2wasm("(module (func))")
    binary = base + custom("a", b"1") + custom("name", bytes.fromhex("01 04 01 00 01 66")) + custom("b", b"2")
    for form in FORMS:
        text = wasm2wat(binary, **form)
        assert wat2wasm(text) == binary


HINTED = """
(module (func (param i32)
  (local.get 0) (@metadata.code.branch_hint "\\00") if end
  (block (@metadata.code.branch_hint "\\01") (br_if 0 (local.get 0)))
  (@metadata.code.branch_hint "\\01") (if (local.get 0) (then))))
"""


@pytest.mark.parametrize("form", FORMS)
def test_branch_hints_are_annotations(form):
    binary = assembled(HINTED)
    text = wasm2wat(binary, **form)
    assert text.count("(@metadata.code.branch_hint") == 3 and "@custom" not in text
    assert assembled(text) == binary


@pytest.mark.parametrize(
    "content",
    ["01 00 01 03 01 02", "01 00 01 03 02 00 00", "01 00 01 02 01 00", "01 01 00", "01 00 01 03 01 00 00", "02 00 00"],
)
def test_branch_hints_that_annotations_cannot_say_are_a_custom_section(content):
    code = section(1, b"\1\x60\0\0") + section(3, b"\1\0"), section(10, bytes.fromhex("01 07 00 41 00 04 40 0b 0b"))
    binary = HEADER + code[0] + custom("metadata.code.branch_hint", bytes.fromhex(content)) + code[1]
    text = wasm2wat(binary)
    assert '(@custom "metadata.code.branch_hint" (after func)' in text
    assert assembled(text) == binary


# What is not valid, or not well-formed


def test_what_is_not_valid_is_written_all_the_same():
    binary = HEADER + section(1, bytes.fromhex("02 60 00 00 5f 00")) + section(3, b"\2\1\7")
    binary += section(7, b"\1\1x\0\x63") + section(8, b"\x20") + section(9, bytes.fromhex("01 00 0b 01 09"))
    body = bytes.fromhex("10 63  0c 09  fb 00 63  08 05  24 07  0b")
    binary += section(10, bytes([2, len(body) + 1, 0]) + body + bytes([len(body) + 1, 0]) + body)
    for form in FORMS:
        text = wasm2wat(binary, **form)
        assert "(func (;0;) (type 1)\n" in text and "(func (;1;) (type 7)\n" in text
        assert "(offset)" in text and "call 99" in text and "br 9" in text


@pytest.mark.parametrize(
    ("body", "kind", "message", "offset"),
    [
        ("00 ff 0b", MalformedError, "illegal opcode 0xff", 23),
        ("00 41", MalformedError, "unexpected end", 24),
        ("01 ff ff ff ff 0f 7f 0b", InvalidError, "too many locals: 4294967295", 23),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_function(body, kind, message, offset):
    content = bytes.fromhex(body)
    binary = HEADER + section(1, b"\1\x60\0\0") + section(3, b"\1\0") + section(10, bytes([1, len(content)]) + content)
    for folded in False, True:
        with pytest.raises(kind, match=message) as caught:
            wasm2wat(binary, folded=folded)
        assert (caught.value.function, caught.value.offset) == (0, offset)


def test_bytes_that_are_no_module_are_refused():
    with pytest.raises(MalformedError, match="magic header"):
        wasm2wat(b"(module)")
    with pytest.raises(TypeError, match="bytes-like"):
        wasm2wat("(module)")
