"""memory.copy, fill and init, table.copy, fill, init and grow: of any memory or table, in pieces, never half."""

import random
import signal
import threading

import pytest
from instantiating import exports, instantiate

from tests.interrupting import interrupting
from wasmcy import Limits, MemoryLimit, Timeout, Trap

PAGE = 65536
MIB = 1 << 20
SIZE = 3 * MIB + 2 * PAGE  # of each memory: three pieces, and more


def memories(kind):
    """Two memories of `kind`, 'i32' or 'i64', and bulk instructions on them."""
    pages = SIZE // PAGE
    address = "i64" if kind == "i64" else ""
    three = f"(param {kind} {kind} {kind}) (local.get 0) (local.get 1) (local.get 2)"
    fill = f"(param {kind} i32 {kind}) (local.get 0) (local.get 1) (local.get 2)"
    return f"""
        (memory $a (export "a") {address} {pages}) (memory $b (export "b") {address} {pages})
        (func (export "copy aa") {three} (memory.copy $a $a)) (func (export "copy ab") {three} (memory.copy $a $b))
        (func (export "copy ba") {three} (memory.copy $b $a)) (func (export "copy bb") {three} (memory.copy $b $b))
        (func (export "fill a") {fill} (memory.fill $a)) (func (export "fill b") {fill} (memory.fill $b))
    """


SPANS = [
    (0, 0, SIZE),
    (0, 1, SIZE - 1),
    (1, 0, SIZE - 1),
    (MIB, 0, SIZE - MIB),
    (0, MIB, SIZE - MIB),
    (5, MIB + 7, 2 * MIB),
    (MIB + 7, 5, 2 * MIB),
    (3, 9, MIB),
    (9, 3, MIB + 1),
    (SIZE, SIZE, 0),
    (100, 50, 70),
]


@pytest.mark.parametrize("stressed", [False, True])
@pytest.mark.parametrize("kind", ["i32", "i64"])
@pytest.mark.parametrize("name", ["copy aa", "copy ab", "copy ba", "copy bb"])
def test_copies_are_those_of_bytes(kind, name, stressed):
    instance = instantiate(memories(kind))
    instance.store.stress(stressed)
    content = {which: random.Random(which).randbytes(SIZE) for which in "ab"}
    for to, source, n in SPANS:
        for which in "ab":
            instance.exports[which].write(0, content[which])
        instance.exports[name](to, source, n)
        expected = bytearray(content[name[5]])
        expected[to : to + n] = content[name[6]][source : source + n]
        assert bytes(instance.exports[name[5]]) == expected, (to, source, n)


@pytest.mark.parametrize("kind", ["i32", "i64"])
@pytest.mark.parametrize("name", ["fill a", "fill b"])
def test_fills_are_those_of_bytes(kind, name):
    offered = exports(memories(kind))
    expected = bytearray(SIZE)
    for at, (start, _, n) in enumerate(SPANS):
        offered[name](start, 0x101 * (at + 1), n)
        expected[start : start + n] = bytes([(at + 1) & 255]) * n
        assert bytes(offered[name[5]]) == expected


@pytest.mark.parametrize("kind", ["i32", "i64"])
def test_what_does_not_fit_changes_nothing(kind):
    offered = exports(memories(kind))
    top = (1 << int(kind[1:])) - 1
    spans = [(SIZE, 0, 1), (0, SIZE, 1), (1, 0, SIZE), (0, 1, SIZE), (top, 0, 2), (0, top, 2), (2, 2, top),
             (SIZE - MIB, 0, 2 * MIB), (0, SIZE - MIB, 2 * MIB), (top, top, top), (SIZE + 1, 0, 0)]  # fmt: skip
    for name in ("copy aa", "copy ab", "copy ba", "copy bb", "fill a", "fill b"):
        for to, source, n in spans:
            if name.startswith("fill") and to <= SIZE and n <= SIZE - to:
                continue
            with pytest.raises(Trap, match="out of bounds memory access"):
                offered[name](to, source & 0xFFFFFFFF if name.startswith("fill") else source, n)
    assert not any(bytes(offered.a)) and not any(bytes(offered.b))


def test_initialising_is_in_pieces_too():
    n = 2 * MIB + 5
    content = "".join("\\%02x" % (i * i % 251) for i in range(251)) * (n // 251 + 1)
    text = f"""(memory (export "m") {n // PAGE + 2}) (data $d "{content[: 3 * n]}")
        (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))"""
    offered = exports(text)
    data = (bytes(i * i % 251 for i in range(251)) * (n // 251 + 1))[:n]
    offered.init(7, 3, n - 3)
    assert offered.m.read(0, n + 10) == bytes(7) + data[3:] + bytes(6)
    for arguments in ((0, 4, n - 3), (n + 2 * PAGE, 0, 1), (PAGE, 0, 0xFFFFFFFF)):
        with pytest.raises(Trap, match="out of bounds memory access"):
            offered.init(*arguments)


# ------------------------------------------------------------------------------------ tables
TABLES = """
    (table $a (export "a") 400000 externref) (table $b (export "b") 400000 externref)
    (func (export "copy aa") (param i32 i32 i32) (table.copy $a $a (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy ba") (param i32 i32 i32) (table.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 externref i32) (table.fill $a (local.get 0) (local.get 1) (local.get 2)))
    (func (export "set") (param i32 externref) (table.set $a (local.get 0) (local.get 1)))
"""


@pytest.mark.parametrize(("to", "source"), [(0, 1000), (1000, 0), (0, 131072), (131072, 0), (200_000, 0)])
@pytest.mark.parametrize("name", ["copy aa", "copy ba"])
def test_large_copies_of_tables_move_each_element(name, to, source):
    offered, n = exports(TABLES), 200_000
    marks = [0, 1, 999, 131071, 131072, 150_000, n - 1]
    for mark in marks:
        offered.set(source + mark, mark)
    offered[name](to, source, n)
    target = offered[name[5]]
    assert [target[to + mark] for mark in marks] == marks
    assert target[to + 77_777] is None
    with pytest.raises(Trap, match="out of bounds table access"):
        offered[name](300_000, 0, n)


def test_large_fills_of_tables_fill_each_element():
    offered = exports(TABLES)
    offered.fill(10, "x", 300_000)
    table = offered.a
    assert [table[i] for i in (9, 10, 131_081, 131_082, 262_154, 300_009, 300_010)] == [None, *["x"] * 5, None]
    with pytest.raises(Trap, match="out of bounds table access"):
        offered.fill(200_000, "x", 300_000)


GROWING = """(table $t (export "t") 1 externref)
    (func (export "grow") (param externref i32) (result i32) (table.grow $t (local.get 0) (local.get 1)))"""


def test_large_growth_fills_each_new_element():
    offered = exports(GROWING)
    assert [offered.grow("v", n) for n in (0, 1_000_000, 20_000_000, 5)] == [1, 1, -1, 1_000_001]
    assert [offered.t[i] for i in (0, 1, 131_073, 1_000_005)] == [None, "v", "v", "v"]
    assert len(offered.t) == 1_000_006


def test_growth_that_its_deadline_ends_adds_nothing():
    instance = instantiate(GROWING, limits=Limits(timeout=1e-6))
    with pytest.raises(Timeout):
        instance.exports.grow("v", 9_000_000)
    assert len(instance.exports.t) == 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="there are no such signals here")
def test_a_signal_handler_may_grow_the_table_that_is_growing():
    offered = exports(GROWING)
    grown = []

    def handler(number, frame):
        if len(grown) < 50:
            grown.append(offered.t.grow(3, "h") if len(grown) % 2 else offered.grow("g", 3))

    before = signal.signal(signal.SIGUSR1, handler)
    done, main = threading.Event(), threading.get_ident()

    def kill():
        while not done.wait(0.001):
            signal.pthread_kill(main, signal.SIGUSR1)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        old = offered.grow("v", 4_000_000)
    finally:
        done.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(offered.t) == 1 + 4_000_000 + 3 * len(grown)
    assert offered.t[old] == offered.t[old + 3_999_999] == "v"


# ------------------------------------------------------------------------------------ deadlines
LOOPS = {
    "memory.fill": "(memory.fill $b (i32.const 0) (i32.const 1) (i32.const 33554432))",
    "memory.copy": "(memory.copy $b $b (i32.const 1) (i32.const 0) (i32.const 33554400))",
    "table.fill": "(table.fill $t (i32.const 0) (ref.null func) (i32.const 4000000))",
    "table.copy": "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 3999999))",
}


@pytest.mark.parametrize("name", LOOPS)
def test_deadlines_and_interrupts_end_bulk_instructions(name):
    text = f'(memory $a 1) (memory $b 512) (table $t 4000000 funcref) (func (export "f") (loop {LOOPS[name]} (br 0)))'
    with pytest.raises(Timeout):
        instantiate(text, limits=Limits(timeout=0.02)).exports.f()
    instance = instantiate(text)
    with interrupting(instance), pytest.raises(KeyboardInterrupt):
        instance.exports.f()


def test_the_limit_on_memory_counts_tables_that_grow():
    offered = exports(GROWING, limits=Limits(memory=8 * 300_000))
    assert [offered.grow(None, n) for n in (200_000, 200_000, 99_998, 2)] == [1, -1, 200_001, -1]
    with pytest.raises(MemoryLimit):
        offered.t.grow(2)
