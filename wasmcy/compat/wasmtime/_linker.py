"""Linker: names for what modules import."""

from __future__ import annotations

from functools import partial

import wasmcy
from wasmcy.wasi.calls import MODULES

from ._engine import Engine
from ._error import WasmtimeError
from ._extern import AsExtern, unwrap_extern, wrap_extern
from ._func import Func, host_function
from ._instance import Instance, InstancePre, instantiate
from ._managed import Managed
from ._module import Module
from ._store import Store
from ._types import FuncType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._store import Storelike

    # What makes the object of an import for a store: a function of wasmcy, or an object that a store has already.
    Definition = Callable[[Store, wasmcy.ImportType], Any]

_WASI = "wasi_snapshot_preview1"


class Linker(Managed):
    """Names for what modules import; with functions alone, for any number of stores."""

    def __init__(self, engine: Engine) -> None:
        engine._open()
        self.engine = engine
        self._shadowing = False
        self._names: dict[tuple[str, str], Definition] = {}

    @property
    def allow_shadowing(self) -> bool:
        """Whether a name may be defined again."""
        return self._shadowing

    @allow_shadowing.setter
    def allow_shadowing(self, allow: bool) -> None:
        self._open()
        self._shadowing = bool(allow)

    def _define(self, module: str, name: str, definition: Definition) -> None:
        self._open()
        for text in (module, name):
            text.encode("utf-8")
        if (module, name) in self._names and not self._shadowing:
            raise WasmtimeError(f"import of `{module}::{name}` defined twice")
        self._names[module, name] = definition

    def define(self, store: Storelike, module: str, name: str, item: AsExtern) -> None:
        """Define an object of a store."""
        found = unwrap_extern(item)
        store._context()
        self._define(module, name, lambda store, wanted: found)

    def define_func(
        self, module: str, name: str, ty: FuncType, func: Callable[..., Any], access_caller: bool = False
    ) -> None:
        """Define a Python function, for every store."""
        if not isinstance(ty, FuncType):
            raise TypeError("expected a FuncType")
        type_ = ty._type

        def make(store: Store, wanted: object) -> wasmcy.Func:
            called = host_function(func, type_, access_caller, store)
            return wasmcy.Func(called, type=type_, store=store._context())

        self._define(module, name, make)

    def define_instance(self, store: Storelike, name: str, instance: Instance) -> None:
        """Define all exports of an instance, with `name` as their module's."""
        if not isinstance(instance, Instance):
            raise TypeError("expected an `Instance`")
        for export, item in instance.exports(store).items():
            self.define(store, name, export, item)

    def define_wasi(self) -> None:
        """Define the calls of WASI preview 1; stores grant them by `set_wasi`."""
        for name in sorted(MODULES[_WASI]):
            self._define(_WASI, name, partial(_wasi_call, name))

    def define_module(self, store: Storelike, name: str, module: Module) -> None:
        """Define a module's exports: of one instance, or, for a command, of a new one at each call."""
        if not isinstance(module, Module):
            raise TypeError("expected a `Module`")
        if not any(offered.name == "_start" for offered in module._module.exports):
            instance = self.instantiate(store, module)
            initialize = instance.exports(store).get("_initialize")
            if isinstance(initialize, Func):
                initialize(store)
            self.define_instance(store, name, instance)
            return
        for offered in module._module.exports:
            if isinstance(offered.type, wasmcy.FuncType):
                self._define(name, offered.name, partial(self._command, module, offered.name, offered.type))

    def _command(self, module: Module, name: str, type_: wasmcy.FuncType, store: Store, wanted: object) -> wasmcy.Func:
        """A function that makes an instance and calls one of its functions."""

        def run(*arguments: Any) -> Any:
            function = self.instantiate(store, module).exports(store)[name]
            assert isinstance(function, Func)
            return function(store, *arguments)

        return wasmcy.Func(host_function(run, type_, False, store), type=type_, store=store._context())

    def instantiate(self, store: Storelike, module: Module) -> Instance:
        """Instantiate with what has been defined."""
        self._open()
        context, owner = store._context(), store._owner()
        return instantiate(context, module, _resolved(self._names, module, owner))

    def instantiate_pre(self, module: Module) -> InstancePre:
        """Find a module's imports now, to instantiate it any number of times."""
        if not isinstance(module, Module):
            raise TypeError("expected a `Module`")
        self._open()
        found = {}
        for wanted in module._module.imports:
            found[wanted.module, wanted.name] = _definition(self._names, wanted)
        return InstancePre(module, lambda store: _resolved(found, module, store._owner()))

    def get(self, store: Storelike, module: str, name: str) -> AsExtern:
        """What a name means in a store."""
        self._open()
        context, owner = store._context(), store._owner()
        definition = self._names.get((module, name))
        if definition is None:
            raise WasmtimeError("item not defined in linker")
        if module == _WASI and isinstance(definition, partial) and definition.func is _wasi_call:
            type_ = _wasi_type(name)
            wanted = wasmcy.ImportType(module, name, type_)
            return Func._of(wasmcy.Func(definition(owner, wanted), type=type_, store=context))
        return wrap_extern(definition(owner, wasmcy.ImportType(module, name, wasmcy.FuncType())))

    def get_default(self, store: Storelike, name: str) -> Func:
        """The function that a module as a whole stands for: "", or _start, or one that does nothing."""
        for export in ("", "_start"):
            if (name, export) in self._names:
                found = self.get(store, name, export)
                if isinstance(found, Func):
                    return found
        return Func(store._owner(), FuncType([], []), lambda: None)

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Define the functions that a module wants and nobody has defined: calling them raises."""
        for wanted in self._unknown(module):
            if isinstance(wanted.type, wasmcy.FuncType):
                self._names[wanted.module, wanted.name] = _missing

    def define_unknown_imports_as_default_values(self, store: Storelike, module: Module) -> None:
        """Define what a module wants and nobody has defined: zeros, nulls, functions that return them."""
        unknown = self._unknown(module)
        context, owner = store._context(), store._owner()
        for wanted in unknown:
            made = _default(owner, context, wanted.type)
            self._names[wanted.module, wanted.name] = lambda store, wanted, made=made: made  # type: ignore[misc]

    def _unknown(self, module: Module) -> list[wasmcy.ImportType]:
        if not isinstance(module, Module):
            raise TypeError("expected a `Module`")
        self._open()
        return [wanted for wanted in module._module.imports if (wanted.module, wanted.name) not in self._names]


def _definition(names: dict[tuple[str, str], Definition], wanted: wasmcy.ImportType) -> Definition:
    found = names.get((wanted.module, wanted.name))
    if found is None:
        raise WasmtimeError(f"unknown import: `{wanted.module}::{wanted.name}` has not been defined")
    return found


def _resolved(names: dict[tuple[str, str], Definition], module: Module, store: Store) -> list[Any]:
    return [_definition(names, wanted)(store, wanted) for wanted in module._module.imports]


def _wasi_call(name: str, store: Store, wanted: object) -> Callable[..., Any]:
    """A call of WASI: what the store grants, now or later."""
    if store._wasi is not None:
        return store._wasi_imports[_WASI][name]

    def later(*arguments: Any) -> Any:
        if store._wasi is None:
            raise WasmtimeError("WASI has not been configured: call Store.set_wasi")
        return store._wasi_imports[_WASI][name](*arguments)

    later.signature = MODULES[_WASI][name].signature  # type: ignore[attr-defined]
    return wasmcy.with_caller(later)


def _wasi_type(name: str) -> wasmcy.FuncType:
    params, _, results = MODULES[_WASI][name].signature.partition("->")  # type: ignore[attr-defined]
    return wasmcy.Func(print, params.split(), results.split()).type


def _missing(store: Store, wanted: wasmcy.ImportType) -> wasmcy.Func:
    def call(*arguments: object) -> None:
        raise WasmtimeError(f"unknown import: `{wanted.module}::{wanted.name}` has not been defined")

    assert isinstance(wanted.type, wasmcy.FuncType)
    return wasmcy.Func(host_function(call, wanted.type, False, store), type=wanted.type, store=store._context())


def _zero(type_: wasmcy.ValType) -> Any:
    return None if type_.is_ref else 0


def _default(store: Store, context: wasmcy.Store, type_: object) -> Any:
    """An object of a type, as empty as can be."""
    if isinstance(type_, wasmcy.FuncType):
        zeros = tuple([_zero(t) for t in type_.results])
        result = zeros if len(zeros) > 1 else zeros[0] if zeros else None
        return wasmcy.Func(lambda *arguments: result, type=type_, store=context)
    if isinstance(type_, wasmcy.GlobalType):
        return wasmcy.Global(value=_zero(type_.type), type=type_, store=context)
    if isinstance(type_, wasmcy.MemoryType):
        return wasmcy.Memory(type=type_, store=None if type_.shared else context)
    if isinstance(type_, wasmcy.TableType):
        return wasmcy.Table(type=type_, store=context)
    assert isinstance(type_, wasmcy.TagType)
    return wasmcy.Tag(type_.params, store=context)
