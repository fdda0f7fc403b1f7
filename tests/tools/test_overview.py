"""`wasmcy inspect`: the overview names every part of a module, and its sections fill the file."""

import pytest
import wasmtime

from wasmcy.errors import MalformedError
from wasmcy.tools.overview import overview, sections

MODULE = """
(module $everything
  (type $pair (func (param i32 i32) (result i32)))
  (rec (type (struct (field i8))) (type (array (mut f64))))
  (import "env" "log\\1b" (func $log (param i32)))
  (import "env" "table" (table 1 funcref))
  (import "env" "memory" (memory 1))
  (import "env" "global" (global i64))
  (import "env" "tag" (tag (param i32)))
  (func $add (export "add") (type $pair) (i32.add (local.get 0) (local.get 1)))
  (func $long (nop) (nop) (nop) (nop) (nop) (nop) (nop) (nop) (nop))
  (table 2 8 externref)
  (memory $own (export "memory") 2 3)
  (global (mut i32) (i32.const 7))
  (tag)
  (export "out" (global 1))
  (start $long)
  (elem (i32.const 0) $add $add)
  (elem declare func $log)
  (data (memory $own) (i32.add (i32.const 1) (i32.const 2)) "hello")
  (data "passive")
  (@producers (language "C" "17") (processed-by "clang\\07" "19.1"))
)
"""
FEATURES = b"\x00\x1a\x0ftarget_features\x01+\x07simd128"
EXPECTED = """
Sections
  section                   offset  bytes  items
  type                         0x8     25      4
  import                      0x21     67      5
  start                       0x9b      3
Types
  0  (func (param i32 i32) (result i32))
  1  (struct (field i8))                  rec 1-2
  2  (array (mut f64))
  3  (func (param i32))
  4  (func)
Imports
  func    0  "env"  "log\\1b"  (func (param i32))
  table   0  "env"  "table"   (table 1 funcref)
  memory  0  "env"  "memory"  (memory 1)
  global  0  "env"  "global"  (global i64)
  tag     0  "env"  "tag"     (tag (param i32))
Functions: 2 from index 1 on, 18 bytes of code
  largest: function 2 "long", 11 bytes
Tables
  1  (table 2 8 externref)
Memories
  1  (memory 2 3)
Tags
  1  (tag)
Globals
  1  (global (mut i32))  = (i32.const 7)
Exports
  func    1  "add"     (func (param i32 i32) (result i32))
  memory  1  "memory"  (memory 2 3)
  global  1  "out"     (global (mut i32))
Start: function 2 "long"
Elements
  0  active       2 of (ref func)  table 0 at (i32.const 0)
  1  declarative  1 of (ref func)
Data
  0  active   5 bytes  memory 1 at (i32.const 1) (i32.const 2) (i32.add)
  1  passive  7 bytes
Producers
  language      C         17
  processed-by  clang\\07  19.1
Target features
  +simd128
"""


def assembled(text=MODULE):
    return bytes(wasmtime.wat2wasm(text))


def test_every_part_is_shown():
    lines = list(overview(assembled() + FEATURES))
    assert lines[0].endswith('bytes, module "everything"')
    missing = [line for line in EXPECTED.strip().splitlines() if line not in lines]
    assert missing == [], "\n".join(lines)


def test_the_sections_fill_the_file():
    data = assembled() + FEATURES
    found = list(sections(data))
    at = 8
    for section in found:
        assert section.offset == at
        at += section.size
    assert at == len(data)
    assert [s.name for s in found][-1] == 'custom "target_features"'
    assert [s.items for s in found if s.name == "start"] == [None]


def test_an_empty_module_has_no_parts():
    assert list(overview(assembled("(module)"))) == ["8 bytes"]


def test_a_module_that_is_not_valid_is_shown():
    text = '(module (import "m" "f" (func (type 9))) (func (type 8)) (export "x" (func 7)) (export "g" (global 3)))'
    lines = list(overview(assembled(text)))
    assert '  func  0  "m"  "f"  (func (type 9))' in lines
    assert '  func    7  "x"' in lines
    assert '  global  3  "g"' in lines


@pytest.mark.parametrize("cut", [1, 5, 9, 12, 17])
def test_a_broken_producers_section_is_shown_as_far_as_it_goes(cut):
    whole = b"\x09producers\x02\x08language\x01\x01C\x0217\x03sdk\x01\x01x\x011"
    data = b"\0asm\1\0\0\0" + bytes([0, len(whole) - cut]) + whole[:-cut]
    assert list(overview(data))[-1] == "  (the rest cannot be read)"


def test_what_is_no_module_is_refused():
    with pytest.raises(MalformedError, match="magic header not detected"):
        list(overview(b"#!/bin/sh"))


def test_long_blocks_are_cut():
    text = "(module " + " ".join(f"(global i32 (i32.const {i}))" for i in range(12)) + ")"
    lines = list(overview(assembled(text), most=10))
    assert lines[-2:] == ["  9  (global i32)  = (i32.const 9)", "  ... and 2 more (--verbose shows all)"]
