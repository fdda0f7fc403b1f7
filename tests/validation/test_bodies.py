"""Which bodies are valid, and what is said of those that are not."""

import re

import pytest
from assembling import check, code, from_bodies, from_text

from wasmcy.errors import InvalidError, MalformedError

FUNC = b"\x60\0\0"


def cases(text):
    """The cases of a table: a body in a line, and after a bar what is wrong with it."""
    lines = re.sub(r"\n +\|", " |", text.strip()).splitlines()
    parts = [line.strip().partition(" | ") for line in lines]
    return [pytest.param(body, message, id=body[:60]) for body, _, message in parts]


def judge(data, message):
    """The module is valid, or refused with this message."""
    if not message:
        check(data)
        return None
    with pytest.raises(InvalidError) as caught:
        check(data)
    assert str(caught.value).startswith(message)
    return caught.value


# What the bodies below can refer to.
FIELDS = """
    (type $void (func)) (type $ii (func (param i32) (result i32)))
    (type $s (sub (struct (field $x (mut i32)) (field $p i8) (field $r (mut anyref)))))
    (type $t (sub $s (struct (field (mut i32)) (field i8) (field (mut anyref)) (field f64))))
    (type $a (array (mut i32))) (type $b (array (mut i8))) (type $c (array i64))
    (type $n (array (ref $s))) (type $ref (func (result anyref)))
    (import "" "f" (func $imported (type $ii)))
    (table $t0 1 funcref) (table $t64 i64 1 funcref) (table $any 1 anyref) (table $ext 1 externref)
    (memory $m0 1) (memory $m64 i64 1)
    (global $g (mut i32) (i32.const 0)) (global $const i64 (i64.const 1))
    (tag $e (param i32)) (tag $none)
    (elem $elem func $f) (data $data "abc")
    (func $f (type $ii) local.get 0)
    (func $uses_data data.drop $data)
"""

BODIES = """
    nop
    i32.const -1 drop i64.const 1 drop f32.const 0 drop f64.const 0 drop
    block (result i32) i32.const 1 end drop
    block (result i32) i32.const 1 br 0 end drop
    i32.const 1 block (param i32) drop end
    loop (result i32) i32.const 1 i32.const 0 br_if 0 end drop
    loop i32.const 0 br_if 0 end
    i32.const 1 if nop else nop end
    i32.const 1 if (result i32) i32.const 1 else i32.const 2 end drop
    i32.const 7 i32.const 1 if (param i32) (result i32) end drop
    i32.const 1 if (result i32) i32.const 1 end drop | type mismatch: if without else
    i32.const 1 if (result i32) i32.const 1 else i64.const 1 end drop | type mismatch
    unreachable i32.add drop
    unreachable i32.const 1 i32.add drop
    unreachable i64.const 1 i32.add drop
        | type mismatch: instruction requires [i32] but stack has [i64]
    br 0 drop drop drop
    return i32.add f32.neg | type mismatch
    unreachable select drop
    unreachable i32.const 1 select i64.eqz drop
    unreachable f32.const 0 i64.const 0 i32.const 1 select drop | type mismatch
    i32.const 1 i32.const 2 i32.const 3 select drop
    i32.const 1 i64.const 2 i32.const 3 select drop | type mismatch
    ref.null any ref.null any i32.const 1 select drop | type mismatch
    ref.null any ref.null any i32.const 1 select (result anyref) drop
    drop | type mismatch: instruction requires [any type] but stack has []
    i32.const 1 | type mismatch: block requires [] but stack has [i32]
    block i32.const 1 end | type mismatch: block requires [] but stack has [i32]
    block (result i32) end drop | type mismatch: instruction requires [i32] but stack has []
    block (result i32 i64) i32.const 1 i32.const 2 end drop drop
        | type mismatch: instruction requires [i32 i64] but stack has [i32 i32]
    i32.const 1 block i32.add end | type mismatch
    i32.const 1 i64.const 1 i32.add drop
        | type mismatch: instruction requires [i32] but stack has [i64] at i32.add
    br 1 | unknown label 1
    br_if 7 | unknown label 7
    block br 1 end
    block (result i32) i32.const 1 i32.const 2 br_if 0 end drop
    block (result i32) i32.const 2 br_if 0 i32.const 1 end drop | type mismatch
    i32.const 0 br_table 0 0
    block i32.const 0 br_table 0 1 0 end
    block block (result i32) i32.const 1 i32.const 0 br_table 0 1 end drop end
        | type mismatch: labels of br_table
    block (result i32) block (result i64) unreachable br_table 0 1 end drop i32.const 1 end drop
    block (result i32) block (result i64) i32.const 1 i32.const 0 br_table 0 1 end unreachable end
        | type mismatch
    local.get 0 | unknown local 0
    local.set 9 | unknown local 9
    global.get $g drop global.get $const drop
    global.get 9 | unknown global 9
    i32.const 1 global.set $g
    i64.const 1 global.set $const | immutable global
    i32.const 1 call $imported drop
    call $imported drop | type mismatch: instruction requires [i32] but stack has []
    call 99 | unknown function 99
    i32.const 1 i32.const 0 call_indirect (type $ii) drop
    i32.const 1 i64.const 0 call_indirect $t64 (type $ii) drop
    i32.const 1 i32.const 0 call_indirect $any (type $ii) drop | type mismatch: table 2
    i32.const 1 i32.const 0 call_indirect 9 (type $ii) drop | unknown table 9
    i32.const 0 call_indirect (type 99) | unknown type 99
    i32.const 0 call_indirect (type $s) | type mismatch: type 2 is no function type
    i32.const 1 ref.func $f call_ref $ii drop
    i32.const 1 ref.null $ii call_ref $ii drop
    ref.func $f call_ref $void | type mismatch
    ref.func $imported drop | undeclared function reference 0
    ref.func 99 drop | unknown function 99
    ref.null func ref.is_null drop ref.null $s ref.as_non_null drop
    i32.const 1 ref.is_null drop | type mismatch: instruction requires [reference]
    ref.null $s ref.null $t ref.eq drop
    ref.null func ref.null func ref.eq drop | type mismatch
    unreachable ref.as_non_null i32.eqz drop
        | type mismatch: instruction requires [i32] but stack has [(ref bot)]
    unreachable ref.as_non_null array.len drop
    block ref.null any br_on_null 0 drop end
    block (result (ref any)) ref.null any br_on_non_null 0 unreachable end drop
    block ref.null any br_on_non_null 0 end | type mismatch: the label of a branch on a reference
    block (result (ref $s)) ref.null any br_on_cast 0 anyref (ref $s) unreachable end drop
    block (result anyref) ref.null any br_on_cast_fail 0 anyref (ref $s) end drop
    block (result (ref $s)) ref.null func br_on_cast 0 funcref (ref $s) unreachable end drop
        | type mismatch: (ref 2) is no subtype of funcref
    ref.null any ref.test (ref $s) drop ref.null any ref.cast (ref null $t) struct.get $t 3 drop
    ref.null func ref.test (ref $s) drop | type mismatch
    ref.null any ref.test (ref 99) drop | unknown type 99
    ref.null any extern.convert_any any.convert_extern drop
    ref.null func extern.convert_any drop | type mismatch
    i32.const 1 ref.i31 i31.get_s drop
    i32.const 1 i32.const 1 ref.null any struct.new $s drop struct.new_default $t drop
    i32.const 1 ref.null any struct.new $s drop
        | type mismatch: instruction requires [i32 i32 anyref] but stack has [i32 anyref]
    ref.null $s struct.get $s $x drop ref.null $t struct.get $s $x drop
    ref.null $s struct.get $t 3 drop | type mismatch
    ref.null $s struct.get_u $s $p drop
    ref.null $s struct.get $s $p drop | type mismatch: field is packed
    ref.null $s struct.get_s $s $x drop | type mismatch: field is unpacked
    ref.null $s struct.get $s 3 drop | unknown field 3
    ref.null $s struct.get 0 0 drop | type mismatch: type 0 is no struct type
    ref.null $s i32.const 1 struct.set $s $x
    ref.null $s i32.const 1 struct.set $s $p | immutable field
    i32.const 1 i32.const 9 array.new $a drop i32.const 9 array.new_default $a drop
    i32.const 9 array.new_default $n drop | type mismatch: field 0 of type 7 has no default value
    i32.const 1 i32.const 2 array.new_fixed $a 2 drop
    i32.const 1 array.new_fixed $a 2 drop | type mismatch
    i32.const 1 i32.const 1 array.new_data $b $data drop
    i32.const 1 i32.const 1 array.new_data $n $data drop | array type is not numeric or vector
    i32.const 1 i32.const 1 array.new_elem $n $elem drop
        | type mismatch: elem segment 0 holds (ref func)
    ref.null $a i32.const 1 array.get $a drop
    ref.null $b i32.const 1 array.get $b drop | type mismatch: field is packed
    ref.null $b i32.const 1 i32.const 1 array.set $b
    ref.null $c i32.const 1 i64.const 1 array.set $c | immutable array
    ref.null $b i32.const 1 i32.const 1 i32.const 1 array.fill $b
    ref.null $a i32.const 1 ref.null $a i32.const 1 i32.const 1 array.copy $a $a
    ref.null $a i32.const 1 ref.null $b i32.const 1 i32.const 1 array.copy $a $b
        | array types do not match
    ref.null $b i32.const 1 i32.const 1 i32.const 1 array.init_data $b $data
    ref.null $a array.len drop
    i32.const 0 i32.load drop i64.const 0 i32.load $m64 drop
    i64.const 0 i32.load drop | type mismatch
    i32.const 0 i32.load align=8 drop | alignment must not be larger than natural
    i32.const 0 i32.load offset=4294967296 drop | offset out of range
    i64.const 0 i32.load $m64 offset=0xffffffffffffffff drop
    i32.const 0 i32.load 9 drop | unknown memory 9
    i32.const 0 i32.atomic.load drop
    i32.const 0 i32.atomic.load align=2 drop | atomic alignment must be natural
    memory.size drop i64.const 1 memory.grow $m64 drop
    i32.const 1 memory.grow $m64 drop | type mismatch
    i32.const 0 i32.const 0 i32.const 0 memory.fill
    i64.const 0 i32.const 0 i32.const 0 memory.copy $m64 $m0
    i64.const 0 i32.const 0 i64.const 0 memory.copy $m64 $m0 | type mismatch
    i32.const 0 i32.const 0 i32.const 0 memory.init $data
    i32.const 0 i32.const 0 i32.const 0 memory.init 9 | unknown data segment 9
    data.drop 9 | unknown data segment 9
    i32.const 0 table.get $any drop i64.const 0 table.get $t64 drop
    i32.const 0 ref.null any table.set $any
    i32.const 0 ref.null func table.set $any | type mismatch
    ref.null any i32.const 1 table.grow $any drop table.size $t64 i64.eqz drop
    i32.const 0 ref.null any i32.const 1 table.fill $any
    i64.const 0 i32.const 0 i32.const 0 table.copy $t64 $t0
    i32.const 0 i32.const 0 i32.const 0 table.copy $any $t0 | type mismatch: table 2
    i32.const 0 i32.const 0 i32.const 0 table.init $t0 $elem
    i32.const 0 i32.const 0 i32.const 0 table.init $ext $elem | type mismatch: table 3
    elem.drop 9 | unknown elem segment 9
    table.size 9 drop | unknown table 9
    i32.const 1 throw $e
    throw $e | type mismatch: instruction requires [i32] but stack has []
    throw 9 | unknown tag 9
    ref.null exn throw_ref
    i32.const 1 throw_ref | type mismatch
    block (result i32) try_table (catch $e 0) end i32.const 0 end drop
    block (result i32 exnref) try_table (catch_ref $e 0) end unreachable end drop drop
    block try_table (catch $none 0) (catch_all 0) end end
    block (result (ref exn)) try_table (catch_all_ref 0) end unreachable end drop
    block try_table (catch $e 0) end end
        | type mismatch: catch clause passes [i32], label 0 takes []
    block (result i32) try_table (catch_all_ref 0) end unreachable end drop
        | type mismatch: catch clause passes [(ref exn)]
    block try_table (catch_all 9) end end | unknown label 9
    block try_table (catch 9 0) end end | unknown tag 9
    v128.const i64x2 1 2 i8x16.extract_lane_s 15 drop
    i32.const 0 v128.const i64x2 1 2 v128.store8_lane 0
    i64.const 1 i64.const 2 i64.mul_wide_s drop drop
"""


@pytest.mark.parametrize(("body", "message"), cases(BODIES))
def test_bodies_are_judged(body, message):
    data = from_text(f"{FIELDS} (func $it {body})")
    error = judge(data, message)
    if error is not None:
        assert str(error).endswith(f'(function {error.function} "it", offset {error.offset:#x})')


LOCALS = """
    (param i32) (result i32) (local i64 funcref (ref func) (ref func))
"""

# Bodies of a function with these locals.
FUNCTIONS = """
    local.get 0
    local.get 1 | type mismatch
    local.get 2 drop local.get 0
    local.get 3 drop local.get 0 | uninitialized local 3
    ref.func $it local.set 3 local.get 3 drop local.get 0
    ref.func $it local.tee 3 drop local.get 3 drop local.get 0
    block ref.func $it local.set 3 end local.get 3 drop local.get 0 | uninitialized local 3
    block ref.func $it local.set 3 local.get 3 drop end local.get 0
    ref.func $it local.set 3 block ref.func $it local.set 3 end local.get 3 drop local.get 0
    local.get 0 if ref.func $it local.set 3 else local.get 3 drop end local.get 0
        | uninitialized local 3
    ref.func $it local.set 4 local.get 3 drop local.get 0 | uninitialized local 3
    unreachable local.get 3 drop | uninitialized local 3
    local.get 0 return
    return | type mismatch: instruction requires [i32] but stack has []
    i64.const 1 return | type mismatch
    local.get 0 return_call $it
    local.get 0 return_call $other | type mismatch: tail call returns [], function [i32]
    local.get 0 i32.const 0 return_call_indirect (type $own)
    i32.const 0 return_call_indirect (type $void) | type mismatch: tail call returns []
    local.get 0 ref.func $it return_call_ref $own
    ref.func $other return_call_ref $void | type mismatch: tail call returns []
    local.get 0 br 0
    br 0 | type mismatch
    local.get 0 local.get 0 br_if 0
    local.get 0 local.get 0 br_table 0 0
"""


@pytest.mark.parametrize(("body", "message"), cases(FUNCTIONS))
def test_locals_results_and_tail_calls_are_judged(body, message):
    data = from_text(f"""
        (type $own (func (param i32) (result i32))) (type $void (func))
        (table 1 funcref) (elem declare func $it $other)
        (func $other) (func $it {LOCALS} {body})""")
    judge(data, message)


# The older exception instructions, which the assembler knows only unfolded.
OLD_EXCEPTIONS = """
    try end
    try (result i32) i32.const 1 catch $e end drop
    try (result i32) end drop | type mismatch: instruction requires [i32] but stack has []
    try (result i32) i64.const 1 end drop
        | type mismatch: instruction requires [i32] but stack has [i64]
    try catch $none i32.const 1 end | type mismatch: block requires [] but stack has [i32]
    try catch_all i32.const 1 end | type mismatch: block requires [] but stack has [i32]
    try i32.const 1 catch_all end | type mismatch: block requires [] but stack has [i32]
    try catch $e drop catch $none catch_all end
    try catch $none drop end | type mismatch
    try catch 9 end | unknown tag 9
    try catch_all rethrow 0 end
    try catch $none block rethrow 1 end end
    try catch $none try rethrow 1 end end
    rethrow 0 | invalid rethrow label 0
    block rethrow 0 end | invalid rethrow label 0
    try rethrow 0 delegate 0 | invalid rethrow label 0
    try catch $none block rethrow 0 end end | invalid rethrow label 0
    rethrow 5 | unknown label 5
    try delegate 0
    block try delegate 0 end
    block try delegate 1 end
    try delegate 1 | unknown label 1
    try (result i32) i32.const 1 delegate 0 drop
    try i32.const 1 delegate 0 | type mismatch: block requires [] but stack has [i32]
"""


@pytest.mark.parametrize(("body", "message"), cases(OLD_EXCEPTIONS))
def test_older_exception_instructions_are_judged(body, message):
    data = from_text(f"(tag $e (param i32)) (tag $none) (func $it {body})")
    judge(data, message)


I32 = b"\x7f"

# Bodies as bytes, from the declaration of locals on, and what is wrong with them.
MALFORMED = [
    (b"", "unexpected end"),
    (code(0), "unexpected end of section or function"),
    (code(0, "nop"), "unexpected end of section or function"),
    (code(0, "block", 0x40, "end"), "unexpected end of section or function"),
    (code(0, "end", "nop"), "section size mismatch"),
    (code(0, "end", "end"), "section size mismatch"),
    (code(0, 0xFF, "end"), "illegal opcode ff"),
    (code(0, 0xFC, 0x7F, "end"), "illegal opcode fc 7f"),
    (code(0, 0xFD, 0xFF, 0xFF, 0x7F, "end"), "illegal opcode fd ff ff 7f"),
    (code(0, "else", "end"), "END opcode expected"),
    (code(0, "block", 0x40, "else", "end", "end"), "END opcode expected"),
    (code(0, "catch_all", "end"), "END opcode expected"),
    (code(0, "try", 0x40, "catch_all", "catch_all", "end", "end"), "END opcode expected"),
    (code(0, "delegate", 0, "end"), "END opcode expected"),
    (code(0, "i32.const", b"\x80\x80\x80\x80\x80\0", "end"), "integer representation too long"),
    (code(0, "i32.const", b"\xff\xff\xff\xff\x4f", "end"), "integer too large"),
    (code(0, "i64.const", b"\x80" * 10 + b"\0", "end"), "integer representation too long"),
    (code(0, "local.get", b"\x80\x80\x80\x80\x10", "end"), "integer too large"),
    (code(0, "f64.const", b"1234567", "end")[:-1], "unexpected end"),
    (code(0, "br_table", b"\xff\xff\xff\xff\x0f", "end"), "unexpected end"),
    (code(0, "i32.const", 0, "i32.load", 0x80, 0x01, 0, "end"), "malformed memop flags"),
    (code(0, "atomic.fence", 1, "end"), "zero byte expected"),
    (code(0, "block", 0x7A, "end", "end"), "malformed"),
    (code(0, "block", b"\x80\x7f", "end", "end"), "malformed block type"),
    (code(0, "ref.null", 0x40, "drop", "end"), "malformed heap type"),
    (code(0, "select_t", 1, 0x40, "end"), "malformed"),
    (code(0, "br_on_cast", 4, 0, 0x6E, 0x6E, "end"), "malformed br_on_cast flags"),
    (code(0, "try_table", 0x40, 1, 4, 0, "end", "end"), "malformed catch clause"),
    (code(0, "data.drop", 0, "end"), "data count section required"),
    (code(2, b"\xff\xff\xff\xff\x0f", I32, 1, I32, "end"), "too many locals"),
    (code(1, 1, 0x40, "end"), "malformed"),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED, ids=[m + b.hex() for b, m in MALFORMED])
def test_malformed_bodies_are_refused(body, message):
    with pytest.raises(MalformedError) as caught:
        check(from_bodies([FUNC], [(0, body)]))
    assert str(caught.value).startswith(message)
    assert caught.value.function == 0 and caught.value.offset is not None


def test_a_body_without_end_is_named_after_what_follows():
    next_is_else = from_bodies([FUNC], [(0, b"\0\1"), (0, b"\0\1\1\1\x0b")])
    with pytest.raises(MalformedError, match="^END opcode expected"):
        check(next_is_else)
    next_is_end = from_bodies([FUNC], [(0, b"\0\1")]) + b"\x0b\1\0"
    with pytest.raises(MalformedError, match="^section size mismatch"):
        check(next_is_end)
