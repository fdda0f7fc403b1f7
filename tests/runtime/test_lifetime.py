"""What keeps what alive, and that the rest is freed."""

import copy
import gc
import os
import pickle
import sys
import weakref

import pytest
from instantiating import binary

import wasmcy
from wasmcy import Func, Global, Memory, Module, Store, Table, Tag, matching

TEXT = """
    (import "m" "h" (func $h (result i32)))
    (memory (export "memory") 1) (table (export "table") 2 funcref) (elem (i32.const 0) $f)
    (global (export "global") (mut i32) (i32.const 3)) (global (export "reference") (mut funcref) (ref.func $f)) (tag (export "tag"))
    (data (i32.const 0) "\\2a")
    (func $f (export "f") (result i32) (i32.add (call $h) (i32.add (i32.load8_u (i32.const 0)) (global.get 0))))
"""


def fresh(text=TEXT, imports=None, **options):
    """An instance of a module of its own."""
    return Module(binary(text)).instantiate({"m": {"h": lambda: 1}} if imports is None else imports, **options)


def dead(*references):
    gc.collect()
    return [reference() is None for reference in references] == [True] * len(references)


# ------------------------------------------------------------------------------------ freed
def test_an_instance_its_module_and_its_store_are_freed():
    instance = fresh()
    instance.exports.f()
    list(instance.exports.items())
    references = [
        weakref.ref(instance),
        weakref.ref(instance.module),
        weakref.ref(instance.store),
        weakref.ref(instance.exports.f),
    ]
    del instance
    assert dead(*references)


@pytest.mark.parametrize(
    "imports",
    [
        lambda held: {"m": {"h": lambda: len(held)}},
        lambda held: {"m": {"h": Func(lambda: len(held), [], ["i32"])}},
        lambda held: {"m": {"h": wasmcy.with_caller(lambda caller: len(held) + bool(caller.exports))}},
    ],
)
def test_a_cycle_through_a_host_function_is_freed(imports):
    held = []
    instance = fresh(imports=imports(held))
    held.append(instance)
    assert instance.exports.f() >= 46
    reference = weakref.ref(instance)
    del instance, held
    assert dead(reference)


class Thing:
    pass


def test_cycles_through_values_are_freed():
    instance = fresh("""
        (table (export "t") 2 externref) (global (export "g") (mut externref) (ref.null extern))
        (func (export "f") (param externref) (table.set (i32.const 0) (local.get 0)))
    """)
    things = [Thing() for _ in range(4)]
    for thing in things:
        thing.instance = instance
    instance.exports.t[1] = things[0]
    instance.exports.g.value = things[1]
    instance.exports.f(things[2])
    references = [weakref.ref(instance), *map(weakref.ref, things)]
    del instance, things, thing
    assert dead(*references)


def test_cycles_through_exceptions_are_freed():
    def h():
        error = Thing.__class__("Error", (Exception,), {})()
        error.instance = instance  # noqa: F821
        errors.append(weakref.ref(error))
        raise error

    errors = []
    instance = fresh(
        '(import "m" "h" (func $h)) (global $g (mut exnref) (ref.null exn))'
        '(func (export "f") (block $b (result exnref) (try_table (catch_all_ref $b) (call $h)) (ref.null exn)) (global.set $g))',
        {"m": {"h": h}},
    )
    instance.exports.f()
    assert not dead(*errors)
    reference = weakref.ref(instance)
    del instance
    assert dead(reference, *errors)


def test_host_exceptions_that_no_memory_is_left_for_are_freed():
    def h():
        error = OSError()
        errors.append(weakref.ref(error))
        raise error

    errors = []
    text = '(import "m" "h" (func $h)) (func (export "f") (block $b (try_table (catch_all $b) (call $h))))'
    instance = fresh(text, {"m": {"h": h}}, limits=wasmcy.Limits(memory=8))
    for _ in range(50):
        with pytest.raises(wasmcy.MemoryLimit):
            instance.exports.f()
    assert dead(*errors)


def test_failed_instantiations_are_freed():
    for text, error in [
        ("(memory 1) (start $f) (func $f unreachable)", wasmcy.Trap),
        ('(memory 1) (data (i32.const 65536) "x")', wasmcy.Trap),
        ("(memory 2)", wasmcy.MemoryLimit),
        ('(import "m" "x" (func))', wasmcy.LinkError),
    ]:
        store = Store(wasmcy.Limits(memory=65536))
        made = Module(binary(text))
        references = [weakref.ref(store), weakref.ref(made)]
        with pytest.raises(error):
            made.instantiate(store=store)
        del store, made
        assert dead(*references)


def test_canonical_types_are_given_back():
    gc.collect()
    before = len(matching._groups)
    for i in range(50):
        fresh(f'(type (func (param {"i32 " * (i + 20)}))) (func (export "f"))').exports.f()
    gc.collect()
    matching.canonicalise([], [])  # who comes next takes what was given back
    assert len(matching._groups) <= before + 1


# ------------------------------------------------------------------------------------ kept
KEPT = {
    "function": (lambda i: i.exports.f, lambda f: f() == 46),
    "memory": (lambda i: i.exports.memory, lambda m: m[0:2] == b"*\0" and m.grow(1) == 1),
    "view of the memory": (lambda i: memoryview(i.exports.memory), lambda v: v[0] == 42 and len(v) == 65536),
    "table": (lambda i: i.exports.table, lambda t: t[0]() == 46 and t[1] is None),
    "function in the table": (lambda i: i.exports.table[0], lambda f: f() == 46),
    "global": (lambda i: i.exports["global"], lambda g: g.value == 3),
    "function in a global": (lambda i: i.exports.reference.value, lambda f: f() == 46),
    "global with a function": (lambda i: i.exports.reference, lambda g: g.value() == 46),
    "tag": (lambda i: i.exports.tag, lambda t: t.type.params == ()),
    "exports": (lambda i: i.exports, lambda e: e.f() == 46),
    "store": (lambda i: i.store, lambda s: s.memory_bytes > 65536),
    "type": (lambda i: i.exports.f.type, lambda t: str(t) == "(func (result i32))"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_part_is_usable_without_the_rest(name):
    take, check = KEPT[name]
    parts = [take(fresh()) for _ in range(3)]
    gc.collect()
    junk = [bytearray(n) for n in range(64, 4096, 16)]
    assert all(check(part) for part in parts)
    del junk


def test_a_trap_keeps_nothing_of_its_instance():
    instance = fresh('(func (export "f") unreachable)', {})
    with pytest.raises(wasmcy.Trap) as caught:
        instance.exports.f()
    error = caught.value.with_traceback(None)
    reference = weakref.ref(instance)
    del instance, caught
    assert dead(reference)
    assert error.frames[0].name == "f"


def test_references_of_a_failed_instance_stay_valid():
    table = Table("funcref", 1)
    with pytest.raises(wasmcy.Trap):
        fresh(
            '(import "m" "t" (table 1 funcref)) (memory 1) (data (i32.const 5) "\\07")'
            "(func $f (result i32) (i32.load8_u (i32.const 5))) (elem (i32.const 0) $f) (start $s) (func $s unreachable)",
            {"m": {"t": table}},
        )
    gc.collect()
    junk = [bytearray(n) for n in range(64, 4096, 16)]
    assert table[0]() == 7
    del junk


def test_host_values_stay_alive_in_guests():
    instance = fresh(
        '(table (export "t") 1 externref) (func (export "f") (result externref) (table.get (i32.const 0)))', {}
    )
    instance.exports.t[0] = Thing()
    gc.collect()
    assert type(instance.exports.f()) is Thing


# ------------------------------------------------------------------------------------ finalisers
class Finaliser:
    """Calls a function when it is freed."""

    def __init__(self, function):
        self.function = function
        self.cycle = self

    def __del__(self):
        self.function()


def test_finalisers_may_use_the_instance_they_die_with():
    results = []
    instance = fresh()
    exports = instance.exports
    finaliser = Finaliser(lambda e=exports: results.append((e.f(), e.memory[0], e.table[0]())))
    host = Table("externref", 1)
    holder = fresh('(import "m" "t" (table 1 externref))', {"m": {"t": host}})
    host[0] = finaliser
    del instance, exports, finaliser, host, holder
    gc.collect()
    assert results == [(46, 42, 46)]


@pytest.fixture
def eager_collector():
    """Starts collections wherever an object is made, which call a function each time, until it is told to stop."""
    before = gc.get_threshold()
    going = []

    def start(function):
        def finalise():
            if going:
                Finaliser(finalise)
                function()

        going.append(True)
        Finaliser(finalise)
        gc.set_threshold(1, 1, 1)
        return stop

    def stop():
        gc.set_threshold(*before)
        going.clear()
        gc.collect()

    yield start
    stop()


def test_finalisers_may_call_a_guest_that_is_being_translated(eager_collector):
    """A collection inside the translator runs Python code, which calls the same store and module."""
    n = 150
    functions = "".join(
        f"(func $f{i} (param i64) (result i64) (local i64) (local.set 1 (i64.const {i})) (i64.add (local.get 0) (local.get 1)))"
        for i in range(n)
    )
    calls = "".join(f"(local.set 0 (call $f{i} (local.get 0)))" for i in range(n))
    others = "".join(
        f'(func (export "g{i}") (param i64 i64 i64 i64 i64 i64) (result i64) (i64.sub (local.get 0) (i64.const {i})))'
        for i in range(n)
    )
    instance = fresh(functions + others + f'(func (export "run") (param i64) (result i64) {calls} (local.get 0))', {})
    others = [instance.exports[f"g{i}"] for i in range(n)]
    run = instance.exports.run
    results = []

    def call_another():
        i = len(results) % n
        results.append(others[i](-1, -1, -1, -1, -1, -1) == -1 - i)

    stop = eager_collector(call_another)
    total = run(5)
    stop()
    assert total == 5 + sum(range(n))
    assert all(results)


def test_finalisers_may_call_a_guest_whose_results_are_being_taken(eager_collector):
    instance = fresh(
        """
        (func (export "f") (param i64) (result i64 funcref i64 funcref i64)
          (local.get 0) (ref.func $g) (i64.add (local.get 0) (i64.const 1)) (ref.func $h) (i64.add (local.get 0) (i64.const 2)))
        (func $g (export "g") (param i64 i64 i64 i64 i64 i64))
        (func $h (export "h"))
    """,
        {},
    )
    f, g = instance.exports.f, instance.exports.g
    stop = eager_collector(lambda: g(-1, -1, -1, -1, -1, -1))
    results = [f(i) for i in range(50)]
    stop()
    assert [r[::2] for r in results] == [(i, i + 1, i + 2) for i in range(50)]
    assert all(r[1] == g and r[3] == instance.exports.h for r in results)


def test_finalisers_may_call_a_guest_whose_backtrace_is_being_made(eager_collector):
    instance = fresh(
        """
        (func $f (export "f") (param i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call $f (i32.sub (local.get 0) (i32.const 1))))
        (func $g (export "g") (param i64 i64 i64 i64 i64 i64) (if (i64.eqz (local.get 0)) (then (return)))
          (call $g (i64.add (local.get 0) (i64.const 1)) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)))
    """,
        {},
    )
    f, g = instance.exports.f, instance.exports.g
    stop = eager_collector(lambda: g(-20, -1, -1, -1, -1, -1))
    traps = []
    for _ in range(5):
        try:
            f(10)
        except wasmcy.Trap as trap:
            traps.append([frame.name for frame in trap.frames])
    stop()
    assert traps == [["f"] * 11] * 5


def test_finalisers_of_exceptions_may_throw_in_the_guest():
    """A collection of guest exceptions drops those of the host; what dies with them calls the guest, which throws."""
    instance = fresh(
        """
        (import "m" "h" (func $h)) (tag $t (param i64))
        (table $e 100 exnref)
        (func $make (param i64) (result exnref) (local exnref)
          (block $b (result i64 exnref) (try_table (catch_ref $t $b) (throw $t (local.get 0))) unreachable)
          (local.set 1) drop (local.get 1))
        (func (export "host") (block $b (try_table (catch_all $b) (call $h))))
        (func (export "hold") (param i32 i64) (table.set $e (local.get 0) (call $make (local.get 1))))
        (func (export "open") (param i32) (result i64)
          (block $b (result i64) (try_table (catch $t $b) (throw_ref (table.get $e (local.get 0)))) unreachable))
        """,
        {"m": {"h": lambda: fail()}},
    )
    calls = []

    class Error(Exception):
        def __del__(self):
            n = len(calls)
            calls.append(n)
            for i in range(40):
                instance.exports.hold((n + i) % 100, n * 1000 + i)
                held[(n + i) % 100] = n * 1000 + i

    def fail():
        raise Error

    held = {}
    for _ in range(3000):
        instance.exports.host()
    assert len(calls) > 1000
    assert {i: instance.exports.open(i) for i in held} == held


# ------------------------------------------------------------------------------------ copies
FUNCTIONS = [lambda i: i.exports.f, lambda i: Func(print)]  # their pickles make fresh ones: test_snapshots.py
OTHERS = [
    lambda i: i, lambda i: i.exports, lambda i: i.store, lambda i: i.exports.memory, lambda i: i.exports.table,
    lambda i: i.exports["global"], lambda i: i.exports.tag, lambda i: Memory(1), lambda i: Table(), lambda i: Global("i32"),
    lambda i: Tag(),
]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "copied"),
    [
        *[(part, copied) for part in FUNCTIONS + OTHERS for copied in (copy.copy, copy.deepcopy)],
        *[(part, c) for part in OTHERS for c in (pickle.dumps, lambda o: o.__reduce__(), lambda o: o.__reduce_ex__(4))],
    ],
)
def test_what_lives_in_a_store_is_not_copied(part, copied):
    with pytest.raises(TypeError):
        copied(part(fresh()))


# ------------------------------------------------------------------------------------ leaks
def resident():
    """Bytes of memory in use by the process; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


LEAK = 64 << 20 if os.environ.get("WASMCY_FORM") != "sanitize" else 512 << 20  # freed memory is kept for a while there


def test_ten_thousand_instances_do_not_leak():
    made = Module(binary(TEXT))
    for round in range(2):
        if round == 1:
            gc.collect()
            before = resident()
        for _ in range(5000):
            made.instantiate({"m": {"h": lambda: 1}}).exports.f()
    gc.collect()
    assert resident() - before < LEAK


def test_calls_do_not_leak():
    instance = fresh(
        """
        (import "m" "h" (func $h (param i32 f64 externref) (result i64 f32)))
        (func (export "f") (param i32 f64 externref) (result i64 f32) (call $h (local.get 0) (local.get 1) (local.get 2)))
        (func (export "trap") unreachable)
    """,
        {"m": {"h": lambda a, b, c: (2**62 + a, b)}},
    )
    f, trap, value = instance.exports.f, instance.exports.trap, object()
    counts = []
    for round in range(3):
        for i in range(2000):
            assert f(2**20 + i, 0.5, value) == (2**62 + 2**20 + i, 0.5)
            with pytest.raises(wasmcy.Trap):
                trap()
            with pytest.raises(TypeError):
                f(1, 2, value, 4)
            with pytest.raises(TypeError):
                f("x", 2, value)
        gc.collect()
        counts.append((sys.getallocatedblocks(), sys.getrefcount(value)))
    assert counts[2][1] == counts[1][1]
    assert counts[2][0] - counts[1][0] < 200


def test_views_and_growth_do_not_leak():
    before = resident()
    for _ in range(300):
        memory = Memory(1, 1000)
        view = memoryview(memory)
        memory.grow(200)
        memory.write(100 * 65536, bytes(65536))
        del view
    gc.collect()
    assert resident() - before < LEAK
