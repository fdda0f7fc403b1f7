"""Texts that are no modules are refused with the phrases of the official test suite, and the place."""

import pytest

from wasmcy.errors import InvalidError, MalformedError, ModuleError
from wasmcy.features import Features
from wasmcy.text import parse_module

ALL = Features.all()
HINT = '(@metadata.code.branch_hint "\\01")'


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        # the module
        ("(module", "unexpected token: a field of the module, or ) expected, found the end", "(module"),
        ("(module))", "unexpected token: the end of the text expected, found )", ")"),
        ("(module) (module)", "unexpected token: the end of the text expected, found (module", "module)"),
        ("(func))", "unexpected token: a field of the module expected, found )", ")"),
        ("(module nop)", "unexpected token: a field of the module, or ) expected, found nop", "nop)"),
        ("(module (module))", "unexpected token: a field of the module expected, found (module", "module))"),
        ("(i32.add)", "unexpected token: a field of the module expected", "i32.add)"),
        ("(start 0) (start 0)", "multiple start sections", "(start 0)"),
        ('(func) (import "" "" (func))', "import after function", '(import "" "" (func))'),
        ('(memory 0) (func (import "" ""))', "import after memory", '(func (import "" ""))'),
        ('(tag) (tag (import "" ""))', "import after tag", '(tag (import "" ""))'),
        ('(import "\\ff" "" (func))', "malformed UTF-8 encoding", '"\\ff" "" (func))'),
        ('(import "" (func))', "unexpected token: a string expected, found (func", "func))"),
        ('(import "" "" (elem))', "unexpected token: what is imported", "elem))"),
        ('(export "a" (type 0))', "unexpected token: what is exported", "type 0))"),
        # names
        ("(func $a) (func $a)", "duplicate func $a", "$a)"),
        ('(func $a) (func $"a")', "duplicate func $a", '$"a")'),
        ("(func (param $a i32) (local $a i32))", "duplicate local $a", "$a i32))"),
        ("(type (struct (field $a i32) (field $a i32)))", "duplicate field $a", "$a i32)))"),
        ("(elem $a func) (table funcref (elem)) (elem $a func)", "duplicate elem $a", "$a func)"),
        ("(func call $a)", "unknown function $a", "$a)"),
        ("(func local.get $a)", "unknown local $a", "$a)"),
        ("(func (param $a i32)) (func local.get $a)", "unknown local $a", "$a)"),
        ("(func br $a)", "unknown label $a", "$a)"),
        ("(func block $a end br $a)", "unknown label $a", "$a)"),
        ("(func (block $a (try_table $b (catch_all $b))))", "unknown label $b", "$b))))"),
        ("(type (struct)) (func struct.get 0 $a)", "unknown field $a", "$a)"),
        ("(func (type 1) (param i32)) (type (func))", "unknown type 1", "type 1) (param i32)) (type (func))"),
        ("(func call 4294967296)", "i32 constant out of range", "4294967296)"),
        ('(func call $"\\ff")', "malformed UTF-8 encoding", '"\\ff")'),
        # types
        ("(type (func (result i32) (param i32)))", "unexpected token: ) expected", "param i32)))"),
        ("(type (func (param $a i32 i32)))", "unexpected token: ) expected", "i32)))"),
        ("(type (func (result $a i32)))", "unexpected token: a value type expected", "$a i32)))"),
        ("(type (ref func))", "unexpected token: a function, struct or array type expected", "ref func))"),
        ("(type (func (param i8)))", "unexpected token: a value type expected, found i8", "i8)))"),
        ("(type (array (ref null i32)))", "unexpected token: a heap type expected, found i32", "i32)))"),
        ("(table 1 i32)", "unexpected token: a reference type expected, found i32", "i32)"),
        ("(func (type 0) (param i32)) (type (func))", "inline function type", "type 0) (param i32)) (type (func))"),
        ("(func (block (type 0) (result i32))) (type (func))", "inline function type", None),
        ("(func (block (result i32) (param i32)))", "unexpected token", "param i32)))"),
        ("(func (block (param $a i32)))", "unexpected token: a value type expected, found $a", "$a i32)))"),
        ("(rec (func))", "unexpected token: ) expected, found (func", "func))"),
        ("(memory i64 0x1_0000_0000_0000_0000)", "i64 constant out of range", "0x1_0000_0000_0000_0000)"),
        ("(memory 0 (pagesize 3))", "invalid custom page size", "3))"),
        ("(memory)", "unexpected token: (data expected, found )", ")"),
        ("(table 0)", "unexpected token: a value type expected, found )", ")"),
        # instructions
        ("(func i32.const)", "unexpected token: a number expected, found )", ")"),
        ("(func i32.const nan:canonical)", "unexpected token: a number expected", "nan:canonical)"),
        ("(func i32.const 4294967296)", "constant out of range", "4294967296)"),
        ("(func i32.const -2147483649)", "constant out of range", "2147483649)"),
        ("(func i32.const 1.5)", "constant out of range", "1.5)"),
        ("(func f32.const 1e39)", "constant out of range", "1e39)"),
        ("(func f64.const nan:0x0)", "constant out of range", "nan:0x0)"),
        ("(func f32.const 0x1p)", "unknown operator 0x1p", "0x1p)"),
        ("(func i32.load align=3)", "alignment must be a power of two", "3)"),
        ("(func i32.load align=0)", "alignment must be a power of two", "0)"),
        ("(func i32.load offset=18446744073709551616)", "i64 constant out of range", "18446744073709551616)"),
        ("(func i32.load align=4 offset=4)", "unexpected token", "4)"),
        ("(func v128.const 1 2 3 4)", "unexpected token: a shape", "1 2 3 4)"),
        ("(func v128.const i32x4 1 2 3)", "wrong number of lane literals: 4 expected, found 3", "1 2 3)"),
        ("(func v128.const i8x16 256 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0)", "constant out of range", None),
        ("(func i8x16.shuffle 1 2)", "invalid lane length", "1 2)"),
        ("(func i8x16.shuffle 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 256)", "i8 constant out of range", "256)"),
        ("(func i8x16.extract_lane_s 256)", "i8 constant out of range", "256)"),
        ("(func i8x16.extract_lane_s -1)", "unexpected token: a lane expected", "-1)"),
        ("(func br_table)", "unexpected token: a label expected", ")"),
        ("(func memory.init)", "unexpected token: a segment expected", ")"),
        ("(func block end $a)", "mismatching label $a", "$a)"),
        ("(func block $a end $b)", "mismatching label $b", "$b)"),
        ("(func if $a else $b end)", "mismatching label $b", "$b end)"),
        ("(func block)", "unexpected token: end expected, found )", ")"),
        ("(func end)", "unexpected token: another instruction expected, found end", "end)"),
        ("(func block else end)", "unexpected token", "else end)"),
        ("(func if else else end)", "unexpected token", "else end)"),
        ("(func block catch 0 end)", "unexpected token", "catch 0 end)"),
        ("(func try catch_all catch 0 end)", "unexpected token", "catch 0 end)"),
        ("(func try catch_all delegate 0)", "unexpected token", "delegate 0)"),
        ("(func (if))", "unexpected token: (then expected, found )", "))"),
        ("(func (if nop (then)))", "unexpected token", "nop (then)))"),
        ("(func (if (then) nop))", "unexpected token", "nop))"),
        ("(func (if (then) (nop)))", "unexpected token", "nop)))"),
        ("(func (if (then) (else) (else)))", "unexpected token", "else)))"),
        ("(func (then))", "unexpected token", "then))"),
        ("(func (else))", "unexpected token", "else))"),
        ("(func (try (nop)))", "unexpected token", "nop)))"),
        ("(func (try))", "unexpected token: (do expected", "))"),
        ("(func (try (do) (catch_all) (catch_all)))", "unexpected token", "catch_all)))"),
        ("(func (try (do) (catch_all) (delegate 0)))", "unexpected token", "delegate 0)))"),
        ("(func (i32.add nop))", "unexpected token", "nop))"),
        ("(func (nop) (local i32))", "unexpected token", "local i32))"),
        ("(func (end))", "unexpected token", "end))"),
        ("(func module)", "unexpected token: an instruction expected, found module", "module)"),
        ("(func 5)", "unexpected token: an instruction expected, found 5", "5)"),
        ("(func", "unexpected token: an instruction expected, found the end", None),
        ("(global i32 (i32.const 0)", "unexpected token", None),
        # segments
        ("(elem)", "unexpected token: func or a reference type expected", ")"),
        ("(elem 0)", "unexpected token: an instruction in parentheses expected", ")"),
        ("(elem funcref 0)", "unexpected token: ) expected", "0)"),
        ("(elem declare (i32.const 0) func)", "unexpected token", "i32.const 0) func)"),
        ("(data (offset) (i32.const 0))", "unexpected token: ) expected", "i32.const 0))"),
        ("(data 5 \"a\")", "unexpected token: an instruction in parentheses expected", '"a")'),
        # annotations
        ("(@custom)", "@custom annotation: missing section name", "(@custom)"),
        ('(@custom "\\ff")', "@custom annotation: malformed UTF-8 encoding", '"\\ff")'),
        ('(@custom "a" b)', "@custom annotation: unexpected token b", "b)"),
        ('(@custom "a" (at func))', "@custom annotation: malformed placement", "at func))"),
        ('(@custom "a" (before))', "@custom annotation: malformed section kind", None),
        ('(@custom "a" (before last))', "@custom annotation: malformed section kind", "last))"),
        ('(@custom "a" (after func "x"))', "@custom annotation: malformed placement", '"x"))'),
        ('(func (@custom "a"))', "misplaced @custom annotation", '(@custom "a"))'),
        ('(type (@custom "a") (func))', "misplaced @custom annotation", '(@custom "a") (func))'),
        ('(type (func) (@custom "a"))', "misplaced @custom annotation", '(@custom "a"))'),
        ('(module (@name "a") (@name "b"))', "@name annotation: multiple module names", '(@name "b"))'),
        ('(module (func) (@name "a"))', "misplaced @name annotation", '(@name "a"))'),
        ('(module (@name a))', "@name annotation: missing name", "(@name a))"),
        ('(module (@name "a" b))', "@name annotation: unexpected token", "b))"),
        ('(start 0 (@name "a"))', "misplaced @name annotation", '(@name "a"))'),
        (f"(func {HINT})", "@metadata.code.branch_hint annotation: not in a function", f"{HINT})"),
        (f"{HINT} (func)", "@metadata.code.branch_hint annotation: not in a function", f"{HINT} (func)"),
        (f"(func {HINT} {HINT} if end)", "@metadata.code.branch_hint annotation: duplicate annotation", f"{HINT} if end)"),
        ('(func (@metadata.code.branch_hint "\\02") if end)', "@metadata.code.branch_hint annotation: a string", None),
    ],
)  # fmt: skip
def test_what_is_malformed(text, message, place):
    with pytest.raises(MalformedError) as caught:
        parse_module(text, ALL)
    error = caught.value
    assert error.message.startswith(message)
    assert error.line == 1 and error.offset is None
    if place is not None:
        assert text[error.column - 1 :] == place or place in ("(module", "))")


def test_a_branch_hint_before_what_is_no_branch_is_invalid():
    with pytest.raises(InvalidError, match=r"^@metadata.code.branch_hint annotation: invalid target") as caught:
        parse_module(f"(func {HINT} nop)")
    assert (caught.value.line, caught.value.column) == (1, 8 + len(HINT))


@pytest.mark.parametrize("text", [b"(func \xff)", b'(data "\xc3")', b"(; \xed\xa0\x80 ;)", "\ud800"])
def test_a_text_is_unicode(text):
    with pytest.raises(MalformedError, match=r"^malformed UTF-8 encoding"):
        parse_module(text)


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("(func v128.not)", "simd"),
        ("(func i32.extend8_s)", "sign_extension"),
        ("(func (return_call 0))", "tail_call"),
        ("(func (i64.add128))", "wide_arithmetic"),
    ],
)
def test_instructions_of_proposals_that_are_off_are_unknown(text, feature):
    with pytest.raises(ModuleError, match=f"^unknown operator [^ ]+: it needs the feature {feature}, which is off"):
        parse_module(text, Features(**{feature: False}))
    parse_module(text, ALL)


def test_without_memory64_sizes_have_32_bits():
    assert parse_module("(memory 0x1_0000_0000)")
    with pytest.raises(MalformedError, match=r"^i32 constant out of range"):
        parse_module("(memory 0x1_0000_0000)", Features(memory64=False))
