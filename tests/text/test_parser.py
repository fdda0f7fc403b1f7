"""Modules in the text format become the modules they describe."""

import pytest

import wasmcy
from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.errors import MalformedError
from wasmcy.text import parse_form, parse_module, wat2wasm

FOO = """(module (func (export "foo") (result i32) (local i32 i32 i32)
  i32.const 1 local.set 0 i32.const 2 local.set 1
  local.get 0 local.get 1 i32.add i32.const 5 i32.mul local.tee 2 return))"""


def test_a_function_written_as_text_runs() -> None:
    assert wasmcy.Module(wat2wasm(FOO)).instantiate().exports.foo() == 15


def test_the_word_module_may_be_left_out() -> None:
    fields = FOO.removeprefix("(module").removesuffix(")")
    assert wat2wasm(fields) == wat2wasm(FOO)


def test_decoding_what_was_encoded_gives_the_same_parts() -> None:
    syntax = parse_module(FOO)
    decoded = decode(encode(syntax))
    assert decoded.types == syntax.types
    assert decoded.funcs == syntax.funcs
    assert encode(decoded) == encode(syntax)


def test_a_form_is_parsed_out_of_a_larger_text() -> None:
    text = f"(first) {FOO} (last".encode()
    syntax, end = parse_form(text, 8)
    assert text[end:] == b" (last"
    assert encode(syntax) == wat2wasm(FOO)


def test_an_error_shows_the_line() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_module("(module\n  (func\n    i32.addd))")
    error = caught.value
    assert (error.message, error.line, error.column) == ("unknown operator i32.addd", 3, 5)
    assert str(error) == "unknown operator i32.addd (line 3, column 5)\n    i32.addd))\n    ^"
