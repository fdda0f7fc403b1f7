"""Instances and their exports; calls from Python: arguments, results, what is refused."""

import math
import struct
from decimal import Decimal
from fractions import Fraction

import numpy
import pytest
from instantiating import exports, instantiate, module

import wasmcy

VARIOUS = """
    (func (export "f") (result i32) (i32.const 1))
    (func (export "get") (result i32) (i32.const 2))
    (func (export "a b") (result i32) (i32.const 3))
    (func (export "") (result i32) (i32.const 4))
    (func (export "é🐍") (result i32) (i32.const 5))
    (memory (export "memory") 1)
    (table (export "table") 2 funcref)
    (global (export "global") i32 (i32.const 6))
    (tag (export "tag"))
"""
NAMES = ["f", "get", "a b", "", "é🐍", "memory", "table", "global", "tag"]


# ------------------------------------------------------------------------------------ exports
def test_exports_by_attribute_and_by_name():
    offered = exports(VARIOUS)
    assert offered.f() == offered["f"]() == 1
    assert [offered[name]() for name in NAMES[:5]] == [1, 2, 3, 4, 5]
    assert getattr(offered, "a b")() == 3
    assert type(offered.memory) is wasmcy.Memory
    assert type(offered.table) is wasmcy.Table
    assert type(offered["global"]) is wasmcy.Global
    assert type(offered.tag) is wasmcy.Tag


def test_an_export_is_the_same_object_each_time():
    offered = exports(VARIOUS)
    assert all(offered[name] is offered[name] for name in NAMES)
    assert offered.memory is offered["memory"]


def test_exports_are_a_mapping_in_order():
    offered = exports(VARIOUS)
    assert list(offered) == list(offered.keys()) == NAMES
    assert len(offered) == len(NAMES)
    assert [value is offered[name] for name, value in offered.items()] == [True] * len(NAMES)
    assert offered.values() == [offered[name] for name in NAMES]
    assert "f" in offered and "g" not in offered and 5 not in offered
    assert dict(offered.items())["f"] is offered.f


def test_what_is_not_exported():
    offered = exports(VARIOUS)
    with pytest.raises(KeyError, match="nothing"):
        offered["nothing"]
    with pytest.raises(AttributeError, match="nothing"):
        _ = offered.nothing
    assert not hasattr(offered, "nothing")
    assert type(offered).get(offered, "nothing") is None
    assert type(offered).get(offered, "nothing", 5) == 5
    assert type(offered).get(offered, "f") is offered.f


def test_exports_show_in_dir_and_repr():
    offered = exports(VARIOUS)
    assert set(NAMES) <= set(dir(offered))
    assert repr(offered).startswith("<wasmcy exports: f, get, a b, ")


def test_exports_cannot_be_set():
    offered = exports(VARIOUS)
    with pytest.raises(AttributeError):
        offered.f = 5
    with pytest.raises(TypeError):
        offered["f"] = 5


def test_an_instance_knows_its_module_and_store():
    made = instantiate(VARIOUS)
    assert made.module is module(VARIOUS)
    assert isinstance(made.store, wasmcy.Store)
    assert made.exports.f.store is made.store
    assert made.exports.memory.store is made.store
    assert repr(made) == f"<wasmcy.Instance of {made.module!r}>"


def test_functions_know_their_type_and_name():
    f = exports('(func $inside (export "outside") (param i32 f64) (result i64) (i64.const 0))').outside
    assert f.type == wasmcy.FuncType([wasmcy.ValType(0x7F), wasmcy.ValType(0x7C)], [wasmcy.ValType(0x7E)])
    assert f.name in ("inside", "outside")
    assert repr(f) == f"<wasmcy.Func {f.name} (func (param i32 f64) (result i64))>"


def test_functions_are_equal_if_they_are_the_same_function():
    offered = exports('(func $f (export "a") (export "b")) (func (export "c")) (table (export "t") funcref (elem $f))')
    assert offered.a == offered.b == offered.t[0]
    assert hash(offered.a) == hash(offered.b)
    assert offered.a != offered.c
    assert offered.a != 5
    assert len({offered.a, offered.b, offered.c}) == 2


# ------------------------------------------------------------------------------------ arguments
IDENTITY = exports(
    "".join(f'(func (export "{t}") (param {t}) (result {t}) (local.get 0))' for t in "i32 i64 f32 f64".split())
)
INF = math.inf


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class Real:
    def __float__(self):
        return 0.1


def test_the_number_of_arguments_is_checked():
    add = exports('(func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))').add
    for arguments in ((), (1,), (1, 2, 3)):
        with pytest.raises(TypeError, match=rf"add takes 2 arguments \({len(arguments)} given\)"):
            add(*arguments)
    with pytest.raises(TypeError, match="keyword"):
        add(1, 2, b=3)
    with pytest.raises(TypeError, match="keyword"):
        add(1, b=3)
    assert add(*[1, 3]) == 4


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        ("i32", 0, 0),
        ("i32", 2**31 - 1, 2**31 - 1),
        ("i32", 2**31, -(2**31)),
        ("i32", 2**32 - 1, -1),
        ("i32", -1, -1),
        ("i32", -(2**31), -(2**31)),
        ("i32", True, 1),
        ("i32", False, 0),
        ("i32", Index(7), 7),
        ("i32", Index(2**32 - 2), -2),
        ("i32", numpy.int8(-3), -3),
        ("i32", numpy.uint64(5), 5),
        ("i64", 2**63 - 1, 2**63 - 1),
        ("i64", 2**63, -(2**63)),
        ("i64", 2**64 - 1, -1),
        ("i64", -(2**63), -(2**63)),
        ("i64", 2**32, 2**32),
        ("i64", True, 1),
        ("i64", Index(2**64 - 2), -2),
        ("i64", numpy.uint64(2**64 - 1), -1),
        ("f64", 0.1, 0.1),
        ("f64", 3, 3.0),
        ("f64", True, 1.0),
        ("f64", Index(9), 9.0),
        ("f64", Real(), 0.1),
        ("f64", Decimal("0.1"), 0.1),
        ("f64", Fraction(1, 4), 0.25),
        ("f64", numpy.float32(0.5), 0.5),
        ("f64", 2**53 + 1, 2.0**53),
        ("f64", INF, INF),
        ("f64", 5e-324, 5e-324),
        ("f64", -0.0, -0.0),
        ("f32", 0.1, struct.unpack("f", struct.pack("f", 0.1))[0]),
        ("f32", 16777217, 16777216.0),
        ("f32", 16777219.0, 16777220.0),
        ("f32", 3.4028235677973366e38, INF),
        ("f32", 3.4028235677973362e38, 3.4028234663852886e38),
        ("f32", 1e-46, 0.0),
        ("f32", 1e300, INF),
        ("f32", -1e300, -INF),
        ("f32", -0.0, -0.0),
        ("f32", True, 1.0),
    ],
)
def test_numbers_are_converted(type_, given, expected):
    got = IDENTITY[type_](given)
    assert type(got) is type(expected)
    assert repr(got) == repr(expected)


@pytest.mark.parametrize("type_", ["f32", "f64"])
def test_nan_comes_back_as_nan(type_):
    assert math.isnan(IDENTITY[type_](math.nan))


@pytest.mark.parametrize(
    ("type_", "given", "error", "message"),
    [
        ("i32", 2**32, OverflowError, "4294967296 does not fit i32"),
        ("i32", -(2**31) - 1, OverflowError, "-2147483649 does not fit i32"),
        ("i32", 10**30, OverflowError, f"{10**30} does not fit i32"),
        ("i32", -(10**30), OverflowError, f"{-(10**30)} does not fit i32"),
        ("i32", 1.0, TypeError, "expected an int for i32, got float"),
        ("i32", numpy.float64(1), TypeError, "expected an int for i32, got float64"),
        ("i32", Decimal(1), TypeError, "expected an int for i32, got"),
        ("i32", "1", TypeError, "expected an int for i32, got str"),
        ("i32", b"1", TypeError, "expected an int for i32, got bytes"),
        ("i32", None, TypeError, "expected an int for i32, got NoneType"),
        ("i32", [1], TypeError, "expected an int for i32, got list"),
        ("i64", 2**64, OverflowError, "18446744073709551616 does not fit i64"),
        ("i64", -(2**63) - 1, OverflowError, "-9223372036854775809 does not fit i64"),
        ("i64", 10**30, OverflowError, f"{10**30} does not fit i64"),
        ("i64", 1.0, TypeError, "expected an int for i64, got float"),
        ("f32", "1", TypeError, "expected a float for f32, got str"),
        ("f64", None, TypeError, "expected a float for f64, got NoneType"),
        ("f64", 1j, TypeError, "expected a float for f64, got complex"),
        ("f64", b"1", TypeError, "expected a float for f64, got bytes"),
        ("f64", 10**400, OverflowError, ""),
    ],
)
def test_what_does_not_fit_is_refused(type_, given, error, message):
    with pytest.raises(error) as caught:
        IDENTITY[type_](given)
    assert f"argument 1 of {type_}: {message}" in str(caught.value)


def test_the_argument_is_named():
    f = exports('(func (export "f") (param i32 i64 f32 f64))').f
    for i in range(4):
        arguments = [0, 0, 0, 0]
        arguments[i] = "x"
        with pytest.raises(TypeError, match=f"argument {i + 1} of f: "):
            f(*arguments)


@pytest.mark.parametrize("error", [ValueError, KeyError, KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("type_", ["i32", "i64", "f32", "f64"])
def test_errors_of_conversions_pass_unchanged(error, type_):
    raised = error("from a conversion")

    class Raises:
        def __index__(self):
            raise raised

        __float__ = __index__

    with pytest.raises(error) as caught:
        IDENTITY[type_](Raises())
    assert caught.value is raised
    assert IDENTITY[type_](5) == 5


def test_references_are_converted():
    offered = exports("""
        (func (export "extern") (param externref) (result externref) (local.get 0))
        (func (export "func") (param funcref) (result funcref) (local.get 0))
        (func (export "is_null") (param externref) (result i32) (ref.is_null (local.get 0)))
    """)
    for value in (object(), "x", 5, [1], print, offered):
        assert offered.extern(value) is value
        assert offered.is_null(value) == 0
    assert offered.extern(None) is None and offered.is_null(None) == 1
    assert offered.func(None) is None
    assert offered.func(offered.func) is offered.func
    host = wasmcy.Func(lambda: None)
    assert offered.func(host) is host
    for wrong in (print, 5, "f", lambda: None):
        with pytest.raises(TypeError, match=r"argument 1 of func: expected a wasmcy\.Func or None for funcref"):
            offered.func(wrong)
    with pytest.raises(TypeError, match="another store"):
        offered.func(IDENTITY.i32)


# ------------------------------------------------------------------------------------ results
def test_several_results_come_as_a_tuple():
    offered = exports("""
        (func (export "none"))
        (func (export "one") (result i32) (i32.const 1))
        (func (export "four") (result i32 i64 f32 f64) (i32.const -1) (i64.const -2) (f32.const 0.5) (f64.const 0.1))
    """)
    assert offered.none() is None
    assert offered.one() == 1
    assert offered.four() == (-1, -2, 0.5, 0.1)


@pytest.mark.parametrize("n", [0, 1, 10, 11, 12, 15, 16, 17, 100, 1000])
def test_many_parameters_and_results(n):
    types = "i32 " * n
    gets = " ".join(f"(local.get {n - 1 - i})" for i in range(n))
    offered = exports(f"""
        (type $t (func (param {types}) (result {types})))
        (func $reverse (export "reverse") (type $t) {gets})
        (func (export "twice") (type $t) {" ".join(f"(local.get {i})" for i in range(n))} (call $reverse) (call $reverse))
        (func (export "tail") (type $t) {gets} (return_call $reverse))
    """)
    numbers = tuple(range(n))
    expected = {0: None, 1: 0}
    assert offered.reverse(*numbers) == expected.get(n, numbers[::-1])
    assert offered.twice(*numbers) == expected.get(n, numbers)
    assert offered.tail(*numbers) == expected.get(n, numbers)


def test_raw_calls_take_and_return_bits():
    offered = exports(
        "".join(
            f'(func (export "{t}") (param {t}) (result {t}) (local.get 0))' for t in "i32 i64 f32 f64 externref".split()
        )
    )
    assert offered.i32.call_raw(2**32 - 1) == (2**32 - 1,)
    assert offered.i64.call_raw(2**64 - 1) == (2**64 - 1,)
    assert offered.f32.call_raw(0x7FA00001) == (0x7FA00001,)
    assert offered.f64.call_raw(0x7FF4000000000001) == (0x7FF4000000000001,)
    assert offered.f64.call_raw(1.5) == (0x3FF8000000000000,)
    assert offered.externref.call_raw("x") == ("x",)
    with pytest.raises(TypeError, match="takes 1 arguments"):
        offered.i32.call_raw()


@pytest.mark.parametrize(
    ("type_", "bits"), [("i32", 2**32), ("f32", 2**32), ("i32", 2**64 - 8), ("i64", 2**64), ("i32", -1)]
)
def test_raw_calls_refuse_bits_that_do_not_fit(type_, bits):
    with pytest.raises(OverflowError):
        IDENTITY[type_].call_raw(bits)
