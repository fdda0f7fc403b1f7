"""Globals: values, mutability, sharing."""

import math

import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import Func, Global

GLOBALS = """
    (global (export "i32") (mut i32) (i32.const -1))
    (global (export "i64") (mut i64) (i64.const -2))
    (global (export "f32") (mut f32) (f32.const 0.5))
    (global (export "f64") (mut f64) (f64.const 0.1))
    (global (export "externref") (mut externref) (ref.null extern))
    (global (export "funcref") (mut funcref) (ref.func $get))
    (global (export "fixed") i32 (i32.const 7))
    (func $get (export "current") (result i32) (global.get 0))
    (func (export "assign") (param i32) (global.set 0 (local.get 0)))
"""


def test_values():
    offered = exports(GLOBALS)
    assert [offered[t].value for t in ("i32", "i64", "f32", "f64", "externref")] == [-1, -2, 0.5, 0.1, None]
    assert offered.funcref.value == offered.current
    assert (offered.i32.raw, offered.i64.raw, offered.f32.raw) == (2**32 - 1, 2**64 - 2, 0x3F000000)
    assert offered.i32.type == wasmcy.GlobalType(0x7F, True)
    assert offered.i32.mutable and not offered.fixed.mutable


def test_guest_and_host_see_the_same_value():
    offered = exports(GLOBALS)
    offered.i32.value = 2**31
    assert offered.current() == -(2**31)
    offered.assign(5)
    assert offered.i32.value == 5


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("i32", 2**32 - 1, -1),
        ("i32", True, 1),
        ("i64", 2**63, -(2**63)),
        ("f32", 16777217, 16777216.0),
        ("f64", 3, 3.0),
        ("f64", math.inf, math.inf),
        ("externref", "x", "x"),
        ("externref", None, None),
        ("funcref", None, None),
    ],
)
def test_setting_converts(name, given, expected):
    variable = exports(GLOBALS)[name]
    variable.value = given
    assert variable.value == expected and type(variable.value) is type(expected)
    alone = Global(name, given, mutable=True)
    assert alone.value == expected


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("i32", 2**32, OverflowError),
        ("i32", 1.0, TypeError),
        ("i32", None, TypeError),
        ("i64", -(2**63) - 1, OverflowError),
        ("f32", "1", TypeError),
        ("funcref", print, TypeError),
        ("funcref", 5, TypeError),
    ],
)
def test_setting_refuses(name, given, error):
    variable = exports(GLOBALS)[name]
    before = variable.value
    with pytest.raises(error):
        variable.value = given
    assert variable.value == before


def test_constants_stay():
    for variable in (exports(GLOBALS).fixed, Global("i32", 7)):
        with pytest.raises(TypeError, match="not mutable"):
            variable.value = 8
        assert variable.value == 7
    with pytest.raises(AttributeError):
        Global("i32", 7).type = None


def test_globals_made_from_python():
    assert [Global(t).value for t in ("i32", "i64", "f32", "f64", "externref", "funcref")] == [
        0,
        0,
        0.0,
        0.0,
        None,
        None,
    ]
    assert repr(Global("i64", 5, mutable=True)) == "<wasmcy.Global (global (mut i64))>"
    function = Func(lambda: 3, [], ["i32"])
    assert Global("funcref", function).value() == 3
    for wrong in ("nothing", None, 5.5):
        with pytest.raises((ValueError, TypeError)):
            Global(wrong)
    with pytest.raises(TypeError):
        Global("i32", "5")


def test_a_global_is_shared_by_instances():
    shared = Global("i64", 5, mutable=True)
    text = """
        (import "m" "g" (global $g (mut i64)))
        (func (export "add") (param i64) (result i64) (global.set $g (i64.add (global.get $g) (local.get 0))) (global.get $g))
        (export "g" (global $g))
    """
    first = instantiate(text, {"m": {"g": shared}})
    second = instantiate(text, {"m": first.exports})
    assert first.exports.add(10) == 15
    assert second.exports.add(100) == 115
    assert shared.value == 115
    shared.value = -1
    assert second.exports.add(0) == -1
    assert second.exports.g is first.exports.g is shared


def test_a_global_outlives_its_instance():
    variable = exports(GLOBALS).i32
    reader = instantiate(
        '(import "m" "g" (global $g (mut i32))) (func (export "f") (result i32) (global.get $g))',
        {"m": {"g": variable}},
    )
    variable.value = 9
    assert reader.exports.f() == 9
    del reader
    assert variable.value == 9


def test_python_numbers_are_constants():
    text = '(import "m" "g" (global $g {0})) (func (export "f") (result {0}) (global.get $g))'
    for type_, given, expected in [
        ("i32", 2**32 - 1, -1),
        ("i32", True, 1),
        ("i64", 5, 5),
        ("f32", 0.5, 0.5),
        ("f64", 2, 2.0),
    ]:
        assert exports(text.format(type_), {"m": {"g": given}}).f() == expected


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        ("i32", 1.5),
        ("i32", 2**32),
        ("i64", 2**64),
        ("f64", 10**400),
        ("(mut i32)", 1),
        ("funcref", 1),
        ("externref", 1),
    ],
)
def test_numbers_that_do_not_fit_are_link_errors(type_, given):
    with pytest.raises(wasmcy.LinkError, match=r"m\.g is .*wanted a global"):
        instantiate(f'(import "m" "g" (global {type_}))', {"m": {"g": given}})


def test_constants_of_other_globals():
    offered = exports(
        """
        (import "m" "a" (global $a i32))
        (global $b (export "b") i32 (i32.add (global.get $a) (i32.const 1)))
        (global (export "c") i32 (i32.mul (global.get $b) (i32.sub (global.get $a) (i32.const 3))))
        (global (export "d") i64 (i64.const 0x7fffffffffffffff))
        (global (export "e") f64 (f64.const nan))
        """,
        {"m": {"a": 10}},
    )
    assert (offered.b.value, offered.c.value, offered.d.value) == (11, 77, 2**63 - 1)
    assert math.isnan(offered.e.value)
