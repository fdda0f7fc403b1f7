"""Abbreviations of fields mean what the specification expands them to."""

import pytest

from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.features import Features
from wasmcy.text import parse_module

ALL = Features.all()


def assembled(text):
    """The bytes of a text, without the name section."""
    module = decode(encode(parse_module(text, ALL)), ALL)
    module.customs = [custom for custom in module.customs if custom.name != "name"]
    return encode(module).hex(" ")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        # types
        ("(type (func (param i32) (param i64) (result)))", "(type (func (param i32 i64)))"),
        ("(type (func (param $x i32) (result i32) (result i64)))", "(type (func (param i32) (result i32 i64)))"),
        ("(type (struct (field i8 (mut i16)) (field $x i32)))", "(type (struct (field i8) (field (mut i16)) (field i32)))"),
        ("(type $a (sub final (func)))", "(type (func))"),
        ("(rec (type $a (func)))", "(type (func))"),
        ("(type (func (param (ref null func) (ref null extern))))", "(type (func (param funcref externref)))"),
        ("(type (array (mut (ref null any))))", "(type (array (mut anyref)))"),
        ("(type $a (sub (struct))) (type (sub $a (struct)))", "(type (sub (struct))) (type (sub 0 (struct)))"),
        ("(rec (type $a (sub (array (ref $b)))) (type $b (func)))", "(rec (type (sub (array (ref 1)))) (type (func)))"),
        ("(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))",
         "(rec (type (sub final (descriptor 1) (struct))) (type (sub final (describes 0) (struct))))"),
        # type uses: the first that fits, or another at the end
        ("(func (param i32)) (type (func)) (type (func (param i32)))", "(func (type 1)) (type (func)) (type (func (param i32)))"),
        ("(func (param i32)) (func) (func (param i32))",
         "(type (func (param i32))) (type (func)) (func (type 0)) (func (type 1)) (func (type 0))"),
        ("(func (result i32)) (type (sub (func (result i32))))",
         "(type (sub (func (result i32)))) (type (func (result i32))) (func (type 1))"),
        ("(rec (type (func)) (type (struct))) (func)", "(rec (type (func)) (type (struct))) (type (func)) (func (type 2))"),
        ("(type $t (func (param (ref $t)))) (func (param (ref $t)))",
         "(type (func (param (ref 0)))) (type (func (param (ref 0)))) (func (type 1))"),
        ("(func (call_indirect (param i64) (block (param i32) (drop)))) (table 0 funcref)",
         "(type (func)) (type (func (param i32))) (type (func (param i64))) (table 0 funcref) "
         "(func (type 0) block (type 1) drop end call_indirect (type 2))"),
        ("(func (if (param i64) (loop (param i32) (drop)) (then (drop))))",
         "(type (func)) (type (func (param i32))) (type (func (param i64))) "
         "(func (type 0) loop (type 1) drop end if (type 2) drop end)"),
        # imports and exports
        ('(func $f (import "a" "b") (param i32))', '(import "a" "b" (func $f (param i32)))'),
        ('(table (import "a" "b") 1 2 funcref)', '(import "a" "b" (table 1 2 funcref))'),
        ('(memory (import "a" "b") i64 1 2 shared)', '(import "a" "b" (memory i64 1 2 shared))'),
        ('(global (import "a" "b") (mut i32))', '(import "a" "b" (global (mut i32)))'),
        ('(tag (import "a" "b") (param i32))', '(import "a" "b" (tag (param i32)))'),
        ('(func $f (import "a" "b") (exact (param i32)))', '(import "a" "b" (func (exact (type 0) (param $x i32)))) (type (func (param i32)))'),
        ('(type $t (func)) (func (export "f") (import "a" "b") (exact (type $t) (param) (result)))',
         '(type (func)) (import "a" "b" (func (exact (type 0)))) (export "f" (func 0))'),
        ('(import "a" "b" (func (exact)))', '(type (func)) (import "a" "b" (func $f (exact (type 0))))'),
        ('(func (export "a") (export "b") (import "c" "d"))',
         '(import "c" "d" (func)) (export "a" (func 0)) (export "b" (func 0))'),
        ('(memory (export "m") 1) (global $g (export "g") i32 (i32.const 0)) (tag (export "t"))',
         '(memory 1) (global i32 (i32.const 0)) (tag) (export "m" (memory 0)) (export "g" (global 0)) (export "t" (tag 0))'),
        # tables and elements
        ("(table funcref (elem 0 $f)) (func $f)", "(table 2 2 funcref) (elem (i32.const 0) func 0 0) (func)"),
        ("(table $t i64 (ref null func) (elem (ref.func 0) (item ref.null func))) (func)",
         "(table i64 2 2 funcref) (elem (table 0) (offset i64.const 0) funcref (ref.func 0) (ref.null func)) (func)"),
        ("(table funcref (elem)) (table funcref (elem $f)) (func $f) (elem $s func) (func (elem.drop $s))",
         "(table 0 0 funcref) (table 1 1 funcref) (elem (i32.const 0) func) (elem (table 1) (i32.const 0) func 0) "
         "(elem func) (func) (func (elem.drop 2))"),
        ("(table 1 funcref) (elem (i32.const 0) 0) (func)", "(table 1 funcref) (elem (table 0) (offset i32.const 0) func 0) (func)"),
        ("(table $t 1 funcref) (elem $t (i32.const 0) func 0) (elem 0 (i32.const 0) $f) (func $f)",
         "(table 1 funcref) (elem (i32.const 0) func 0) (elem (i32.const 0) func 0) (func)"),
        ("(elem (ref func) (ref.func 0) (item (ref.func 0))) (func)", "(elem (ref func) (item ref.func 0) (item ref.func 0)) (func)"),
        ("(table i32 1 funcref (ref.null func))", "(table 1 funcref ref.null func)"),
        # memories and data
        ('(memory (data "ab" "" "\\63"))', '(memory 1 1) (data (i32.const 0) "abc")'),
        ('(memory i64 (data))', '(memory i64 0 0) (data (i64.const 0))'),
        ('(memory (pagesize 1) (data "abc"))', '(memory 3 3 (pagesize 1)) (data (i32.const 0) "abc")'),
        ('(memory 1) (memory $m 1) (data $m (i32.const 0)) (data (memory $m) (offset i32.const 0) "a")',
         '(memory 1) (memory 1) (data (i32.const 0) "") (data (memory 1) (i32.const 0) "a")'),
        ('(memory 1 (pagesize 0x1_0000))', "(memory 1)"),
        # everything may come before what it refers to
        ('(start $f) (export "f" (func $f)) (elem declare func $f) (global $g i32 (global.get $g)) (func $f (call $f))',
         '(type (func)) (func (type 0) call 0) (export "f" (func 0)) (start 0) (elem declare func 0) (global i32 (global.get 0))'),
        ("(module $name (func))", "(func)"),
        ("", "(module)"),
    ],
)  # fmt: skip
def test_abbreviations(short, long):
    assert assembled(short) == assembled(long)


def test_sections_that_nothing_needs_are_not_written():
    assert encode(parse_module("(module (type (func)))")).hex(" ") == "00 61 73 6d 01 00 00 00 01 04 01 60 00 00"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('(memory 1) (data "a") (func (memory.init 0 (nop)))', 1),
        ('(data "a") (data "b") (func (data.drop $d)) (data $d "c")', 3),
        ('(type (array i8)) (data "a") (func (array.new_data 0 0))', 1),
        ('(memory 1) (data (i32.const 0) "a") (func)', None),
    ],
)
def test_the_number_of_data_segments_is_written_where_code_needs_it(text, count):
    assert decode(encode(parse_module(text))).data_count == count
