"""Tables: elements, sizes, growth, sharing with guests."""

import gc
import weakref

import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import Func, Table
from wasmcy.types import EXTERNREF, FUNCREF

TABLES = """
    (func $one (export "one") (result i32) (i32.const 1))
    (func $two (export "two") (result i32) (i32.const 2))
    (table $f (export "functions") 3 10 funcref)
    (elem (table $f) (i32.const 0) func $one $two)
    (table $e (export "things") 2 externref)
    (func (export "call") (param i32) (result i32) (call_indirect $f (result i32) (local.get 0)))
    (func (export "read") (param i32) (result externref) (table.get $e (local.get 0)))
    (func (export "assign") (param i32 externref) (table.set $e (local.get 0) (local.get 1)))
    (func (export "grow") (param externref i32) (result i32) (table.grow $e (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (table.size $e))
    (func (export "fill") (param i32 externref i32) (table.fill $e (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (table.copy $e $e (local.get 0) (local.get 1) (local.get 2)))
"""


def test_elements_are_functions_values_or_none():
    offered = exports(TABLES)
    assert [offered.functions[i] for i in range(3)] == [offered.one, offered.two, None]
    assert offered.functions[1]() == 2
    offered.functions[2] = offered.one
    assert offered.call(2) == 1
    offered.functions[0] = None
    with pytest.raises(wasmcy.Trap, match="uninitialized element 0"):
        offered.call(0)


def test_guest_and_host_share_values():
    offered = exports(TABLES)
    thing = ["anything"]
    offered.things[0] = thing
    assert offered.read(0) is thing and offered.read(1) is None
    offered.assign(1, thing)
    assert offered.things[1] is thing
    assert offered.grow("more", 3) == 2
    assert len(offered.things) == offered.size() == 5
    assert [offered.things[i] for i in range(5)] == [thing, thing, "more", "more", "more"]
    assert offered.things.grow(1) == 5
    assert offered.things.grow(2, "x") == 6
    assert [offered.read(i) for i in range(5, 8)] == [None, "x", "x"]
    offered.fill(1, 7, 3)
    offered.copy(0, 3, 4)
    assert [offered.things[i] for i in range(8)] == [7, "more", None, "x", "more", None, "x", "x"]


@pytest.mark.parametrize("index", [3, -1, 2**31, 2**32, 2**64, -(10**30), 10**30])
def test_indices_outside_are_refused(index):
    table = exports(TABLES).functions
    with pytest.raises(IndexError, match=f"element {index} of a table of 3"):
        table[index]
    with pytest.raises(IndexError):
        table[index] = None


@pytest.mark.parametrize("index", [1.5, "1", None, slice(0, 1)], ids=repr)
def test_indices_are_ints(index):
    table = exports(TABLES).functions
    with pytest.raises(TypeError):
        table[index]
    with pytest.raises(TypeError):
        table[index] = None


@pytest.mark.parametrize("value", [5, "x", print, lambda: None, object()], ids=lambda v: type(v).__name__)
def test_function_tables_hold_nothing_else(value):
    for table in (exports(TABLES).functions, Table("funcref", 1)):
        with pytest.raises(TypeError, match=r"expected a wasmcy\.Func or None for funcref"):
            table[0] = value
        with pytest.raises(TypeError):
            table.grow(1, value)
    with pytest.raises(TypeError):
        Table("funcref", 1, init=value)


def test_functions_of_another_store_are_refused():
    ours, theirs = exports(TABLES), exports(TABLES)
    with pytest.raises(TypeError, match="another store"):
        ours.functions[0] = theirs.one
    assert ours.functions[0] == ours.one


def test_growth_ends_at_the_maximum():
    table = exports(TABLES).functions
    assert table.grow(0) == 3
    assert table.grow(7) == 3
    for count in (1, 2**31, 2**32, 2**63, 2**64, 10**30):
        with pytest.raises(wasmcy.MemoryLimit, match=f"cannot grow by {count} elements"):
            table.grow(count)
    assert table.grow(0) == table.size == len(table) == 10
    with pytest.raises(ValueError, match="shrink"):
        table.grow(-1)
    for wrong in (1.5, "1", None):
        with pytest.raises(TypeError):
            table.grow(wrong)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("funcref", -1), ValueError),
        (("funcref", 2, 1), ValueError),
        (("funcref", 10_000_001), ValueError),
        (("funcref", 10**30), ValueError),
        (("nothing", 1), ValueError),
        (("i32", 1), (TypeError, ValueError)),
        ((None, 1), TypeError),
        (("funcref", "1"), TypeError),
    ],
    ids=repr,
)
def test_impossible_tables_are_refused(arguments, error):
    with pytest.raises(error):
        Table(*arguments)


def test_tables_made_from_python():
    table = Table("externref", 2, 5, init="x")
    assert [table[0], table[1]] == ["x", "x"]
    assert table.type == wasmcy.TableType(EXTERNREF, 2, 5)
    assert Table(min=1).type == wasmcy.TableType(FUNCREF, 1)
    assert repr(table) == "<wasmcy.Table of 2 externref>"
    assert Table("funcref", 1, init=Func(lambda: 5, [], ["i32"]))[0]() == 5


def test_a_table_that_holds_nothing_belongs_to_no_store():
    """Reading, clearing and growing it leaves it free to be imported anywhere."""
    table = Table("funcref", 1)
    assert table[0] is None
    table[0] = None
    table.grow(1)
    assert table.store is None
    store = wasmcy.Store()
    instantiate('(import "m" "t" (table 1 funcref))', {"m": {"t": table}}, store=store)
    assert table.store is store


def test_a_function_in_a_table_outlives_its_instance():
    table = Table("funcref", 1)
    other = instantiate(
        '(import "m" "t" (table 1 funcref)) (func (export "f") (result i32) (call_indirect (result i32) (i32.const 0)))',
        {"m": {"t": table}},
    )

    def fill():
        made = instantiate(
            '(import "m" "t" (table 1 funcref)) (memory 1) (data (i32.const 0) "\\09")'
            "(func $nine (result i32) (i32.load (i32.const 0))) (elem (i32.const 0) $nine)",
            {"m": {"t": table}},
        )
        return weakref.ref(made.module)

    fill()
    gc.collect()
    assert other.exports.f() == 9
    assert table[0]() == 9


def test_guests_stay_inside():
    offered = exports(TABLES)
    for attempt in (
        lambda: offered.read(2),
        lambda: offered.read(-1),
        lambda: offered.assign(2, None),
        lambda: offered.fill(1, None, 2),
        lambda: offered.fill(3, None, 0),
        lambda: offered.copy(1, 0, 2),
        lambda: offered.copy(0, 1, 2),
        lambda: offered.copy(-1, 0, 0),
    ):
        with pytest.raises(wasmcy.Trap, match="out of bounds table access"):
            attempt()
    with pytest.raises(wasmcy.Trap, match="undefined element"):
        offered.call(3)
    with pytest.raises(wasmcy.Trap, match="undefined element"):
        offered.call(-1)
    assert offered.grow(None, 10_000_000) == -1
    assert offered.grow(None, -1) == -1
