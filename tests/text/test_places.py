"""Errors that validation finds in a text name the line and column of what is wrong there."""

import pickle

import pytest

from wasmcy import InvalidError, MalformedError, Module, WasmError

PLACES = {
    "(func (result i32)\n  (i32.add (i32.const 1)\n    (i64.const 2)))": (2, 4, "type mismatch"),
    "(func (result i32)\n  i32.const 1\n  i64.const 2\n  i32.add)": (4, 3, "type mismatch"),
    "(func (result i32)\n  block (result i32)\n    nop\n  end)": (4, 3, "type mismatch"),
    "(func (result i32)\n  (block (result i32)\n    (nop)))": (3, 10, "type mismatch"),
    "(func (result i32)\n  nop\n)": (3, 1, "type mismatch"),
    "(func\n  (if (i64.const 1)\n    (then)))": (2, 4, "type mismatch"),
    "(func\n  (if (result i32) (i32.const 1)\n  (then (i64.const 0))\n  (else (i32.const 0))) drop)": (4, 4, "type mismatch"),
    "(func\n  try\n    i32.const 1\n  catch_all\n  end)": (4, 3, "type mismatch"),
    "(func\n  (try (do (i32.const 1))\n  (catch_all)))": (3, 4, "type mismatch"),
    "(table 0 funcref)\n(func (call_indirect\n  (i64.const 1)))": (2, 8, "type mismatch"),
    "(func $f)\n(func\n  (drop (call $f)))": (3, 4, "type mismatch"),
    "(func)\n(func local.get 0)": (2, 7, "unknown local 0"),
    "(func)\n(func\n  (local.set 7\n    (i32.const 1)))": (3, 4, "unknown local 7"),
    "(func (@name \"f\")\n  nop br 5)": (2, 7, "unknown label 5"),
    "(func)\n  (func (type 9))": (2, 3, "unknown type 9"),
    "(func)\n  (func (local" + " i32" * 50_001 + "))": (2, 3, "too many locals"),
    "(global i32\n  (i64.const 0))": (2, 16, "type mismatch"),
    "(memory 1) (data (i32.const 0))\n(data (offset i64.const 0))": (2, 26, "type mismatch"),
    "(table 1 funcref) (func)\n(elem (i32.const 0) funcref\n  (item ref.func 0) (item ref.func 9))": (3, 27, "unknown function 9"),
    "(table 1 (ref func)\n  (ref.null func))": (2, 18, "type mismatch"),
    '(func)\n(export "a" (func 0))\n(export "b" (func 1))': (3, 1, "unknown function 1"),
    '(type (func))\n  (import "a" "b" (func (type 1)))': (2, 3, "unknown type 1"),
    "(memory 1)\n(func (param i32)\n  (drop (i32.load (i64.const 0))))": (3, 10, "type mismatch"),
}  # fmt: skip


@pytest.mark.parametrize("text", PLACES, ids=lambda text: text[:60])
def test_errors_of_validation_have_a_place(text):
    line, column, message = PLACES[text]
    with pytest.raises(InvalidError) as caught:
        Module(text)
    error = caught.value
    assert error.message.startswith(message)
    assert (error.line, error.column, error.offset) == (line, column, None)
    shown, mark = error.excerpt.split("\n")
    assert shown[: len(mark)] == text.split("\n")[line - 1][: len(mark)]


def test_what_has_no_place_in_the_module_has_none_in_the_text():
    with pytest.raises(InvalidError) as caught:
        Module("(memory 70000)")
    assert (caught.value.offset, caught.value.line) == (None, None)


def test_a_lazy_module_says_the_function_and_the_offset():
    module = Module('(func $f (export "f") drop)', lazy=True)
    with pytest.raises(InvalidError, match="type mismatch") as caught:
        module.instantiate().exports.f()
    assert (caught.value.function, caught.value.function_name, caught.value.line) == (0, "f", None)


@pytest.mark.parametrize("text", ["(func\n  nopp)", "(func\n  drop)"])
def test_errors_with_places_are_pickled(text):
    with pytest.raises(WasmError) as caught:
        Module(text)
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, (MalformedError, InvalidError))
    assert (str(again), again.line, again.column) == (str(caught.value), 2, 3)
