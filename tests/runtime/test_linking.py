"""Linking: what imports are given, what is shared, what is said of imports that do not match."""

import subprocess
import sys
import types
from pathlib import Path

import pytest
from instantiating import binary, exports, instantiate, module

import wasmcy
from wasmcy import Func, Global, Linker, LinkError, Memory, Module, Store, Table, Tag

ROOT = Path(wasmcy.__file__).parent.parent
PROVIDER = """
    (memory (export "m") 1 3) (table (export "t") 2 4 funcref)
    (global (export "c") i32 (i32.const 5)) (global (export "v") (mut i32) (i32.const 6))
    (tag (export "e") (param i32))
    (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.load (i32.const 0))))
    (func (export "fill") (param i32) (i32.store (i32.const 0) (local.get 0)))
"""
USER = """
    (import "p" "m" (memory 1)) (import "p" "t" (table 1 funcref))
    (import "p" "c" (global i32)) (import "p" "v" (global $v (mut i32)))
    (import "p" "e" (tag (param i32)))
    (import "p" "f" (func $f (param i32) (result i32)))
    (func (export "call") (param i32) (result i32) (call $f (local.get 0)))
    (func (export "poke") (param i32) (i32.store (i32.const 0) (local.get 0)) (global.set $v (local.get 0)))
"""


# ------------------------------------------------------------------------------------ sharing
@pytest.mark.parametrize("namespace", [lambda i: i, lambda i: i.exports, lambda i: dict(i.exports.items())],
                         ids=["instance", "exports", "dict"])  # fmt: skip
def test_exports_of_an_instance_are_imports_of_another(namespace):
    provider = instantiate(PROVIDER)
    user = instantiate(USER, {"p": namespace(provider)})
    assert user.store is provider.store
    user.exports.poke(100)
    assert provider.exports.f(1) == user.exports.call(1) == 101
    assert provider.exports.v.value == 100
    provider.exports.fill(7)
    assert user.exports.call(0) == 7


def test_an_import_that_is_exported_is_the_same_object():
    memory, table, variable, tag = Memory(1), Table("funcref", 1), Global("i32", 5), Tag(["i32"])
    function = Func(lambda: None)
    offered = exports(
        """
        (import "" "f" (func)) (import "" "m" (memory 1)) (import "" "t" (table 1 funcref))
        (import "" "g" (global i32)) (import "" "e" (tag (param i32)))
        (export "f" (func 0)) (export "m" (memory 0)) (export "t" (table 0)) (export "g" (global 0)) (export "e" (tag 0))
        """,
        {"": {"f": function, "m": memory, "t": table, "g": variable, "e": tag}},
    )
    assert [offered.f, offered.m, offered.t, offered.g, offered.e] == [function, memory, table, variable, tag]
    assert offered.m is memory and offered.t is table and offered.g is variable and offered.e is tag


def test_free_standing_objects_join_at_their_first_import():
    memory = Memory(1)
    assert memory.store is None
    first = instantiate('(import "p" "m" (memory 1))', {"p": {"m": memory}})
    second = instantiate('(import "p" "m" (memory 1))', {"p": {"m": memory}})
    assert memory.store is first.store is second.store


def test_a_store_can_be_given():
    store = Store()
    one = instantiate(PROVIDER, store=store)
    assert one.store is store
    assert instantiate(USER, {"p": one}, store=store).store is store
    assert instantiate(PROVIDER).store is not store


# name: the kind of import, what is given, made in a store of its own
STORED = {
    "func": ("(func)", lambda: exports('(func (export "x"))').x),
    "host function": (
        "(func)",
        lambda: exports('(import "" "x" (func)) (export "x" (func 0))', {"": {"x": lambda: None}}).x,
    ),
    "memory": ("(memory 0)", lambda: exports('(memory (export "x") 0)').x),
    "table": ("(table 0 funcref)", lambda: exports('(table (export "x") 0 funcref)').x),
    "global": ("(global i32)", lambda: exports('(global (export "x") i32 (i32.const 0))').x),
    "tag": ("(tag)", lambda: exports('(tag (export "x"))').x),
}


@pytest.mark.parametrize("second", STORED)
@pytest.mark.parametrize("first", STORED)
def test_imports_of_two_stores_are_refused(first, second):
    text = f'(import "a" "one" {STORED[first][0]}) (import "b" "two" {STORED[second][0]})'
    with pytest.raises(LinkError, match=r"imports of two stores: a\.one and b\.two"):
        instantiate(text, {"a": {"one": STORED[first][1]()}, "b": {"two": STORED[second][1]()}})


@pytest.mark.parametrize("kind", STORED)
def test_imports_of_another_store_than_the_given_one_are_refused(kind):
    text, given = f'(import "a" "one" {STORED[kind][0]})', STORED[kind][1]()
    with pytest.raises(LinkError, match="another store"):
        instantiate(text, {"a": {"one": given}}, store=Store())
    with pytest.raises(LinkError, match="limits"):
        instantiate(text, {"a": {"one": given}}, limits=wasmcy.Limits(memory="1MiB"))
    assert instantiate(text, {"a": {"one": given}}).store is given.store


def test_limits_for_a_store_that_is_there_are_refused():
    with pytest.raises(LinkError, match="limits"):
        instantiate(PROVIDER, store=Store(), limits=wasmcy.Limits(timeout=1))


@pytest.mark.parametrize("store", [5, "store", object(), wasmcy.Limits()], ids=repr)
def test_a_store_is_a_store(store):
    with pytest.raises(TypeError):
        instantiate(PROVIDER, store=store)


# ------------------------------------------------------------------------------------ messages
def given_one():
    return {
        "none": None,
        "number": 1,
        "text": "x",
        "function": Func(lambda x: x, ["i32"], ["i32"]),
        "memory": Memory(1, 5),
        "table": Table("externref", 2),
        "global": Global("i32", 1, mutable=True),
        "tag": Tag(["i32"]),
    }


@pytest.mark.parametrize(
    ("wanted", "given", "described", "said"),
    [
        ("(func)", "none", "a Python NoneType", "a function (func)"),
        ("(func (param i64))", "number", "1", "a function (func (param i64))"),
        (
            "(func (param i64))",
            "function",
            "a function (func (param i32) (result i32))",
            "a function (func (param i64))",
        ),
        ("(func)", "memory", "a memory of 1 pages", "a function (func)"),
        ("(memory 1)", "function", "a function (func (param i32) (result i32))", "a memory"),
        ("(memory 1)", "text", "a Python str", "a memory"),
        ("(memory 2)", "memory", "a memory of 1 pages", "(memory 2)"),
        ("(memory 1 4)", "memory", "a memory of 1 pages, (memory 1 5)", "(memory 1 4)"),
        ("(memory i64 1)", "memory", "a memory of 1 pages, (memory 1 5)", "(memory i64 1)"),
        ("(table 1 funcref)", "table", "a table (table 2 externref)", "(table 1 funcref)"),
        ("(table 3 externref)", "table", "a table (table 2 externref)", "(table 3 externref)"),
        ("(table 1 9 externref)", "table", "a table (table 2 externref)", "(table 1 9 externref)"),
        ("(table 1 externref)", "none", "a Python NoneType", "(table 1 externref)"),
        ("(global i32)", "global", "a global (global (mut i32))", "(global i32)"),
        ("(global (mut i64))", "global", "a global (global (mut i32))", "(global (mut i64))"),
        ("(global (mut i32))", "number", "1", "(global (mut i32))"),
        ("(global funcref)", "number", "1", "(global funcref)"),
        ("(global i32)", "text", "a Python str", "(global i32)"),
        ("(tag)", "tag", "a tag", "a tag (func)"),
        ("(tag (param i64))", "tag", "a tag", "a tag (func (param i64))"),
        ("(tag)", "function", "a function (func (param i32) (result i32))", "a tag (func)"),
    ],
)
def test_imports_that_do_not_match(wanted, given, described, said):
    with pytest.raises(LinkError) as caught:
        instantiate(f'(import "env" "thing" {wanted})', {"env": {"thing": given_one()[given]}})
    text = str(caught.value)
    assert text.startswith("incompatible import type: env.thing is ")
    assert described in text and said in text.partition("wanted ")[2]


@pytest.mark.parametrize(
    "imports", [None, {}, {"env": {}}, {"other": {"thing": print}}, {"env": types.MappingProxyType({})}], ids=repr
)
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("(func (param i32))", "a function (func (param i32))"),
        ("(memory 1 2)", "a memory (memory 1 2)"),
        ("(table 1 funcref)", "a table (table 1 funcref)"),
        ("(global (mut f64))", "a global (global (mut f64))"),
        ("(tag (param i32))", "a tag (func (param i32))"),
    ],
)
def test_imports_that_are_missing(imports, wanted, said):
    with pytest.raises(LinkError) as caught:
        instantiate(f'(import "env" "thing" {wanted})', imports)
    text = str(caught.value)
    assert text.startswith("unknown import: env.thing (") and said in text


def test_an_instance_that_lacks_an_export():
    with pytest.raises(LinkError, match=r"unknown import: p\.nothing"):
        instantiate('(import "p" "nothing" (func))', {"p": instantiate(PROVIDER)})


@pytest.mark.parametrize(
    ("minimum", "maximum", "wanted", "matches"),
    [
        (1, None, "1", True), (2, None, "1", True), (0, None, "1", False), (1, 2, "1", True), (1, 2, "1 2", True),
        (1, 2, "1 3", True), (1, 3, "1 2", False), (1, None, "1 2", False), (0, 0, "0 0", True), (2, 2, "0 2", True),
    ],
)  # fmt: skip
def test_sizes_match(minimum, maximum, wanted, matches):
    memory = instantiate, f'(import "p" "x" (memory {wanted}))', Memory(minimum, maximum)
    table = instantiate, f'(import "p" "x" (table {wanted} funcref))', Table("funcref", minimum, maximum)
    for make, text, given in (memory, table):
        if matches:
            make(text, {"p": {"x": given}})
        else:
            with pytest.raises(LinkError):
                make(text, {"p": {"x": given}})


def test_the_present_size_counts():
    memory, table = Memory(1, 9), Table("funcref", 1, 9)
    text = '(import "p" "m" (memory 4)) (import "p" "t" (table 5 funcref))'
    with pytest.raises(LinkError):
        instantiate(text, {"p": {"m": memory, "t": table}})
    memory.grow(3)
    table.grow(4)
    instantiate(text, {"p": {"m": memory, "t": table}})


def test_imports_may_be_any_mapping():
    class Names(dict):
        def __missing__(self, name):
            return lambda: len(name)

    class Modules:
        def __getitem__(self, module):
            return Names()

    text = '(import "a" "four" (func $f (result i32))) (func (export "f") (result i32) (call $f))'
    assert exports(text, {"a": Names()}).f() == 4
    assert exports(text, Modules()).f() == 4


def test_an_error_of_a_mapping_passes():
    class Modules:
        def __getitem__(self, module):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        instantiate('(import "a" "b" (func))', Modules())


# ------------------------------------------------------------------------------------ calls between instances
CHAIN = """
    (import "p" "next" (func $next (param i32 i64) (result i64)))
    (func (export "next") (param i32 i64) (result i64) (local i64 i64)
      (local.set 2 (i64.const {id}))
      (local.set 3 (call $next (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const {id}))))
      (i64.add (local.get 3) (local.get 2)))
"""


def test_calls_pass_through_many_instances():
    last = instantiate(
        '(func (export "next") (param i32 i64) (result i64) (i64.add (local.get 1) (i64.extend_i32_s (local.get 0))))'
    )
    for i in range(1, 101):
        last = instantiate(CHAIN.format(id=i), {"p": last})
    assert last.exports.next(0, 0) == -100 + 2 * sum(range(1, 101))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 100])
@pytest.mark.parametrize(
    "call",
    [
        "call $f",
        "return_call $f",
        "call_indirect (type $t) (i32.const 0)",
        "return_call_indirect (type $t) (i32.const 0)",
    ],
)
def test_any_signature_crosses_instances(n, call):
    types_ = "i64 " * n
    backwards = " ".join(f"(local.get {n - 1 - i})" for i in range(n))
    provider = instantiate(f'(func (export "f") (param {types_}) (result {types_}) {backwards})')
    user = exports(
        f"""
        (type $t (func (param {types_}) (result {types_})))
        (import "p" "f" (func $f (type $t))) (table funcref (elem $f))
        (func (export "f") (type $t) (local i64 i64) {backwards} ({call.replace("(i32", "(i32")}))
        """
        if "indirect" not in call
        else f"""
        (type $t (func (param {types_}) (result {types_})))
        (import "p" "f" (func $f (type $t))) (table funcref (elem $f))
        (func (export "f") (type $t) (local i64 i64) {backwards} i32.const 0 {call.partition("(i32")[0]})
        """,
        {"p": provider},
    )
    numbers = tuple(range(n))
    assert user.f(*numbers) == {0: None, 1: 0}.get(n, numbers)


def test_tail_calls_between_instances_use_no_stack():
    table = Table("funcref", 2)
    text = """
        (type $t (func (param i64 i64) (result i64)))
        (import "p" "t" (table 2 funcref))
        (func $f (type $t)
          (if (result i64) (i64.eqz (local.get 0))
            (then (local.get 1))
            (else (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const {id}))
                  (return_call_indirect (type $t) (i32.const {other})))))
        (elem (i32.const {id}) $f) (export "f" (func $f))
    """
    first = instantiate(text.format(id=0, other=1), {"p": {"t": table}}, limits=wasmcy.Limits(depth="64KiB"))
    second = instantiate(text.format(id=1, other=0), {"p": {"t": table}})
    assert first.exports.f(200_000, 0) == second.exports.f(200_000, 0) == 100_000


def test_an_instance_may_call_itself_through_another():
    text = """
        (import "p" "back" (func $back (param i32) (result i32)))
        (memory 1)
        (func (export "f") (param i32) (result i32)
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (if (result i32) (local.get 0)
            (then (i32.add (i32.load (i32.const 0)) (call $back (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
    """
    table = Table("funcref", 1)
    through = instantiate(
        '(import "p" "t" (table 1 funcref)) (func (export "back") (param i32) (result i32) (local.get 0) (i32.const 0)'
        " (call_indirect (param i32) (result i32)))",
        {"p": {"t": table}},
    )
    instance = instantiate(text, {"p": through})
    table[0] = instance.exports.f
    assert instance.exports.f(50) == sum(range(1, 51))


# ------------------------------------------------------------------------------------ initialisation
def test_segments_initialise_shared_objects():
    memory, table = Memory(1), Table("funcref", 4)
    instantiate(
        """
        (import "p" "m" (memory 1)) (import "p" "t" (table 4 funcref))
        (data (i32.const 2) "two") (data (i32.const 3) "three") (data "passive")
        (elem (i32.const 1) $f $g) (func $f (result i32) (i32.const 1)) (func $g (result i32) (i32.const 2))
        """,
        {"p": {"m": memory, "t": table}},
    )
    assert memory[0:10] == b"\0\0tthree\0\0"
    assert [table[0], table[1](), table[2](), table[3]] == [None, 1, 2, None]


@pytest.mark.parametrize(
    ("trap", "message"),
    [
        ('(data (i32.const 65536) "x")', "out of bounds memory access"),
        ('(data (i32.const -1) "x")', "out of bounds memory access"),
        ("(elem (i32.const 4) $f)", "out of bounds table access"),
        ("(elem (i32.const -1) $f)", "out of bounds table access"),
        ("(start $trap)", "unreachable"),
    ],
)
def test_a_failed_instantiation_leaves_what_it_has_done(trap, message):
    """Spec 4.7.4: segments are written in order, and what was written before a trap stays and works."""
    memory, table = Memory(1), Table("funcref", 4)
    text = f"""
        (import "p" "m" (memory 1)) (import "p" "t" (table 4 funcref))
        (global $g (mut i32) (i32.const 40)) (memory $own 1)
        (func $f (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
        (func $trap unreachable)
        (elem (i32.const 0) $f) (data (i32.const 0) "kept")
        {trap}
    """
    with pytest.raises(wasmcy.Trap, match=message):
        instantiate(text, {"p": {"m": memory, "t": table}})
    assert table[0]() == 41 and table[0]() == 42
    assert table[1] is None
    assert memory[0:5] == (b"\0\0\0\0\0" if trap.startswith("(elem") else b"kept\0")
    other = exports(
        '(import "p" "t" (table 4 funcref)) (func (export "f") (result i32) (call_indirect (result i32) (i32.const 0)))',
        {"p": {"t": table}},
    )
    assert other.f() == 43


def test_a_start_function_runs_once_and_may_call_the_host():
    called = []
    text = '(import "p" "h" (func $h (param i32))) (memory (export "m") 1) (data (i32.const 0) "\\05") (func $s (call $h (i32.load (i32.const 0)))) (start $s)'
    instantiate(text, {"p": {"h": called.append}})
    assert called == [5]


def test_exhausted_memory_is_no_instance():
    text = '(memory (export "m") 100) (start 0) (func unreachable)'
    store = Store(wasmcy.Limits(memory="1MiB"))
    for _ in range(3):
        with pytest.raises(wasmcy.MemoryLimit):
            instantiate(text, store=store)


# ------------------------------------------------------------------------------------ Linker
def test_a_linker_links_by_name():
    linker = Linker()
    linker.define("env", "log", print)
    linker.define("env", "seven", lambda: 7)
    provider = linker.instantiate(
        module('(memory (export "m") 1) (func (export "f") (result i32) (i32.const 3))'), "provider"
    )
    user = linker.instantiate(
        module("""
        (import "env" "seven" (func $seven (result i32))) (import "provider" "f" (func $f (result i32)))
        (import "provider" "m" (memory 1))
        (func (export "f") (result i32) (i32.store (i32.const 0) (i32.const 99)) (i32.add (call $seven) (call $f)))
    """)
    )
    assert user.exports.f() == 10
    assert provider.exports.m[0] == 99
    assert user.store is provider.store is linker.store


def test_a_linker_names_what_is_missing():
    with pytest.raises(LinkError, match=r"unknown import: a\.b"):
        Linker().instantiate(module('(import "a" "b" (func))'))


def test_a_linker_takes_instances_providers_limits_and_stores():
    class Provider:
        def imports(self):
            return {"given": {"one": lambda: 1}}

    store = Store(wasmcy.Limits(memory="1MiB"))
    linker = Linker(store)
    linker.define_provider(Provider())
    linker.define_instance("p", instantiate('(func (export "two") (result i32) (i32.const 2))', store=store))
    text = '(import "given" "one" (func $one (result i32))) (import "p" "two" (func $two (result i32))) (func (export "f") (result i32) (i32.add (call $one) (call $two)))'
    assert linker.instantiate(module(text)).exports.f() == 3
    linker.define("given", "one", lambda: 10)
    assert linker.instantiate(module(text)).exports.f() == 12
    with pytest.raises(wasmcy.MemoryLimit):
        Linker(limits=wasmcy.Limits(memory=1)).instantiate(module("(memory 1)"))


def test_providers_come_after_imports():
    class Provider:
        def imports(self):
            return {"env": {"a": lambda: 1, "b": lambda: 2}}

    text = '(import "env" "a" (func $a (result i32))) (import "env" "b" (func $b (result i32))) (func (export "f") (result i32 i32) (call $a) (call $b))'
    assert exports(text, {"env": {"a": lambda: 10}}, wasi=Provider()).f() == (10, 2)
    assert exports(text, wasi=[Provider()]).f() == (1, 2)


def test_types_of_different_modules_are_the_same_type():
    provider = Module(
        binary(
            '(type (func (param i64))) (type $t (func (param i32) (result i32))) (func (export "f") (type $t) (local.get 0))'
        )
    )
    user = Module(
        binary(
            '(type $t (func (param i32) (result i32))) (import "p" "f" (func $f (type $t))) (table funcref (elem $f)) (func (export "f") (result i32) (call_indirect (type $t) (i32.const 5) (i32.const 0)))'
        )
    )
    assert user.instantiate({"p": provider.instantiate()}).exports.f() == 5


FIRST_TYPE = """
import wasmcy
group = "(rec (type $t1 (func)) (type $t2 (func)))"
made = wasmcy.Module(f'(module {group} (tag (export "tag") (type $t1)))').instantiate()
wasmcy.Module(f'(module {group} (tag (import "m" "tag") (type $t1)))').instantiate({"m": made})
try:
    wasmcy.Module('(module (tag (import "m" "tag")))').instantiate({"m": made})
except wasmcy.LinkError:
    print("told apart")
"""


def test_a_tag_of_the_first_type_of_a_process_has_that_type():
    """Whose canonical id is 0."""
    done = subprocess.run([sys.executable, "-c", FIRST_TYPE], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout, done.stderr) == ("told apart\n", "")
