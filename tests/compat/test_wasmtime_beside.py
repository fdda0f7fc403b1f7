"""The layer beside wasmtime itself: the same program gives the same results, and errors of the same kind."""

import ctypes
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import wasmtime as theirs

import wasmcy.compat.wasmtime as ours

GUEST = """
    (module $guest
      (import "env" "host" (func $host (param i32) (result i32)))
      (global (export "g") (mut i32) (i32.const 5))
      (global (export "c") i64 (i64.const 6))
      (global (export "e") (mut externref) (ref.null extern))
      (memory (export "memory") 1 3)
      (data (i32.const 8) "wasm")
      (table (export "t") 3 4 funcref)
      (elem (i32.const 0) $takes)
      (func $takes (param i32))
      (func $div (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
      (func (export "unreachable") unreachable)
      (func (export "load") (result i32) (i32.load (i32.const -1)))
      (func (export "convert") (result i32) (i32.trunc_f32_s (f32.const nan)))
      (func (export "indirect") (param i32) (call_indirect (local.get 0)))
      (func (export "table.get") (param i32) (drop (table.get 0 (local.get 0))))
      (func (export "memory.copy") (memory.copy (i32.const 65535) (i32.const 0) (i32.const 5)))
      (func (export "pair") (param f32 f64) (result f64 f32) (local.get 1) (local.get 0))
      (func (export "wide") (param i64) (result i64) (local.get 0))
      (func (export "grow") (result i32) (memory.grow (i32.const 9)))
      (func (export "host") (param i32) (result i32) (call $host (local.get 0)))
      (func (export "extern") (param externref) (result externref) (local.get 0))
      (func (export "function") (param funcref) (result funcref) (local.get 0))
      (func $deep (export "deep") (call $deep)))
"""


class Guest:
    """An instance of GUEST, by one of the two."""

    def __init__(self, w: Any, host: Callable[..., Any] = lambda x: x) -> None:
        self.w = w
        self.store = w.Store()
        i32 = w.ValType.i32()
        function = w.Func(self.store, w.FuncType([i32], [i32]), host)
        self.module = w.Module(self.store.engine, GUEST)
        self.exports = w.Instance(self.store, self.module, [function]).exports(self.store)

    def call(self, name: str, *arguments: Any) -> Any:
        return self.exports[name](self.store, *arguments)

    def func(self, params: str = "", results: str = "", function: Callable[..., Any] = lambda: None) -> Any:
        types = [[getattr(self.w.ValType, t)() for t in text.split()] for text in (params, results)]
        return self.w.Func(self.store, self.w.FuncType(*types), function)


def raises(error: BaseException) -> Callable[..., Any]:
    def function(*arguments: object) -> None:
        raise error

    return function


def calls(name: str, *arguments: Any) -> Callable[[Any], Any]:
    return lambda w: Guest(w).call(name, *arguments)


def with_memory(use: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def case(w: Any) -> Any:
        guest = Guest(w)
        return use(guest.exports["memory"], guest.store)

    return case


def with_table(use: Callable[[Any, Guest], Any]) -> Callable[[Any], Any]:
    def case(w: Any) -> Any:
        guest = Guest(w)
        return use(guest.exports["t"], guest)

    return case


def instantiate(text: str, *names: str) -> Callable[[Any], Any]:
    def case(w: Any) -> Any:
        guest = Guest(w)
        module = w.Module(guest.store.engine, text)
        return type(w.Instance(guest.store, module, [guest.exports[name] for name in names])).__name__

    return case


def limited(limits: dict[str, int], text: str) -> Callable[[Any], Any]:
    def case(w: Any) -> Any:
        store = w.Store()
        store.set_limits(**limits)
        w.Instance(store, w.Module(store.engine, text), [])

    return case


def interrupted(ticks: int | None, advance: int, name: str) -> Callable[[Any], Any]:
    def case(w: Any) -> Any:
        config = w.Config()
        config.epoch_interruption = True
        engine = w.Engine(config)
        store = w.Store(engine)
        store.set_epoch_deadline(100)
        module = w.Module(engine, '(module (func (export "nop")) (func (export "loop") (loop (br 0))))')
        exports = w.Instance(store, module, []).exports(store)
        if ticks is not None:
            store.set_epoch_deadline(ticks)
        for _ in range(advance):
            engine.increment_epoch()
        return exports[name](store)

    return case


def linked(define: Callable[[Any, Any, Guest], Any], text: str = "(module)") -> Callable[[Any], Any]:
    def case(w: Any) -> Any:
        guest = Guest(w)
        linker = w.Linker(guest.store.engine)
        module = w.Module(guest.store.engine, text)
        found = define(linker, module, guest)
        exports = linker.instantiate(guest.store, module).exports(guest.store)
        return [found, [exports[name](guest.store) for name in exports if isinstance(exports[name], w.Func)]]

    return case


MISSING = '(module (import "env" "f" (func (result i32 f64))) (func (export "r") (result i32 f64) (call 0)))'

CASES: dict[str, Callable[[Any], Any]] = {
    "div": calls("div", 7, 2),
    "div of wrapped ints": calls("div", 2**32 + 7, -1),
    "bool": calls("div", True, 1),
    "pair": calls("pair", 1.5, 2.5),
    "wide": calls("wide", 2**64 - 1),
    "wider than wide": calls("wide", 2**64 + 5),
    "negative": calls("wide", -5),
    "divide by zero": calls("div", 1, 0),
    "overflow": calls("div", -(2**31), -1),
    "unreachable": calls("unreachable"),
    "load": calls("load"),
    "convert": calls("convert"),
    "indirect, another type": calls("indirect", 0),
    "indirect, null": calls("indirect", 1),
    "indirect, outside": calls("indirect", 9),
    "table.get": calls("table.get", 9),
    "memory.copy": calls("memory.copy"),
    "deep": calls("deep"),
    "grow": calls("grow"),
    "too few": calls("div", 1),
    "too many": calls("div", 1, 2, 3),
    "float for i32": calls("div", 1.0, 2),
    "int for f32": calls("pair", 1, 2.0),
    "None for i32": calls("div", None, 2),
    "text for i32": calls("div", "1", 2),
    "Val": lambda w: Guest(w).call("div", w.Val.i32(7), 2),
    "Val of another type": lambda w: Guest(w).call("div", w.Val.i64(7), 2),
    "externref": calls("extern", ("any", "object")),
    "externref of a Val": lambda w: Guest(w).call("extern", w.Val.externref("x")),
    "null externref": calls("extern", None),
    "funcref": lambda w: (g := Guest(w)).call("function", g.exports["div"])(g.store, 9, 3),
    "null funcref": calls("function", None),
    "no funcref": calls("function", 3),
    "host": lambda w: Guest(w, lambda x: x + 1).call("host", 41),
    "host returns much": lambda w: Guest(w, lambda x: x + 2**40).call("host", 1),
    "host returns a Val": lambda w: Guest(w, lambda x: w.Val.i32(x)).call("host", 1),
    "host returns nothing": lambda w: Guest(w, lambda x: None).call("host", 1),
    "host returns a float": lambda w: Guest(w, lambda x: 1.0).call("host", 1),
    "host raises": lambda w: Guest(w, raises(KeyError("k"))).call("host", 1),
    "host raises WasmtimeError": lambda w: Guest(w, raises(w.WasmtimeError("mine"))).call("host", 1),
    "host exits": lambda w: Guest(w, raises(SystemExit(3))).call("host", 1),
    "host with results it must not have": lambda w: (g := Guest(w)).func("", "", lambda: 3)(g.store),
    "host with no list": lambda w: (g := Guest(w)).func("", "i32 i32", lambda: 3)(g.store),
    "host with a short list": lambda w: (g := Guest(w)).func("", "i32 i32", lambda: [3])(g.store),
    "host with a list": lambda w: (g := Guest(w)).func("", "i32 f64", lambda: [3, 4.0])(g.store),
    "no Store": lambda w: w.Func(1, w.FuncType([], []), lambda: None),
    "no FuncType": lambda w: w.Func(w.Store(), 1, lambda: None),
    "read": with_memory(lambda m, s: m.read(s, 8, 12)),
    "read the end": with_memory(lambda m, s: len(m.read(s, -10))),
    "read nothing": with_memory(lambda m, s: m.read(s, 12, 8)),
    "read outside": with_memory(lambda m, s: m.read(s, 1 << 20)),
    "write": with_memory(lambda m, s: (m.write(s, b"abc", 9), bytes(m.read(s, 8, 13)))),
    "write at the end": with_memory(lambda m, s: (m.write(s, bytearray(b"abc"), -3), bytes(m.read(s, -3)))),
    "write nothing": with_memory(lambda m, s: m.write(s, b"", 5)),
    "write a list": with_memory(lambda m, s: (m.write(s, [1, 2], 5), bytes(m.read(s, 5, 7)))),
    "write outside": with_memory(lambda m, s: m.write(s, b"abc", 65534)),
    "write at the size": with_memory(lambda m, s: m.write(s, b"", 65536)),
    "pointer": with_memory(lambda m, s: (m.data_ptr(s)[8:12], m.data_ptr(s)[8], ctypes.string_at(m.data_ptr(s), 12))),
    "buffer": with_memory(lambda m, s: (len(m.get_buffer_ptr(s)), bytes(m.get_buffer_ptr(s, 4, 8)))),
    "sizes": with_memory(lambda m, s: (m.size(s), m.data_len(s), m.page_size(s), m.page_size_log2(s))),
    "memory type": with_memory(lambda m, s: (m.type(s).limits.min, m.type(s).limits.max, m.type(s).is_64)),
    "grow a memory": with_memory(lambda m, s: (m.grow(s, 1), m.grow(s, 0), m.size(s))),
    "grow a memory too far": with_memory(lambda m, s: m.grow(s, 9)),
    "shrink a memory": with_memory(lambda m, s: m.grow(s, -1)),
    "grow a memory by text": with_memory(lambda m, s: m.grow(s, "")),
    "table": with_table(lambda t, g: (t.size(g.store), str(t.type(g.store).element), t.type(g.store).limits.max)),
    "table get": with_table(lambda t, g: t.get(g.store, 0)(g.store, 1)),
    "table get outside": with_table(lambda t, g: t.get(g.store, 3)),
    "table set": with_table(lambda t, g: (t.set(g.store, 1, g.exports["div"]), t.get(g.store, 1)(g.store, 8, 2))),
    "table set outside": with_table(lambda t, g: t.set(g.store, 3, None)),
    "table set of a number": with_table(lambda t, g: t.set(g.store, 0, 5)),
    "table grow": with_table(lambda t, g: (t.grow(g.store, 1, None), t.size(g.store))),
    "table grow too far": with_table(lambda t, g: t.grow(g.store, 2, None)),
    "global": lambda w: (g := Guest(w)).exports["g"].value(g.store),
    "global set": lambda w: (
        (g := Guest(w)).exports["g"].set_value(g.store, 2**32 - 1),
        g.exports["g"].value(g.store),
    ),
    "global set to a Val": lambda w: (
        (g := Guest(w)).exports["g"].set_value(g.store, w.Val.i32(9)),
        g.exports["g"].value(g.store),
    ),
    "constant global set": lambda w: (g := Guest(w)).exports["c"].set_value(g.store, 1),
    "global set to a float": lambda w: (g := Guest(w)).exports["g"].set_value(g.store, 1.0),
    "global of a reference": lambda w: (
        (g := Guest(w)).exports["e"].set_value(g.store, "text"),
        g.exports["e"].value(g.store),
    ),
    "missing export": lambda w: Guest(w).exports["nope"],
    "exports": lambda w: (list(e := Guest(w).exports), len(e), "div" in e, e.get("x", 7), len(e.by_index)),
    "export outside": lambda w: Guest(w).exports.by_index[99],
    "imports": lambda w: [(i.module, i.name, type(i.type).__name__) for i in Guest(w).module.imports],
    "module exports": lambda w: [(e.name, type(e.type).__name__) for e in Guest(w).module.exports],
    "too few imports": instantiate('(module (import "a" "b" (func)))'),
    "wrong function": instantiate('(module (import "a" "b" (func)))', "div"),
    "wrong kind": instantiate('(module (import "a" "b" (func)))', "memory"),
    "memory too small": instantiate('(module (import "a" "b" (memory 5)))', "memory"),
    "memory": instantiate('(module (import "a" "b" (memory 1 4)))', "memory"),
    "wrong mutability": instantiate('(module (import "a" "b" (global i32)))', "g"),
    "start traps": instantiate("(module (func $f unreachable) (start $f))"),
    "data outside": instantiate('(module (memory 0) (data (i32.const 0) "x"))'),
    "no module": lambda w: w.Module(w.Engine(), b"\0asm"),
    "nothing": lambda w: w.Module(w.Engine(), b""),
    "no bytes": lambda w: w.Module(w.Engine(), 3),
    "not valid": lambda w: w.Module(w.Engine(), "(module (func (result i32) (i64.const 0)))"),
    "wrong text": lambda w: w.Module(w.Engine(), "(module (fun))"),
    "validate": lambda w: w.Module.validate(w.Engine(), w.wat2wasm("(module (func (result i32)))")),
    "validate text": lambda w: w.Module.validate(w.Engine(), b"(module)"),
    "text in a bytearray": lambda w: w.Module(w.Engine(), bytearray(b"(module)")),
    "text in bytes": lambda w: w.Module(w.Engine(), b"(module)").imports,
    "wat2wasm": lambda w: w.wat2wasm("(module)"),
    "deserialize rubbish": lambda w: w.Module.deserialize(w.Engine(), b"rubbish"),
    "deserialize a file that is not there": lambda w: w.Module.deserialize_file(w.Engine(), "/none/such"),
    "limit of memory": limited({"memory_size": 100000}, "(module (memory 2))"),
    "limits of memory": limited({"memory_size": 100000}, "(module (memory 1) (memory 1))"),
    "limit of tables": limited({"tables": 0}, "(module (table 1 funcref))"),
    "limit of elements": limited({"table_elements": 3}, "(module (table 4 funcref))"),
    "limit of memories": limited({"memories": 0}, "(module (memory 1))"),
    "limit of instances": limited({"instances": 0}, "(module)"),
    "in time": interrupted(2, 1, "nop"),
    "late": interrupted(1, 1, "nop"),
    "much too late": interrupted(2, 5, "loop"),
    "no fuel": lambda w: w.Store().set_fuel(1),
    "no fuel to get": lambda w: w.Store().get_fuel(),
    "data": lambda w: w.Store(data={"a": 1}).data(),
    "Val eq": lambda w: (w.Val.i32(1) == w.Val.i32(1), w.Val.i32(1) == w.Val.i64(1), w.Val.i32(1) == 1),
    "Val wraps": lambda w: (w.Val.i32(2**35).value, w.Val.i64(2**64 - 1).value, w.Val.f32(1.1).value),
    "Val of text": lambda w: w.Val.i32(""),
    "Val null": lambda w: w.Val.ref_null(w.ValType.externref()).value,
    "Val null of i32": lambda w: w.Val.ref_null(w.ValType.i32()),
    "ValType": lambda w: w.ValType(),
    "ValTypes": lambda w: [str(t()) for t in (w.ValType.i32, w.ValType.f64, w.ValType.externref, w.ValType.funcref)],
    "Trap": lambda w: ((t := w.Trap("x")).message, t.frames, t.trap_code, str(t)),
    "WasmtimeError": lambda w: str(w.WasmtimeError("abc")),
    "unknown import": linked(lambda linker, module, g: None, MISSING),
    "import as trap": linked(lambda linker, module, g: linker.define_unknown_imports_as_traps(module), MISSING),
    "import as default": linked(
        lambda linker, module, g: linker.define_unknown_imports_as_default_values(g.store, module), MISSING
    ),
    "defined twice": linked(
        lambda linker, module, g: [linker.define(g.store, "a", "b", g.exports["div"]) for _ in range(2)]
    ),
    "wasi twice": linked(lambda linker, module, g: [linker.define_wasi() for _ in range(2)]),
    "default of nothing": linked(lambda linker, module, g: linker.get_default(g.store, "x")(g.store)),
    "get what is not defined": linked(lambda linker, module, g: linker.get(g.store, "a", "b")),
    "instance": linked(
        lambda linker, module, g: linker.define_instance(
            g.store, "env", g.w.Instance(g.store, g.w.Module(g.store.engine, '(module (func (export "f") (result i32 f64) (i32.const 1) (f64.const 2)))'), [])
        ),
        MISSING,
    ),
    "module": linked(
        lambda linker, module, g: linker.define_module(
            g.store, "env", g.w.Module(g.store.engine, '(module (func (export "f") (result i32 f64) (i32.const 1) (f64.const 2)))')
        ),
        MISSING,
    ),
    "command": linked(
        lambda linker, module, g: (
            linker.define_module(
                g.store, "cmd", g.w.Module(g.store.engine, '(module (global $n (mut i32) (i32.const 0)) (func (export "_start") (global.set $n (i32.const 1))) (func (export "f") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))')
            ),
            [linker.get(g.store, "cmd", "f")(g.store) for _ in range(2)],
            linker.get_default(g.store, "cmd")(g.store),
        ),
    ),
    "closed store": lambda w: ((s := w.Store()).close(), s.set_epoch_deadline(1)),
    "closed config": lambda w: ((c := w.Config()).close(), w.Engine(c)),
    "config twice": lambda w: (w.Engine(c := w.Config()), w.Engine(c)),
    "no config": lambda w: w.Engine(3),
    "no engine": lambda w: w.Store(3),
}  # fmt: skip


def outcome(case: Callable[[Any], Any], w: ModuleType) -> tuple[str, Any]:
    try:
        result = case(w)
    except BaseException as error:
        return type(error).__name__, getattr(error, "trap_code", None) and error.trap_code.name  # type: ignore[attr-defined]
    return "", result


@pytest.mark.parametrize("name", CASES)
def test_both_do_the_same(name: str) -> None:
    assert outcome(CASES[name], ours) == outcome(CASES[name], theirs)


@pytest.mark.parametrize(
    "name",
    [
        *("divide by zero", "overflow", "unreachable", "convert", "indirect, null", "indirect, outside", "table.get"),
        *("too few", "too many", "float for i32", "None for i32", "Val of another type", "host returns nothing"),
        *("grow a memory too far", "shrink a memory", "table set outside", "constant global set", "unknown import"),
        *("defined twice", "wasi twice", "get what is not defined", "no fuel", "ValType", "too few imports"),
    ],
)
def test_both_say_the_same(name: str) -> None:
    texts = []
    for w in (ours, theirs):
        with pytest.raises(Exception) as caught:  # noqa: PT011 which, the other test tells
            CASES[name](w)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_frames_are_the_same() -> None:
    text = '(module $m (func $first (export "f") (call $second)) (func $second (call $third)) (func (nop)) (func $third nop unreachable))'
    found = []
    for w in (ours, theirs):
        store = w.Store()  # type: ignore[attr-defined]
        instance = w.Instance(store, w.Module(store.engine, text), [])  # type: ignore[attr-defined]
        with pytest.raises(w.Trap) as caught:  # type: ignore[attr-defined]
            instance.exports(store)["f"](store)
        frames = caught.value.frames
        found.append([(f.func_index, f.func_name, f.module_name, f.module_offset, f.func_offset) for f in frames])
        found[-1].append(str(caught.value))
    assert found[0] == found[1]


def test_nans_are_canonical_where_both_are_told_so() -> None:
    text = """(func (export "f") (param i64) (result i64)
        (i64.reinterpret_f64 (f64.mul (f64.reinterpret_i64 (local.get 0)) (f64.const -2))))"""
    for w in (ours, theirs):
        config = w.Config()  # type: ignore[attr-defined]
        config.cranelift_nan_canonicalization = True
        store = w.Store(w.Engine(config))  # type: ignore[attr-defined]
        store.set_limits(memory_size=1 << 20)
        f = w.Instance(store, w.Module(store.engine, f"(module {text})"), []).exports(store)["f"]  # type: ignore[attr-defined]
        assert [f(store, nan) for nan in (0x7FF8000000000007, -1, 0x7FF0000000000001)] == [0x7FF8000000000000] * 3


def public(w: ModuleType) -> set[str]:
    return {name for name in vars(w) if not name.startswith("_") and not isinstance(getattr(w, name), ModuleType)}


def test_every_name_is_there() -> None:
    assert public(theirs) - public(ours) == set()
    assert {*theirs.__all__, "DirPerms", "FilePerms"} - {*ours.__all__} == set()
    for name in public(theirs):
        them, us = getattr(theirs, name), getattr(ours, name)
        if isinstance(them, type):
            wanted = {member for member in vars(them) if not member.startswith("_")}
            assert wanted - {*dir(us)} - {"ptr"} == set(), name
