"""Memories and tables with 64-bit addresses: what is out of bounds traps, however it is reached."""

import pytest
from instantiating import exports

from wasmcy import Limits, Trap

PAGE = 65536
TOP = (1 << 64) - 1
ADDRESSES = [PAGE - 7, PAGE - 1, PAGE, 1 << 31, (1 << 32) - 8, 1 << 32, (1 << 48) - 8, 1 << 48, 1 << 63, TOP - 7, TOP]
OFFSETS = [0, 1, 8, PAGE, (1 << 32) - 1, 1 << 32, (1 << 48) - 8, (1 << 48) - 1, 1 << 48, 1 << 63, TOP - 7, TOP - 8, TOP]
FIELDS = {
    "memory 0": ("(memory $m i64 1 4)", ""),
    "another memory": ("(memory 1) (memory $m i64 1 4)", ""),
    "shared": ("(memory $m i64 1 4 shared)", ""),
}


@pytest.mark.parametrize("which", FIELDS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_sums_of_address_and_offset_do_not_wrap(which, offset):
    place = f"$m offset={offset} (local.get 0)"
    text = f"""{FIELDS[which][0]}
        (func (export "i64.load") (param i64) (result i64) (i64.load {place}))
        (func (export "f32.load") (param i64) (result f32) (f32.load {place}))
        (func (export "load8") (param i64) (result i32) (i32.load8_u {place}))
        (func (export "i64.store") (param i64) (i64.store {place} (i64.const -1)))
        (func (export "store8") (param i64) (i32.store8 {place} (i32.const -1)))
        (func (export "f64.store") (param i64) (f64.store {place} (f64.const 1)))
        (func (export "add") (param i64) (result i64) (i64.atomic.rmw8.add_u {place} (i64.const 1)))
        (func (export "constant") (param i64) (result i64) (i64.load $m offset={offset} (i64.const {TOP - 8})))"""
    offered = exports(text)
    sizes = {"i64.load": 8, "f32.load": 4, "load8": 1, "i64.store": 8, "store8": 1, "f64.store": 8, "add": 1}
    for name, size in sizes.items():
        for address in [*ADDRESSES, *((PAGE - size - offset + step) % (1 << 64) for step in (0, 1))]:
            if address + offset + size <= PAGE:
                offered[name](address)
            else:
                with pytest.raises(Trap, match="out of bounds memory access"):
                    offered[name](address)
    with pytest.raises(Trap, match="out of bounds memory access"):
        offered.constant(0)


@pytest.mark.parametrize("which", FIELDS)
def test_growth_that_cannot_be_answers_minus_one(which):
    text = f"""{FIELDS[which][0]}
        (func (export "grow") (param i64) (result i64) (memory.grow $m (local.get 0)))
        (func (export "size") (result i64) (memory.size $m))"""
    offered = exports(text, limits=Limits(memory="64MiB"))
    for pages in (4, 1 << 16, 1 << 32, 1 << 47, 1 << 48, (1 << 48) + 1, 1 << 63, TOP, TOP - 1):
        assert offered.grow(pages) == -1
    assert [offered.grow(2), offered.grow(0), offered.grow(1), offered.grow(1), offered.size()] == [1, 3, 3, -1, 4]


def test_bulk_instructions_of_other_widths_take_the_smaller_length():
    text = """(memory $a i64 1) (memory $b 1) (data $d "wasm")
        (func (export "ab") (param i64 i32 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
        (func (export "ba") (param i32 i64 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
        (func (export "init") (param i64 i32 i32) (memory.init $a $d (local.get 0) (local.get 1) (local.get 2)))
        (func (export "load") (param i32) (result i32) (i32.load8_u $b (local.get 0)))"""
    offered = exports(text)
    offered.init(PAGE - 4, 0, 4)
    offered.ba(10, PAGE - 4, 4)
    assert [offered.load(10 + i) for i in range(4)] == list(b"wasm")
    for name, arguments in (
        ("ab", (1 << 32, 0, 0)),
        ("ab", (TOP, 0, 1)),
        ("ba", (0, 1 << 32, 0)),
        ("ba", (0, TOP, 2)),
        ("ba", (0, 0, 0xFFFFFFFF)),
        ("init", (1 << 32, 0, 0)),
        ("init", (TOP - 1, 0, 4)),
    ):
        with pytest.raises(Trap, match="out of bounds memory access"):
            offered[name](*arguments)


def test_indices_of_64_bits_into_tables_do_not_wrap():
    text = """(table $t i64 2 8 externref)
        (func (export "get") (param i64) (result externref) (table.get $t (local.get 0)))
        (func (export "set") (param i64) (table.set $t (local.get 0) (ref.null extern)))
        (func (export "fill") (param i64) (table.fill $t (local.get 0) (ref.null extern) (i64.const 1)))
        (func (export "length") (param i64) (table.fill $t (i64.const 1) (ref.null extern) (local.get 0)))
        (func (export "copy") (param i64) (table.copy $t $t (local.get 0) (i64.const 0) (i64.const 1)))
        (func (export "grow") (param i64) (result i64) (table.grow $t (ref.null extern) (local.get 0)))"""
    offered = exports(text)
    for name in ("get", "set", "fill", "length", "copy"):
        offered[name](1)
        for index in (2, 1 << 32, (1 << 32) + 1, 1 << 61, 1 << 63, TOP):
            with pytest.raises(Trap, match="out of bounds table access"):
                offered[name](index)
    assert [offered.grow(n) for n in (7, 1 << 32, 1 << 61, TOP, 6, 1)] == [-1, -1, -1, -1, 2, -1]
