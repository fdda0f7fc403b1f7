"""The only part of the runner that talks to wasmcy."""

import re
from collections.abc import Mapping

import wasmcy
from wasmcy.errors import (
    GuestException,
    InvalidError,
    LinkError,
    MalformedError,
    StackExhausted,
    Trap,
    Unsupported,
)

from .values import Value

__all__ = [
    "Engine",
    "GuestException",
    "InvalidError",
    "LinkError",
    "MalformedError",
    "StackExhausted",
    "TextUnsupported",
    "Trap",
    "Unsupported",
    "assemble",
]


class TextUnsupported(Exception):
    """The assertion is about the text format, which wasmcy does not read yet."""


def assemble(text: str) -> bytes:
    """The binary of a text module. Until wasmcy reads text itself, wasmtime's assembler does it."""
    import wasmtime

    if not text.isascii():
        # The suite's strings have characters that change the direction of writing; wasmtime
        # refuses those unless escaped.
        text = _NOT_ASCII.sub(lambda match: "".join(f"\\{byte:02x}" for byte in match.group().encode()), text)
    return bytes(wasmtime.wat2wasm(text))


_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class Engine:
    """One store with the `spectest` module and the instances that a script registers in it."""

    def __init__(self, features: Mapping[str, bool] | None = None) -> None:
        self.features = wasmcy.Features().with_(**features) if features else wasmcy.Features()
        self.store = wasmcy.Store()
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
    is_number = str(variable.type.type) in ("i32", "i64", "f32", "f64")
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
    }
