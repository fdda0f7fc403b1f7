"""What a collection finds in frames: all that the guest can still reach, wherever it has stopped, and nothing more."""

import asyncio
import weakref

import pytest
from instantiating import binary, instantiate

from wasmcy import Func, Limits, Module, Store, Struct
from wasmcy.engine import frames

TYPES = """
    (type $n (struct (field $v i32) (field $next (mut (ref null $n)))))
    (type $ns (array (mut (ref null $n))))
    (type $f (func (param (ref $n)) (result i32)))
"""
LIVE = (
    TYPES
    + """
    (import "m" "h" (func $h (param i32) (result i32)))
    (import "m" "id" (func $id (param anyref) (result anyref)))
    (import "m" "fail" (func $fail (param anyref)))
    (tag $e (param (ref $n)))
    (table $t 1 200000 (ref null $n)) (elem $s (ref null $n) (struct.new_default $n))
    (table $calls funcref (elem $value))
    (global $g (mut i32) (i32.const 0))
    (func $new (param i32) (result (ref $n)) (struct.new $n (local.get 0) (ref.null $n)))
    (func $value (type $f) (drop (call $new (i32.const 9))) (struct.get $n $v (local.get 0)))
    (func $waste (param i32) (loop (drop (call $new (i32.const 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $sum (param (ref $n) (ref $n)) (result i32)
      (i32.add (struct.get $n $v (local.get 0)) (struct.get $n $v (local.get 1))))
    (func (export "call") (result i32) (local $l (ref null $n))
      (local.set $l (call $new (i32.const 40)))
      (call $new (i32.const 2)) (call $waste (i32.const 5)) (call $sum (ref.as_non_null (local.get $l))))
    (func (export "host call") (result i32)
      (call $new (i32.const 40)) (call $new (i32.const 2)) (drop (call $h (i32.const 0))) (call $sum))
    (func (export "host result") (result i32)
      (call $new (i32.const 2)) (ref.cast (ref $n) (call $id (call $new (i32.const 40)))) (call $sum))
    (func (export "loop") (result i32) (local $i i32)
      (call $new (i32.const 40)) (call $new (i32.const 2))
      (loop (param (ref $n) (ref $n)) (result (ref $n) (ref $n))
        (br_if 0 (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9))))
      (call $sum))
    (func (export "compare in a loop") (result i32) (local $a (ref null $n)) (local $b (ref null $n))
      (local.set $a (call $new (i32.const 1))) (local.set $b (call $new (i32.const 2)))
      (local.get $a) (local.get $b)
      (loop (param (ref null $n) (ref null $n)) (result (ref null $n) (ref null $n))
        (if (result (ref null $n) (ref null $n)) (ref.eq)
          (then (unreachable))
          (else (call $new (i32.const 40)) (call $new (i32.const 2))))
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (br_if 0 (i32.lt_s (global.get $g) (i32.const 3))))
      (local.set $b) (local.set $a)
      (call $sum (ref.as_non_null (local.get $a)) (ref.as_non_null (local.get $b))))
    (func (export "array.new") (result i32) (local $x (ref null $n)) (local $a (ref null $ns))
      (local.set $x (call $new (i32.const 40)))
      (call $new (i32.const 2))
      (local.set $a (array.new $ns (local.get $x) (i32.const 200000)))
      (array.get $ns (local.get $a) (i32.const 199999))
      (local.set $a (ref.null $ns))
      (ref.as_non_null) (call $sum))
    (func (export "array.new_fixed") (result i32) (local $a (ref null $ns))
      (array.new_fixed $ns 5 (call $new (i32.const 40)) (ref.null $n) (ref.null $n) (ref.null $n) (call $new (i32.const 2)))
      (local.set $a) (drop (call $new (i32.const 7)))
      (ref.as_non_null (array.get $ns (local.get $a) (i32.const 0)))
      (ref.as_non_null (array.get $ns (local.get $a) (i32.const 4))) (call $sum))
    (func (export "array.new_elem") (result i32)
      (call $new (i32.const 40)) (call $new (i32.const 2))
      (drop (array.new_elem $ns $s (i32.const 0) (i32.const 1))) (call $sum))
    (func (export "table.grow") (result i32)
      (call $new (i32.const 40)) (drop (table.grow $t (call $new (i32.const 2)) (i32.const 150000)))
      (call $waste (i32.const 3))
      (ref.as_non_null (table.get $t (i32.sub (table.size $t) (i32.const 1)))) (call $sum))
    (func (export "throw") (result i32)
      (call $new (i32.const 40))
      (block $l (result (ref $n)) (try_table (catch $e $l) (throw $e (call $new (i32.const 2)))) (unreachable))
      (call $waste (i32.const 3)) (call $sum))
    (func (export "thrown by a host") (result i32)
      (call $new (i32.const 40)) (call $new (i32.const 2))
      (block $l (try_table (catch_all $l) (call $fail (call $new (i32.const 3)))))
      (call $waste (i32.const 3)) (call $sum))
    (func $tail (param (ref $n)) (result i32) (return_call $value (local.get 0)))
    (func (export "tail call") (result i32) (call $tail (call $new (i32.const 42))))
    (func $host_tail (param anyref) (result anyref) (return_call $id (local.get 0)))
    (func (export "tail call of a host") (result i32)
      (struct.get $n $v (ref.cast (ref $n) (call $host_tail (call $new (i32.const 42))))))
    (func (export "indirect") (result i32) (call_indirect $calls (type $f) (call $new (i32.const 42)) (i32.const 0)))
    (func $deep (param i32) (result (ref $n)) (local $x (ref $n))
      (local.set $x (call $new (local.get 0)))
      (if (local.get 0) (then (drop (call $deep (i32.sub (local.get 0) (i32.const 1))))))
      (local.get $x))
    (func (export "deep") (result i32) (struct.get $n $v (call $deep (i32.const 42))))
    (func (export "result") (result (ref $n)) (call $new (i32.const 42)))
"""
)
NAMES = [part.split('"')[0] for part in LIVE.split('(export "')[1:]]


def fail(value):
    raise ValueError(value)


def made(**options):
    store = options.pop("store", None) or Store(options.pop("limits", None))
    imports = {"h": lambda x: store.gc() or x, "id": lambda x: store.gc() or x, "fail": fail}
    return instantiate(LIVE, {"m": imports}, store=store)


@pytest.mark.parametrize("limits", [None, Limits(fuel=1 << 40)], ids=["", "metered"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_reachable_stays(name, limits):
    instance = made(limits=limits)
    instance.store.stress(heap=True)
    for _ in range(2):
        result = instance.exports[name]()
        assert (result[0] if isinstance(result, Struct) else result) == 42


@pytest.mark.parametrize("name", NAMES)
def test_what_is_reachable_stays_between_turns(name):
    instance = made()
    instance.store.stress(heap=True)

    async def both():
        calls = [instance.exports[name].call_async(reentrant=True) for _ in range(2)]
        return await asyncio.gather(*calls)

    assert [r[0] if isinstance(r, Struct) else r for r in asyncio.run(both())] == [42, 42]


def test_a_call_that_waits_keeps_what_it_holds():
    """It is put aside at its host calls, and others collect meanwhile."""
    store = Store()

    async def later(value):
        await asyncio.sleep(0)
        store.gc()
        await asyncio.sleep(0)
        return value

    async def all_of_them():
        calls = [instance.exports[name].call_async(reentrant=True) for name in names for _ in range(3)]
        return await asyncio.gather(*calls)

    instance = instantiate(LIVE, {"m": {"h": later, "id": later, "fail": fail}}, store=store)
    names = ["host call", "host result", "tail call of a host", "deep", "array.new"]
    results = asyncio.run(all_of_them())
    assert results == [42] * len(results)
    store.gc()
    assert store.heap_objects == 1  # of the element segment


class Value:
    pass


STALE = """
    (import "m" "alive" (func $alive (result i32)))
    (import "m" "get" (func $get (result externref)))
    (func $id (param externref) (result externref) (local.get 0))
    (func $look (param externref) (result i32) (drop (call $id (local.get 0))) (i32.const 0))
    (func $look_and_call (param externref i32) (result i32) (local.set 0 (ref.null extern)) (call $alive))
    (func (export "local") (result i32) (local externref)
      (local.set 0 (call $get)) (local.set 0 (ref.null extern)) (call $alive))
    (func (export "operand") (result i32) (drop (call $id (call $get))) (call $alive))
    (func (export "callee") (result i32) (drop (call $look (call $get))) (call $alive))
    (func (export "tail call") (result i32) (return_call $look_and_call (call $get) (i32.const 1)))
    (func (export "branch") (result i32) (block (result externref) (br 0 (call $id (call $get)))) (drop) (call $alive))
    (func (export "held local") (result i32) (local externref)
      (local.set 0 (call $get)) (call $alive))
    (func (export "held operand") (result i32) (call $id (call $get)) (call $alive) (return))
"""


@pytest.mark.parametrize(
    ("name", "alive"),
    [
        ("local", 0), ("operand", 0), ("callee", 0), ("tail call", 0), ("branch", 0),
        ("held local", 1), ("held operand", 1),
    ],
)  # fmt: skip
def test_a_value_lives_as_long_as_the_guest_can_reach_it(name, alive):
    store = Store()

    def is_alive():
        store.gc()
        return watched() is not None

    def get():
        nonlocal watched
        value = Value()
        watched = weakref.ref(value)
        return value

    watched = None
    instance = instantiate(STALE, {"m": {"alive": is_alive, "get": get}}, store=store)
    assert instance.exports[name]() == alive
    store.gc()
    assert watched() is None


def test_frames_of_other_instances_count_too():
    store = Store()
    first = made(store=store)
    text = (
        TYPES
        + """
        (import "m" "f" (func $f (result i32)))
        (func $new (param i32) (result (ref $n)) (struct.new $n (local.get 0) (ref.null $n)))
        (func (export "f") (result i32) (call $new (i32.const 58)) (call $f) (drop)
          (drop (call $new (i32.const 1))) (struct.get $n $v))
        (func (export "g") (result i32) (return_call $f))"""
    )
    store.stress(heap=True)
    second = instantiate(text, {"m": {"f": first.exports.call}}, store=store)
    third = instantiate(text, {"m": {"f": second.exports.g}}, store=store)
    assert (third.exports.f(), third.exports.g()) == (58, 42)


def test_an_interrupted_guest_keeps_what_it_holds():
    """A host function calls back: two activations, one inside the other."""
    store = Store()
    inner = made(store=store)
    text = (
        TYPES
        + """
        (import "m" "h" (func $h (result i32)))
        (func (export "f") (result i32) (local $x (ref $n))
          (local.set $x (struct.new $n (i32.const 1) (ref.null $n)))
          (i32.add (call $h) (struct.get $n $v (local.get $x))))"""
    )
    store.stress(heap=True)
    outer = instantiate(text, {"m": {"h": Func(lambda: inner.exports.deep() + inner.exports.throw(), [], ["i32"])}},
                        store=store)  # fmt: skip
    assert outer.exports.f() == 85


def test_a_second_collection_walks_no_body_again(monkeypatch):
    module, walks = Module(binary(LIVE)), []
    original = frames.frame_map
    monkeypatch.setattr(frames, "frame_map", lambda *arguments: walks.append(1) or original(*arguments))

    def run(store):
        store.stress(heap=True)
        module.instantiate({"m": {"h": int, "id": repr, "fail": fail}}, store=store).exports.deep()
        return len(walks)

    assert 0 < run(Store()) == run(Store())


def test_a_collection_waits_for_the_gil():
    """Where a guest that computes has given it up: at the first poll of the second loop."""
    loop = "(loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    text = f'(func (export "f") (param $m i32) (local $n i32) {2 * ("(local.set $n (local.get $m))" + loop)})'
    instance = instantiate(text)
    instance.store.stress(False, heap=True)
    before = instance.store.collections
    instance.exports.f(20_000_000)
    assert instance.store.collections > before
