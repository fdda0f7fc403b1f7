"""Limits on single memories and tables and on how many there are; limits that change; objects made in a store."""

import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import Func, Global, InstanceLimit, Limits, LinkError, Memory, MemoryLimit, Store, Table, TableLimit, Tag

PAGE = 65536


@pytest.mark.parametrize(
    ("limits", "text", "error", "message"),
    [
        ({"each_memory": PAGE}, "(memory 2)", MemoryLimit, "a memory of 131072 bytes: at most 65536 are allowed"),
        ({"each_table": 3}, "(table 4 funcref)", TableLimit, "a table of 4 elements: at most 3 are allowed"),
        ({"instances": 0}, "", InstanceLimit, "limit of 0 instances exceeded"),
        ({"memories": 0}, "(memory 0)", MemoryLimit, "limit of 0 memories exceeded"),
        ({"tables": 1}, "(table 0 funcref) (table 0 externref)", TableLimit, "limit of 1 tables exceeded"),
    ],
)
def test_instances_keep_within_limits(limits, text, error, message):
    with pytest.raises(error, match=message):
        instantiate(text, limits=Limits(**limits))


@pytest.mark.parametrize(
    ("limits", "error", "make"),
    [
        ({"each_memory": PAGE}, MemoryLimit, lambda store: Memory(2, store=store)),
        ({"memory": PAGE}, MemoryLimit, lambda store: Memory(2, store=store)),
        ({"memories": 0}, MemoryLimit, lambda store: Memory(store=store)),
        ({"each_table": 1}, TableLimit, lambda store: Table("funcref", 2, store=store)),
        ({"tables": 0}, TableLimit, lambda store: Table("funcref", store=store)),
    ],
)
def test_objects_made_in_a_store_keep_within_its_limits(limits, error, make):
    with pytest.raises(error):
        make(Store(Limits(**limits)))
    make(Store())


def test_each_memory_and_table_grows_to_the_limit_and_no_further():
    limits = Limits(each_memory=2 * PAGE, each_table=3)
    guest = exports(
        """(memory $a (export "a") 1) (memory $b (export "b") 1) (table $t (export "t") 1 funcref)
        (func (export "grow") (param i32) (result i32) (memory.grow $b (local.get 0)))
        (func (export "table") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))""",
        limits=limits,
    )
    assert (guest.a.grow(1), guest.grow(1), guest.grow(1), guest.grow(0)) == (1, 1, -1, 2)
    assert (guest.table(2), guest.table(1)) == (1, -1)
    with pytest.raises(MemoryLimit):
        guest.a.grow(1)
    with pytest.raises(MemoryLimit):
        guest.t.grow(1)


def test_limits_may_change_and_count_what_is_there():
    store = Store()
    Memory(3, store=store)
    store.limits = Limits(memories=2, each_memory=PAGE)
    memory = Memory(1, store=store)
    with pytest.raises(MemoryLimit, match="limit of 2 memories"):
        Memory(1, store=store)
    store.limits = Limits(memories=1)
    with pytest.raises(MemoryLimit, match="limit of 1 memories"):
        Memory(1, store=store)
    assert store.limits.memories == 1
    store.limits = None
    memory.grow(5)
    Memory(1, store=store)


def test_limits_that_cannot_be_leave_those_that_are():
    store = Store(Limits(memory=PAGE))
    lying = Limits(each_memory=PAGE)
    lying.each_table = -1
    with pytest.raises(OverflowError):
        store.limits = lying
    Memory(1, store=store)
    with pytest.raises(MemoryLimit):
        Memory(1, store=store)


def test_the_depth_of_a_store_in_use_does_not_change():
    store = Store()
    store.limits = Limits(depth="1MiB")
    instantiate('(func (export "f"))', store=store).exports.f()
    store.limits = Limits(depth="1MiB", memory="1MiB")
    with pytest.raises(ValueError, match="stack"):
        store.limits = Limits(depth="2MiB")
    assert store.limits.memory == 1 << 20


@pytest.mark.parametrize("name", ["each_table", "instances", "memories", "tables"])
def test_negative_limits_are_refused(name):
    with pytest.raises(ValueError, match="a limit of -1"):
        Limits(**{name: -1})


@pytest.mark.parametrize(
    "make",
    [
        lambda store: Memory(1, store=store),
        lambda store: Table("externref", 1, None, "init", store=store),
        lambda store: Global("externref", "init", store=store),
        lambda store: Tag(["i32"], store=store),
        lambda store: Func(print, store=store),
    ],
)
def test_objects_belong_to_the_store_they_are_made_in(make):
    store = Store()
    made = make(store)
    assert made.store is store
    wanted = {
        Memory: "(memory 1)",
        Table: "(table 1 externref)",
        Global: "(global externref)",
        Tag: "(tag (param i32))",
        Func: "(func)",
    }[type(made)]
    text = f'(import "m" "x" {wanted})'
    assert instantiate(text, {"m": {"x": made}}).store is store
    with pytest.raises(LinkError):
        instantiate(text, {"m": {"x": made}}, store=Store())


def test_references_given_at_the_start_live_in_the_store():
    store = Store()
    table = Table("funcref", 2, None, Func(lambda: 7, [], ["i32"]), store=store)
    text = (
        '(import "m" "t" (table 2 funcref)) (func (export "f") (result i32) (call_indirect (result i32) (i32.const 1)))'
    )
    assert exports(text, {"m": {"t": table}}).f() == 7


def test_imports_may_be_given_in_order():
    text = """(import "" "" (func $a (result i32))) (import "" "" (global $b i32)) (import "" "" (func $c (result i32)))
        (func (export "f") (result i32 i32 i32) (call $a) (global.get $b) (call $c))"""
    assert exports(text, [lambda: 1, 2, lambda: 3]).f() == (1, 2, 3)
    assert exports(text, (lambda: 3, 2, lambda: 1)).f() == (3, 2, 1)
    with pytest.raises(LinkError, match="expected 3 imports, found 1"):
        instantiate(text, [lambda: 1])
    with pytest.raises(LinkError, match="incompatible import type"):
        instantiate(text, [1, 2, 3])
    with pytest.raises(TypeError, match="WASI"):
        instantiate(text, [lambda: 1, 2, lambda: 3], wasi=wasmcy.Wasi())


def test_frames_say_where_their_function_starts():
    guest = exports('(func (export "f") nop unreachable)')
    with pytest.raises(wasmcy.Trap) as caught:
        guest.f()
    frame = caught.value.frames[0]
    assert frame.offset - frame.start == 2  # after the number of local declarations and the nop
