"""Python functions that guests call: what they get, what they may return and raise, what they may do."""

import functools
import gc
import math
import operator
import unittest.mock
import weakref

import pytest
from instantiating import exports, instantiate, module

import wasmcy
from wasmcy import Func, Memory, Module, Table, with_caller


def calls(signature, n_params):
    """A module whose `f` passes its arguments on to the import `m.h` of the same signature."""
    gets = " ".join(f"(local.get {i})" for i in range(n_params))
    return f'(import "m" "h" (func $h {signature})) (func (export "f") {signature} {gets} (call $h))'


class Callable:
    def __call__(self, x):
        return x + 1

    def method(self, x):
        return x + 1

    @staticmethod
    def static(x):
        return x + 1

    @classmethod
    def of_class(cls, x):
        return x + 1


def function(x):
    return x + 1


def generated(x, *rest, **names):
    assert not rest and not names
    return x + 1


@pytest.mark.parametrize(
    "callable_",
    [
        function,
        lambda x: x + 1,
        generated,
        Callable(),
        Callable().method,
        Callable.static,
        Callable.of_class,
        functools.partial(operator.add, 1),
        (1).__add__,
        Func(function, ["i32"], ["i32"]),
        Func(Func(function, ["i32"], ["i32"]), ["i32"], ["i32"]),
        unittest.mock.Mock(side_effect=function),
    ],
    ids=lambda c: type(c).__name__,
)
def test_any_callable_is_a_host_function(callable_):
    text = calls("(param i32) (result i32)", 1)
    assert exports(text, {"m": {"h": callable_}}).f(41) == 42
    assert exports(text, {"m": {"h": callable_}}).f(-1) == 0


def test_classes_and_built_in_functions_are_host_functions():
    assert exports(calls("(param f64) (result f64)", 1), {"m": {"h": math.sqrt}}).f(2.0) == math.sqrt(2)
    assert exports(calls("(param f64) (result i32)", 1), {"m": {"h": int}}).f(2.7) == 2
    assert exports(calls("(param i32 i32) (result i32)", 2), {"m": {"h": max}}).f(2, 7) == 7


@pytest.mark.parametrize("n", [*range(14), 16, 17, 100, 1000])
def test_any_number_of_arguments(n):
    got = []
    offered = exports(calls("(param" + " i32" * n + ")", n), {"m": {"h": lambda *values: got.append(values)}})
    offered.f(*range(n))
    assert got == [tuple(range(n))]
    plain = Func(lambda *values: got.append(values), ["i32"] * n)
    plain(*range(n))
    exports(calls("(param" + " i32" * n + ")", n), {"m": {"h": plain}}).f(*range(n))
    assert got == [tuple(range(n))] * 3


@pytest.mark.parametrize("n", [2, 3, 10, 11, 100, 1000])
@pytest.mark.parametrize("make", [tuple, list])
def test_several_results_are_a_tuple_or_a_list(n, make):
    offered = exports(calls("(param i32) (result" + " i32" * n + ")", 1), {"m": {"h": lambda x: make(range(x, x + n))}})
    assert offered.f(5) == tuple(range(5, 5 + n))


def test_arguments_come_with_their_types():
    got = []
    signature = "(param i32 i64 f32 f64 externref funcref)"
    offered = exports(calls(signature, 6), {"m": {"h": lambda *values: got.append(values)}})
    thing = object()
    offered.f(2**32 - 1, 2**64 - 1, 0.5, 3, thing, offered.f)
    offered.f(True, 2**63, math.inf, -0.0, None, None)
    assert got == [(-1, -1, 0.5, 3.0, thing, offered.f), (1, -(2**63), math.inf, -0.0, None, None)]
    assert [type(value) for value in got[1][:4]] == [int, int, float, float]
    assert got[0][4] is thing


@pytest.mark.parametrize(
    ("results", "returned", "error", "message"),
    [
        ("i32", None, TypeError, "result of host function h: expected an int for i32, got NoneType"),
        ("i32", 1.0, TypeError, "result of host function h: expected an int for i32, got float"),
        ("i32", "1", TypeError, "result of host function h: expected an int for i32, got str"),
        ("i32", (1,), TypeError, "result of host function h: expected an int for i32, got tuple"),
        ("i32", 2**32, OverflowError, "result of host function h: 4294967296 does not fit i32"),
        ("i64", -(2**63) - 1, OverflowError, "result of host function h: -9223372036854775809 does not fit i64"),
        ("f64", "1", TypeError, "result of host function h: expected a float for f64, got str"),
        ("funcref", print, TypeError, "result of host function h: expected a wasmcy.Func or None for funcref"),
        ("", 0, TypeError, "host function h returned int, but its type has no results"),
        ("", (), TypeError, "host function h returned tuple, but its type has no results"),
        ("i32 i32", None, TypeError, "host function h must return 2 results, not None"),
        ("i32 i32", 5, TypeError, "host function h must return 2 results, not 5"),
        ("i32 i32", (1,), TypeError, "host function h must return 2 results, not (1,)"),
        ("i32 i32", (1, 2, 3), TypeError, "host function h must return 2 results, not (1, 2, 3)"),
        ("i32 i32", (1, "x"), TypeError, "result 2 of host function h: expected an int for i32, got str"),
        ("i32 i32", (1, 2**32), OverflowError, "result 2 of host function h: 4294967296 does not fit i32"),
    ],
)
def test_wrong_results_are_refused(results, returned, error, message):
    def h():
        return returned

    with pytest.raises(error) as caught:
        exports(calls(f"(result {results})" if results else "", 0), {"m": {"h": h}}).f()
    assert message in str(caught.value)
    with pytest.raises(error) as caught:
        Func(h, [], results.split())()
    assert message in str(caught.value)


def test_results_are_converted_like_arguments():
    class Index:
        def __index__(self):
            return 2**32 - 1

    for returned, expected in [(True, 1), (Index(), -1), (2**31, -(2**31)), (-1, -1)]:
        assert exports(calls("(result i32)", 0), {"m": {"h": lambda: returned}}).f() == expected
    assert exports(calls("(result f32)", 0), {"m": {"h": lambda: 16777217}}).f() == 16777216.0


def test_a_host_function_that_takes_other_arguments_raises_what_python_raises():
    with pytest.raises(TypeError, match="positional argument"):
        exports(calls("(param i32)", 1), {"m": {"h": lambda: None}}).f(1)


# ------------------------------------------------------------------------------------ the caller
def test_with_caller_gives_the_calling_instance():
    got = []

    @with_caller
    def h(caller, x):
        got.append((caller.instance, caller.exports, caller.memory, x))

    text = calls("(param i32)", 1)
    with_memory = instantiate(text + '(memory (export "memory") 1)', {"m": {"h": h}})
    without = instantiate(text + '(memory (export "other") 1)', {"m": {"h": h}})
    with_memory.exports.f(1)
    without.exports.f(2)
    assert got == [
        (with_memory, with_memory.exports, with_memory.exports.memory, 1),
        (without, without.exports, None, 2),
    ]


def test_with_caller_reads_a_string_from_memory():
    said = []

    @with_caller
    def log(caller, at, length):
        said.append(caller.exports.memory[at : at + length].decode())

    exports(
        """
        (import "m" "log" (func $log (param i32 i32)))
        (memory (export "memory") 1) (data (i32.const 100) "hello")
        (func (export "f") (call $log (i32.const 100) (i32.const 5)))
        """,
        {"m": {"log": log}},
    ).f()
    assert said == ["hello"]


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 12, 50])
def test_with_caller_and_any_number_of_arguments(n):
    got = []
    h = with_caller(lambda caller, *values: got.append((type(caller), values)))
    exports(calls("(param" + " i32" * n + ")", n), {"m": {"h": h}}).f(*range(n))
    assert got == [(wasmcy.Caller, tuple(range(n)))]


def test_the_caller_of_a_shared_host_function_is_the_one_that_calls():
    got = []
    h = Func(with_caller(lambda caller: got.append(caller.instance)))
    store = wasmcy.Store()
    first = instantiate(calls("", 0), {"m": {"h": h}}, store=store)
    second = instantiate(calls("", 0), {"m": {"h": h}}, store=store)
    first.exports.f()
    second.exports.f()
    first.exports.f()
    assert got == [first, second, first]


@pytest.mark.parametrize("start", ["(start $h)", "(func $s (call $h)) (start $s)"])
def test_the_caller_of_a_start_function_is_the_new_instance(start):
    got = []
    h = with_caller(lambda caller: got.append((caller.instance, caller.memory[0])))
    text = f'(import "m" "h" (func $h)) (memory (export "memory") 1) (data (i32.const 0) "\\07") {start}'
    instance = instantiate(text, {"m": {"h": h}})
    assert got == [(instance, 7)]


def test_called_from_python_there_is_no_caller():
    got = []
    Func(with_caller(got.append))()
    assert got[0].instance is None and got[0].memory is None
    with pytest.raises(RuntimeError, match="no calling instance"):
        _ = got[0].exports


def test_methods_can_want_the_caller():
    class Host:
        @with_caller
        def h(self, caller, x):
            return caller.exports.f.type.params[0] + x

    assert exports(calls("(param i32) (result i32)", 1), {"m": {"h": Host().h}}).f(1) == 0x80


# ------------------------------------------------------------------------------------ exceptions
class Own(Exception):
    pass


ERRORS = [ValueError("x"), Own("y"), KeyError("z"), StopIteration(), KeyboardInterrupt(), SystemExit(3), GeneratorExit(),
          wasmcy.Trap("of the host"), wasmcy.Exit(4), wasmcy.Timeout("of the host"), RecursionError("w"), MemoryError()]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("text", [
    '(import "m" "h" (func $h)) (func (export "f") (call $h))',
    '(import "m" "h" (func $h)) (func (export "f") (return_call $h))',
    '(import "m" "h" (func $h)) (func $g (call $h)) (func $g2 (return_call $g)) (func (export "f") (call $g2))',
    '(import "m" "h" (func $h)) (table funcref (elem $h)) (func (export "f") (call_indirect (i32.const 0)))',
    '(import "m" "h" (func $h)) (table funcref (elem $h)) (func (export "f") (return_call_indirect (i32.const 0)))',
    '(import "m" "h" (func $h)) (export "f" (func $h))',
], ids=["call", "return_call", "deeper", "call_indirect", "return_call_indirect", "itself"])  # fmt: skip
def test_python_exceptions_pass_unchanged(text, error):
    def h():
        raise error

    offered = exports(text, {"m": {"h": h}})
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            offered.f()
        assert caught.value is error
        assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_the_traceback_shows_the_host_function():
    def culprit():
        raise Own

    with pytest.raises(Own) as caught:
        exports(calls("", 0), {"m": {"h": culprit}}).f()
    assert caught.traceback[-1].name == "culprit"


def test_an_exception_in_a_start_function_passes_unchanged():
    error = Own()

    def h():
        raise error

    with pytest.raises(Own) as caught:
        instantiate('(import "m" "h" (func $h)) (start $h)', {"m": {"h": h}})
    assert caught.value is error


def test_the_store_is_usable_after_an_exception():
    raising = [True]

    def h(x):
        if raising[0]:
            raise Own
        return x

    offered = exports(calls("(param i32) (result i32)", 1), {"m": {"h": h}})
    for _ in range(300):  # more than calls may be nested
        with pytest.raises(Own):
            offered.f(1)
    raising[0] = False
    assert offered.f(7) == 7


# ------------------------------------------------------------------------------------ calls inside calls
NESTED = """
    (import "m" "h" (func $h (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (local i64)
      (local.set 1 (i64.extend_i32_s (i32.mul (local.get 0) (i32.const 1000))))
      (i32.add (call $h (i32.sub (local.get 0) (i32.const 1)))
               (i32.wrap_i64 (i64.div_s (local.get 1) (i64.const 1000)))))
"""


@pytest.mark.parametrize("depth", [1, 2, 10, 40])
def test_host_functions_call_back(depth):
    instance = instantiate(NESTED, {"m": {"h": lambda n: instance.exports.f(n) if n else 0}})
    assert instance.exports.f(depth) == depth * (depth + 1) // 2


def test_calls_back_without_end_exhaust_the_stack():
    instance = instantiate(NESTED, {"m": {"h": lambda n: instance.exports.f(n)}})
    for _ in range(3):
        with pytest.raises((wasmcy.StackExhausted, RecursionError)):
            instance.exports.f(0)
    counting = instantiate(NESTED, {"m": {"h": lambda n: counting.exports.f(n) if n else 0}})
    assert counting.exports.f(10) == 55


def test_exceptions_pass_through_several_activations():
    error = Own()

    def h(n):
        if n == 0:
            raise error
        return instance.exports.f(n)

    instance = instantiate(NESTED, {"m": {"h": h}})
    with pytest.raises(Own) as caught:
        instance.exports.f(20)
    assert caught.value is error


def test_a_host_function_may_catch_the_trap_of_a_call_back():
    def h(n):
        try:
            instance.exports.trap()
        except wasmcy.Trap as error:
            return len(error.frames) + n

    instance = instantiate(NESTED + '(func (export "trap") unreachable)', {"m": {"h": h}})
    assert instance.exports.f(5) == 1 + 4 + 5


def test_calls_back_leave_the_callers_values_alone():
    """A caller with many live values on its stack and in locals, around calls back that use as many."""
    n = 200
    text = f"""
        (import "m" "h" (func $h (param i64) (result i64)))
        (func (export "f") (param i64) (result i64) (local {"i64 " * n})
          {" ".join(f"(local.set {i} (i64.add (local.get 0) (i64.const {i})))" for i in range(1, n + 1))}
          {" ".join(f"(i64.mul (local.get {i}) (i64.const 3))" for i in range(1, n + 1))}
          (call $h (local.get 0))
          {"i64.add " * n}
          {" ".join(f"(i64.add (local.get {i}))" for i in range(1, n + 1))})
    """

    def h(x):
        return instance.exports.f(x - 1) % 1000 if x else 1

    def expected(x):
        return sum(4 * (x + i) for i in range(1, n + 1)) + (expected(x - 1) % 1000 if x else 1)

    instance = instantiate(text, {"m": {"h": h}})
    assert instance.exports.f(20) == expected(20)


# ------------------------------------------------------------------------------------ what host functions may do
def test_a_host_function_may_grow_the_memory():
    text = """
        (import "m" "h" (func $h))
        (memory (export "memory") 1 100)
        (func (export "f") (result i32) (local i32)
          (i32.store (i32.const 0) (i32.const 5))
          (call $h)
          (i32.store (i32.const 6000000) (i32.const 7))
          (i32.add (i32.load (i32.const 0)) (i32.add (i32.load (i32.const 6000000)) (memory.size))))
    """
    instance = instantiate(text, {"m": {"h": lambda: instance.exports.memory.grow(99) and None}})
    assert instance.exports.f() == 5 + 7 + 100
    assert instance.exports.memory.size == 100


def test_a_host_function_may_take_a_view_which_moves_the_memory():
    views = []
    text = """
        (import "m" "h" (func $h))
        (memory (export "memory") 1 100)
        (func (export "f") (result i32)
          (i32.store (i32.const 4) (i32.const 5))
          (call $h)
          (i32.store8 (i32.const 5) (i32.const 1))
          (i32.load (i32.const 4)))
    """
    instance = instantiate(text, {"m": {"h": lambda: views.append(memoryview(instance.exports.memory))}})
    assert instance.exports.f() == 5 + 256
    assert views[0][4:6] == b"\5\1"


def test_a_host_function_may_grow_and_set_the_table():
    text = """
        (import "m" "h" (func $h))
        (type $t (func (result i32)))
        (table (export "t") 1 funcref)
        (func (export "g") (type $t) (i32.const 9))
        (func (export "f") (result i32)
          (call $h) (call_indirect (type $t) (i32.const 5000)))
    """

    def h():
        table = instance.exports.t
        table.grow(10_000)
        table[5000] = instance.exports.g

    instance = instantiate(text, {"m": {"h": h}})
    assert instance.exports.f() == 9


def test_a_host_function_may_drop_the_last_reference_to_its_instance():
    text = """
        (import "m" "h" (func $h (result i32)))
        (memory 1) (global $g (mut i32) (i32.const 3))
        (func (export "f") (result i32)
          (i32.store (i32.const 0) (i32.const 4))
          (i32.add (call $h) (i32.add (global.get $g) (i32.load (i32.const 0)))))
    """
    held = []

    def h():
        gone = weakref.ref(held.pop())
        gc.collect()
        return int(gone() is None) + 10

    held.append(Module(module(text)._syntax.data).instantiate({"m": {"h": h}}))
    assert held[0].exports.f() == 17


def test_a_host_function_may_instantiate_in_the_running_store():
    text = '(import "m" "h" (func $h (param i32) (result i32))) (func (export "f") (param i32) (result i32) (call $h (local.get 0)))'

    def h(n):
        return 0 if n == 0 else 1 + instantiate(text, {"m": {"h": h}}, store=store).exports.f(n - 1)

    store = wasmcy.Store()
    assert instantiate(text, {"m": {"h": h}}, store=store).exports.f(30) == 30


# ------------------------------------------------------------------------------------ Func
def test_functions_with_a_type_can_be_called_and_shared():
    double = Func(lambda x: 2 * x, ["i32"], ["i32"])
    assert double(21) == 42
    assert double(2**32 - 1) == -2
    assert double.type == wasmcy.FuncType([0x7F], [0x7F])
    assert exports(calls("(param i32) (result i32)", 1), {"m": {"h": double}}).f(4) == 8


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), TypeError, "takes 2 arguments (0 given)"),
        ((1, 2, 3), TypeError, "takes 2 arguments (3 given)"),
        ((1.5, 2), TypeError, "argument 1 of h: expected an int for i32, got float"),
        ((1, "x"), TypeError, "argument 2 of h: expected a float for f64, got str"),
        ((2**32, 1), OverflowError, "argument 1 of h: 4294967296 does not fit i32"),
    ],
)
def test_calls_of_host_functions_from_python_are_checked(arguments, error, message):
    def h(a, b):
        return None

    with pytest.raises(error) as caught:
        Func(h, ["i32", "f64"])(*arguments)
    assert message in str(caught.value)


def test_types_are_given_by_name_or_value():
    made = Func(lambda *_: None, ["i32", wasmcy.ValType(0x7C), 0x7E, "externref"])
    assert str(made.type) == "(func (param i32 f64 i64 externref))"
    with pytest.raises(ValueError, match="unknown value type 'int'"):
        Func(print, ["int"])


def test_host_functions_in_tables_are_called():
    table = Table("funcref", 4)
    text = """
        (import "m" "t" (table 4 funcref))
        (type $t (func (param i32) (result i32)))
        (func (export "f") (param i32 i32) (result i32) (call_indirect (type $t) (local.get 1) (local.get 0)))
    """
    instance = instantiate(text, {"m": {"t": table}})
    table[0] = Func(lambda x: x + 1, ["i32"], ["i32"])
    table[1] = Func(lambda x: x * 2, ["i32"], ["i32"])
    table[2] = Func(lambda x: x, ["i64"], ["i32"])
    assert [instance.exports.f(i, 20) for i in (0, 1)] == [21, 40]
    with pytest.raises(wasmcy.Trap, match="indirect call type mismatch"):
        instance.exports.f(2, 20)
    with pytest.raises(wasmcy.Trap, match="uninitialized element 3"):
        instance.exports.f(3, 20)
    assert table[0](5) == 6


def test_a_function_keeps_its_instance_alive():
    function = exports(
        '(memory 1) (data (i32.const 0) "\\2a") (func (export "f") (result i32) (i32.load (i32.const 0)))'
    ).f
    gc.collect()
    assert function() == 42


def test_memory_of_the_caller_can_be_used_as_a_buffer():
    @with_caller
    def total(caller, at, n):
        return sum(memoryview(caller.memory)[at : at + n])

    text = """
        (import "m" "total" (func $total (param i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 3) "\\01\\02\\03")
        (func (export "f") (result i32) (call $total (i32.const 3) (i32.const 3)))
    """
    assert exports(text, {"m": {"total": total}}).f() == 6
    assert Memory is type(exports(text, {"m": {"total": total}}).memory)
