"""Exceptions of guests and of the host: what catches what."""

import gc
import weakref

import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import GuestException, Tag

CATCHING = """
    (import "m" "h" (func $h)) (import "m" "t" (tag $t (param i32))) (tag $other)
    (func (export "catch_all") (result i32) (block $b (try_table (catch_all $b) (call $h)) (return (i32.const 0))) (i32.const 1))
    (func (export "catch_tag") (result i32)
      (block $b (result i32) (try_table (catch $t $b) (call $h)) (return (i32.const -1))))
    (func (export "catch_other") (block $b (try_table (catch $other $b) (call $h))))
    (func (export "again")
      (block $b (result exnref) (try_table (catch_all_ref $b) (call $h)) (return)) (throw_ref))
    (func (export "no_catch") (call $h))
    (func (export "tail") (block $b (try_table (catch_all $b) (return_call $h))))
"""
TAG = Tag(["i32"])


class Own(Exception):
    pass


def catching(error, tag=None):
    def h():
        if error is not None:
            raise error

    return exports(CATCHING, {"m": {"h": h, "t": tag or Tag(["i32"])}})


# ------------------------------------------------------------------------------------ host exceptions
CAUGHT = [
    Own("x"),
    ValueError(),
    KeyError("k"),
    StopIteration(),
    MemoryError(),
    OSError(2, "no file"),
    RecursionError(),
]
PASSING = [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), wasmcy.Trap("t"), wasmcy.Exit(2), wasmcy.Timeout("t"),
           wasmcy.MemoryLimit("m"), wasmcy.StackExhausted("s"), wasmcy.LinkError("l"), BaseException("b")]  # fmt: skip


@pytest.mark.parametrize("error", CAUGHT, ids=repr)
def test_catch_all_catches_exceptions_of_the_host(error):
    offered = catching(error)
    for _ in range(3):
        assert offered.catch_all() == 1
    for name in ("catch_tag", "catch_other", "no_catch", "tail"):
        with pytest.raises(type(error)) as caught:
            offered[name]()
        assert caught.value is error


@pytest.mark.parametrize("error", PASSING, ids=repr)
@pytest.mark.parametrize("name", ["catch_all", "catch_tag", "catch_other", "again", "no_catch", "tail"])
def test_limits_traps_and_exits_pass_every_guest(error, name):
    offered = catching(error)
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            offered[name]()
        assert caught.value is error


@pytest.mark.parametrize("error", CAUGHT, ids=repr)
def test_throw_ref_throws_the_same_python_object_again(error):
    with pytest.raises(type(error)) as caught:
        catching(error).again()
    assert caught.value is error


def test_without_an_exception_nothing_is_caught():
    offered = catching(None)
    assert offered.catch_all() == 0 and offered.catch_tag() == -1
    assert offered.again() is None and offered.tail() is None


def test_an_exception_passes_several_guests_and_hosts():
    error = Own()

    def h():
        raise error

    inner = catching(error)
    middle = exports(CATCHING, {"m": {"h": lambda: inner.catch_other(), "t": Tag(["i32"])}})
    outer = exports(CATCHING, {"m": {"h": lambda: middle.again(), "t": Tag(["i32"])}})
    with pytest.raises(Own) as caught:
        outer.no_catch()
    assert caught.value is error
    assert outer.catch_all() == 1


def test_a_caught_exception_is_let_go():
    """What a guest has caught and dropped is freed, at the latest with the store."""

    def h():
        error = Own()
        alive.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error  # else its traceback's frame refers to it, and it waits for Python's collector

    alive = []
    offered = exports(CATCHING, {"m": {"h": h, "t": Tag(["i32"])}})
    for _ in range(10_000):
        offered.catch_all()
    assert sum(ref() is not None for ref in alive) < 5_000
    del offered
    gc.collect()
    assert all(ref() is None for ref in alive)


# ------------------------------------------------------------------------------------ guest exceptions
def test_an_uncaught_exception_has_its_tag_values_and_backtrace():
    offered = exports("""
        (tag $t (export "tag") (param i32 i64 f32 f64 externref))
        (func $thrower (param externref) (throw $t (i32.const -1) (i64.const -2) (f32.const 0.5) (f64.const 0.1) (local.get 0)))
        (func $caller (export "f") (param externref) (call $thrower (local.get 0)))
    """)
    thing = object()
    with pytest.raises(GuestException) as caught:
        offered.f(thing)
    error = caught.value
    assert error.tag is offered.tag
    assert error.values == (-1, -2, 0.5, 0.1, thing)
    assert [frame.name for frame in error.frames] == ["thrower", "caller"]
    assert str(error).splitlines()[0] == "uncaught exception"


def test_values_may_be_exceptions():
    offered = exports(
        """
        (tag $inner (export "inner") (param i32)) (tag $outer (export "outer") (param exnref i32))
        (func (export "f")
          (block $b (result i32 exnref) (try_table (catch_ref $inner $b) (throw $inner (i32.const 5))) (unreachable))
          (i32.const 6) (throw $outer) drop)
    """.replace("(throw $outer) drop", "(throw $outer)")
    )
    with pytest.raises(GuestException) as caught:
        offered.f()
    inner, six = caught.value.values
    assert caught.value.tag is offered.outer and six == 6
    assert isinstance(inner, GuestException) and inner.tag is offered.inner and inner.values == (5,)


def test_the_host_throws_to_guests():
    tag = Tag(["i32"])
    assert catching(GuestException("mine", (), tag, (42,)), tag).catch_tag() == 42
    assert catching(GuestException("mine", (), tag, [2**32 - 1]), tag).catch_tag() == -1
    assert catching(GuestException(tag=tag, values=(7,)), tag).catch_all() == 1
    error = GuestException(tag=tag, values=(7,))
    for name in ("catch_other", "no_catch"):
        with pytest.raises(GuestException) as caught:
            catching(error, tag)[name]()
        assert caught.value is error
    with pytest.raises(GuestException) as caught:
        catching(error, tag).again()
    assert (caught.value.tag, caught.value.values) == (tag, (7,))


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((), (TypeError, ValueError)),
        ((1, 2), (TypeError, ValueError)),
        (("x",), TypeError),
        ((1.5,), TypeError),
        ((2**32,), OverflowError),
        (5, TypeError),
    ],
)
def test_the_host_throws_values_of_the_tag(values, error):
    tag = Tag(["i32"])
    offered = catching(GuestException(tag=tag, values=values), tag)
    for name in ("catch_tag", "catch_all", "no_catch"):
        with pytest.raises(error):
            offered[name]()


def test_tags_of_other_stores_are_only_caught_by_catch_all():
    theirs = exports('(tag (export "t") (param i32))').t
    for tag in (theirs, Tag(["i32"]), None, "tag"):
        offered = catching(GuestException(tag=tag, values=(1,)))
        assert offered.catch_all() == 1
        with pytest.raises(GuestException):
            offered.catch_tag()


def test_a_guest_exception_passes_the_host_to_the_guest_that_catches_it():
    store = wasmcy.Store()
    inner = instantiate('(tag $t (export "t") (param i32)) (func (export "f") (throw $t (i32.const 99)))', store=store)
    outer = instantiate(CATCHING, {"m": {"h": lambda: inner.exports.f(), "t": inner.exports.t}}, store=store)
    assert outer.exports.catch_tag() == 99
    direct = instantiate(CATCHING, {"m": {"h": inner.exports.f, "t": inner.exports.t}}, store=store)
    assert direct.exports.catch_tag() == 99
    with pytest.raises(GuestException):
        direct.exports.catch_other()


def test_tags_are_told_apart_by_identity():
    text = '(import "m" "t" (tag $t (param i32))) (func (export "f") (throw $t (i32.const 1)))'
    one, two = Tag(["i32"]), Tag(["i32"])
    store = wasmcy.Store()
    throws = instantiate(text, {"m": {"t": one}}, store=store).exports.f
    same = instantiate(CATCHING, {"m": {"h": throws, "t": one}}, store=store)
    other = instantiate(CATCHING, {"m": {"h": throws, "t": two}}, store=store)
    assert same.exports.catch_tag() == 1
    with pytest.raises(GuestException) as caught:
        other.exports.catch_tag()
    assert caught.value.tag is one


def test_the_innermost_clause_that_fits_catches():
    offered = exports("""
        (tag $a (param i32)) (tag $b)
        (func $throw (param i32) (if (local.get 0) (then (throw $a (local.get 0))) (else (throw $b))))
        (func (export "f") (param i32) (result i32)
          (block $out (result i32)
            (block $all
              (block $inner (result i32)
                (try_table (catch $a $out) (catch_all $all)
                  (try_table (catch $a $inner) (call $throw (local.get 0))))
                (return (i32.const 1)))
              (return (i32.add (i32.const 100))))
            (return (i32.const 3)))
          (i32.add (i32.const 1000)))
    """)
    assert [offered.f(5), offered.f(0)] == [105, 3]


@pytest.mark.parametrize("n", [0, 1, 10, 100, 1000])
def test_exceptions_carry_any_number_of_values(n):
    types = "i32 " * n
    offered = exports(f"""
        (tag $t (param {types}))
        (func $throw (param {types}) {" ".join(f"(local.get {i})" for i in range(n))} (throw $t))
        (func (export "caught") (param {types}) (result {types})
          (block $b (result {types}) (try_table (catch $t $b) {" ".join(f"(local.get {i})" for i in range(n))} (call $throw)) unreachable))
        (func (export "uncaught") (param {types}) {" ".join(f"(local.get {i})" for i in range(n))} (call $throw))
    """)
    numbers = tuple(range(n))
    assert offered.caught(*numbers) == {0: None, 1: 0}.get(n, numbers)
    with pytest.raises(GuestException) as caught:
        offered.uncaught(*numbers)
    assert caught.value.values == numbers


def test_exceptions_pass_other_instances():
    tag = Tag(["i32"])
    thrower = instantiate(
        '(import "m" "t" (tag $t (param i32))) (func (export "f") (param i32) (throw $t (local.get 0)))',
        {"m": {"t": tag}},
    )
    for call in ("call", "return_call"):
        through = thrower
        for _ in range(4):
            through = instantiate(
                f'(import "p" "f" (func $f (param i32))) (func (export "f") (param i32) ({call} $f (local.get 0)))',
                {"p": through},
            )
        catcher = exports(
            """
            (import "p" "f" (func $f (param i32))) (import "m" "t" (tag $t (param i32)))
            (func (export "f") (param i32) (result i32) (local i64) (local.set 1 (i64.const 3))
              (i32.add (i32.wrap_i64 (local.get 1))
                (block $b (result i32) (try_table (catch $t $b) (call $f (local.get 0))) (i32.const -1))))
            """,
            {"p": through, "m": {"t": tag}},
        )
        for _ in range(50):
            assert catcher.f(7) == 10


# ------------------------------------------------------------------------------------ memory
def test_a_million_throws_need_bounded_memory():
    offered = instantiate(
        """
        (tag $t (param i64))
        (func (export "f") (param i32) (result i64) (local i64)
          (loop $l
            (block $b (result i64) (try_table (catch $t $b) (throw $t (i64.extend_i32_u (local.get 0)))) (unreachable))
            (local.set 1 (i64.add (local.get 1)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (local.get 1))
    """.replace("(local.set 1 (i64.add (local.get 1)))", "(local.get 1) i64.add (local.set 1)")
    )
    assert offered.exports.f(1_000_000) == 1_000_000 * 1_000_001 // 2
    assert offered.store.memory_bytes < 1 << 20


def test_exceptions_that_are_held_stay():
    """Those in locals, globals, tables, values of others and frames below survive collections."""
    offered = exports("""
        (tag $t (param i32)) (tag $nest (param exnref))
        (global $g (mut exnref) (ref.null exn)) (table $e 10 exnref)
        (func $make (param i32) (result exnref) (local exnref)
          (block $b (result i32 exnref) (try_table (catch_ref $t $b) (throw $t (local.get 0))) unreachable)
          (local.set 1) drop (local.get 1))
        (func $nest (param exnref) (result exnref) (local exnref)
          (block $b (result exnref exnref) (try_table (catch_ref $nest $b) (throw $nest (local.get 0))) unreachable)
          (local.set 1) drop (local.get 1))
        (func $unnest (param exnref) (result exnref)
          (block $b (result exnref) (try_table (catch $nest $b) (throw_ref (local.get 0))) unreachable))
        (func $open (param exnref) (result i32)
          (block $b (result i32) (try_table (catch $t $b) (throw_ref (local.get 0))) unreachable))
        (func $churn (local i32) (local.set 0 (i32.const 20000))
          (loop $l (drop (call $make (local.get 0))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "f") (result i32 i32 i32 i32) (local exnref)
          (local.set 0 (call $make (i32.const 1)))
          (global.set $g (call $make (i32.const 2)))
          (table.set $e (i32.const 5) (call $nest (call $nest (call $make (i32.const 3)))))
          (call $make (i32.const 4))
          (call $churn)
          (call $open)
          (call $open (local.get 0))
          (call $open (global.get $g))
          (call $open (call $unnest (call $unnest (table.get $e (i32.const 5))))))
    """)
    for _ in range(3):
        assert offered.f() == (4, 1, 2, 3)


def test_throws_count_against_the_memory_limit():
    offered = exports(
        """
        (tag $t (param i64)) (tag $link (param exnref))
        (func (export "f") (local exnref)
          (block $b (result i64 exnref) (try_table (catch_ref $t $b) (throw $t (i64.const 1))) unreachable)
          (local.set 0) drop
          (loop $l
            (block $b (result exnref exnref) (try_table (catch_ref $link $b) (throw $link (local.get 0))) unreachable)
            (local.set 0) drop (br $l)))
        """,
        limits=wasmcy.Limits(memory="1MiB"),
    )
    for _ in range(3):
        with pytest.raises(wasmcy.MemoryLimit):
            offered.f()


def test_legacy_tags_and_repr():
    assert repr(Tag(["i32", "f64"])) == "<wasmcy.Tag (i32, f64)>"
    assert Tag(["i32"]) != Tag(["i32"])
    for wrong in (["nothing"], [None], 5, ["i32", 1.5]):
        with pytest.raises((TypeError, ValueError)):
            Tag(wrong)


EXPORTED = """
    (import "m" "h" (func $h (param exnref)))
    (tag $t (param i32)) (type $s (struct (field (mut exnref)))) (type $a (array (mut exnref)))
    (global (export "global") (mut exnref) (ref.null exn)) (table (export "table") 2 exnref)
    (func $make (export "make") (result exnref)
      (block $b (result i32 exnref) (try_table (catch_ref $t $b) (throw $t (i32.const 1))) unreachable)
      (return))
    (func (export "nothing") (result exnref) (ref.null exn))
    (func (export "fill") (global.set 0 (call $make)) (table.set 0 (i32.const 1) (call $make)))
    (func (export "pass") (call $h (call $make)))
    (func (export "struct") (result (ref $s)) (struct.new $s (call $make)))
    (func (export "array") (result (ref $a)) (array.new $a (call $make) (i32.const 2)))
    (func (export "throw") (param exnref) (throw_ref (local.get 0)))
"""
SEEN = {
    "a result": lambda e: e.make(),
    "a global": lambda e: e["global"].value,
    "an element of a table": lambda e: e.table[1],
    "a table": lambda e: list(e.table),
    "an argument of a host function": lambda e: e["pass"](),
    "a field": lambda e: e.struct()[0],
    "an element": lambda e: e.array()[1],
    "elements": lambda e: e.array()[:],
    "raw": lambda e: e.make.call_raw(),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_reference_to_an_exception_is_not_seen_from_outside(name):
    made = instantiate(EXPORTED, {"m": {"h": lambda _: None}})
    exported = made.exports
    exported.fill()
    with pytest.raises(TypeError, match="cannot be seen from outside"):
        SEEN[name](exported)
    made.store.gc()
    exported["global"].value = None
    exported.table[1] = None
    assert (exported.nothing(), exported["global"].value, exported.table[1]) == (None, None, None)
    for value in (1, "x", ValueError()):
        with pytest.raises(TypeError, match="expected None"):
            exported.throw(value)
    made.store.gc()
    assert made.store.heap_objects == 0
