"""The only part of the runner that talks to wasmcy."""

from collections.abc import Mapping
from typing import Any

import wasmcy
from wasmcy.errors import (
    GuestException,
    InvalidError,
    LinkError,
    MalformedError,
    StackExhausted,
    Trap,
)
from wasmcy.text import wat2wasm

from .forms import Form, Source
from .values import Value

__all__ = [
    "Engine",
    "GuestException",
    "InvalidError",
    "LinkError",
    "MalformedError",
    "StackExhausted",
    "Trap",
    "binary",
    "features_with",
]


def features_with(switches: Mapping[str, bool]) -> wasmcy.Features:
    """The default features but for some switches."""
    return wasmcy.Features().with_(**switches)


def binary(source: Source, form: Form, features: wasmcy.Features) -> bytes:
    """The bytes of a module form: those given, or those of its text, quoted or not.

    Raises:
        MalformedError, InvalidError: the text is no module.
    """
    content = b"".join(item for item in form if isinstance(item, bytes))
    if "binary" in form:
        return content
    return wat2wasm(content if "quote" in form else b"(module " + source.data[form.body : form.end], features)


class Engine:
    """One store, made with `options`, with the `spectest` module and the instances that a script registers in it."""

    def __init__(self, features: wasmcy.Features, **options: Any) -> None:
        self.features = features
        self.store = wasmcy.Store(**options)
        self.registry: dict[str, Mapping[str, object]] = {"spectest": spectest()}

    def load(self, data: bytes) -> wasmcy.Module:
        return wasmcy.Module(data, features=self.features)

    def instantiate(self, module: wasmcy.Module) -> wasmcy.Instance:
        imports: dict[str, dict[str, object]] = {}
        for wanted in module.imports:
            exports = self.registry.get(wanted.module)
            if exports is not None and wanted.name in exports:
                imports.setdefault(wanted.module, {})[wanted.name] = exports[wanted.name]
        return module.instantiate(imports, store=self.store)

    def register(self, name: str, instance: wasmcy.Instance) -> None:
        self.registry[name] = instance.exports


def invoke(instance: wasmcy.Instance, name: str, arguments: list[Value]) -> tuple[Value, ...]:
    """Call an export with raw bits and references; the results likewise."""
    func = instance.exports[name]
    if not isinstance(func, wasmcy.Func):
        raise TypeError(f"export {name!r} is not a function")
    return tuple(func.call_raw(*arguments))


def get(instance: wasmcy.Instance, name: str) -> Value:
    """The value of an exported global, as raw bits if it is a number."""
    variable = instance.exports[name]
    if not isinstance(variable, wasmcy.Global):
        raise TypeError(f"export {name!r} is not a global")
    is_number = str(variable.type.type) in ("i32", "i64", "f32", "f64", "v128")
    return variable.raw if is_number else variable.value


def spectest() -> dict[str, object]:
    """The host module that the scripts import as "spectest"."""

    def ignore(*values: object) -> None:
        pass

    prints = ("", "_i32", "_i64", "_f32", "_f64", "_i32_f32", "_f64_f64")
    return {
        **{f"print{suffix}": ignore for suffix in prints},
        "global_i32": wasmcy.Global("i32", 666),
        "global_i64": wasmcy.Global("i64", 666),
        "global_f32": wasmcy.Global("f32", 666.6),
        "global_f64": wasmcy.Global("f64", 666.6),
        "table": wasmcy.Table("funcref", min=10, max=20),
        "table64": wasmcy.Table("funcref", min=10, max=20, is64=True),
        "memory": wasmcy.Memory(min=1, max=2),
        "shared_memory": wasmcy.Memory(min=1, max=2, shared=True),
    }
