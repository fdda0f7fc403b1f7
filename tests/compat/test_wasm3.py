"""The layer for pywasm3: what its programs do, as pywasm3 does it."""

import base64
import gc
from collections.abc import Callable
from typing import Any

import pytest

import wasmcy.compat.wasm3 as wasm3
from tests.compat.assembling import assemble

FIB = "AGFzbQEAAAABBgFgAX4BfgMCAQAHBwEDZmliAAAKHwEdACAAQgJUBEAgAA8LIABCAn0QACAAQgF9EAB8Dws="

GUEST = assemble("""
    (module $guest
      (import "env" "f" (func $f (param i32) (result i64)))
      (import "env" "v" (func $v))
      (import "metering" "usegas" (func $gas (param i32)))
      (global (export "g") (mut i32) (i32.const 5))
      (global (export "c") i32 (i32.const 6))
      (memory 1 2)
      (table 2 funcref)
      (data (i32.const 8) "wasm")
      (func (export "callf") (param i32) (result i64) (call $f (local.get 0)))
      (func (export "callv") (call $v))
      (func (export "burn") (param i32) (call $gas (local.get 0)))
      (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
      (func (export "unreachable") unreachable)
      (func (export "load") (result i32) (i32.load (i32.const -1)))
      (func (export "convert") (result i32) (i32.trunc_f32_s (f32.const nan)))
      (func (export "indirect") (call_indirect (i32.const 1)))
      (func $deep (export "deep") (call $deep))
      (func (export "pair") (result i32 i64) (i32.const 1) (i64.const 2))
      (func (export "second") (param f32 f64) (result f64) (local.get 1))
      (func (export "grow") (result i32) (memory.grow (i32.const 1))))
""")


def load(data: bytes = GUEST) -> tuple[wasm3.Runtime, wasm3.Module]:
    environment = wasm3.Environment()
    runtime, module = environment.new_runtime(4096), environment.parse_module(data)
    runtime.load(module)
    return runtime, module


def call(name: str, *arguments: Any) -> Any:
    return load()[0].find_function(name)(*arguments)


def test_the_example_of_the_readme_runs() -> None:
    runtime, _ = load(base64.b64decode(FIB))
    assert runtime.find_function("fib")(24) == 46368


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("div", (7, 2), 3),
        ("div", (-7, 2), -3),
        ("div", (2**32 + 7, 1), 7),
        ("div", (7, 2, 3), 3),
        ("pair", (), (1, 2)),
        ("second", (1, 2), 2.0),
    ],
)
def test_functions_take_and_return_numbers(name: str, arguments: tuple[int, ...], result: object) -> None:
    assert call(name, *arguments) == result


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("div", (7, 0), "[trap] integer divide by zero"),
        ("div", (-(2**31), -1), "[trap] integer overflow"),
        ("unreachable", (), "[trap] unreachable executed"),
        ("load", (), "[trap] out of bounds memory access"),
        ("convert", (), "[trap] invalid conversion to integer"),
        ("indirect", (), "[trap] undefined element"),
        ("deep", (), "[trap] stack overflow"),
        ("div", (7,), "argument count mismatch"),
        ("nope", (), "function lookup failed ('nope')"),
        ("callv", (), "missing imported function ('env.v')"),
    ],
)
def test_what_goes_wrong_is_a_runtime_error(name: str, arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        call(name, *arguments)
    assert str(caught.value) == message


def test_a_function_describes_itself() -> None:
    function = load()[0].find_function("second")
    assert (function.name, function.num_args, function.num_rets) == ("second", 2, 1)
    assert (function.arg_types, function.ret_types) == ((3, 4), (4,))


def test_call_argv_takes_texts() -> None:
    runtime, _ = load()
    assert runtime.find_function("div").call_argv("7", "-2") == -3
    assert runtime.find_function("second").call_argv("1", "2.5") == 2.5
    with pytest.raises(RuntimeError, match="argument count mismatch"):
        runtime.find_function("div").call_argv("7")
    with pytest.raises(RuntimeError, match="all arguments should be strings"):
        runtime.find_function("div").call_argv("7", 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("signature", [("I(i)",), ("I ( i )",), ()])
@pytest.mark.parametrize("module_name", ["env", "*"])
def test_functions_are_linked_by_signature(signature: tuple[str, ...], module_name: str) -> None:
    runtime, module = load()
    module.link_function(module_name, "f", *signature, lambda x: x + (1 << 70))
    assert runtime.find_function("callf")(3) == 3


def test_linking_may_come_after_finding() -> None:
    runtime, module = load()
    function = runtime.find_function("callf")
    module.link_function("env", "f", "I(i)", lambda x: 2 * x)
    assert function(21) == 42


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("env", "f", "i(i)", abs), RuntimeError, "function signature mismatch"),
        (("env", "f", "x", abs), RuntimeError, "malformed function signature"),
        (("env", "f", "I(i)", 3), TypeError, "function should be a callable object"),
        (("env", "f"), TypeError, "link_function takes 3 or 4 arguments"),
    ],
)
def test_what_cannot_be_linked_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    _, module = load()
    with pytest.raises(error, match=message):
        module.link_function(*arguments)


def test_names_that_are_not_imported_are_ignored() -> None:
    load()[1].link_function("env", "nope", "I(i)", abs)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: None, "python call: should return a value"),
        (lambda x: (1, 2), "python call: return tuple length mismatch"),
    ],
)
def test_wrong_results_of_python_functions_are_errors(function: Callable[[int], Any], message: str) -> None:
    runtime, module = load()
    module.link_function("env", "f", "I(i)", function)
    with pytest.raises(RuntimeError, match=message):
        runtime.find_function("callf")(3)


def test_a_result_may_be_a_tuple_of_one_and_is_ignored_where_none_is_wanted() -> None:
    runtime, module = load()
    module.link_function("env", "f", "I(i)", lambda x: (x,))
    module.link_function("env", "v", "v()", lambda: 3)
    assert runtime.find_function("callf")(4) == 4
    assert runtime.find_function("callv")() is None


def test_exceptions_of_python_functions_pass_through() -> None:
    runtime, module = load()
    module.link_function("env", "v", "v()", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        runtime.find_function("callv")()


def test_globals_are_read_and_set() -> None:
    _, module = load()
    assert (module.get_global("g"), module.get_global("c")) == (5, 6)
    module.set_global("g", (1 << 40) + 9)
    assert module.get_global("g") == 9
    with pytest.raises(RuntimeError, match="global lookup failed"):
        module.get_global("nope")
    with pytest.raises(RuntimeError, match="constant"):
        module.set_global("c", 1)


def test_memory_is_a_live_view() -> None:
    runtime, _ = load()
    memory = runtime.get_memory(0)
    assert memory is not None
    assert bytes(memory[8:12]) == b"wasm"
    memory[0:2] = b"ab"
    again = runtime.get_memory(0)
    assert again is not None and bytes(again[0:2]) == b"ab"


def test_a_view_stays_good_when_the_memory_grows() -> None:
    runtime, _ = load()
    memory = runtime.get_memory(0)
    assert memory is not None
    assert runtime.find_function("grow")() == 1
    memory[8] = ord("W")
    grown = runtime.get_memory(0)
    assert grown is not None and len(grown) == 2 * len(memory) and bytes(grown[8:12]) == b"Wasm"
    del runtime
    gc.collect()
    assert bytes(memory[8:12]) == b"Wasm"


def test_a_runtime_without_memory_has_no_view() -> None:
    assert load(assemble("(module)"))[0].get_memory(0) is None


def test_imported_memories_are_made() -> None:
    runtime, _ = load(assemble('(module (import "env" "memory" (memory 2)))'))
    memory = runtime.get_memory(0)
    assert memory is not None and len(memory) == 2 << 16


def test_metered_modules_use_gas() -> None:
    runtime, module = load()
    module.gasLimit = 5
    burn = runtime.find_function("burn")
    burn(20_000)
    assert (module.gasLimit, module.gasUsed) == (5.0, 2.0)
    with pytest.raises(RuntimeError, match="Out of gas"):
        burn(40_000)


def test_a_module_is_loaded_once() -> None:
    runtime, module = load()
    assert module.name == "guest"
    with pytest.raises(RuntimeError, match="attempting to bind module to multiple runtimes"):
        runtime.load(module)
    with pytest.raises(TypeError):
        runtime.load(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"\0asm", GUEST[:-1], b"\0asm\1\0\0\0\1"])
def test_what_is_no_module_is_refused(data: bytes) -> None:
    with pytest.raises(RuntimeError):
        wasm3.Environment().parse_module(data)
