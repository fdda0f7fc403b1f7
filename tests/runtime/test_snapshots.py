"""Snapshots of guests at rest, pools of them, and pickles of their functions."""

import inspect
import multiprocessing
import operator
import pickle
from array import array
from concurrent.futures import ProcessPoolExecutor

import pytest
from instantiating import binary, instantiate, module

import wasmcy
from wasmcy import (
    FuelExhausted,
    Func,
    InstanceLimit,
    Limits,
    Memory,
    MemoryLimit,
    Module,
    Pool,
    Snapshot,
    SnapshotError,
    TableLimit,
)

TEXT = """
    (type $unary (func (param i32) (result i32)))
    (import "m" "op" (func $op (type $unary)))
    (memory (export "memory") 1 100)
    (table $t (export "table") 2 10 funcref)
    (global $n (export "n") (mut i32) (i32.const 5))
    (global $d (mut f64) (f64.const 1.5))
    (global $l (mut i64) (i64.const -1))
    (global $f (mut funcref) (ref.func $double))
    (elem (i32.const 0) func $double $op)
    (elem $passive func $double)
    (data $greeting "hello")
    (data (i32.const 16) "active")
    (func $double (export "double") (type $unary) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "work") (param i32) (result i32)
      (global.set $n (i32.add (global.get $n) (local.get 0)))
      (global.set $d (f64.mul (global.get $d) (f64.const 2)))
      (i32.store (i32.const 100) (global.get $n))
      (global.get $n))
    (func (export "grow") (drop (memory.grow (i32.const 20))) (drop (table.grow $t (ref.func $double) (i32.const 3)))
      (i32.store (i32.const 0x140000) (i32.const 77)))
    (func (export "far") (result i32) (i32.load (i32.const 0x140000)))
    (func (export "call") (param i32 i32) (result i32) (call_indirect $t (type $unary) (local.get 1) (local.get 0)))
    (func (export "drop") (data.drop $greeting) (elem.drop $passive))
    (func (export "init") (memory.init $greeting (i32.const 0) (i32.const 0) (i32.const 5)))
    (func (export "spin") (loop (br 0)))
    (func $started (i32.store (i32.const 200) (i32.add (i32.load (i32.const 200)) (i32.const 1))))
    (start $started)
"""
IMPORTS = {"m": {"op": operator.neg}}


def guest(**options):
    return instantiate(TEXT, IMPORTS, **options)


def restored(snapshot, **options):
    return module(TEXT).restore(snapshot, IMPORTS, **options)


def through_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("way", [lambda snapshot: snapshot, through_pickle], ids=["same process", "pickled"])
@pytest.mark.parametrize("limits", [None, Limits(fuel=100_000)], ids=["", "metered"])
def test_a_restored_guest_goes_on_where_the_other_was(way, limits):
    first = guest()
    assert (first.exports.work(10), first.exports.work(1)) == (15, 16)
    first.exports.grow()
    first.exports.table[0] = None
    second = restored(way(first.snapshot()), limits=limits).exports
    assert (second.work(4), first.exports.work(100)) == (20, 116)
    assert second.far() == 77 and second.memory.size == 21 and len(second.table) == 5
    assert second.table[0] is None and second.call(1, 7) == -7 and second.call(4, 7) == 14
    assert second.memory[16:22] == b"active" and second.memory[200] == 1
    second.init()
    assert second.memory[0:5] == b"hello"


def test_dropped_segments_stay_dropped():
    first = guest()
    first.exports.drop()
    with pytest.raises(wasmcy.Trap, match="out of bounds memory access"):
        restored(first.snapshot()).exports.init()


def test_restored_guests_do_not_see_each_other():
    snapshot = guest().snapshot()
    one, two = restored(snapshot), restored(snapshot)
    one.exports.memory[1000] = 9
    one.exports.work(1)
    assert two.exports.memory[1000] == 0 and two.exports.n.value == 5


def test_large_memories_are_shared_until_they_are_written_to():
    text = '(memory (export "memory") 1024) (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0)))'
    first = instantiate(text)
    first.exports.memory.write(0x3000000, b"\x07" * 0x10000)
    snapshot = first.snapshot()
    guests = [module(text).restore(snapshot) for _ in range(50)]
    guests[0].exports.memory[0x3000000] = 1
    assert [g.exports.f(0x3000000) for g in guests] == [1] + [7] * 49
    assert first.exports.f(0x3000000) == 7
    guests[1].exports.memory.grow(1)
    assert guests[1].exports.f(0x3000001) == 7 and guests[1].exports.f(0x4000001) == 0


def test_a_snapshot_of_a_restored_guest():
    first = restored(guest().snapshot())
    first.exports.work(3)
    assert restored(first.snapshot()).exports.work(1) == 9


# ------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    ("text", "imports", "message"),
    [
        ('(import "m" "x" (memory 1))', {"x": Memory(1)}, "the memory m.x is imported"),
        ('(import "m" "x" (table 1 funcref))', {"x": wasmcy.Table("funcref", 1)}, "the table m.x is imported"),
        ('(import "m" "x" (global (mut i32)))', {"x": wasmcy.Global("i32", 1, mutable=True)}, "the global m.x is imp"),
    ],
)
def test_state_that_is_not_its_own_is_refused_by_name(text, imports, message):
    instance = instantiate(text, {"m": imports})
    with pytest.raises(SnapshotError, match=message):
        instance.snapshot()


def test_host_values_are_refused():
    instance = instantiate('(table (export "t") 2 externref) (global (export "g") (mut externref) (ref.null extern))')
    instance.snapshot()
    instance.exports.t[1] = object()
    with pytest.raises(SnapshotError, match="table 0 refers to a value of the host"):
        instance.snapshot()
    instance.exports.t[1] = None
    instance.exports.g.value = object()
    with pytest.raises(SnapshotError, match="global 0 refers to a value of the host"):
        instance.snapshot()


def test_a_running_guest_is_refused():
    def h():
        with pytest.raises(SnapshotError, match="has a call"):
            instance.snapshot()

    instance = instantiate('(import "m" "h" (func $h)) (func (export "f") (call $h))', {"m": {"h": h}})
    instance.exports.f()
    instance.snapshot()


def test_another_module_is_refused():
    with pytest.raises(SnapshotError, match="of another module"):
        module("(memory 1)").restore(guest().snapshot())


def hostile(change):
    """A snapshot somebody tampered with."""
    taken = guest().snapshot()
    memories, variables, tables, datas, elems, calls, objects = (list(part) for part in taken._state)
    parts = {"memories": memories, "globals": variables, "tables": tables, "datas": datas, "elems": elems}
    change(parts)
    return Snapshot(taken.digest, (memories, variables, tables, datas, elems, calls, objects))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["memories"].__setitem__(0, (1, bytes(65537))),
        lambda p: p["memories"].__setitem__(0, (0, b"")),
        lambda p: p["memories"].__setitem__(0, (-1, b"")),
        lambda p: p["memories"].__setitem__(0, ("1", b"")),
        lambda p: p["memories"].__setitem__(0, (1, "text")),
        lambda p: p["memories"].__setitem__(0, 3),
        lambda p: p["memories"].append((1, b"")),
        lambda p: p["globals"].__setitem__(0, 1 << 32),
        lambda p: p["globals"].__setitem__(0, -1),
        lambda p: p["globals"].__setitem__(0, 1.5),
        lambda p: p["globals"].__setitem__(0, True),
        lambda p: p["globals"].__setitem__(2, 1 << 64),
        lambda p: p["globals"].__setitem__(3, 99),
        lambda p: p["globals"].__setitem__(3, -2),
        lambda p: p["globals"].__setitem__(3, 1 << 70),
        lambda p: p["globals"].__setitem__(1, "x"),
        lambda p: p["globals"].pop(),
        lambda p: p["tables"].__setitem__(0, array("q", [0, 99])),
        lambda p: p["tables"].__setitem__(0, array("q", [0])),
        lambda p: p["tables"].__setitem__(0, array("d", [0, 1])),
        lambda p: p["tables"].__setitem__(0, [0, 1]),
        lambda p: p["datas"].clear(),
    ],
)
def test_a_snapshot_that_was_tampered_with_is_refused(change):
    snapshot = hostile(change)
    with pytest.raises(SnapshotError):
        restored(snapshot)


@pytest.mark.parametrize("state", [None, (), ([], [], [], []), (1, 2, 3, 4, 5, 6, 7), [[], [], [], [], [], [], []]])
def test_what_is_no_snapshot_is_refused(state):
    with pytest.raises(SnapshotError, match="malformed"):
        Snapshot(b"", state)


def test_functions_of_another_type_do_not_get_into_typed_tables():
    text = """
        (type $a (func)) (type $b (func (param i32)))
        (func $f (type $a)) (func $g (type $b))
        (table 1 (ref null $a)) (elem declare func $f $g)
    """
    taken = instantiate(text).snapshot()
    taken._state[2][0] = array("q", [1])
    with pytest.raises(SnapshotError, match="function 1 has not the type of its place"):
        module(text).restore(taken)


def test_restoring_keeps_within_the_limits():
    first = guest()
    first.exports.grow()
    snapshot = first.snapshot()
    with pytest.raises(MemoryLimit):
        restored(snapshot, limits=Limits(memory="1MiB"))
    with pytest.raises(TableLimit):
        restored(snapshot, limits=Limits(table_elements=4))
    with pytest.raises(InstanceLimit):
        restored(snapshot, limits=Limits(instances=0))


# ------------------------------------------------------------------------------------ pools
def test_a_pool_gives_fresh_guests():
    pool = Pool(module(TEXT), IMPORTS, setup=lambda made: made.exports.work(5), limits=Limits(fuel=1000))
    assert [pool.instantiate().exports.work(1) for _ in range(3)] == [11, 11, 11]
    with pytest.raises(wasmcy.FuelExhausted):
        pool.instantiate().exports.spin()
    assert pool.instantiate(limits=Limits(fuel=10**6)).store.fuel == 10**6


def test_the_limits_of_a_pool_bound_its_setup_too():
    endless = module("(func $f (loop (br 0))) (start $f)")
    with pytest.raises(FuelExhausted):
        Pool(endless, limits=Limits(fuel=1000))
    slow = module(
        '(func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))'
    )
    with pytest.raises(FuelExhausted):
        Pool(slow, setup=lambda guest: guest.exports.f(1000), limits=Limits(fuel=100))
    pool = Pool(
        slow, setup=lambda guest: guest.exports.f(1000), limits=Limits(fuel=100), setup_limits=Limits(fuel=10_000)
    )
    assert pool.instantiate().store.fuel == 100


@pytest.mark.parametrize("what", [None, b"", 5])
def test_only_a_snapshot_is_restored(what):
    with pytest.raises(TypeError, match="expected a Snapshot"):
        module("(memory 1)").restore(what)


def test_what_a_pool_gives_to_guests_may_be_made_for_each():
    made = []

    def imports():
        made.append({"m": {"op": operator.neg}})
        return made[-1]

    pool = Pool(module(TEXT), imports)
    pool.instantiate()
    pool.instantiate()
    assert len(made) == 3


# ------------------------------------------------------------------------------------ pickles
def test_functions_that_are_pickled_together_share_a_fresh_instance():
    first = guest()
    first.exports.work(10)
    work, call = through_pickle((first.exports.work, first.exports.call))
    assert work(1) == 6 and work(1) == 7 and call(1, 3) == -3
    assert work.store is call.store is not first.store


def test_a_function_of_a_restored_guest_carries_its_state():
    first = guest()
    first.exports.work(10)
    assert through_pickle(restored(first.snapshot()).exports.work)(1) == 16


def test_limits_go_along():
    work = through_pickle(guest(limits=Limits(fuel=500)).exports.spin)
    with pytest.raises(wasmcy.FuelExhausted):
        work()


def test_a_function_of_the_host_is_pickled_with_its_callable():
    assert through_pickle(Func(operator.neg, ["i32"], ["i32"]))(4) == -4


def test_what_cannot_be_pickled_says_so():
    instance = instantiate('(func $hidden) (table (export "t") 1 funcref) (elem (i32.const 0) func $hidden)')
    with pytest.raises(TypeError, match="not exported"):
        pickle.dumps(instance.exports.t[0])
    with pytest.raises(TypeError, match="an instance cannot be pickled"):
        pickle.dumps(instance)


def test_functions_work_in_process_pools():
    double = guest().exports.double
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(double, range(20))) == [2 * i for i in range(20)]


# ------------------------------------------------------------------------------------ signatures
def test_signatures_are_visible():
    text = '(func (export "f") (param i32 f64 externref)) (func (export "g") (result i32 i64) unreachable) (func (export "h") (result f32) unreachable)'
    exports = instantiate(text).exports
    assert str(inspect.signature(exports.f)) == "(p0: 'i32', p1: 'f64', p2: 'externref', /) -> None"
    assert str(inspect.signature(exports.g)) == "() -> ('i32', 'i64')"
    assert str(inspect.signature(exports.h)) == "() -> 'f32'"
    assert "i32" in repr(exports.f)


def test_a_module_knows_its_bytes_only_once():
    made = Module(binary("(memory 1)"))
    made.instantiate().snapshot()
    assert made._digest == through_pickle(made).instantiate().snapshot().digest
