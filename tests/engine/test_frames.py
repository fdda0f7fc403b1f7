"""Where locals and operands are at the points where the machine can leave."""

import pytest
import wasmtime

from tests.engine.words import instructions
from wasmcy import Module
from wasmcy.engine.frames import FrameMap, Place, Value
from wasmcy.types import EXTERNREF, F64, I32, I64, V128

FIELDS = """
    (import "m" "h" (func $h (param i32)))
    (type $box (struct (field externref)))
    (memory 1) (tag $e (param externref))
    (func $g (param i32) (result externref) (ref.null extern))
"""
FUNCTION = 2  # its index: after $h and $g


def frame(text: str, handler: str | tuple[str, ...], *, called: bool = False, metered: bool = False) -> FrameMap:
    """What a function holds before its first instruction with a handler of that name, or in that call."""
    code = Module(bytes(wasmtime.wat2wasm(f"(module {FIELDS} (func {text}))")))._code.variant(metered, False)
    words = code.words(FUNCTION)[0]
    at, found = next((at, h) for at, h in instructions(words) if h.name.startswith(handler))
    point = 2 * (at + found.words) if called else 2 * at + 1
    assert code.roots(FUNCTION, [point])[point] == code.frames(FUNCTION, [point])[point].references()
    return code.frames(FUNCTION, [point])[point]


def in_slot(type_: int, slot: int, plus: int = 0) -> Value:
    return Value(type_, (Place(slot, plus),))


def constant(type_: int, value: int) -> Value:
    return Value(type_, (Place(-1, value),))


MIXED = """(param i32) (local i64) (local externref)
    local.get 0  i32.const 7  local.get 0 i32.const 5 i32.add  local.get 0 local.get 0 i32.mul  local.get 2
    i32.const 1 call {}  drop drop drop drop drop"""
OPERANDS = [in_slot(I32, 0), constant(I32, 7), in_slot(I32, 0, 5), in_slot(I32, 8), in_slot(EXTERNREF, 4)]
LOCALS = [in_slot(I32, 0), constant(I64, 0), in_slot(EXTERNREF, 4)]
POINTS = [
    ("below a call's arguments", MIXED.format("$h"), "call_import", True, LOCALS, OPERANDS),
    ("a call of a function", MIXED.format("$g drop"), "call", True, LOCALS, OPERANDS),
    ("before a call", MIXED.format("$h"), "call_import", False, LOCALS, [*OPERANDS, in_slot(I32, 10)]),
    (
        "on entry there are parameters only",
        "(param externref) (local externref i64) (drop (local.get 1)) (drop (local.get 2))",
        "enter", False, [in_slot(EXTERNREF, 0), constant(EXTERNREF, 0), constant(I64, 0)], [],
    ),
    (
        "a local that was set",
        "(local i64 i32) (local.set 0 (i64.const 1)) (call $h (i32.const 2)) (drop (local.get 0)) (drop (local.get 1))",
        "call_import", True, [in_slot(I64, 2), in_slot(I32, 3)], [],
    ),
    (
        "a local that is set next",
        "(local externref i64) (i64.const 1) (i64.const 2) (i64.mul) (local.set 1) (local.set 0 (call $g (i32.const 3)))",
        ("setr", "move"), False, [in_slot(EXTERNREF, 2), in_slot(I64, 3)], [in_slot(EXTERNREF, 4)],
    ),
    (
        "at the head of a loop, what its first instruction takes",
        "(local externref) local.get 0 (loop (param externref) ref.is_null (if (then return)) unreachable)",
        "br64", False, [in_slot(EXTERNREF, 2)], [in_slot(EXTERNREF, 3)],
    ),
    (
        "vectors",
        "(param v128) (local.get 0) (v128.const i64x2 1 2) (i8x16.add (local.get 0) (local.get 0)) (call $h (i32.const 1))"
        "drop drop drop",
        "call_import", True, [Value(V128, (Place(0, 0), Place(1, 0)))],
        [Value(V128, (Place(0, 0), Place(1, 0))), Value(V128, (Place(-1, 1), Place(-1, 2))),
         Value(V128, (Place(8, 0), Place(9, 0)))],
    ),
    (
        "an allocation has its operands",
        "(param externref f64) (drop (struct.new $box (call $g (i32.const 1)))) (drop (local.get 1))",
        "struct.new1", False, [in_slot(EXTERNREF, 0), in_slot(F64, 1)], [in_slot(EXTERNREF, 4)],
    ),
    (
        "where an exception is caught",
        "(param externref) (block $l (result externref) (try_table (catch $e $l) (throw $e (local.get 0))) (unreachable))"
        "(call $h (i32.const 1)) drop",
        "call_import", False, [in_slot(EXTERNREF, 0)], [in_slot(EXTERNREF, 3), in_slot(I32, 4)],
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", POINTS, ids=[case[0] for case in POINTS])
def test_locals_and_operands_are_where_the_code_has_them(case: tuple) -> None:
    _, text, handler, called, locals_, operands = case
    found = frame(text, handler, called=called)
    assert found.locals == locals_
    assert found.operands == operands


@pytest.mark.parametrize("case", POINTS, ids=[case[0] for case in POINTS])
def test_metered_code_has_the_same_values(case: tuple) -> None:
    _, text, handler, called, locals_, operands = case
    found = frame(text, handler, called=called, metered=True)
    assert [v.type for v in found.locals] == [v.type for v in locals_]
    assert [v.type for v in found.operands] == [v.type for v in operands]


def test_a_charge_finds_what_its_block_starts_with() -> None:
    assert frame(MIXED.format("$h"), "charge", metered=True).operands == []
    text = "(param i32) (local.get 0) (i32.const 7) (loop (call $h (local.get 0)) (br_if 0 (local.get 0))) drop drop"
    code = Module(bytes(wasmtime.wat2wasm(f"(module {FIELDS} (func {text}))")))._code.variant(True, False)
    charges = [at for at, h in instructions(code.words(FUNCTION)[0]) if h.name == "charge"]
    second = 2 * charges[1] + 1
    assert code.frames(FUNCTION, [second])[second].operands == [in_slot(I32, 3), constant(I32, 7)]


def test_offsets_are_those_of_the_instruction_to_go_on_with() -> None:
    code = Module(bytes(wasmtime.wat2wasm(f"(module {FIELDS} (func {MIXED.format('$h')}))")))._code
    words, offsets, _ = code.words(FUNCTION)
    at = next(at for at, h in instructions(words) if h.name == "call_import")
    found = code.frames(FUNCTION, [2 * at + 1, 2 * at + 6])
    assert {point: value.offset for point, value in found.items()} == {2 * at + 1: offsets[at], 2 * at + 6: offsets[at]}


def test_what_is_no_point_has_no_frame() -> None:
    code = Module(bytes(wasmtime.wat2wasm(f"(module {FIELDS} (func {MIXED.format('$h')}))")))._code
    assert code.frames(FUNCTION, [2 * 1000, 2 * 1000 + 1]) == {}
    assert code.roots(FUNCTION, [2 * 1000]) == {2 * 1000: None}
