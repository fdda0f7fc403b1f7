"""Vectors at the border: 16 bytes in either direction, among other values and wherever values go."""

import array
import struct

import pytest
from instantiating import exports, instantiate, module

import wasmcy
from wasmcy import Func, Global, GuestException, Tag, Trap, with_caller

ONE, TWO = bytes(range(16)), bytes(range(100, 116))
MIXED = "(param i32 v128 i64 v128 f64) (result v128 i32 v128)"
SWAP = f'(func (export "swap") {MIXED} (local.get 3) (local.get 0) (local.get 1))'


@pytest.mark.parametrize(
    "made", [bytes, bytearray, memoryview, lambda data: array.array("i", struct.unpack("4i", data))]
)
def test_arguments_are_buffers_of_16_bytes_and_results_are_bytes(made):
    results = exports(SWAP).swap(7, made(ONE), 1, made(TWO), 0.5)
    assert results == (TWO, 7, ONE) and type(results[0]) is bytes


def test_arrays_of_numbers_are_vectors():
    numpy = pytest.importorskip("numpy")
    add = exports('(func (export "add") (param v128 v128) (result v128) (f32x4.add (local.get 0) (local.get 1)))').add
    total = add(numpy.array([1, 2, 3, 4], "<f4"), numpy.array([0.5, 0.25, -3, 1e9], "<f4"))
    assert numpy.frombuffer(total, "<f4").tolist() == [1.5, 2.25, 0.0, 1e9]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "expected 16 contiguous bytes for v128, got int"),
        ("sixteen letters!", "expected 16 contiguous bytes for v128, got str"),
        (None, "expected 16 contiguous bytes for v128, got NoneType"),
        (memoryview(bytes(32))[::2], "expected 16 contiguous bytes for v128, got memoryview"),
        (b"", "expected 16 bytes for v128, got 0"),
        (bytes(17), "expected 16 bytes for v128, got 17"),
    ],
)
def test_other_arguments_are_refused(given, message):
    with pytest.raises(TypeError) as caught:
        exports(SWAP).swap(7, ONE, 1, given, 0.5)
    assert str(caught.value) == f"argument 4 of swap: {message}"
    with pytest.raises(TypeError, match=message):
        Func(lambda: given, [], ["v128"])()
    variable = Global("v128", ONE, mutable=True)
    with pytest.raises(TypeError, match=message):
        variable.value = given
    assert variable.value == ONE


def test_raw_calls_take_and_give_ints_of_128_bits():
    top = 1 << 127 | 3
    assert exports(SWAP).swap.call_raw(7, top, 1, 2**128 - 1, 0) == (2**128 - 1, 7, top)
    with pytest.raises(OverflowError):
        exports(SWAP).swap.call_raw(7, 1 << 128, 1, 0, 0)
    with pytest.raises(OverflowError):
        exports(SWAP).swap.call_raw(7, -1, 1, 0, 0)


def test_many_arguments():
    params = " ".join(["v128"] * 40)
    total = "(local.get 0)" + "".join(f"(i8x16.add (local.get {at}))" for at in range(1, 40))
    add = exports(f'(func (export "add") (param {params}) (result v128) {total})').add
    assert add(*([bytes([1] * 16)] * 40)) == bytes([40] * 16)


GLOBALS = """
    (import "m" "first" (global $first v128)) (import "m" "second" (global $second (mut v128)))
    (global $a i32 (i32.const 1)) (global $b (export "b") (mut v128) (v128.const i64x2 1 2))
    (global $c (export "c") i64 (i64.const -3)) (global $d (export "d") v128 (global.get $first))
    (global $e (export "e") v128 (global.get $b)) (table 1 funcref)
    (func (export "swap") (local v128)
      (local.set 0 (global.get $second)) (global.set $second (global.get $b)) (global.set $b (local.get 0)))
"""


def test_globals_of_vectors_lie_among_others():
    second = Global("v128", TWO, mutable=True)
    text = GLOBALS.replace("(global.get $b)) (table", "(v128.const i32x4 1 2 3 4)) (table")
    offered = exports(text, {"m": {"first": ONE, "second": second}})
    assert (offered.b.value, offered.c.value, offered.d.value) == (struct.pack("<2q", 1, 2), -3, ONE)
    assert offered.e.value == struct.pack("<4i", 1, 2, 3, 4) and offered.e.raw == 0x4000000030000000200000001
    offered.swap()
    assert second.value == struct.pack("<2q", 1, 2) and offered.b.value == TWO and offered.c.value == -3
    offered.b.value = ONE
    assert offered.b.value == ONE and offered.b.raw == int.from_bytes(ONE, "little")
    with pytest.raises(TypeError, match="expected 16 bytes for v128, got 15"):
        offered.b.value = bytes(15)
    assert offered.b.value == ONE
    assert Global("v128").value == bytes(16)


HOST = f"""
    (import "m" "host" (func $host {MIXED}))
    (func (export "call") {MIXED}
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (call $host))
    (func (export "tail") {MIXED}
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (return_call $host))
    (func (export "call_indirect") {MIXED}
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (call_indirect {MIXED} (i32.const 0)))
    (table 1 funcref) (elem (i32.const 0) $host)
"""


@pytest.mark.parametrize("name", ["call", "tail", "call_indirect"])
@pytest.mark.parametrize("where", ["host", "host with caller", "instance"])
def test_vectors_go_through_calls_of_any_kind(name, where):
    seen = []

    def host(i, v, j, w, x):
        seen.append((i, v, j, w, x))
        return w, i, v

    given = {
        "host": host, "host with caller": with_caller(lambda caller, *args: host(*args)),
        "instance": exports(SWAP).swap,
    }[where]  # fmt: skip
    for _ in range(3):
        assert exports(HOST, {"m": {"host": given}})[name](-1, ONE, 1 << 40, TWO, 0.5) == (TWO, -1, ONE)
    assert seen == ([] if where == "instance" else [(-1, ONE, 1 << 40, TWO, 0.5)] * 3)


@pytest.mark.parametrize("wrong", [(ONE, 1), (ONE, 1, bytes(15)), (1, 1, ONE), ONE])
def test_wrong_results_of_host_functions(wrong):
    call = exports(HOST, {"m": {"host": lambda *args: wrong}}).call
    with pytest.raises(TypeError, match="host function"):
        call(-1, ONE, 1, TWO, 0.5)


def test_a_host_function_called_from_python():
    swap = Func(lambda v, i: (i, v), ["v128", "i32"], ["i32", "v128"])
    assert swap(ONE, 3) == (3, ONE)
    assert Func(lambda v: v, ["v128"], ["v128"])(TWO) == TWO


THROWS = """
    (import "m" "e" (tag $e (param i32 v128 i64))) (import "m" "h" (func $h (param v128)))
    (func (export "throws") (param v128) (throw $e (i32.const 1) (local.get 0) (i64.const 2)))
    (func (export "catches") (param v128) (result i32 v128 i64)
      (try_table (catch $e 0) (call $h (local.get 0))) (unreachable))
"""


def test_exceptions_carry_vectors():
    tag = Tag(["i32", "v128", "i64"])

    def host(v):
        raise GuestException("", (), tag, (5, v, 6))

    offered = exports(THROWS, {"m": {"e": tag, "h": host}})
    with pytest.raises(GuestException) as caught:
        offered.throws(ONE)
    assert caught.value.values == (1, ONE, 2)
    assert offered.catches(TWO) == (5, TWO, 6)


def test_recursion_with_vectors_ends_in_exhaustion():
    text = (
        '(func $f (export "f") (param v128 i32) (result v128) (if (result v128) (local.get 1)'
        " (then (i32x4.add (call $f (local.get 0) (i32.sub (local.get 1) (i32.const 1))) (local.get 0)))"
        " (else (local.get 0))))"
    )
    offered = exports(text)
    assert offered.f(struct.pack("<4i", 1, 2, 3, 4), 1000) == struct.pack("<4i", 1001, 2002, 3003, 4004)
    with pytest.raises(wasmcy.StackExhausted):
        offered.f(ONE, -1)
    assert offered.f(ONE, 0) == ONE


SIZES = {"8x8": 8, "16x4": 8, "32x2": 8, "8": 1, "16": 2, "32": 4, "64": 8, "": 16}
LOADS = [f"load{n}{s}" for n in ("8x8", "16x4", "32x2") for s in ("_s", "_u")]
LOADS += [*(f"load{n}_splat" for n in (8, 16, 32, 64)), "load32_zero", "load64_zero", "load"]
LANES = [f"{kind}{n}_lane" for kind in ("load", "store") for n in (8, 16, 32, 64)]


def size_of(name):
    return SIZES[name.replace("load", "").replace("store", "").partition("_")[0]]


@pytest.mark.parametrize("memory", ["1 1", "i64 1 1"])
@pytest.mark.parametrize("name", [*LOADS, *LANES, "store"])
def test_no_access_reaches_over_the_end(name, memory):
    kind = "i64" if "i64" in memory else "i32"
    lane = "0" if name.endswith("_lane") else ""
    value = "" if name in LOADS else "(v128.const i64x2 -1 -1)"
    drop = "" if name.startswith("store") else "(drop"
    offsets = (0, 16, 0x10000, 0xFFFFFFF0, 0xFFFFFFFF, *((1 << 48, (1 << 64) - 1) if kind == "i64" else ()))
    functions = "".join(
        f'(func (export "{offset}") (param {kind})'
        f" {drop} (v128.{name} offset={offset} {lane} (local.get 0) {value}){')' * bool(drop)})"
        for offset in offsets
    )  # fmt: skip
    offered = exports(f'(memory (export "m") {memory}) {functions}')
    size = size_of(name)
    for offset in offsets:
        last = 65536 - size - offset
        access = offered[str(offset)]
        if last >= 0:
            access(last)
        before = bytes(offered.m)
        for address in (max(last + 1, 0), 65535, -1, -size, -16, *((1 << 62,) if kind == "i64" else ())):
            if not 0 <= (address & ((1 << int(kind[1:])) - 1)) + offset <= 65536 - size:
                with pytest.raises(Trap, match="out of bounds memory access"):
                    access(address)
        assert bytes(offered.m) == before


def test_frames_that_are_too_large_are_refused():
    local = "(local " + " ".join(["v128"] * 40_000) + ")"
    with pytest.raises(wasmcy.WasmError, match="slots"):
        exports(f'(func (export "f") {local})').f()
    assert exports(
        f'(func (export "f") (result v128) {local.replace(" v128" * 39_000, "")} (local.get 900))'
    ).f() == bytes(16)


def test_modules_with_vectors_are_shared_by_instances():
    offered = [instantiate(SWAP).exports for _ in range(2)]
    assert [o.swap(1, ONE, 0, TWO, 0.0) for o in offered] == [(TWO, 1, ONE)] * 2
    assert [str(t) for t in module(SWAP).exports[0].type.results] == ["v128", "i32", "v128"]
