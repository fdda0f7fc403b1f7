"""The older exception instructions: try with its handlers, rethrow, delegate."""

import pytest

import wasmcy
from wasmcy import GuestException, Limits, Tag
from wasmcy.text import wat2wasm


def instantiate(text, imports=None, **options):
    return wasmcy.Module(wat2wasm(f"(module {text})")).instantiate(imports, **options)


def exports(text, imports=None, **options):
    return instantiate(text, imports, **options).exports


class Own(Exception):
    pass


# ------------------------------------------------------------------------------------ what goes where
# Each function gets 0 to 3: nothing is thrown, or a tag.
THROWING = """
    (tag $a (param i32 f64)) (tag $b) (tag $c (param i64))
    (func $throw (param $n i32)
      (if (i32.eq (local.get $n) (i32.const 1)) (then (throw $a (i32.const 11) (f64.const 1.5))))
      (if (i32.eq (local.get $n) (i32.const 2)) (then (throw $b)))
      (if (i32.eq (local.get $n) (i32.const 3)) (then (throw $c (i64.const -5)))))
"""
CASES = {
    "values of a tag": """(param $n i32) (result i32 f64)
        (try (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
          (catch $a) (catch $b (i32.const 2) (f64.const 2)) (catch_all (i32.const 3) (f64.const 3)))""",
    "under other values": """(param $n i32) (result i64 i32 f64)
        (i64.extend_i32_u (i32.add (local.get $n) (i32.const 100)))
        (try (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
          (catch $a) (catch $b (i32.const 2) (f64.const 2)) (catch_all (i32.const 3) (f64.const 3)))""",
    "parameters of the block": """(param $n i32) (result i32 f64)
        (i32.add (local.get $n) (i32.const 40)) (f64.const 7)
        (try (param i32 f64) (result i32 f64)
          (do (f64.add (f64.const 1)) (call $throw (local.get $n)))
          (catch_all (i32.const 3) (f64.const 3)))""",
    "locals keep what they were set to": """(param $n i32) (result i32 f64) (local $i i32) (local $x f64)
        (try (do (local.set $i (i32.const 5)) (local.set $x (f64.const 0.5)) (call $throw (local.get $n))
                 (local.set $i (i32.const 6)))
          (catch $a (drop) (drop)) (catch_all (local.set $i (i32.add (local.get $i) (i32.const 10)))))
        (local.get $i) (local.get $x)""",
    "the body does not reach its end": """(param $n i32) (result i32 f64)
        (f64.const 9) (drop)
        (try (result i32 f64) (do (call $throw (local.get $n)) (return (i32.const 0) (f64.const 0.25)))
          (catch $a (f64.add (f64.const 100))) (catch_all (i32.const 3) (f64.const 3)))""",
    "branches out of body and handlers": """(param $n i32) (result i32 f64)
        (block $out (result i32 f64)
          (i64.const 1)
          (try (result i32 f64)
            (do (call $throw (local.get $n)) (br $out (i32.const 0) (f64.const 0.5)))
            (catch $a (br $out))
            (catch $c (drop) (br 0 (i32.const 8) (f64.const 0.125)))
            (catch_all (br_if 0 (i32.const 4) (f64.const 4) (local.get $n)) (br 0)))
          (f64.add (f64.const 1000)) (br $out))""",
    "a try inside of a handler": """(param $n i32) (result i32 f64)
        (try (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
          (catch_all
            (try (result i32 f64) (do (call $throw (i32.const 1)) (unreachable))
              (catch $b (unreachable))
              (catch $a (f64.add (f64.convert_i32_u (local.get $n)))))))""",
    "rethrow to the try around": """(param $n i32) (result i32 f64)
        (try (result i32 f64)
          (do (try (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
                (catch $b (rethrow 0)) (catch_all (block (rethrow 1)) (unreachable))))
          (catch $a (f64.add (f64.const 10))) (catch_all (i32.const 3) (f64.const 3)))""",
    "rethrow of an outer exception in an inner handler": """(param $n i32) (result i32 f64)
        (try (result i32 f64)
          (do (try $outer (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
                (catch_all (try (do (throw $b)) (catch $b (rethrow $outer))) (unreachable))))
          (catch $a (f64.add (f64.const 10))) (catch_all (i32.const 3) (f64.const 3)))""",
    "delegate past a handler": """(param $n i32) (result i32 f64)
        (try $outer (result i32 f64)
          (do (try (result i32 f64)
                (do (try (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
                      (delegate $outer)))
                (catch_all (unreachable))))
          (catch $a (f64.add (f64.const 10))) (catch_all (i32.const 3) (f64.const 3)))""",
    "delegate to a block, and to a handler": """(param $n i32) (result i32 f64)
        (try (result i32 f64)
          (do (block $b (result i32 f64)
                (try $t (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0))
                  (catch_all
                    (try (result i32 f64) (do (rethrow $t)) (delegate $t))
                    (drop) (drop) (unreachable)))))
          (catch $a (f64.add (f64.const 10))) (catch_all (i32.const 3) (f64.const 3)))""",
    "delegate to a try_table": """(param $n i32) (result i32 f64)
        (block $h
          (try_table $t (result i32 f64) (catch_all $h)
            (try (result i32 f64)
              (do (try (result i32 f64) (do (call $throw (local.get $n)) (i32.const 0) (f64.const 0)) (delegate $t)))
              (catch_all (unreachable))))
          (return))
        (i32.const 3) (f64.const 3)""",
}
ALL = (3, 3.0)
RESULTS = {
    "values of a tag": [(0, 0.0), (11, 1.5), (2, 2.0), ALL],
    "under other values": [(100, 0, 0.0), (101, 11, 1.5), (102, 2, 2.0), (103, *ALL)],
    "parameters of the block": [(40, 8.0), ALL, ALL, ALL],
    "locals keep what they were set to": [(6, 0.5), (5, 0.5), (15, 0.5), (15, 0.5)],
    "the body does not reach its end": [(0, 0.25), (11, 101.5), ALL, ALL],
    "branches out of body and handlers": [(0, 0.5), (11, 1.5), (4, 1004.0), (8, 1000.125)],
    "a try inside of a handler": [(0, 0.0), (11, 2.5), (11, 3.5), (11, 4.5)],
    "rethrow to the try around": [(0, 0.0), (11, 11.5), ALL, ALL],
    "rethrow of an outer exception in an inner handler": [(0, 0.0), (11, 11.5), ALL, ALL],
    "delegate past a handler": [(0, 0.0), (11, 11.5), ALL, ALL],
    "delegate to a block, and to a handler": [(0, 0.0), (11, 11.5), ALL, ALL],
    "delegate to a try_table": [(0, 0.0), ALL, ALL, ALL],
}


@pytest.mark.parametrize("stressed", [False, True])
@pytest.mark.parametrize("fuse", ["1", "0"])
@pytest.mark.parametrize("name", CASES)
def test_exceptions_go_where_the_proposal_says(name, fuse, stressed, monkeypatch):
    monkeypatch.setenv("WASMCY_FUSE", fuse)
    instance = instantiate(f'{THROWING} (func (export "f") {CASES[name]})')
    instance.store.stress(stressed)
    for _ in range(2):
        assert [instance.exports.f(n) for n in range(4)] == RESULTS[name]


def test_vectors_are_thrown_caught_and_handed_on():
    text = """(tag $v (param i32 v128 f64))
        (func (export "f") (param $n i32) (result i64 v128 i32) (local $x v128)
          (local.set $x (i64x2.splat (i64.extend_i32_u (local.get $n))))
          (i64.const 3)
          (try (param) (result v128 i32)
            (do (throw $v (local.get $n) (i64x2.add (local.get $x) (i64x2.splat (i64.const 1))) (f64.const 2)))
            (catch $v (i32.trunc_f64_s) (drop) (i64x2.add (local.get $x)) (local.set $x) (drop)
              (try (do (rethrow 1)) (catch $v (drop) (local.set $x (i64x2.add (local.get $x))) (local.set $n)))
              (local.get $x) (i32.add (local.get $n) (i32.const 1)))))"""
    three, vector, one = exports(text).f(5)
    assert (three, vector, one) == (3, (17).to_bytes(8, "little") * 2, 6)


# ------------------------------------------------------------------------------------ exceptions of the host
HOST = """
    (import "m" "h" (func $h)) (import "m" "t" (tag $t (param i32)))
    (func (export "all") (result i32) (try (result i32) (do (call $h) (i32.const 0)) (catch_all (i32.const 1))))
    (func (export "tag") (result i32) (try (result i32) (do (call $h) (i32.const 0)) (catch $t)))
    (func (export "again") (try (do (call $h)) (catch_all (rethrow 0))))
    (func (export "delegate") (try (do (call $h)) (delegate 0)))
    (func (export "empty") (try (do (call $h))))
"""


def throwing(error):
    def h():
        raise error

    return exports(HOST, {"m": {"h": h, "t": Tag(["i32"])}})


@pytest.mark.parametrize("error", [Own("x"), MemoryError(), RecursionError()], ids=repr)
def test_catch_all_catches_exceptions_of_the_host_and_rethrow_throws_the_same(error):
    offered = throwing(error)
    for _ in range(3):
        assert offered.all() == 1
        for name in ("tag", "again", "delegate", "empty"):
            with pytest.raises(type(error)) as caught:
                offered[name]()
            assert caught.value is error


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), wasmcy.Trap("t"), wasmcy.Timeout("t"), wasmcy.Exit(1)], ids=repr
)
def test_limits_traps_and_exits_pass_the_handlers(error):
    for name in ("all", "tag", "again", "delegate", "empty"):
        with pytest.raises(type(error)) as caught:
            throwing(error)[name]()
        assert caught.value is error


def test_traps_of_the_guest_are_not_caught():
    offered = exports('(func (export "f") (try (do (unreachable)) (catch_all)))')
    with pytest.raises(wasmcy.Trap):
        offered.f()


# ------------------------------------------------------------------------------------ many
def test_a_loop_of_throws_keeps_to_its_memory():
    text = """(tag $e (param i64))
        (func $throw (param $n i32) (throw $e (i64.extend_i32_u (local.get $n))))
        (func (export "f") (param $n i32) (result i64) (local $sum i64)
          (loop
            (local.set $sum (i64.add (local.get $sum)
              (try (result i64) (do (call $throw (local.get $n)) (unreachable))
                (catch $e (drop) (try (result i64) (do (rethrow 1)) (catch $e))))))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (local.get $sum))"""
    assert exports(text, limits=Limits(memory="1MiB")).f(100_000) == 100_000 * 100_001 // 2


def test_tries_and_delegates_may_be_nested_deeply():
    depth = 500
    inner = "(throw $e)"
    for at in range(depth):
        inner = f"(try (do {inner}) (delegate {0 if at % 2 else min(1, depth - 1 - at)}))"
    text = f'(tag $e) (func (export "f") (result i32) (try (result i32) (do {inner} (i32.const 0)) (catch $e (i32.const 7))))'
    assert exports(text).f() == 7


def test_an_exception_nobody_catches_comes_out_with_its_values():
    text = """(tag $e (export "e") (param i32)) (func (export "f") (try (do (throw $e (i32.const 4))) (delegate 0)))"""
    offered = exports(text)
    with pytest.raises(GuestException) as caught:
        offered.f()
    assert (caught.value.tag, caught.value.values) == (offered.e, (4,))
