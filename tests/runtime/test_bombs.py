"""Modules that are small and would take for ever: loading, translating and calling them ends in time.

The times allowed are ten times what is measured or more, and less than the worst of them take where cost is not bounded.
"""

import itertools
import subprocess
import sys
import time

import pytest

import wasmcy
from tests.interrupting import interrupting
from tests.validation.assembling import HEADER, leb, section, vector

SECONDS = 20
NOTHING = b"\x60\x00\x00"  # the type of functions that take and return nothing


def module(types=(NOTHING,), funcs=(0,), bodies=(b"\x00\x0b",), **sections):
    """A module of these bytes for each section; bodies begin at their locals."""
    parts = {1: vector(types), 3: vector([leb(index) for index in funcs])}
    parts |= {int(number[1:]): vector(items) for number, items in sections.items()}
    parts[10] = vector([leb(len(body)) + body for body in bodies])
    order = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
    return HEADER + b"".join(section(number, parts[number]) for number in order if number in parts)


def signed(n):
    """A signed LEB128 number that is not negative."""
    return leb(n) if n < 0x40 else bytes([n & 0x7F | 0x80]) + signed(n >> 7)


def many_locals(n=20_000):
    """Functions of 50,000 locals, eight bytes each."""
    return module(funcs=[0] * n, bodies=[b"\x01" + leb(50_000) + b"\x7f\x0b"] * n)


def far_locals(n=20_000):
    """Functions that also use the last of them."""
    body = b"\x02" + leb(49_000) + b"\x7f" + leb(1000) + b"\x7e\x20" + leb(49_999) + b"\x1a\x0b"
    return module(funcs=[0] * n, bodies=[body] * n)


def groups_that_differ_in_a_position(n=4000):
    """Recursion groups whose types refer to the first or second of them, each group in another way."""
    types = []
    for i in range(n):
        fields = [b"\x63" + signed(2 * i + (i >> k & 1)) + b"\x00" for k in range(14)]
        types.append(b"\x4e\x02\x5f\x0e" + b"".join(fields) + b"\x5f\x00")
    return module(types=[*types, NOTHING], funcs=[2 * n])


def types_in_chains(n=20_000):
    """Each type refers to the one before it, or is its subtype."""
    types = [NOTHING, b"\x50\x00\x5f\x00"]
    for i in range(2, n):
        types.append(b"\x50\x00\x5f\x00" if i % 60 == 1 else b"\x50\x01" + leb(i - 1) + b"\x5f\x00")
    return module(types=types)


def blocks_of_a_thousand_values(n=10_000):
    types = [NOTHING, b"\x60\x00" + vector([b"\x7f"] * 1000), b"\x60" + vector([b"\x7f"] * 1000) * 2]
    return module(types=types, bodies=[b"\x00\x02\x01\x00\x0b" + b"\x02\x02\x0b" * n + b"\x1a" * 1000 + b"\x0b"])


def calls_of_a_thousand_values(n=10_000):
    types = [NOTHING, b"\x60" + vector([b"\x7f"] * 1000) * 2]
    body = b"\x00" + b"\x41\x00" * 1000 + b"\x10\x01" * n + b"\x1a" * 1000 + b"\x0b"
    return module(types=types, funcs=[0, 1], bodies=[body, b"\x00\x00\x0b"])


def targets_of_a_thousand_values(n=100_000):
    types = [NOTHING, b"\x60\x00" + vector([b"\x7f"] * 1000)]
    body = (
        b"\x00\x02\x01" + b"\x41\x00" * 1001 + b"\x0e" + leb(n) + b"\x00" * (n + 1) + b"\x0b" + b"\x1a" * 1000 + b"\x0b"
    )
    return module(types=types, bodies=[body])


def nested_blocks(n=100_000):
    return module(bodies=[b"\x00" + b"\x02\x40" * n + b"\x0b" * n + b"\x0b"])


def handlers_in_handlers(n=50_000):
    return module(bodies=[b"\x00" + b"\x1f\x40\x00" * n + b"\x0b" * n + b"\x0b"])


def a_long_constant(n=200_000):
    return module(s6=[b"\x7f\x00\x41\x00" + b"\x41\x00\x6a" * n + b"\x0b"])


def a_high_constant(n=200_000):
    return module(s6=[b"\x7f\x00" + b"\x41\x00" * n + b"\x6a" * (n - 1) + b"\x0b"])


def copies_of_a_local(n=1000):
    body = b"\x20\x00" * 1000 + b"\x41\x01\x21\x00" * 1000 + b"\x1a" * 1000
    return module(bodies=[b"\x01\x01\x7f" + body * (n // 100) + b"\x0b"])


def many_names(n=50_000):
    return module(s7=[leb(len(str(i))) + str(i).encode() + b"\x00\x00" for i in range(n)])


def many_segments(n=50_000):
    return module(s4=[b"\x70\x00\x01"], s9=[b"\x00\x41\x00\x0b\x01\x00"] * n)


def references_of_a_segment(n=200_000):
    return module(s9=[b"\x05\x70" + leb(n) + b"\xd0\x70\x0b" * n])


BOMBS = [
    many_locals, far_locals, groups_that_differ_in_a_position, types_in_chains, blocks_of_a_thousand_values,
    calls_of_a_thousand_values, targets_of_a_thousand_values, nested_blocks, handlers_in_handlers, a_long_constant,
    a_high_constant, copies_of_a_local, many_names, many_segments, references_of_a_segment,
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_loading_takes_time_in_proportion_to_the_size(bomb):
    data = bomb()
    begun = time.monotonic()
    made = wasmcy.Module(data)
    made.instantiate()
    made._code.walk(made._syntax.n_imported_funcs, False)
    assert time.monotonic() - begun < SECONDS


TEXTS = {
    "parentheses": lambda n: "(" * n,
    "folded instructions": lambda n: f"(module (func (result i32) {'(i32.eqz ' * n}(i32.const 0){')' * n}))",
    "nested comments": lambda n: "(; " * n + ";) " * n + "(module)",
    "nested annotations": lambda n: "(module " + "(@a " * n + ")" * n + ")",
    "a long number": lambda n: f"(module (global i32 (i32.const {'1' * n})))",
    "a long fraction": lambda n: f"(module (global f64 (f64.const 0.{'3' * n}e-{n})))",
    "a long exponent": lambda n: f"(module (global f64 (f64.const 1e{'9' * n})))",
    "a long hexadecimal fraction": lambda n: f"(module (global f64 (f64.const 0x1.{'f' * n}p-{4 * n})))",
    "a long string": lambda n: f'(module (memory 1) (data (i32.const 0) "{chr(92)}00" "{"a" * n}"))',
    "a long name": lambda n: f"(module (func ${'a' * n}))",
    "lines before an error": lambda n: "(module " + "\n" * n + "(func (foo)))",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_take_time_in_proportion_to_the_size(name):
    begun = time.monotonic()
    try:
        wasmcy.Module(TEXTS[name](200_000))
    except wasmcy.WasmError:
        pass
    assert time.monotonic() - begun < SECONDS


def test_translating_many_functions_takes_time_in_proportion_to_their_number():
    n = 200_000
    body = b"\x00" + b"".join(b"\x10" + leb(i + 1) for i in range(n)) + b"\x0b"
    made = wasmcy.Module(module(funcs=[0] * (n + 1), bodies=[body] + [b"\x00\x0b"] * n, s7=[b"\x03run\x00\x00"]))
    begun = time.monotonic()
    made.instantiate().exports.run()
    assert time.monotonic() - begun < SECONDS / 2


def slow_function(n=40_000):
    """A function whose translation takes seconds, at `run`."""
    types = [NOTHING, b"\x60" + vector([b"\x7f"] * 1000) * 2]
    body = b"\x00" + b"\x41\x00" * 1000 + b"\x10\x01" * n + b"\x1a" * 1000 + b"\x0b"
    return module(types=types, funcs=[0, 1], bodies=[body, b"\x00\x00\x0b"], s7=[b"\x03run\x00\x00"])


def test_a_timeout_ends_the_translation_of_a_function_which_can_be_called_again():
    instance = wasmcy.Module(slow_function(), lazy=True).instantiate(limits=wasmcy.Limits(timeout=0.05))
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(wasmcy.Timeout):
            instance.exports.run()
        assert time.monotonic() - begun < SECONDS


def test_an_interrupt_ends_the_translation_of_a_function():
    instance = wasmcy.Module(slow_function(), lazy=True).instantiate()
    with interrupting(instance), pytest.raises(KeyboardInterrupt):
        instance.exports.run()


SIGNALLED = """
import _thread, os, signal, sys, threading, time
import wasmcy
source = sys.stdin.buffer.read()
sent = []
def send():
    time.sleep(0.1)
    sent.append(time.monotonic())
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=send, daemon=True).start()
try:
    while True:
        wasmcy.Module(source.decode() if sys.argv[1] == "text" else source, lazy=sys.argv[1] == "lazy")
except KeyboardInterrupt:
    print(time.monotonic() - sent[0])
"""


def large_text(n=200_000):
    return ("(module (func " + "(drop (i32.add (i32.const 1) (i32.const 2))) " * n + "))").encode()


@pytest.mark.parametrize(
    ("way", "source"),
    [
        ("eager", slow_function),
        ("eager", lambda: blocks_of_a_thousand_values(200_000)),
        ("eager", lambda: many_locals(500_000)),
        ("lazy", lambda: types_in_chains(200_000)),
        ("eager", lambda: many_segments(200_000)),
        ("eager", lambda: references_of_a_segment(2_000_000)),
        ("eager", lambda: module(bodies=[b"\x00" + b"\x01" * 7_000_000 + b"\x0b"])),
        ("eager", lambda: a_long_constant(2_000_000)),
        ("text", large_text),
    ],
    ids=itertools.count(),
)
def test_ctrl_c_ends_loading(way, source):
    done = subprocess.run([sys.executable, "-c", SIGNALLED, way], input=source(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert float(done.stdout) < 5
