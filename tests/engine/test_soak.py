"""Long runs on a thread with a small stack: the machine's own calls and jumps do not use the native one.

A handler that called the next one instead of jumping to it would take 16 bytes or more each time;
so each runs some ten thousand times between two looks around of the machine, which start afresh.
"""

import os
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

import wasmcy
from tests.engine import programs
from tests.engine.programs import Case, Group
from tests.engine.running import GROUPS, instance, job, outcome

STACK = 256 << 10 if os.environ.get("WASMCY_FORM") != "sanitize" else 4 << 20  # frames of C are larger there
UNROLLED, ROUNDS = 16, 2500  # how often a program stands in its loop, and how often that runs
MANY = 10_000_000


def on_a_small_stack(work: Callable[[], Any]) -> Any:
    """The result of `work` on a thread with a small stack, or what it raises."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    before = threading.stack_size(STACK)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def loop(at: int, case: Case) -> str:
    """A function that runs a program again and again, without a call where the program has none."""
    body = re.sub(r"\(return(?= |\))", "(br $out", case.body)
    once = f"(block $out {f'(result {case.result})' if case.result else ''} {body})"
    once = f"(drop {once})" if case.result else once
    return (
        f'(func (export "d{at}") {programs.HEADER} (param $rounds i32) {case.locals}'
        f" (loop {once * UNROLLED}"
        " (br_if 0 (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))"
    )


def unharmed(group: Group) -> list[tuple[int, tuple[int, ...]]]:
    """The programs that can be repeated, each with arguments for which it does not trap."""
    work, ends = job(group), outcome(group).results
    found: dict[int, tuple[int, ...]] = {}
    for (at, values), end in zip(work.calls, ends, strict=True):
        if isinstance(end, tuple) and "return_call" not in group.cases[at].body:
            found.setdefault(at, values)
    return list(found.items())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_programs_run_ten_thousands_of_times(group: Group) -> None:
    chosen = unharmed(group)
    drivers = "".join(loop(at, group.cases[at]) for at, _ in chosen)
    exports = instance(f"(module {group.fields} {drivers})").exports

    def run() -> int:
        warm = exports[f"d{chosen[0][0]}"]
        for _ in range(20):  # until the machine has found its pace: how seldom to look around
            warm.call_raw(*chosen[0][1], ROUNDS)
        done = 0
        for at, values in chosen:
            exports[f"d{at}"].call_raw(*values, ROUNDS)
            done += 1
        return done

    assert on_a_small_stack(run) == len(chosen) > 0


LONG = {
    "a loop": (
        """(func (export "run") (param $n i32) (result i64) (local $x i64)
          (loop (local.set $x (i64.add (local.get $x) (i64.extend_i32_u (local.get $n))))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (local.get $x))""",
        MANY, MANY * (MANY + 1) // 2,
    ),
    "tail calls": (
        """(func $even (export "run") (param $n i32) (result i64)
            (if (i32.eqz (local.get $n)) (then (return (i64.const 1))))
            (return_call $odd (i64.const 7) (i32.sub (local.get $n) (i32.const 1))))
          (func $odd (param i64) (param $n i32) (result i64)
            (if (i32.eqz (local.get $n)) (then (return (i64.const 2))))
            (return_call $even (i32.sub (local.get $n) (i32.const 1))))""",
        MANY, 1,
    ),
    "indirect tail calls": (
        """(type $t (func (param i32) (result i64))) (table funcref (elem $run))
          (func $run (export "run") (param $n i32) (result i64)
            (if (i32.eqz (local.get $n)) (then (return (i64.const 3))))
            (return_call_indirect (type $t) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0)))""",
        MANY, 3,
    ),
    "calls": (
        """(func $fib (export "run") (param $n i32) (result i64)
            (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.const 1))))
            (i64.add
              (call $fib (i32.sub (local.get $n) (i32.const 1)))
              (call $fib (i32.sub (local.get $n) (i32.const 2)))))""",
        30, 1346269,
    ),
    "deep recursion": (
        """(func $sum (export "run") (param $n i32) (result i64)
            (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
            (i64.add (i64.extend_i32_u (local.get $n)) (call $sum (i32.sub (local.get $n) (i32.const 1)))))""",
        100_000, 5_000_050_000,
    ),
    "exceptions": (
        """(tag $e (param i32)) (func $thrower (param i32) (throw $e (local.get 0)))
          (func (export "run") (param $n i32) (result i64) (local $sum i64)
            (loop (block $caught (result i32)
                (try_table (catch $e $caught) (call $thrower (local.get $n))) (i32.const 0))
              (local.set $sum (i64.add (i64.extend_i32_u) (local.get $sum)))
              (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum))""",
        200_000, 20_000_100_000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_long_runs(name: str) -> None:
    text, n, result = LONG[name]
    run = instance(f"(module {text})").exports["run"]
    assert on_a_small_stack(lambda: run(n)) == result


def test_endless_recursion_is_an_error() -> None:
    exports = instance(
        """(module (type $t (func)) (table funcref (elem $indirect))
          (func $direct (export "direct") (call $direct))
          (func $indirect (export "indirect") (call_indirect (type $t) (i32.const 0)))
          (func $locals (export "locals") (local i64 i64 i64 i64 i64 i64 i64 i64 i64) (call $locals)))"""
    ).exports
    for function in exports.values():
        with pytest.raises(wasmcy.StackExhausted):
            on_a_small_stack(function)


def test_instances_that_call_each_other() -> None:
    """Calls, tail calls and endless recursion between two instances."""
    text = """(module (type $t (func (param i32) (result i32))) (import "table" "t" (table 2 funcref))
      (func $call (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (i32.add (i32.const 1) (call_indirect (type $t) (i32.sub (local.get $n) (i32.const 1)) (i32.const OTHER))))
      (func $tail (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 42))))
        (return_call_indirect (type $t) (i32.sub (local.get $n) (i32.const 1)) (i32.const OTHER)))
      (elem declare func $call $tail)
      (func (export "set calls") (table.set (i32.const OWN) (ref.func $call)))
      (func (export "set tails") (table.set (i32.const OWN) (ref.func $tail)))
      (func (export "run") (param $n i32) (result i32) (call_indirect (type $t) (local.get $n) (i32.const OWN))))"""
    table = wasmcy.Table("funcref", min=2)
    modules = [text.replace("OTHER", other).replace("OWN", own) for own, other in ("01", "10")]
    made = [wasmcy.Module(bytes(wasmtime.wat2wasm(text))).instantiate({"table": {"t": table}}) for text in modules]
    run = made[0].exports["run"]
    for one in made:
        one.exports["set calls"]()
    assert on_a_small_stack(lambda: run(50_000)) == 50_000
    with pytest.raises(wasmcy.StackExhausted):
        on_a_small_stack(lambda: run(-1))
    for one in made:
        one.exports["set tails"]()
    assert on_a_small_stack(lambda: run(500_000)) == 42


def test_host_functions_that_call_back() -> None:
    """Deep or not, an error ends it, not the native stack."""
    text = '(module (import "h" "f" (func $h (param i32))) (func (export "g") (param i32) (call $h (local.get 0))))'

    def back(n: int) -> None:
        inner.exports["g"](n + 1)

    inner = wasmcy.Module(bytes(wasmtime.wat2wasm(text))).instantiate({"h": {"f": back}})
    with pytest.raises((wasmcy.StackExhausted, RecursionError)):
        on_a_small_stack(lambda: inner.exports["g"](0))
