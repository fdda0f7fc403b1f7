"""Memories with pages of one byte."""

import pytest

import wasmcy
from wasmcy import Features, Limits, LinkError, Memory, MemoryLimit, MemoryType, Store, Trap
from wasmcy.text import wat2wasm as wat

BYTE = MemoryType(3, 1 << 22, page_size_log2=0)
TEXT = """(module (memory (export "m") 3 4194304 (pagesize 1))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "load32") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1))))"""


def guest(text=TEXT, **options):
    features = Features(custom_page_sizes=True)
    return wasmcy.Module(wat(text, features), features=features).instantiate(**options).exports


def test_sizes_are_in_bytes():
    g = guest()
    assert (g.size(), g.grow(5), g.size(), g.m.size, len(g.m)) == (3, 3, 8, 8, 8)
    assert g.m.grow(2) == 8
    assert g.m.type == BYTE


@pytest.mark.parametrize("size", [3, 4, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, (1 << 22) - 1])
def test_bounds_are_exact(size):
    g = guest()
    assert g.grow(size - 3) == 3
    g.store(size - 1, 9)
    assert (g.load(size - 1), g.load(size - 2)) == (9, 0)
    for call in (lambda: g.load(size), lambda: g.store(size, 1), lambda: g.load32(size - 3), lambda: g.fill(size, 1)):
        with pytest.raises(Trap, match="out of bounds memory access"):
            call()
    g.fill(size, 0)


@pytest.mark.parametrize("viewed", [False, True])
def test_what_is_added_is_zero_and_what_was_there_stays(viewed):
    g = guest()
    g.fill(0, 3)
    view = memoryview(g.m) if viewed else None
    size = 3
    while size < (1 << 21) + 5:
        more = size // 2 + 1
        assert g.grow(more) == size
        size += more
        assert bytes(g.m[0:4]) == b"\7\7\7\0" and g.load(size - 1) == 0
    assert not any(g.m[3:size])
    assert view is None or bytes(view) == b"\7\7\7"


def test_growing_ends_at_the_maximum_and_at_limits():
    g = guest()
    assert (g.grow((1 << 22) - 2), g.grow((1 << 22) - 3), g.grow(1)) == (-1, 3, -1)
    g = guest(limits=Limits(each_memory=100))
    assert (g.grow(98), g.grow(97), g.grow(1)) == (-1, 3, -1)
    with pytest.raises(MemoryLimit):
        g.m.grow(1)


def test_memories_match_by_their_page_size():
    text = '(module (import "m" "m" (memory 1 {})))'
    given = {"m": {"m": Memory(type=BYTE)}}
    guest(text.format("4194304 (pagesize 1)"), imports=given)
    for wanted in ("64", "4194304 (pagesize 65536)"):
        with pytest.raises((LinkError, wasmcy.InvalidError)):
            guest(text.format(wanted), imports={"m": {"m": Memory(type=BYTE)}})
    with pytest.raises(LinkError):
        guest(text.format("4194304 (pagesize 1)"), imports={"m": {"m": Memory(1, 4)}})


def test_a_memory_may_have_all_but_one_byte_of_what_can_be_addressed():
    assert Memory(type=MemoryType(0, None, page_size_log2=0)).grow(0) == 0
    store = Store(Limits(memory=1 << 20))
    with pytest.raises(MemoryLimit):
        Memory(type=MemoryType(0, None, page_size_log2=0), store=store).grow((1 << 20) + 1)
    with pytest.raises(ValueError, match="at most 4294967295 are possible"):
        Memory(type=MemoryType(1 << 32, None, page_size_log2=0))
    with pytest.raises(ValueError, match="only 1 and 65536 are possible"):
        Memory(type=MemoryType(1, None, page_size_log2=3))
