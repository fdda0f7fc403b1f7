"""Names, custom sections and branch hints of a text stand in custom sections, at their places."""

import pytest

import wasmcy
from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.text import parse_module

FIELDS = "(type (func)) (func) (global i32 (i32.const 0)) (memory 1) (data (i32.const 0))"


def customs(text):
    module = decode(encode(parse_module(text)))
    return [(custom.place, custom.name, module.data[custom.start : custom.end]) for custom in module.customs]


@pytest.mark.parametrize(
    ("annotation", "place", "payload"),
    [
        ('(@custom "a")', 11, b""),
        ('(@custom "a" "x" "\\00y")', 11, b"x\0y"),
        ('(@custom "a" (after last) "x")', 11, b"x"),
        ('(@custom "a" (before first))', 0, b""),
        ('(@custom "a" (before type))', 0, b""),
        ('(@custom "a" (after type))', 1, b""),
        ('(@custom "a" (before global))', 5, b""),
        ('(@custom "a" (after table))', 3, b""),
        ('(@custom "a" (before code))', 6, b""),
        ('(@custom "a" (after code))', 10, b""),
        ('(@"custom" "a" (;;) ;;\n (after (@x) datacount))', 6, b""),
    ],
)
def test_custom_sections_have_places(annotation, place, payload):
    assert customs(f"(module {annotation} {FIELDS})") == [(place, "a", payload)]
    assert customs(f"{FIELDS} {annotation}") == [(place, "a", payload)]


def test_custom_sections_of_one_place_stay_in_order():
    text = '(@custom "1") (@custom "2" (before code)) (@custom "3") (@custom "4" (after global)) (@custom "5" (before code))'
    assert [name for _, name, _ in customs(FIELDS + text)] == ["4", "2", "5", "1", "3"]


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("(module $m)", "00 02 01 6d"),
        ('(module (@name "é"))', "00 03 02 c3 a9"),
        ('(module $m (@custom "x") (@name "n"))', "00 02 01 6e"),
        ("(func) (func $f)", "01 04 01 01 01 66"),
        ('(func $f (@name "g h"))', "01 06 01 00 03 67 20 68"),
        ('(func (@name "λ") (param i32))', "01 05 01 00 02 ce bb"),
        ('(func $"a b")', "01 06 01 00 03 61 20 62"),
        ('(import "a" "b" (func $f (param $x i32)))', "01 04 01 00 01 66 02 06 01 00 01 00 01 78"),
        ("(func (param $x i32) (local i32) (local $y i32))", "02 09 01 00 02 00 01 78 02 01 79"),
        ('(func (param $x (@name "p") i32) (local (@name "q") i32))', "02 09 01 00 02 00 01 70 01 01 71"),
        ('(func (param i32) (param (@name "p") i32) (local $y i32))', "02 09 01 00 02 01 01 70 02 01 79"),
        ("(func block $a loop end block $b end end)", "03 09 01 00 02 00 01 61 02 01 62"),
        ("(func (if $a (nop) (then (block $b))))", "03 09 01 00 02 00 01 61 01 01 62"),
        ("(type $t (func))", "04 04 01 00 01 74"),
        ("(rec (type (func)) (type $t (func)))", "04 04 01 01 01 74"),
        ("(table $t 1 funcref)", "05 04 01 00 01 74"),
        ("(memory $m 1)", "06 04 01 00 01 6d"),
        ("(global $g i32 (i32.const 0))", "07 04 01 00 01 67"),
        ("(elem $e func)", "08 04 01 00 01 65"),
        ("(table funcref (elem)) (elem $e func)", "08 04 01 01 01 65"),
        ("(data $d)", "09 04 01 00 01 64"),
        ("(type (struct (field $x i32) (field i32) (field $y i32)))", "0a 09 01 00 02 00 01 78 02 01 79"),
        ('(type (struct (field $x (@name "f") i32) (field (@name "g") i8)))', "0a 09 01 00 02 00 01 66 01 01 67"),
        ('(tag $t (@name "θ"))', "0b 05 01 00 02 ce b8"),
    ],
)  # fmt: skip
def test_names_stand_in_the_name_section(text, payload):
    assert [content.hex(" ") for _, name, content in customs(text) if name == "name"] == [payload]


def test_names_come_before_the_custom_sections_that_come_last():
    found = customs('(module $m (@custom "a" (after data)) (@custom "b") (data "") (@custom "c" (after last)))')
    assert [name for _, name, _ in found] == ["a", "name", "b", "c"]


def test_names_show_in_messages():
    module = wasmcy.Module('(module $m (func $divide (export "d") unreachable))')
    assert module.name == "m"
    with pytest.raises(wasmcy.Trap) as caught:
        module.instantiate().exports.d()
    assert caught.value.frames[0].name == "divide"


def test_a_name_annotation_stands_before_the_type_of_a_local():
    with pytest.raises(wasmcy.MalformedError, match=r"^misplaced @name annotation"):
        parse_module('(func (param i32 (@name "x") i64))')


def hint(value):
    return f'(@metadata.code.branch_hint "\\0{value}")'


@pytest.mark.parametrize(
    ("body", "hints"),
    [
        (f"block {hint(1)} br_if 0 end", [(3, 1)]),
        (f"{hint(0)} if end", [(1, 0)]),
        (f"{hint(1)} (if (i32.const 5) (then {hint(0)} (if (nop) (then))))", [(3, 1), (6, 0)]),
        (f"(block {hint(1)} (br_if 0 (i32.const 5)) {hint(0)} (br_if 0))", [(5, 1), (7, 0)]),
        (f"(local i32) block ({hint(1)} br_if 0) end", [(5, 1)]),
    ],
)
def test_branch_hints_are_where_their_instructions_are(body, hints):
    payload = "".join(f"{at:02x} 01 {value:02x}" for at, value in hints)
    wanted = bytes.fromhex(f"01 01 {len(hints):02x} {payload}")
    assert customs(f"(func) (func {body})") == [(3, "metadata.code.branch_hint", wanted)]


def test_annotations_that_mean_nothing_are_passed_over():
    text = '(@a) ((@b "x") module (@c (;;)) $m (@d) ((@e) func (@f) $f (@g) ((@h) nop (@i)) (@j)) (@k)) (@l)'
    assert encode(parse_module(text)) == encode(parse_module("(module $m (func $f nop))"))
