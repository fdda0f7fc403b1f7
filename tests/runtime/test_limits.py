"""Limits and requests that stop a guest: time, Ctrl-C, interrupts, memory, depth; and large modules.

What is timed here is only whether a guest stops at all: the bounds are those of a slow, busy machine.
"""

import signal
import threading
import time

import pytest
from instantiating import binary, exports, instantiate

import wasmcy
from tests.interrupting import ctrl_c, interrupting
from wasmcy import InstanceLimit, Limits, Memory, MemoryLimit, Module, StackExhausted, Store, Table, TableLimit, Timeout

PATIENCE = 5.0  # seconds

# Guests that never end, by what their cycle passes.
ENDLESS = {
    "loop": '(func (export "f") (loop (br 0)))',
    "br_if": '(func (export "f") (local i32) (loop (br_if 0 (i32.eqz (local.get 0)))))',
    "counting": '(func (export "f") (local i64) (loop (local.set 0 (i64.add (local.get 0) (i64.const 1))) (br_if 0 (i64.ne (local.get 0) (i64.const -1)))))',
    "br_table": '(func (export "f") (local i32) (loop (block (br_table 1 0 1 (local.get 0)))))',
    "br_table in a block": '(func (export "f") (local i32) (loop (block (block (br_table 0 1 2 (i32.const 5)))) (br 0)))',
    "nested loops": '(func (export "f") (loop (loop (loop (br 2)))))',
    "conditional blocks": '(func (export "f") (local i32) (loop (if (local.get 0) (then unreachable) (else (br 1)))))',
    "call": '(func $g) (func (export "f") (loop (call $g) (br 0)))',
    "recursion": '(func $f (export "f") (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1)))))) (func (export "g"))',
    "tail call": '(func $f (export "f") (return_call $f))',
    "tail calls in turn": '(func $f (export "f") (return_call $g)) (func $g (return_call $f))',
    "indirect tail call": '(table funcref (elem $f)) (func $f (export "f") (return_call_indirect (i32.const 0)))',
    "indirect call": '(table funcref (elem $g)) (func $g) (func (export "f") (loop (call_indirect (i32.const 0)) (br 0)))',
    "memory.grow": '(memory 1 1) (func (export "f") (loop (drop (memory.grow (i32.const 1))) (br 0)))',
    "table.grow": '(table 1 1 funcref) (func (export "f") (loop (drop (table.grow (ref.null func) (i32.const 1))) (br 0)))',
    "memory.fill": '(memory 1000) (func (export "f") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536000)) (br 0)))',
    "memory.copy": '(memory 1000) (func (export "f") (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 65535999)) (br 0)))',
    "throw": '(tag $t) (func (export "f") (loop (block $b (try_table (catch $t $b) (throw $t))) (br 0)))',
    "throw from a call": '(tag $t) (func $g (throw $t)) (func (export "f") (loop (block $b (try_table (catch_all $b) (call $g))) (br 0)))',
    "host call": '(import "m" "h" (func $h)) (func (export "f") (loop (call $h) (br 0)))',
    "host tail call": '(import "m" "h" (func $h)) (func $g (return_call $h)) (func (export "f") (loop (call $g) (br 0)))',
    "host exception": '(import "m" "raises" (func $h)) (func (export "f") (loop (block $b (try_table (catch_all $b) (call $h))) (br 0)))',
    "start": '(func $f (loop (br 0))) (start $f)',
}  # fmt: skip


def raises():
    raise ValueError


def never_ends(name, **options):
    """Start the guest; it ends by an exception only."""
    imports = {"m": {"h": lambda: None, "raises": raises}}
    offered = exports(ENDLESS[name], imports, **options)
    offered.f(*[60] * len(offered.f.type.params))
    raise AssertionError("the guest came to an end")


# ------------------------------------------------------------------------------------ time
counted = pytest.mark.parametrize("fuel", [None, 1 << 60], ids=["", "metered"])  # which polls in another way


@counted
@pytest.mark.parametrize("name", ENDLESS)
def test_a_timeout_stops_every_cycle(name, fuel):
    start = time.perf_counter()
    with pytest.raises(Timeout, match=r"timeout of 0\.05 s exceeded"):
        never_ends(name, limits=Limits(timeout=0.05, fuel=fuel))
    assert 0.04 < time.perf_counter() - start < PATIENCE


def test_a_timeout_has_a_backtrace():
    offered = exports(
        '(func $inner (loop (br 0))) (func $outer (export "f") (call $inner))', limits=Limits(timeout=0.01)
    )
    with pytest.raises(Timeout) as caught:
        offered.f()
    assert [frame.name for frame in caught.value.frames] == ["inner", "outer"]


def test_each_outermost_call_has_the_whole_time():
    offered = exports(
        ENDLESS["loop"]
        + '(func (export "g") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))',
        limits=Limits(timeout=0.2),
    )
    for _ in range(3):
        with pytest.raises(Timeout):
            offered.f()
        start = time.perf_counter()
        while time.perf_counter() < start + 0.3:
            offered.g(1000)


def test_calls_inside_a_call_share_its_time():
    def h():
        time.sleep(0.06)
        with pytest.raises(Timeout):
            instance.exports.loop()
        assert time.perf_counter() - start < PATIENCE
        stopped.append(True)

    stopped = []
    text = '(import "m" "h" (func $h)) (func (export "f") (call $h) (loop (br 0))) (func (export "loop") (loop (br 0)))'
    instance = instantiate(text, {"m": {"h": h}}, limits=Limits(timeout=0.05))
    start = time.perf_counter()
    with pytest.raises(Timeout):
        instance.exports.f()
    assert stopped == [True]


@counted
def test_slow_host_functions_do_not_stretch_the_time(fuel):
    """After a fast loop, which sets the pace of polls, come few but slow calls of the host."""
    text = """
        (import "m" "h" (func $h))
        (func (export "f") (local i32)
          (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20000000))))
          (loop (call $h) (br 0)))
    """
    calls = []

    def h():
        time.sleep(0.01)
        calls.append(time.perf_counter())

    with pytest.raises(Timeout):
        exports(text, {"m": {"h": h}}, limits=Limits(timeout=0.4, fuel=fuel)).f()
    assert len(calls) < 200


def test_guests_cannot_catch_a_timeout():
    text = '(func $g (loop (br 0))) (func (export "f") (loop (block $b (try_table (catch_all $b) (call $g))) (br 0)))'
    with pytest.raises(Timeout):
        exports(text, limits=Limits(timeout=0.02)).f()


def test_a_large_fill_is_stopped_on_the_way():
    offered = exports(
        '(memory (export "memory") 8192) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x20000000)))',
        limits=Limits(timeout=0.001),
    )
    with pytest.raises(Timeout):
        offered.f()
    assert offered.memory[0] == 1 and offered.memory[0x20000000 - 1] == 0


# ------------------------------------------------------------------------------------ Ctrl-C and interrupts
@pytest.fixture
def in_the_main_thread():
    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_main_thread")
@pytest.mark.parametrize("name", ENDLESS)
def test_ctrl_c_stops_every_cycle(name):
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt), ctrl_c():
        never_ends(name)
    assert time.perf_counter() - start < PATIENCE


@pytest.mark.usefixtures("in_the_main_thread")
def test_signal_handlers_run_while_a_guest_runs():
    instance = instantiate(
        '(memory (export "memory") 1) (func (export "f") (loop (br_if 0 (i32.eqz (i32.load (i32.const 0))))))'
    )
    handled = []

    def handler(number, frame):
        handled.append(number)
        instance.exports.memory[0] = len(handled) == 3

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.03, 0.03)
    try:
        instance.exports.f()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(handled) == 3


@pytest.mark.usefixtures("in_the_main_thread")
def test_a_signal_handler_may_call_the_running_guest():
    """Its call lives above the frames that it interrupts and leaves them alone."""
    instance = instantiate("""
        (memory (export "memory") 1)
        (func $deep (param i32 i64) (result i64)
          (if (result i64) (local.get 0)
            (then (i64.add (local.get 1) (call $deep (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1)))))
            (else (loop (br_if 0 (i32.eqz (i32.load (i32.const 0))))) (local.get 1))))
        (func (export "f") (param i32) (result i64) (call $deep (local.get 0) (i64.const 0)))
        (func $noise (export "noise") (param i32 i64 i64 i64 i64 i64 i64) (result i64)
          (if (local.get 0) (then (drop (call $noise (i32.sub (local.get 0) (i32.const 1))
            (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)))))
          (local.get 1))
    """)
    handled = []

    def handler(number, frame):
        handled.append(instance.exports.noise(200, 7, -1, -1, -1, -1, -1))
        instance.exports.memory[0] = len(handled) == 3

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.03, 0.03)
    try:
        assert instance.exports.f(100) == sum(range(101))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled == [7, 7, 7]


@pytest.mark.usefixtures("in_the_main_thread")
def test_an_exception_of_a_signal_handler_passes():
    error = RuntimeError("from the handler")

    def handler(number, frame):
        raise error

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        with pytest.raises(RuntimeError) as caught:
            never_ends("loop")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert caught.value is error


@counted
@pytest.mark.parametrize("name", ENDLESS)
def test_an_interrupt_from_another_thread_stops_every_cycle(name, fuel):
    store = Store(Limits(fuel=fuel))
    start = time.perf_counter()
    with interrupting(store), pytest.raises(KeyboardInterrupt):
        never_ends(name, store=store)
    assert time.perf_counter() - start < PATIENCE


def test_a_guest_in_another_thread_is_interrupted_by_its_instance():
    instance = instantiate(ENDLESS["loop"])
    ended = []

    def run():
        try:
            instance.exports.f()
        except KeyboardInterrupt:
            ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    with interrupting(instance):
        thread.join(PATIENCE)
    assert ended == [True]


def test_an_interrupt_stops_what_runs_not_what_will_run():
    instance = instantiate(
        '(func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))'
    )
    instance.interrupt()
    instance.exports.f(10_000_000)


def test_a_host_function_may_interrupt_its_guest():
    instance = instantiate(ENDLESS["host call"], {"m": {"h": lambda: instance.interrupt()}})
    with pytest.raises(KeyboardInterrupt):
        instance.exports.f()


def test_a_stopped_guest_can_be_called_again():
    offered = exports(
        ENDLESS["loop"] + '(func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))',
        limits=Limits(timeout=0.005),
    )
    for i in range(20):
        with pytest.raises(Timeout):
            offered.f()
        assert offered.add(i, 1) == i + 1


# ------------------------------------------------------------------------------------ memory
def test_memories_and_tables_of_a_store_share_its_limit():
    store = Store(Limits(memory="256KiB"))
    one = instantiate(
        '(memory (export "memory") 1) (table (export "table") 100 funcref) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))) (func (export "more") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))',
        store=store,
    )
    assert store.memory_bytes == 65536 + 800
    assert one.exports.grow(3) == -1
    assert one.exports.grow(2) == 1
    assert store.memory_bytes == 3 * 65536 + 800
    with pytest.raises(MemoryLimit):
        one.exports.memory.grow(1)
    with pytest.raises(MemoryLimit):
        one.exports.table.grow(10_000)
    assert one.exports.more(10_000) == -1
    assert one.exports.more(1000) == 100
    assert one.exports.table.grow(1000) == 1100
    with pytest.raises(MemoryLimit, match="memory limit of 262144 bytes exceeded"):
        instantiate("(memory 1)", store=store)
    instantiate("(table 100 funcref)", store=store)
    assert store.memory_bytes == 3 * 65536 + 2200 * 8


def test_free_standing_objects_count_when_they_join():
    store = Store(Limits(memory=100_000))
    instantiate('(import "m" "m" (memory 1))', {"m": {"m": Memory(1)}}, store=store)
    assert store.memory_bytes == 65536
    for imports, text in [
        ({"m": Memory(1)}, '(import "m" "m" (memory 1))'),
        ({"t": Table("funcref", 5000)}, '(import "m" "t" (table 1 funcref))'),
    ]:
        with pytest.raises(MemoryLimit):
            instantiate(text, {"m": imports}, store=store)
    assert store.memory_bytes == 65536


def test_views_do_not_escape_the_limit():
    offered = exports('(memory (export "memory") 1)', limits=Limits(memory="128KiB"))
    view = memoryview(offered.memory)
    assert offered.memory.grow(1) == 1
    with pytest.raises(MemoryLimit):
        offered.memory.grow(1)
    assert (len(view), len(offered.memory)) == (65536, 131072)


def test_no_memory_at_all():
    instantiate('(func (export "f"))', limits=Limits(memory=0)).exports.f()
    with pytest.raises(MemoryLimit):
        instantiate("(memory 1)", limits=Limits(memory=0))


# ------------------------------------------------------------------------------------ numbers of things
def test_elements_of_all_tables_count_together():
    text = """
        (table $a 3 funcref) (table $b 2 funcref)
        (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
        (func (export "b") (param i32) (result i32) (table.grow $b (ref.null func) (local.get 0)))
    """
    offered = exports(text, limits=Limits(table_elements=10))
    assert [offered.a(3), offered.b(3), offered.b(2), offered.a(1), offered.a(0)] == [3, -1, 2, -1, 6]


def test_a_table_over_the_limit_raises():
    with pytest.raises(TableLimit, match="limit of 10 table elements exceeded: 11 more wanted"):
        instantiate("(table 11 funcref)", limits=Limits(table_elements=10))
    store = Store(Limits(table_elements=10))
    table = Table("externref", min=8)
    instantiate('(import "m" "t" (table 1 externref))', {"m": {"t": table}}, store=store)
    with pytest.raises(TableLimit, match="3 more wanted"):
        instantiate("(table 3 funcref)", store=store)
    with pytest.raises(MemoryLimit):
        table.grow(3)
    assert table.grow(2) == 8


def test_a_table_bomb_fills_the_limit_and_no_more():
    text = '(table 0 externref) (func (export "f") (loop (br_if 0 (i32.ne (table.grow (ref.null extern) (i32.const 1000)) (i32.const -1)))))'
    instance = instantiate(text, limits=Limits(table_elements=100_000))
    instance.exports.f()
    assert instance.store.memory_bytes == 800_000


def test_instances_are_counted():
    store = Store(Limits(instances=2))
    for _ in range(2):
        instantiate("(memory 1)", store=store)
    with pytest.raises(InstanceLimit, match="limit of 2 instances exceeded"):
        instantiate("(memory 1)", store=store)
    assert store.memory_bytes == 131072
    with pytest.raises(InstanceLimit):
        instantiate("", limits=Limits(instances=0))


# ------------------------------------------------------------------------------------ depth
COUNT = '(func $f (export "f") (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))'
RECURSIONS = {
    "call": '(func $f (export "f") (call $f))',
    "in turn": '(func $f (export "f") (call $g)) (func $g (call $f))',
    "indirect": '(table funcref (elem $f)) (func $f (export "f") (call_indirect (i32.const 0)))',
    "with locals": f'(func $f (export "f") (local {"i64 " * 1000}) (call $f))',
    "with parameters": f'(func $g (param {"i64 " * 500}) {"(i64.const 1)" * 500} (call $g)) (func (export "f") {"(i64.const 1)" * 500} (call $g))',
    "behind try_table": '(func $f (export "f") (block $b (try_table (catch_all $b) (call $f))))',
}  # fmt: skip


@pytest.mark.parametrize("name", RECURSIONS)
@pytest.mark.parametrize("limits", [None, Limits(depth="64KiB"), Limits(depth="64MiB")], ids=repr)
def test_endless_recursion_exhausts_the_stack(name, limits):
    offered = exports(RECURSIONS[name] + '(func (export "g") (result i32) (i32.const 5))', limits=limits)
    for _ in range(3):
        with pytest.raises(StackExhausted, match="call stack exhausted"):
            offered.f()
        assert offered.g() == 5


def test_deep_recursion_works():
    assert exports(COUNT).f(100_000) == 100_000
    assert exports(COUNT, limits=Limits(depth="256MiB")).f(2_000_000) == 2_000_000


def test_depth_is_measured_in_bytes():
    def depth(limits):
        offered, low, high = exports(COUNT, limits=limits), 0, 10_000_000
        while high - low > 1:
            middle = (low + high) // 2
            try:
                assert offered.f(middle) == middle
                low = middle
            except StackExhausted:
                high = middle
        return low

    small, large = depth(Limits(depth="64KiB")), depth(Limits(depth="640KiB"))
    assert 200 < small < 8192
    assert 9 < large / small < 12


def test_a_stack_may_be_too_small_for_anything():
    for size in (1, 8, 512, 1024):
        offered = exports(COUNT, limits=Limits(depth=size))
        with pytest.raises(StackExhausted):
            offered.f(1000)


def test_recursion_across_instances_exhausts_the_stack():
    table = Table("funcref", 2)
    text = """
        (type $t (func)) (import "p" "t" (table 2 funcref))
        (func $f (call_indirect (type $t) (i32.const {other}))) (elem (i32.const {id}) $f) (export "f" (func $f))
        (func (export "g") (result i32) (i32.const {id}))
    """
    first = instantiate(text.format(id=0, other=1), {"p": {"t": table}})
    second = instantiate(text.format(id=1, other=0), {"p": {"t": table}})
    for _ in range(3):
        with pytest.raises(StackExhausted, match="call stack exhausted"):
            first.exports.f()
        assert (first.exports.g(), second.exports.g()) == (0, 1)


def test_exhaustion_in_a_call_back_can_be_caught_by_the_host():
    def h():
        with pytest.raises(StackExhausted):
            instance.exports.f()
        return 5

    text = '(import "m" "h" (func $h (result i32))) (func (export "g") (result i32) (call $h))' + RECURSIONS["call"]
    instance = instantiate(text, {"m": {"h": h}})
    assert instance.exports.g() == 5


def test_deep_stacks_and_call_backs():
    """The host is called at the bottom of a deep recursion, and calls back into another."""
    text = """
        (import "m" "h" (func $h (param i32) (result i32)))
        (func $f (export "f") (param i32 i32) (result i32)
          (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)) (local.get 1))))
            (else (call $h (local.get 1)))))
    """
    instance = instantiate(text, {"m": {"h": lambda n: instance.exports.f(2000, n - 1) if n else 0}})
    assert instance.exports.f(2000, 20) == 21 * 2000


# ------------------------------------------------------------------------------------ Limits
@pytest.mark.parametrize(
    ("given", "memory"),
    [
        ("64MiB", 64 << 20),
        ("1.5KiB", 1536),
        (" 2 MB ", 2_000_000),
        ("3gb", 3 * 10**9),
        ("7", 7),
        ("8b", 8),
        (5, 5),
        (None, None),
    ],
)
def test_sizes_are_numbers_or_texts(given, memory):
    assert Limits(memory=given).memory == memory


@pytest.mark.parametrize(
    "options",
    [{"memory": "many"}, {"memory": "64 MiBs"}, {"memory": ""}, {"memory": "-1"}, {"memory": -1}, {"memory": "1e999"}, {"timeout": 0}, {"timeout": -1},
     {"timeout": float("nan")}, {"depth": 0}, {"depth": "5GiB"}, {"depth": -1}],
    ids=repr,
)  # fmt: skip
def test_impossible_limits_are_refused(options):
    with pytest.raises(ValueError):  # noqa: PT011
        Limits(**options)


@pytest.mark.parametrize(
    "options", [{"memory": 1.5}, {"memory": []}, {"timeout": "soon"}, {"timeout": []}, {"depth": 1.5}], ids=repr
)
def test_limits_of_other_types_are_refused(options):
    with pytest.raises((TypeError, ValueError)):
        Limits(**options)


# ------------------------------------------------------------------------------------ large modules
def leb(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def one_function(body, type_=b"\x60\1\x7e\1\x7e", **options):
    """The only function of a module, exported as "f"; of the type [i64] -> [i64] if nothing else is said."""
    code = leb(len(body)) + body
    data = (
        b"\0asm\1\0\0\0\1"
        + leb(1 + len(type_))
        + b"\1"
        + type_
        + b"\3\2\1\0\7\5\1\1f\0\0\x0a"
        + leb(1 + len(code))
        + b"\1"
        + code
    )
    return Module(data, **options).instantiate().exports.f


def test_fifty_thousand_locals():
    """The parameter is one of them."""
    n = 49_999
    body = (
        b"\1" + leb(n) + b"\x7e"
        + b"\x20\0\x21" + leb(n) + b"\x42\5\x21\1"  # the last is the parameter, the first is 5
        + b"\x20" + leb(n) + b"\x20\1\x7c\x20" + leb(n - 1) + b"\x7c\x0b"
    )  # fmt: skip
    f = one_function(body)
    assert f(7) == f(7) == 12


@pytest.mark.parametrize("n", [50_000, 65_536, 2**32 - 1])
def test_more_locals_are_refused(n):
    with pytest.raises((wasmcy.InvalidError, wasmcy.MalformedError), match="too many locals"):
        one_function(b"\1" + leb(n) + b"\x7e\x20\0\x0b")
    with pytest.raises((wasmcy.InvalidError, wasmcy.MalformedError), match="too many locals"):
        one_function(b"\1" + leb(n) + b"\x7e\x20\0\x0b", lazy=True)(5)


@pytest.mark.parametrize("depth", [15_000, 16_000, 100_000])
def test_frames_of_more_slots_than_can_be_named_are_refused(depth):
    """50,000 locals and an operand stack of this depth, which loads keep from being virtual."""
    body = b"\1\xcf\x86\3\x7e" + b"\x20\0\x42\1\x7c" * depth + b"\x7c" * (depth - 1) + b"\x0b"
    f = one_function(body)
    for _ in range(2):
        if depth == 15_000:
            assert f(7) == 8 * depth
        else:
            with pytest.raises(wasmcy.WasmError, match="slots"):
                f(7)


def test_a_br_table_of_a_hundred_thousand_targets():
    targets = " ".join(str(i % 3) for i in range(100_000))
    f = exports(f"""
        (func (export "f") (param i32) (result i32)
          (block (block (block (br_table {targets} 1 (local.get 0))) (return (i32.const 10))) (return (i32.const 11)))
          (i32.const 12))
    """).f
    assert [f(i) for i in (0, 1, 2, 3, 65535, 65536, 99_998, 99_999, 100_000, -1)] == [
        10,
        11,
        12,
        10,
        10,
        11,
        12,
        10,
        11,
        11,
    ]


def test_ten_thousand_nested_blocks():
    n = 10_000
    kinds = [b"\2\x40", b"\3\x40", b"\x41\1\4\x40"]
    blocks = b"".join(kinds[i % 3] for i in range(n))
    body = b"\0" + blocks + b"\x20\0\x0d" + leb(n - 1) + b"\x0b" * n + b"\x20\0\x0b"
    f = one_function(body, b"\x60\1\x7f\1\x7f")
    assert [f(0), f(5)] == [0, 5]


def test_many_functions_and_a_long_chain_of_calls():
    n = 20_000
    functions = "".join(
        f"(func $f{i} (param i32) (result i32) (call $f{i + 1} (i32.add (local.get 0) (i32.const {i % 7}))))"
        for i in range(n)
    )
    f = (
        Module(binary(functions + f'(func $f{n} (param i32) (result i32) (local.get 0)) (export "f" (func $f0))'))
        .instantiate()
        .exports.f
    )
    assert f(1) == f(1) == 1 + sum(i % 7 for i in range(n))


def test_a_long_body():
    n = 200_000
    body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1)))" * n
    f = Module(binary(f'(func (export "f") (param i32) (result i32) {body} (local.get 0))')).instantiate().exports.f
    expected = 5
    for _ in range(n):
        expected = (expected * 3 + 1) & 0xFFFFFFFF
    assert f(5) & 0xFFFFFFFF == expected
