"""Python code that runs in the middle of a guest may call the guest: nothing of its stack is overwritten.

Each case runs in a process of its own, where a crash is a failure like others.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

import wasmcy

MODULE = """(module
  (import "host" "f" (func $host (param i32) (result i64)))
  (func (export "many") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64) (local i64 i64 i64 i64) (local.get 7))
  (func (export "sum") (param $n i32) (result i64) (local $sum i64)
    (loop (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n))))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "calls") (param $n i32) (result i64) (local $sum i64)
    (loop (local.set $sum (i64.add (local.get $sum) (call $host (local.get $n))))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (memory 1 10) (table 1 100 externref) (tag $e (param i64))
  (func $throws (param i32) (throw $e (i64.extend_i32_u (local.get 0))))
  (func (export "operations") (param $n i32) (result i64) (local $sum i64)
    (loop
      (drop (memory.grow (i32.const 0)))
      (drop (table.grow (ref.null extern) (i32.const 0)))
      (block $caught (result i64) (try_table (catch $e $caught) (call $throws (local.get $n))) (i64.const 0))
      (local.set $sum (i64.add (local.get $sum)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "results") (param externref funcref) (result externref funcref externref funcref)
    (local.get 0) (local.get 1) (local.get 0) (local.get 1))
  %s)"""
LAZY = '(export "lazy" (func $lazy0))' + "".join(
    f"(func $lazy{i} (param i64) (result i64)"
    f" (i64.add (local.get 0) (call $lazy{i + 1} (i64.add (local.get 0) (i64.const 1)))))"
    for i in range(50)
) + "(func $lazy50 (param i64) (result i64) (i64.const 0))"  # fmt: skip
START = """
import gc, signal, sys
import wasmcy
def fresh():
    return wasmcy.Module(open(sys.argv[1], "rb").read()).instantiate({"host": {"f": lambda n: [n][0]}}).exports
exports = fresh()
many, called = exports["many"], 0
def disturb(*ignored):
    global called
    called += 1
    assert many(*[0x4141414141414141] * 8) == 0x4141414141414141
"""
END = "\nassert called > 0\ngc.callbacks.clear()\nif sys.platform != 'win32': signal.setitimer(signal.ITIMER_REAL, 0)\n"
TIMER = "signal.signal(signal.SIGALRM, disturb); signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\n"
# Without the GIL there is a collection after 512 new objects at the earliest: they are kept, until one was among what is tested.
COLLECTIONS = """
gc.collect(); gc.callbacks.append(disturb)
gc.set_threshold(1, 10 if getattr(sys, "_is_gil_enabled", lambda: True)() else 0)
kept = []
while not called:
    kept.append([])
    called = 0
    """
CASES = {
    "a signal handler in a loop": TIMER + "assert exports['sum'](100_000_000) == 5000000050000000",
    "a signal handler among calls of the host": TIMER + "assert exports['calls'](300_000) == 45000150000",
    "a signal handler among rare instructions": TIMER + "assert exports['operations'](300_000) == 45000150000",
    "a collection while functions are translated": COLLECTIONS + "assert fresh()['lazy'](1) == sum(range(1, 51))",
    "a collection among calls of the host": COLLECTIONS + "assert exports['calls'](1000) == 500500",
    "a collection among rare instructions": COLLECTIONS + "assert exports['operations'](1000) == 500500",
    "a collection while results are converted": COLLECTIONS
    + "value = object(); assert exports['results'](value, many) == (value, many, value, many)",
}


@pytest.mark.parametrize("name", [n for n in CASES if "signal" not in n or sys.platform != "win32"])
def test_guest_is_not_disturbed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "module.wasm"
    path.write_bytes(wasmtime.wat2wasm(MODULE % LAZY))
    root = str(Path(wasmcy.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    command = [sys.executable, "-c", f"{START}{CASES[name]}{END}", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


DEEP = """
import sys
import wasmcy
N = 900
module = wasmcy.Module(open(sys.argv[1], "rb").read())
run = module.instantiate({"host": {"many": lambda: tuple(range(N))}}).exports["run"]
low, high = 0, 1 << 20
while high - low > 1:
    middle = (low + high) // 2
    try:
        run(middle)
        low = middle
    except wasmcy.StackExhausted:
        high = middle
    for n in range(max(low - 3, 0), low + 1):
        run(n)
"""


def test_results_of_a_tail_call_of_the_host_fit_the_stack(tmp_path: Path) -> None:
    """As deep as it goes; what is written behind the stack's end shows in a sanitized build, or as a crash."""
    results = "(result" + " i64" * 900 + ")"
    path = tmp_path / "module.wasm"
    path.write_bytes(
        wasmtime.wat2wasm(f"""(module
      (import "host" "many" (func $many {results}))
      (func $big {results} (local{" i64" * 3000}) (return_call $many))
      (func $run (export "run") (param i32)
        (if (i32.eqz (local.get 0)) (then (call $big) {"(drop)" * 900} (return)))
        (call $run (i32.sub (local.get 0) (i32.const 1)))))""")
    )
    root = str(Path(wasmcy.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    done = subprocess.run(
        [sys.executable, "-c", DEEP, str(path)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
