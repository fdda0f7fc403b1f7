"""Arguments of another type than was asked for: each gets a TypeError that names what was wanted."""

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import wasmcy
from tests.runtime.instantiating import instantiate

TEXT = """(module (memory (export "memory") 1) (table (export "table") 2 funcref) (tag (export "tag") (param i32))
    (global (export "variable") (mut i32) (i32.const 1)) (func (export "f") (param i32 i64) (result i32) local.get 0))"""
MODULE = wasmcy.Module(TEXT)
WRONG = [5, None, "x", b"x", [], {}, object(), 1.5, -1, 1 << 70, int]
REFUSALS = (TypeError, ValueError, LookupError, OverflowError, OSError, wasmcy.WasmError)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda: MODULE.instantiate(5), "imports by module and name"),
        (lambda: MODULE.instantiate("env"), "imports by module and name"),
        (lambda: MODULE.instantiate(wasi=5), "a provider such as Wasi"),
        (lambda: MODULE.instantiate(wasi=[wasmcy.Wasi]), None),
        (lambda: MODULE.instantiate(limits=5), "Limits"),
        (lambda: MODULE.instantiate(limits={"memory": 5}), "Limits"),
        (lambda: MODULE.instantiate(store=5), None),
        (lambda: MODULE.restore(5), "a Snapshot"),
        (lambda: wasmcy.Module(TEXT, features={"simd"}), "Features"),
        (lambda: wasmcy.Module.from_wat(5), None),
        (lambda: wasmcy.wat2wasm(5), None),
        (lambda: wasmcy.wat2wasm(TEXT, 5), "Features"),
        (lambda: wasmcy.Store(5), "Limits"),
        (lambda: wasmcy.Linker(5), "a Store"),
        (lambda: wasmcy.Linker().instantiate(5), "a Module"),
        (lambda: wasmcy.Linker().define_instance("a", 5), "an Instance"),
        (lambda: wasmcy.Linker().define_provider(5), "a provider such as Wasi"),
        (lambda: wasmcy.Pool(5), "a Module"),
        (lambda: wasmcy.Pool(MODULE, snapshot=5), "a Snapshot"),
        (lambda: wasmcy.Memory(type=5), "a MemoryType"),
        (lambda: wasmcy.Table(type=wasmcy.MemoryType(1)), "a TableType"),
        (lambda: wasmcy.Global(type="i32"), "a GlobalType"),
        (lambda: wasmcy.Tag(type="i32"), "a TagType"),
        (lambda: wasmcy.Func(print, type="i32"), "a FuncType"),
        (lambda: wasmcy.Wasi(dirs=["."]), "a mapping of names to directories"),
        (lambda: wasmcy.Wasi(env=["A=1"]), "a mapping of variables"),
        (lambda: wasmcy.run("examples/guests/upper.wasm", dirs=["."]), "a mapping of names to directories"),
        (lambda: wasmcy.MemoryDirectory(["name"]), "a mapping of paths to bytes"),
        (lambda: wasmcy.Network(wasmcy.Wasi(), [5]), "a host and port"),
    ],
)
def test_what_was_wanted_is_said(call: Callable[[], object], wanted: str | None) -> None:
    with pytest.raises(TypeError, match=f"expected {wanted}, got " if wanted else None):
        call()


def callables() -> dict[str, Callable[..., Any]]:
    """What is public, and the public methods of one object of each kind."""
    instance = instantiate(TEXT)
    objects = {
        "module": MODULE, "instance": instance, "store": wasmcy.Store(), "linker": wasmcy.Linker(),
        "snapshot": instance.snapshot(), **dict(instance.exports.items()),
    }  # fmt: skip
    found = {name: getattr(wasmcy, name) for name in wasmcy.__all__}
    for kind, made in objects.items():
        found |= {f"{kind}.{name}": getattr(made, name) for name in dir(made) if name[0] != "_"}
    return {name: value for name, value in found.items() if callable(value) and name not in ("Caller", "run_async")}


@pytest.mark.filterwarnings("ignore:.*never awaited")
@pytest.mark.parametrize("name", callables())
def test_nothing_else_is_raised(name: str) -> None:
    """Neither AttributeErrors from inside nor anything worse, for one wrong argument or many."""
    call = callables()[name]
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except ValueError:  # an exception, or what only instances make
        parameters = []
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in variable]
    others = [p for p in parameters if p.default is not p.empty]
    for wrong in WRONG:
        with contextlib.suppress(REFUSALS):
            call(*[wrong] * len(needed))
        for parameter in others:
            with contextlib.suppress(REFUSALS):
                call(*[MODULE.binary] * len(needed), **{parameter.name: wrong})


def test_makers_have_signatures() -> None:
    """What programs call to make objects; the rest are exceptions, and objects that only instances make."""
    without = set()
    for name, value in ((name, getattr(wasmcy, name)) for name in wasmcy.__all__):
        if callable(value) and not (isinstance(value, type) and issubclass(value, BaseException)):
            try:
                inspect.signature(value)
            except ValueError:
                without.add(name)
    assert without == {"Array", "Epoch", "Exports", "Instance", "Struct", "ValType"}
    assert list(inspect.signature(wasmcy.Func).parameters) == ["callable", "params", "results", "type", "store"]
    assert str(inspect.signature(wasmcy.Func(print, ["i32"], ["i64"]))) == "(p0: 'i32', /) -> 'i64'"
    assert not hasattr(wasmcy.Func(print), "nothing")


def test_the_type_of_a_tag_is_a_tag_type() -> None:
    made = wasmcy.Tag(["i32"])
    assert made.type == wasmcy.TagType(wasmcy.FuncType((wasmcy.types.I32,)))
    assert wasmcy.Tag(type=made.type.type).type == made.type == instantiate(TEXT).exports.tag.type


@pytest.mark.parametrize("argument", ["bare", "canonical"])
def test_nobody_leaves_an_object_unfinished(argument: str) -> None:
    for kind in (wasmcy.Global, wasmcy.Tag):
        with pytest.raises(TypeError, match="unexpected keyword"):
            kind(**{argument: 1})
