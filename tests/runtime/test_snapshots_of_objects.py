"""Snapshots of guests that hold structs, arrays, i31s and exceptions."""

import pickle
import random
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from instantiating import module

import wasmcy
from wasmcy import Array, FuelExhausted, Limits, MemoryLimit, SnapshotError, Struct
from wasmcy.engine.snapshots import Snapshot

ROOT = Path(__file__).parents[2]
TEXT = """
    (type $unused (func (param f32)))
    (type $bytes (array (mut i8)))
    (rec (type $node (sub (struct (field (mut i32)) (field (mut (ref null $node))) (field (mut anyref))))))
    (type $more (sub $node (struct (field (mut i32)) (field (mut (ref null $node))) (field (mut anyref))
      (field i8) (field (mut i16)) (field f32) (field f64) (field v128) (field i64) (field (ref $bytes)))))
    (type $nodes (array (mut (ref null $node))))
    (type $vectors (array v128))
    (type $doubles (array f64))
    (type $shorts (array i16))
    (func $f (export "f") (result i32) (i32.const 7))
    (type $holder (struct (field funcref) (field (ref null extern)) (field exnref)))
    (tag $t (export "tag") (param i32 (ref null $node)))
    (tag $other)
    (global $g (export "g") (mut anyref) (ref.null any))
    (global $x (export "x") (mut externref) (ref.null extern))
    (global $e (mut exnref) (ref.null exn))
    (global $node (mut (ref null $node)) (ref.null $node))
    (table $table (export "table") 3 anyref)
    (table $funcs 1 funcref)
    (elem $kept (ref $node) (struct.new $node (i32.const 55) (ref.null $node) (ref.i31 (i32.const -5))))
    (elem declare func $f)
    (func (export "kept") (param i32)
      (table.init $table $kept (i32.const 0) (i32.const 0) (i32.const 1))
      (struct.set $node 0 (ref.cast (ref $node) (table.get $table (i32.const 0))) (local.get 0)))
    (func (export "same") (result i32)  ;; the element segment has the same node still
      (table.init $table $kept (i32.const 1) (i32.const 0) (i32.const 1))
      (ref.eq (ref.cast eqref (table.get $table (i32.const 0))) (ref.cast eqref (table.get $table (i32.const 1)))))
    (func (export "list") (param $n i32) (local $at (ref null $node))
      (loop
        (local.set $at (struct.new $node (local.get $n) (local.get $at) (ref.i31 (local.get $n))))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (global.set $node (local.get $at)))
    (func (export "ring") (local $a (ref $node))
      (local.set $a (struct.new $node (i32.const 1) (ref.null $node) (ref.null any)))
      (struct.set $node 1 (local.get $a) (local.get $a))
      (struct.set $node 2 (local.get $a)
        (array.new_fixed $nodes 3 (local.get $a) (ref.null $node) (local.get $a)))
      (global.set $node (local.get $a)) (global.set $g (local.get $a)))
    (func (export "is_ring") (result i32) (local $a (ref $node))
      (local.set $a (ref.as_non_null (global.get $node)))
      (i32.and
        (ref.eq (local.get $a) (struct.get $node 1 (local.get $a)))
        (i32.and (ref.eq (local.get $a) (ref.cast eqref (global.get $g)))
          (ref.eq (local.get $a) (array.get $nodes
            (ref.cast (ref $nodes) (struct.get $node 2 (local.get $a))) (i32.const 2))))))
    (func (export "sum") (result i32) (local $at (ref null $node)) (local $sum i32)
      (local.set $at (global.get $node))
      (block (loop
        (br_if 1 (ref.is_null (local.get $at)))
        (local.set $sum (i32.add (local.get $sum) (struct.get $node 0 (local.get $at))))
        (local.set $sum (i32.add (local.get $sum)
          (i31.get_s (ref.cast (ref null i31) (struct.get $node 2 (local.get $at))))))
        (local.set $at (struct.get $node 1 (local.get $at))) (br 0)))
      (local.get $sum))
    (func (export "every")
      (global.set $g (struct.new $more (i32.const -1) (ref.null $node)
        (array.new_fixed $vectors 2 (v128.const i64x2 1 2) (v128.const i64x2 -3 4))
        (i32.const 200) (i32.const 65000) (f32.const -1.5) (f64.const nan:0x123) (v128.const i32x4 1 2 3 -4)
        (i64.const -9) (array.new_fixed $bytes 3 (i32.const 1) (i32.const 255) (i32.const 3))))
      (table.set $table (i32.const 1) (array.new_fixed $doubles 2 (f64.const 0.5) (f64.const -inf)))
      (table.set $table (i32.const 2) (array.new_fixed $shorts 3 (i32.const 1) (i32.const -2) (i32.const 3)))
      (table.set $table (i32.const 0) (struct.new $holder (ref.func $f) (extern.convert_any (global.get $g))
        (ref.null exn)))
      (global.set $x (extern.convert_any (ref.i31 (i32.const 99)))))
    (func (export "throw") (param i32)
      (block $b (result i32 (ref null $node) exnref)
        (try_table (catch_ref $t $b)
          (throw $t (local.get 0) (struct.new $node (local.get 0) (ref.null $node) (ref.null any))))
        (unreachable))
      (global.set $e) (drop) (drop))
    (func (export "rethrow") (result i32)
      (block $b (result i32 (ref null $node))
        (try_table (catch $t $b) (throw_ref (global.get $e))) (unreachable))
      (struct.get $node 0) (i32.add))
    (func (export "spin") (param $n i32) (result i32) (local $at (ref null $node)) (local $deep (ref null $nodes))
      (loop
        (local.set $at (struct.new $node (local.get $n) (local.get $at) (ref.i31 (local.get $n))))
        (local.set $deep (array.new_fixed $nodes 2 (local.get $at) (struct.get $node 1 (local.get $at))))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (block (loop
        (br_if 1 (ref.is_null (local.get $at)))
        (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 3)) (struct.get $node 0 (local.get $at))))
        (local.set $at (struct.get $node 1 (local.get $at))) (br 0)))
      (i32.add (local.get $n) (struct.get $node 0 (array.get $nodes (local.get $deep) (i32.const 1)))))
"""


@pytest.fixture(scope="module")
def guests():
    return module(TEXT)


@pytest.fixture(params=["", "stress"])
def restored(request, guests):
    """Restore a snapshot, after it was pickled; in a store that collects at every allocation."""

    def restore(snapshot, **options):
        made = guests.restore(pickle.loads(pickle.dumps(snapshot)), **options)
        if request.param:
            made.store.stress(heap=True)
        made.store.gc()
        return made

    return restore


def test_objects_keep_their_values_and_who_they_are(guests, restored):
    first = guests.instantiate()
    first.exports.ring()
    exports = restored(first.snapshot()).exports
    assert exports.is_ring() == 1
    exports.list(1000)  # it has its own: the next one is not changed
    assert restored(first.snapshot()).exports.is_ring() == 1


def test_lists_of_any_length_are_taken_without_recursion(guests, restored):
    first = guests.instantiate()
    first.exports.list(5000)
    assert restored(first.snapshot()).exports.sum() == first.exports.sum() == 5000 * 5001
    first.exports.list(300_000)
    assert guests.restore(first.snapshot()).exports.sum() == first.exports.sum()


def test_every_kind_of_field_and_element(guests, restored):
    first = guests.instantiate()
    first.exports.every()
    exports = restored(first.snapshot()).exports
    for one in (first.exports, exports):
        more = one.g.value
        assert isinstance(more, Struct)
        assert [*more][:2] == [0xFFFFFFFF - (1 << 32), None]
        assert [*more[2]] == [
            (1).to_bytes(8, "little") + (2).to_bytes(8, "little"),
            b"\xfd" + b"\xff" * 7 + b"\4" + bytes(7),
        ]
        assert [*more][3:6] == [200, 65000, -1.5]
        assert more[7] == b"".join(n.to_bytes(4, "little", signed=True) for n in (1, 2, 3, -4))
        assert more[8] == -9
        assert bytes(more[9].tobytes()) == b"\1\xff\3"
        assert [*one.table[1]] == [0.5, float("-inf")]
        assert [*one.table[2]] == [1, 65534, 3]
        holder = one.table[0]
        assert holder[0]() == 7
        assert holder[1] == more
        assert one.x.value == 99


def test_exceptions_are_kept_with_their_values(guests, restored):
    first = guests.instantiate()
    first.exports.throw(21)
    exports = restored(first.snapshot()).exports
    assert exports.rethrow() == first.exports.rethrow() == 42


def test_element_segments_have_the_objects_they_had(guests, restored):
    first = guests.instantiate()
    first.exports.kept(77)
    exports = restored(first.snapshot()).exports
    assert exports.same() == 1
    assert exports.table[1][0] == 77


@pytest.mark.parametrize("fuel", [40, 333, 1001])
def test_suspended_guests_keep_what_their_stacks_hold(guests, restored, fuel):
    wanted = guests.instantiate().exports.spin(60)
    guest = guests.instantiate(limits=Limits(fuel=fuel))
    go_on, moves = lambda: guest.exports.spin(60), 0
    while True:
        try:
            result = go_on()
        except FuelExhausted as error:
            aside = error  # which keeps the call
            guest = restored(guest.snapshot(), limits=Limits(fuel=fuel))
            (call,) = guest.suspended
            go_on = call.resume
            moves += 1
        else:
            break
    assert result == wanted
    assert moves >= 1
    del aside


def test_another_process_goes_on(guests, tmp_path):
    first = guests.instantiate()
    first.exports.ring()
    first.exports.throw(4)
    (tmp_path / "snapshot").write_bytes(pickle.dumps((guests, first.snapshot())))
    code = (
        "import pickle, sys; module, snapshot = pickle.load(open(sys.argv[1], 'rb'));"
        "exports = module.restore(snapshot).exports; print(exports.is_ring(), exports.rethrow())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "snapshot"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "8"]


def test_restored_objects_count(guests):
    first = guests.instantiate()
    first.exports.list(50_000)
    snapshot = first.snapshot()
    with pytest.raises(MemoryLimit):
        guests.restore(snapshot, limits=Limits(memory="1MiB"))
    assert guests.restore(snapshot).store.heap_objects >= 50_000


# ------------------------------------------------------------------------------------ what is refused
def test_what_is_not_the_module_s_is_refused(guests):
    first = guests.instantiate()
    first.exports.g.value = Struct(first, 2, [1, None, object()])
    with pytest.raises(SnapshotError, match="an object refers to a value of the host"):
        first.snapshot()
    other = module("(type (struct (field i64 i64)))").instantiate(store=first.store)
    first.exports.g.value = Struct(other, 0, [1, 2])
    with pytest.raises(SnapshotError, match="an object has a type that the module does not have"):
        first.snapshot()
    first.exports.g.value = None
    first.snapshot()


def test_exceptions_of_the_host_are_refused():
    def fail():
        raise ValueError

    holding = module("""
        (import "m" "h" (func $h))
        (global $e (mut exnref) (ref.null exn))
        (func (export "f")
          (global.set $e (block $b (result exnref) (try_table (catch_all_ref $b) (call $h)) (unreachable))))""")
    guest = holding.instantiate({"m": {"h": fail}})
    guest.exports.f()
    with pytest.raises(SnapshotError, match="holds an exception of the host"):
        guest.snapshot()


def full(guests):
    """A snapshot with something of everything."""
    first = guests.instantiate(limits=Limits(fuel=1200))
    first.exports.every()
    first.exports.throw(3)
    first.exports.kept(1)
    first.exports.list(3)
    with pytest.raises(FuelExhausted):
        first.exports.spin(100)
    return first.snapshot()


def changed(value, chance):
    """Something else in the place of a part of a state."""
    if isinstance(value, array):
        value = array("q", value)
        for i in range(len(value)):
            if chance.random() < 0.3:
                value[i] = chance.choice([-1, 0, 1, 2, 3, 4, 6, 8, 2 * len(value), 1 << 40, -2, -(1 << 63)])
        return chance.choice([value, value, value[:-1], array("d", [1.0]), None])
    if isinstance(value, (list, tuple)) and value and chance.random() < 0.9:
        parts = list(value)
        at = chance.randrange(len(parts))
        if chance.random() < 0.1:
            parts.pop(at)
        else:
            parts[at] = changed(parts[at], chance)
        return type(value)(parts)
    if isinstance(value, bytes) and len(value) < 1000:
        return chance.choice([b"", value[:-1], value + b"x", None, 5])
    return chance.choice(
        [-1, 0, 1, 2, 3, 5, 7, 10, 12, 18, 1 << 31, 1 << 32, 1 << 64, -2, -3, -9, None, "x", 1.5, [], ()]
    )


def test_snapshots_that_were_tampered_with_never_crash(guests):
    whole = full(guests)
    parts = (1, 2, 4, 5, 6)  # globals, tables, segments, calls, objects
    chance = random.Random(int.from_bytes(random.randbytes(4)))
    refused = 0
    for _ in range(1500):
        state = list(pickle.loads(pickle.dumps(whole._state)))
        at = chance.choice(parts)
        state[at] = changed(state[at], chance)
        try:
            made = guests.restore(Snapshot(whole.digest, tuple(state)), limits=Limits(fuel=100_000))
        except wasmcy.WasmError:
            refused += 1
            continue
        made.store.gc()
        for name, arguments in (("same", ()), ("sum", ()), ("rethrow", ()), ("is_ring", ()), ("kept", (5,))):
            try:
                made.exports[name](*arguments)
            except wasmcy.WasmError:
                pass
        for call in made.suspended:
            try:
                call.resume()
            except wasmcy.WasmError:
                pass
        made.store.gc()
    assert refused > 500


@pytest.mark.parametrize(
    ("objects", "value", "message"),
    [
        ([(0, [])], 0, "is none of objects"),
        ([(99, [])], 0, "names type 99"),
        ([(-3, [])], 0, "names tag 2"),
        ([(2, [1, -1])], 0, "has not the fields"),
        ([(2, [1, 2, -1])], 0, "names object 1"),
        ([(2, [1 << 32, -1, -1])], 0, "out of range"),
        ([(2, [1, 1, -1])], 0, "an i31 where none may be"),
        ([(2, [1, 2, -1]), (4, array("q"))], 0, "has not the type of its place"),
        ([(1, b"abc"), (2, [1, 0, -1])], 2, "has not the type of its place"),
        ([(6, b"abc")], 0, "no whole elements"),
        ([(1, array("q"))], 0, "no whole elements"),
        ([(4, b"")], 0, "has no references"),
        ([(-2, [])], 0, "has not the type of its place"),
        ([5], 0, "malformed"),
        ([(1.5, [])], 0, "malformed"),
    ],
)
def test_objects_that_do_not_fit_are_refused(guests, objects, value, message):
    taken = guests.instantiate().snapshot()
    state = [*taken._state]
    state[1][0] = value
    state[6] = objects
    with pytest.raises(SnapshotError, match=message):
        guests.restore(Snapshot(taken.digest, tuple(state)))


def test_arrays_made_by_python_are_taken(guests):
    first = guests.instantiate()
    first.exports.g.value = Array(first, 1, b"\1\2\3")
    assert [*guests.restore(first.snapshot()).exports.g.value] == [1, 2, 3]
