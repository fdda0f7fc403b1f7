"""Threads: a store is used by one at a time; different stores run side by side."""

import _thread
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from instantiating import binary, instantiate, module

import wasmcy
from wasmcy import Func, Global, Memory, Table, WasmError

SPIN = """
    (memory (export "memory") 1) (table (export "table") 1 funcref) (global (export "global") (mut i32) (i32.const 0))
    (func (export "f") (result i32) (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0))))) (i32.const 5))
    (func (export "g") (result i32) (i32.const 6))
    (func (export "reference") (param externref))
"""


class Running:
    """An instance whose `f` runs in another thread until `stop`; its memory has been viewed before."""

    def __init__(self, text=SPIN, imports=None):
        self.instance = instantiate(text, imports)
        self.view = memoryview(self.instance.exports.memory)
        self.exports = {name: self.instance.exports[name] for name in self.instance.exports}
        self.result = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        time.sleep(0.02)
        assert self.thread.is_alive()

    def _run(self):
        self.result = self.instance.exports.f()

    def stop(self):
        self.view[0] = 1
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.result


@pytest.fixture
def running():
    made = Running()
    yield made
    assert made.stop() == 5


REFUSED = {
    "call": lambda r: r.exports["g"](),
    "call with an argument": lambda r: r.exports["reference"]("x"),
    "raw call": lambda r: r.exports["g"].call_raw(),
    "read memory": lambda r: r.exports["memory"].read(0, 1),
    "memory byte": lambda r: r.exports["memory"][0],
    "memory span": lambda r: r.exports["memory"][0:1],
    "set memory": lambda r: r.exports["memory"].__setitem__(0, 1),
    "write memory": lambda r: r.exports["memory"].write(0, b"x"),
    "string": lambda r: r.exports["memory"].read_cstring(0),
    "grow memory": lambda r: r.exports["memory"].grow(1),
    "view of memory": lambda r: memoryview(r.exports["memory"]),
    "address of memory": lambda r: r.exports["memory"].address,
    "table element": lambda r: r.exports["table"][0],
    "set table element": lambda r: r.exports["table"].__setitem__(0, None),
    "set table element to a function": lambda r: r.exports["table"].__setitem__(0, r.exports["g"]),
    "grow table": lambda r: r.exports["table"].grow(1),
    "global": lambda r: r.exports["global"].value,
    "set global": lambda r: setattr(r.exports["global"], "value", 1),
    "instantiate": lambda r: instantiate("", store=r.instance.store),
    "instantiate with imports": lambda r: instantiate('(import "m" "memory" (memory 1))', {"m": r.instance}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_running_store_refuses_other_threads(running, name):
    for _ in range(2):
        with pytest.raises(WasmError, match="in use by another thread"):
            REFUSED[name](running)


def test_a_running_store_still_says_what_it_is(running):
    assert repr(running.instance) and repr(running.exports["memory"]) and repr(running.exports["table"])
    assert len(running.exports["memory"]) == 65536 and len(running.exports["table"]) == 1
    assert running.exports["g"].type and running.instance.module.exports


def test_a_store_can_be_used_by_one_thread_after_another():
    instance = instantiate(SPIN)
    results = []

    def work():
        results.append(instance.exports.g())
        instance.exports.memory[5] += 1

    for _ in range(10):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert results == [6] * 10 and instance.exports.memory[5] == 10


def test_python_runs_while_a_guest_runs(running):
    """The guest does not hold the GIL."""
    start, n = time.perf_counter(), 0
    while time.perf_counter() < start + 0.1:
        n += 1
    assert n > 1000


def test_different_stores_run_side_by_side():
    """Each of four guests ends only when the next one lets it, which only the last can do by itself."""
    guests = []
    for _ in range(4):
        text = SPIN.replace("(i32.const 5)", "(call $h) (i32.const 5)", 1)
        following = guests[-1] if guests else None

        def h(following=following):
            if following is not None:
                following.view[0] = 1

        guests.append(Running('(import "m" "h" (func $h))' + text, {"m": {"h": h}}))
    assert guests[-1].stop() == 5
    for guest in guests:
        guest.thread.join(10)
        assert guest.result == 5


def test_many_threads_with_stores_of_their_own():
    text = """
        (import "m" "h" (func $h (param i32) (result i32)))
        (func $fib (export "fib") (param i32) (result i32)
          (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (call $h (local.get 0)))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    """
    results = []

    def work():
        made = instantiate(text, {"m": {"h": lambda x: x}})
        results.extend(made.exports.fib(n) for n in range(15))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377] * 8)


def test_threads_in_turn_for_one_store():
    """Whoever comes while another runs is refused; nobody's values are touched."""
    instance = instantiate("""
        (func $sum (export "sum") (param i64 i64) (result i64)
          (if (result i64) (i64.eqz (local.get 0)) (then (local.get 1))
            (else (call $sum (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (local.get 0))))))
    """)
    wrong, right, refused = [], [], []

    def work():
        for n in range(200):
            try:
                result = instance.exports.sum(5000 + n, 0)
            except WasmError:
                refused.append(n)
            else:
                (right if result == (5000 + n) * (5001 + n) // 2 else wrong).append(n)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert right


def test_a_host_function_cannot_hand_the_store_to_another_thread():
    errors = []

    def h():
        def work():
            for attempt in (instance.exports.g, lambda: instance.exports.memory[0]):
                try:
                    attempt()
                except WasmError as error:
                    errors.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert instance.exports.g() == 6

    text = '(import "m" "h" (func $h)) (memory (export "memory") 1) (func (export "f") (call $h)) (func (export "g") (result i32) (i32.const 6))'
    instance = instantiate(text, {"m": {"h": h}})
    instance.exports.f()
    assert errors == ["the store is in use by another thread"] * 2


@pytest.mark.parametrize("kind", ["argument", "result"])
def test_a_thread_that_enters_while_numbers_are_converted(kind):
    """`__index__` lets another thread run: it is refused, or it is done before the call begins."""
    text = """
        (import "m" "h" (func $h (result i32)))
        (func $fib (export "fib") (param i32) (result i32)
          (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func (export "host") (result i32) (call $fib (call $h)))
    """

    class Slow:
        def __index__(self):
            thread.start()
            time.sleep(0.02)
            return 20

    def other():
        try:
            results.append(instance.exports.fib(24))
        except WasmError:
            results.append(46368)

    results = []
    thread = threading.Thread(target=other)
    instance = instantiate(text, {"m": {"h": Slow}})
    try:
        results.append(instance.exports.fib(Slow()) if kind == "argument" else instance.exports.host())
    except WasmError:
        results.append(6765)
    thread.join()
    assert sorted(results) == [6765, 46368]
    assert instance.exports.fib(10) == 55


def test_free_standing_objects_belong_to_no_thread():
    memory, table, variable, function = (
        Memory(1),
        Table("funcref", 1),
        Global("i32", 1, mutable=True),
        Func(lambda: None),
    )

    def work():
        memory[0] = 5
        table.grow(1)
        variable.value = 7
        function()
        done.append(True)

    done = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (done, memory[0], len(table), variable.value) == ([True], 5, 2, 7)


@pytest.mark.parametrize("kib", [256])
def test_a_small_native_stack_is_enough(kib):
    """Guests recurse, throw, trap, tail-call and are translated without native recursion."""
    text = """
        (tag $t (param i32)) (table 2 funcref) (elem (i32.const 0) $even $odd)
        (type $t1 (func (param i32) (result i32)))
        (func $count (export "count") (param i32) (result i32)
          (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $count (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
        (func $even (export "even") (type $t1) (if (i32.eqz (local.get 0)) (then (return (i32.const 1)))) (return_call_indirect (type $t1) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
        (func $odd (type $t1) (if (i32.eqz (local.get 0)) (then (return (i32.const 0)))) (return_call_indirect (type $t1) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
        (func $throw (param i32) (if (local.get 0) (then (call $throw (i32.sub (local.get 0) (i32.const 1)))) (else (throw $t (i32.const 9)))))
        (func (export "catch") (param i32) (result i32) (block $b (result i32) (try_table (catch $t $b) (call $throw (local.get 0))) (i32.const 0)))
        (func (export "spin") (param i32) (result i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))
        (func $forever (export "forever") (call $forever))
    """
    made = wasmcy.Module(module(text)._syntax.data, lazy=True)
    results = []

    def work():
        offered = made.instantiate().exports
        results.extend(
            [offered.count(100_000), offered.even(1_000_001), offered["catch"](10_000), offered.spin(5_000_000)]
        )
        try:
            offered.forever()
        except wasmcy.StackExhausted:
            results.append("exhausted")

    before = threading.stack_size(kib << 10)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert results == [100_000, 0, 9, 0, "exhausted"]


def test_calls_back_on_a_small_native_stack():
    """As many activations inside each other as are allowed fit on the stack of a thread of 1 MiB."""

    def h(n):
        return made.exports.f(n + 1)

    made = instantiate(
        '(import "m" "h" (func $h (param i32) (result i32))) (func (export "f") (param i32) (result i32) (call $h (local.get 0)))',
        {"m": {"h": h}},
    )
    ended = []

    def work():
        try:
            made.exports.f(0)
        except (wasmcy.StackExhausted, RecursionError):
            ended.append(True)

    before = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert ended == [True]


@pytest.mark.parametrize("body", ["(loop (br 0))", "(loop (call $h) (br 0))"])
def test_the_interpreter_may_end_while_guests_run(body):
    program = f"""
import threading, time, wasmcy
module = wasmcy.Module(bytes.fromhex("{binary(f'(import "m" "h" (func $h)) (memory 1) (func (export "f") {body})').hex()}"))
for _ in range(3):
    threading.Thread(target=module.instantiate({{"m": {{"h": lambda: None}}}}).exports.f, daemon=True).start()
time.sleep(0.05)
print("end")
"""
    root = Path(wasmcy.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, env=os.environ | {"PYTHONPATH": str(root)}
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [b"end"], b"")


def test_the_owner_is_the_thread_not_its_name():
    """Thread idents are used again: a store left by a thread that has ended is free."""
    instance = instantiate(SPIN)
    for _ in range(20):
        done = _thread.allocate_lock()
        done.acquire()
        _thread.start_new_thread(lambda done=done: (instance.exports.g(), done.release()), ())
        done.acquire()
    assert instance.exports.g() == 6
