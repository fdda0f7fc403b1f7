"""Arguments that lie, objects made behind the door, callbacks that come back: errors at worst."""

import gc
import types

import pytest
from instantiating import binary, exports, instantiate, module

import wasmcy
from wasmcy import (
    Func,
    Global,
    GuestException,
    Instance,
    Limits,
    LinkError,
    Memory,
    Module,
    Store,
    Table,
    Tag,
    WasmError,
)
from wasmcy.types import CONCRETE, NULL, REF, FuncType, MemoryType, TableType, val_type

SIMPLE = '(memory (export "memory") 1) (table (export "table") 1 funcref) (global (export "global") i32 (i32.const 1)) (func (export "f"))'


# ------------------------------------------------------------------------------------ objects nobody made
@pytest.mark.parametrize("make", [
    lambda: Func(),
    lambda: Func(None),
    lambda: Func.__new__(Func),
    lambda: Func.__new__(Func, None),
    lambda: Func(5),
    lambda: Func("f"),
    lambda: Func(print, type=5),
    lambda: Func(print, type="(func)"),
    lambda: Func(print, type=types.SimpleNamespace(params=(0x7F,), results=())),
    lambda: Func(print, 5),
    lambda: Func(print, [None]),
    lambda: Func(print, [1.5]),
    lambda: Instance(),
    lambda: Instance(module(""), None, []),
    lambda: Instance(module(""), Store(), []),
    lambda: Instance(module(""), Store(), None),
    lambda: Instance(None, Store(), []),
    lambda: Instance(module('(import "m" "f" (func))'), Store(), []),
    lambda: Instance(module('(import "m" "f" (func))'), Store(), [1]),
    lambda: Instance.__new__(Instance),
    lambda: Instance.__new__(Instance, module(""), Store(), []),
    lambda: wasmcy.engine.instance.Exports(None),
    lambda: wasmcy.engine.instance.Exports(),
    lambda: wasmcy.engine.instance.Exports(5),
    lambda: wasmcy.engine.instance.Exports.__new__(wasmcy.engine.instance.Exports),
    lambda: Store(5),
    lambda: Store("64MiB"),
    lambda: Memory(type=5),
    lambda: Table(type=5),
    lambda: Global(type=5),
    lambda: Tag(type=5),
    lambda: Module(5.0),
    lambda: wasmcy.Linker(5).instantiate(module("")),
    lambda: module("").instantiate(store=5),
    lambda: module("").instantiate(limits=5),
    lambda: module('(import "m" "f" (func))').instantiate(5),
    lambda: module('(import "m" "f" (func))').instantiate({"m": 5}),
])  # fmt: skip
def test_nothing_comes_from_nothing(make):
    with pytest.raises((TypeError, ValueError, AttributeError, LinkError)):
        make()


def test_empty_classes_of_the_engine_do_nothing():
    data = wasmcy.engine.store.InstanceData()
    assert data.store is None
    del data
    gc.collect()


@pytest.mark.parametrize("index", [1, -1, 2**31, 2**62, -(2**62), 10**6])
def test_indices_of_objects_are_checked(index):
    made = instantiate(SIMPLE)
    for kind in ("func", "memory", "table", "global", "tag"):
        with pytest.raises(IndexError):
            made.object_at(kind, index)
    with pytest.raises(OverflowError):
        made.object_at("func", 2**64)
    with pytest.raises(KeyError):
        made.object_at("nothing", 0)
    assert made.object_at("func", 0) == made.exports.f


def test_subclasses():
    class OwnFunc(Func):
        def __call__(self, *args):
            return 5

    class OwnInt(int):
        pass

    function = OwnFunc(lambda: 7, [], ["i32"])
    assert function() == 5
    assert exports(
        '(import "m" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f))', {"m": {"f": function}}
    ).f() in (5, 7)
    assert type("OwnMemory", (Memory,), {})(1)[0] == 0
    assert type("OwnTable", (Table,), {})("funcref", 1)[0] is None
    assert type("OwnGlobal", (Global,), {})("i32", OwnInt(5)).value == 5
    assert type("OwnStore", (Store,), {})().memory_bytes == 0
    instantiate(SIMPLE, store=type("OwnStore", (Store,), {})())


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("(memory 1)", lambda: type("M", (Memory,), {})(1)), ("(table 1 funcref)", lambda: type("T", (Table,), {})("funcref", 1)),
     ("(global i32)", lambda: type("G", (Global,), {})("i32", 5)), ("(tag)", lambda: type("E", (Tag,), {})())],
)  # fmt: skip
def test_subclasses_are_imported_or_refused(wanted, given):
    try:
        instantiate(f'(import "m" "x" {wanted})', {"m": {"x": given()}})
    except LinkError as error:
        assert str(error).startswith("incompatible import type")


def test_init_again_changes_nothing():
    made = instantiate(SIMPLE)
    for part in (made, made.exports, made.exports.memory, made.exports.f, made.store, Func(print)):
        try:
            part.__init__()
        except TypeError:
            continue
    assert made.exports.f() is None and made.exports.memory[0] == 0


def test_types_cannot_be_changed():
    for value in (FuncType([0x7F]), MemoryType(1), TableType(0x7F, 1)):
        for name in value.__slots__:
            with pytest.raises(AttributeError):
                setattr(value, name, 5)


# ------------------------------------------------------------------------------------ types that name nothing
def test_host_functions_have_no_type_indices():
    """A type index means something only in its module."""
    for index in (0, 1, 5, 10**6, 2**32 - 1):
        for type_ in (
            FuncType([val_type(REF | NULL | CONCRETE | index)] * 100),
            FuncType([], [val_type(REF | CONCRETE | index)]),
        ):
            with pytest.raises((TypeError, ValueError)):
                Func(print, type=type_)
            with pytest.raises((TypeError, ValueError)):
                Func(print, type_.params, type_.results)


def test_a_function_of_another_type_is_never_called_as_this_one():
    got = []
    many = Func(lambda *values: got.append(values), ["i32"] * 900)
    with pytest.raises(LinkError):
        instantiate('(import "m" "f" (func))', {"m": {"f": many}})
    instance = instantiate('(table (export "t") 1 funcref) (func (export "f") (call_indirect (i32.const 0)))')
    instance.exports.t[0] = many
    with pytest.raises(wasmcy.Trap, match="indirect call type mismatch"):
        instance.exports.f()
    assert got == []


def test_elements_that_cannot_be_null_need_a_value():
    for make in (
        lambda: Table("(ref func)", 1),
        lambda: Table("(ref extern)", 1),
        lambda: Global("(ref func)"),
        lambda: Global("(ref extern)"),
    ):
        with pytest.raises((TypeError, ValueError)):
            make()
    with pytest.raises((TypeError, ValueError)):
        Table("i32", 1)


# ------------------------------------------------------------------------------------ numbers that lie
class Lying:
    """A different number each time it is asked."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def __index__(self):
        return self.numbers.pop(0) if len(self.numbers) > 1 else self.numbers[0]


class Growing:
    """Grows a memory or table when it is asked for its number."""

    def __init__(self, grown, number, by=900):
        self.grown, self.number, self.by = grown, number, by

    def __index__(self):
        if len(self.grown) < 100 * 65536:
            self.grown.grow(self.by)
        return self.number

    def __lt__(self, other):
        self.__index__()
        return self.number < other

    def __gt__(self, other):
        self.__index__()
        return self.number > other


def test_lengths_are_asked_for_once():
    memory = Memory(1)
    assert memory.read(0, Lying(1, 2**40)) == b"\0"
    assert memory.read(Lying(65535, 2**40), 1) == b"\0"
    assert memory[Lying(0, 2**40) : Lying(4, 2**40)] == bytes(4)
    assert memory.read_cstring(Lying(65535, 2**40), Lying(1, 2**40)) == b""
    memory.write(Lying(65535, 2**40), b"x")
    memory[Lying(0, 2**40)] = Lying(1, 2**40)
    table = Table("funcref", 1)
    assert table[Lying(0, 2**40)] is None
    table[Lying(0, 2**40)] = None
    table.grow(Lying(1, 2**40))
    memory.grow(Lying(1, 2**40))
    assert (memory[0], memory[65535], len(memory), len(table)) == (1, ord("x"), 131072, 2)
    Memory(Lying(1, 2**40), Lying(2, 1))


class LyingBytes(bytes):
    def __len__(self):
        return 0

    def __iter__(self):
        return iter(())


class LongBytes(bytes):
    def __len__(self):
        return 2**40


@pytest.mark.parametrize("kind", [LyingBytes, LongBytes])
def test_bytes_that_lie_about_their_length(kind):
    memory = Memory(1)
    with pytest.raises(IndexError):
        memory.write(65536, kind(b"x" * 100_000))
    memory.write(0, kind(b"abc"))
    assert memory[0:4] == b"abc\0"
    with pytest.raises((IndexError, ValueError)):
        memory[0:4] = kind(b"x" * 100_000)
    assert memory[4:] == bytes(65532)


@pytest.mark.parametrize("pages", [1, 20])
def test_memory_that_moves_while_numbers_are_converted(pages):
    """Growth moves a small memory; an address taken before would dangle."""

    def fresh():
        memory = Memory(pages, 1000)
        memory.write(60000, b"string\0")
        return memory

    memory = fresh()
    assert memory.read(Growing(memory, 60000), 6) == b"string"
    memory = fresh()
    assert memory.read(60000, Growing(memory, 6)) == b"string"
    memory = fresh()
    assert memory.read_cstring(Growing(memory, 60000), Growing(memory, 7)) == b"string"
    memory = fresh()
    assert memory.read_cstring(60000, Growing(memory, 7)) == b"string"
    memory = fresh()
    assert memory[Growing(memory, 60000) : 60006] == memory[60000 : Growing(memory, 60006)] == b"string"
    memory = fresh()
    memory.write(Growing(memory, 60000), b"STRING")
    assert memory[60000:60007] == b"STRING\0"
    memory = fresh()
    memory.write(Growing(memory, 60000), bytearray(b"STRING"))
    assert memory[60000:60007] == b"STRING\0"
    memory = fresh()
    memory[60000] = Growing(memory, 65)
    assert memory[60000:60006] == b"Atring"
    memory = fresh()
    memory[60000:60002] = [Growing(memory, 65), 66]
    assert memory[60000:60006] == b"ABring"


def test_tables_that_move_while_numbers_are_converted():
    for _ in range(3):
        table = Table("externref", 4, init="x")
        assert table[Growing(table, 3, 100_000)] == "x"
        table = Table("externref", 4, init="x")
        table[Growing(table, 3, 100_000)] = "y"
        assert table[3] == "y"


def test_a_memory_that_grows_while_a_buffer_is_exported():
    """Getting the buffer of a Python object may run Python code: here, a collection that grows the memory."""

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            memory.grow(1)

    before = gc.get_threshold()
    memory = Memory(1, 15)
    try:
        for i in range(14):
            Cycle()
            gc.set_threshold(1, 1, 1)
            memory.write(0, bytearray(b"%02d" % i))
            memory.write(2, memoryview(b"a-b-")[::2])
            gc.set_threshold(0)
            assert memory[0:4] == b"%02dab" % i
    finally:
        gc.set_threshold(*before)


# ------------------------------------------------------------------------------------ conversions that come back
REENTRY = """
    (table (export "t") 1 funcref)
    (func (export "noise") (param i64 i64 i64 i64) (result i64) (local.get 0))
    (func (export "f") (param funcref i64 externref i32) (result funcref i64 externref i32)
      (local.get 0) (local.get 1) (local.get 2) (local.get 3))
    (func (export "many") (param funcref i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32) (result funcref i64 i32)
      (local.get 0) (local.get 1) (local.get 17))
"""


class Calling:
    """Calls a function when it is asked for its number."""

    def __init__(self, function, number):
        self.function, self.number = function, number

    def __index__(self):
        self.function()
        return self.number

    def __float__(self):
        self.function()
        return float(self.number)


def test_conversions_may_call_the_guest():
    """The arguments converted before are not touched by the call in between."""
    offered = exports(REENTRY)

    def noise():
        assert offered.noise(0x4141414141414141, -1, -1, -1) == 0x4141414141414141

    for value in (None, offered.noise):
        assert offered.f(value, Calling(noise, 5), "x", Calling(noise, 6)) == (value, 5, "x", 6)
        assert offered.many(value, *[Calling(noise, i) for i in range(16)], Calling(noise, 7)) == (value, 0, 7)
        assert offered.f.call_raw(value, 5, "x", Calling(noise, 6)) == (value, 5, "x", 6)


def test_results_of_the_host_may_call_the_guest():
    text = """
        (import "m" "h" (func $h (param i64) (result funcref i64 f64)))
        (func (export "noise") (param i64 i64 i64 i64 i64 i64))
        (func (export "f") (param i64) (result funcref i64 f64) (local i64) (local.set 1 (local.get 0))
          (call $h (local.get 0)))
    """

    def noise():
        offered.noise(-1, -1, -1, -1, -1, -1)

    offered = exports(text, {"m": {"h": lambda x: (offered.noise, Calling(noise, x + 1), Calling(noise, 2))}})
    assert offered.f(5) == (offered.noise, 6, 2.0)


def test_a_list_of_results_that_shrinks():
    class Shrinking:
        def __index__(self):
            results.clear()
            gc.collect()
            return 1

    results = []
    text = f'(import "m" "h" (func $h (result {"i32 " * 100}))) (func (export "f") (call $h) {"drop " * 100})'
    offered = exports(text, {"m": {"h": lambda: results}})
    for _ in range(10):
        results.extend([Shrinking(), *[object() for _ in range(99)]])
        with pytest.raises(TypeError):
            offered.f()
    results.extend([Shrinking(), *range(99)])
    offered.f()


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyboardInterrupt, WasmError])
def test_conversions_that_raise_leave_the_store_usable(error):
    def fail():
        raise error("while converting")

    offered = exports(REENTRY)
    for _ in range(150):
        with pytest.raises(error):
            offered.f(None, Calling(fail, 1), None, 1)
        with pytest.raises(error):
            offered.many(None, *range(16), Calling(fail, 1))
        with pytest.raises(error):
            offered.f.call_raw(None, 1, None, Calling(fail, 1))
    assert offered.f(None, 5, "x", 6) == (None, 5, "x", 6)


# ------------------------------------------------------------------------------------ exceptions that lie
THROWING = '(import "m" "t" (tag $t (param {0}))) (import "m" "h" (func $h)) (func (export "f") (block $b (result {0}) (try_table (catch $t $b) (call $h)) unreachable) {1})'


def test_values_that_lie_about_their_number():
    class Values(tuple):
        def __len__(self):
            return 0

    class Iterating:
        def __len__(self):
            return 1

        def __iter__(self):
            return iter(range(1000))

    n = 1000
    tag = Tag(["i32"] * n)
    for values in (Values(range(n)), Iterating()):

        def h(values=values):
            raise GuestException(tag=tag, values=values)

        instance = instantiate(THROWING.format("i32 " * n, "drop " * n), {"m": {"t": tag, "h": h}}, store=tag.store)
        for _ in range(20):
            try:
                instance.exports.f()
            except (TypeError, ValueError):
                pass


def test_a_tag_that_lies_about_itself():
    class Lying(GuestException):
        @property
        def tag(self):
            self.asked = getattr(self, "asked", 0) + 1
            return tag if self.asked % 2 else 5

        @tag.setter
        def tag(self, value):
            pass

    def h():
        raise Lying(values=(1,))

    tag = Tag(["i32"])
    instance = instantiate(THROWING.format("i32", "drop"), {"m": {"t": tag, "h": h}})
    for _ in range(4):
        try:
            instance.exports.f()
        except GuestException:
            pass


def test_values_of_an_exception_may_call_the_guest():
    def noise():
        instance.exports.noise(-1, -1, -1, -1, -1, -1)

    def h():
        raise GuestException(tag=tag, values=(Calling(noise, 5), Calling(noise, 6)))

    tag = Tag(["i64", "i64"])
    instance = instantiate(
        """
        (import "m" "t" (tag $t (param i64 i64))) (import "m" "h" (func $h))
        (func $deep (param i64) (if (i64.eqz (local.get 0)) (then (call $h)) (else (call $deep (i64.sub (local.get 0) (i64.const 1))))))
        (func (export "f") (result i64) (local i64) (local.set 0 (i64.const 100))
          (block $b (result i64 i64) (try_table (catch $t $b) (call $deep (i64.const 10))) unreachable)
          i64.add (local.get 0) i64.add)
        (func (export "noise") (param i64 i64 i64 i64 i64 i64) (local i64 i64 i64 i64 i64 i64 i64 i64)
          (local.set 6 (i64.const -1)) (local.set 9 (i64.const -1)) (local.set 13 (i64.const -1)))
        """,
        {"m": {"t": tag, "h": h}},
    )
    for _ in range(3):
        assert instance.exports.f() == 111


# ------------------------------------------------------------------------------------ mappings that lie
def test_an_import_that_joins_another_store_during_linking():
    """While one import is looked up, the mapping instantiates with another that was found before."""
    store = Store()
    for make, wanted in [(lambda: Func(lambda: None), "(func)"), (lambda: Memory(1), "(memory 1)"), (lambda: Table("funcref", 1), "(table 1 funcref)"),
                         (lambda: Global("i32", 1), "(global i32)"), (lambda: Tag(), "(tag)")]:  # fmt: skip
        given = make()

        class Names(dict):
            def __getitem__(self, name):
                if name == "b":
                    instantiate(f'(import "m" "a" {wanted})', {"m": {"a": given}}, store=store)
                return dict.__getitem__(self, name)

        with pytest.raises(LinkError, match="another store"):
            instantiate(f'(import "m" "a" {wanted}) (import "m" "b" (global i32))', {"m": Names(a=given, b=1)})
        assert given.store is store


def test_a_mapping_that_runs_guests():
    class Names(dict):
        def __getitem__(self, name):
            instantiate('(func $f (export "f") (call $g)) (func $g) (start $f)').exports.f()
            gc.collect()
            return dict.__getitem__(self, name)

    text = '(import "m" "a" (func $a (result i32))) (import "m" "b" (func $b (result i32))) (func (export "f") (result i32) (i32.add (call $a) (call $b)))'
    assert exports(text, {"m": Names(a=lambda: 1, b=lambda: 2)}).f() == 3


# ------------------------------------------------------------------------------------ limits that lie
def test_limits_that_were_changed():
    limits = Limits()
    limits.depth = 1 << 66
    with pytest.raises((ValueError, OverflowError, MemoryError)):
        instantiate(SIMPLE, limits=limits).exports.f()
    limits.depth, limits.memory = None, 1 << 70
    with pytest.raises((ValueError, OverflowError)):
        Store(limits)
    limits.memory = -1
    with pytest.raises((ValueError, OverflowError)):
        Store(limits)


# ------------------------------------------------------------------------------------ modules that lie
def test_raw_bits_do_not_leave_the_memory():
    """An i32 is 32 bits wide even if the caller says otherwise."""
    offered = exports("""
        (memory 1)
        (func (export "load") (param i32) (result i64) (i64.load offset=16 (local.get 0)))
        (func (export "store") (param i32) (i64.store offset=4294967288 (local.get 0) (i64.const 1)))
    """)
    for bits in (2**32, 2**32 + 65536, 2**40, 2**63, 2**64 - 16, 2**64 - 8, 2**64 - 1):
        for function in (offered.load, offered.store):
            with pytest.raises((OverflowError, wasmcy.Trap)):
                function.call_raw(bits)


@pytest.mark.parametrize("lazy", [False, True])
def test_truncated_and_changed_modules_are_errors_or_run(lazy):
    """A module of many kinds of sections, with each byte left out or changed: a WasmError, or an instance."""
    data = binary("""
        (import "m" "h" (func $h (param i32) (result i32)))
        (type $t (func (param i32) (result i32)))
        (memory (export "memory") 1 2) (table 2 4 funcref) (elem (i32.const 0) $f $h) (global (mut i32) (i32.const 3)) (tag $e (param i32))
        (data (i32.const 8) "data") (data "passive") (elem funcref (ref.func $f) (ref.null func))
        (func $f (export "f") (type $t) (local i64 f64)
          (block $b (result i32) (try_table (catch $e $b) (throw $e (call $h (local.get 0)))) (i32.const 1))
          (if (result i32) (i32.eqz (local.get 0)) (then (i32.load (i32.const 8))) (else (call_indirect (type $t) (local.get 0) (i32.const 1))))
          i32.add (global.set 0) (global.get 0) (br_table 0 0 (i32.const 1)))
        (start $s) (func $s (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 4)))
    """)

    def attempt(changed):
        try:
            made = Module(changed, lazy=lazy)
            instance = made.instantiate(
                {"m": {"h": lambda x: x}}, limits=Limits(memory="64MiB", timeout=0.05, depth="64KiB")
            )
            for name in instance.exports:
                if isinstance(instance.exports[name], Func):
                    instance.exports[name](*[1] * len(instance.exports[name].type.params))
        except (WasmError, TypeError):
            return

    attempt(data)
    for at in range(8, len(data)):
        attempt(data[:at])
        attempt(data[:at] + data[at + 1 :])
        for byte in {data[at] ^ 1, data[at] ^ 0x40, data[at] ^ 0x80, 0, 0xFF, 0x0B}:
            attempt(data[:at] + bytes([byte]) + data[at + 1 :])
