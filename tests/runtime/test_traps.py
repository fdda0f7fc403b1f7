"""Traps: messages and backtraces; what stays usable."""

import pytest
from instantiating import binary, exports, instantiate

import wasmcy
from wasmcy import Trap

TRAPS = [
    ("unreachable", "unreachable"),
    ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero"),
    ("(drop (i64.rem_u (i64.const 1) (i64.const 0)))", "integer divide by zero"),
    ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", "integer overflow"),
    ("(drop (i32.trunc_f64_s (f64.const 2147483648)))", "integer overflow"),
    ("(drop (i32.trunc_f32_u (f32.const nan)))", "invalid conversion to integer"),
    ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access"),
    ("(i64.store (i32.const 65529) (i64.const 0))", "out of bounds memory access"),
    ("(drop (table.get $t (i32.const 2)))", "out of bounds table access"),
    ("(call_indirect $t (i32.const 2))", "undefined element"),
    ("(call_indirect $t (i32.const 1))", "uninitialized element 1"),
    ("(call_indirect $t (param i32) (i32.const 0) (i32.const 0))", "indirect call type mismatch"),
    ("(drop (i32.atomic.load (i32.const 1)))", "unaligned atomic"),
    ("(drop (memory.atomic.notify offset=0x7fffffff (i32.const 0) (i32.const 0)))", "unaligned atomic"),
    ("(drop (memory.atomic.notify offset=0x7fffffff (i32.const 1) (i32.const 0)))", "out of bounds memory access"),
    ("(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))", "expected shared memory"),
    ("(throw_ref (ref.null exn))", "null exception reference"),
]
AROUND = """
    (memory 1) (table $t 2 funcref) (elem (table $t) (i32.const 0) func $nothing) (func $nothing)
    (func $innermost (export "f") {})
    (func $tail (return_call $innermost))
    (func $middle (export "g") (call $nothing) (call $innermost))
    (func $outer (export "h") (local i64) (call $nothing) (call $middle) (call $nothing))
    (func $around_tail (export "i") (call $tail))
"""


@pytest.mark.parametrize(("body", "message"), TRAPS, ids=[m for _, m in TRAPS])
@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("f", ["innermost"]),
        ("g", ["innermost", "middle"]),
        ("h", ["innermost", "middle", "outer"]),
        ("i", ["innermost", "around_tail"]),
    ],
)
def test_traps_have_the_message_of_the_specification_and_a_backtrace(body, message, name, functions):
    offered = exports(AROUND.format(body))
    for _ in range(2):
        with pytest.raises(Trap) as caught:
            offered[name]()
        trap = caught.value
        assert trap.message == message
        assert [frame.name for frame in trap.frames] == functions
        assert str(trap).splitlines()[0] == message
        assert [line.strip() for line in str(trap).splitlines()[1:]] == [f"at {frame!r}" for frame in trap.frames]


def test_offsets_are_those_of_the_instructions():
    text = """
        (module $named
          (func $inner (param i32) (result i32) (nop) (i32.div_s (i32.const 7) (local.get 0)))
          (func $outer (export "f") (param i32) (result i32) (nop) (nop) (call $inner (local.get 0)) (drop) (call $inner (local.get 0))))
    """
    data = binary(text)
    with pytest.raises(Trap) as caught:
        exports(text).f(0)
    inner, outer = caught.value.frames
    assert (inner.function, inner.name, outer.function, outer.name) == (0, "inner", 1, "outer")
    assert data[inner.offset] == 0x6D
    assert outer.offset == data.index(b"\x01\x01\x20\x00\x10\x00") + 4
    assert repr(inner) == f'function 0 "inner", offset {inner.offset:#x}, module named'


def test_frames_name_their_module():
    inner = instantiate('(module $provider (func $f (export "f") unreachable))')
    outer = instantiate('(module $user (import "p" "f" (func $f)) (func $g (export "g") (call $f)))', {"p": inner})
    with pytest.raises(Trap) as caught:
        outer.exports.g()
    assert [(f.name, f.module) for f in caught.value.frames] == [("f", "provider"), ("g", "user")]


@pytest.mark.parametrize("call", ["call", "return_call"])
def test_backtraces_pass_other_instances(call):
    last = instantiate('(func $f0 (export "f") (unreachable))')
    for i in range(1, 6):
        last = instantiate(f'(import "p" "f" (func $f)) (func $f{i} (export "f") ({call} $f))', {"p": last})
    for _ in range(2):
        with pytest.raises(Trap) as caught:
            last.exports.f()
        names = [frame.name for frame in caught.value.frames]
        assert names == (["f0"] if call == "return_call" else ["f0", "f1", "f2", "f3", "f4", "f5"])


def test_functions_without_names_have_numbers():
    with pytest.raises(Trap) as caught:
        exports('(func (unreachable)) (func (export "f") (call 0))').f()
    assert [(f.function, f.name) for f in caught.value.frames] == [(0, None), (1, "f")]


def test_backtraces_are_of_bounded_length():
    offered = exports("""
        (func $f (export "f") (param i32)
          (if (i32.eqz (local.get 0)) (then unreachable))
          (call $f (i32.sub (local.get 0) (i32.const 1))))
    """)
    with pytest.raises(Trap) as caught:
        offered.f(10_000)
    assert 10 <= len(caught.value.frames) <= 100


def test_what_was_done_before_a_trap_stays():
    offered = exports("""
        (memory (export "memory") 1) (global $g (export "global") (mut i32) (i32.const 0))
        (func (export "f") (i32.store (i32.const 0) (i32.const 7)) (global.set $g (i32.const 8)) unreachable)
    """)
    with pytest.raises(Trap):
        offered.f()
    assert offered.memory[0] == 7 and offered["global"].value == 8


def test_traps_cannot_be_caught_by_guests():
    for body, message in TRAPS:
        offered = exports(
            AROUND.format(body) + '(func (export "try") (block $b (try_table (catch_all $b) (call $outer))))'
        )
        with pytest.raises(Trap) as caught:
            offered["try"]()
        assert caught.value.message == message


def test_a_trap_of_the_host_passes_as_it_is():
    trap = Trap("mine")

    def h():
        raise trap

    with pytest.raises(Trap) as caught:
        exports(
            '(import "m" "h" (func $h)) (func (export "f") (block $b (try_table (catch_all $b) (call $h))))',
            {"m": {"h": h}},
        ).f()
    assert caught.value is trap


def test_the_errors_are_wasm_errors():
    assert issubclass(Trap, wasmcy.WasmError) and not issubclass(Trap, wasmcy.LimitError)
    for error in (wasmcy.StackExhausted, wasmcy.Timeout, wasmcy.MemoryLimit):
        assert issubclass(error, wasmcy.LimitError) and issubclass(error, wasmcy.WasmError)
