"""Func and Caller: calls into a guest, and Python functions called by one."""

from __future__ import annotations

import wasmcy

from ._error import WasmtimeError
from ._store import Store
from ._trap import converted
from ._types import FuncType
from ._value import lift, lowering, may_hold_functions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._extern import AsExtern
    from ._store import Storelike


class Carried(BaseException):
    """Carries the exception of a Python function through a guest, which must not catch it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def entered(context: wasmcy.Store, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what may run a guest in a store; what it raises is what wasmtime would raise."""
    try:
        return function(*arguments)
    except Carried as carried:
        error = carried.error
    except wasmcy.WasmError as own:
        if isinstance(own, wasmcy.FuelExhausted):
            context.fuel = 0  # what was left did not suffice
        error = converted(own)
    try:
        raise error  # outside of the handlers: its own cause and context stay as they are
    finally:
        del error


class Caller:
    """The instance that calls a Python function: valid until that returns."""

    def __init__(self, caller: wasmcy.Caller, store: Store) -> None:
        self._caller: wasmcy.Caller | None = caller
        self._store: Store | None = store

    def __getitem__(self, name: str) -> AsExtern:
        found = self.get(name)
        if found is None:
            raise KeyError(f"failed to find export {name}")
        return found

    def get(self, name: str) -> AsExtern | None:
        """The caller's export of that name; None if there is none, or the call is over."""
        if not isinstance(name, str):
            raise TypeError("expected a str")
        if self._caller is None or self._caller.instance is None:
            return None
        from ._extern import wrap_extern

        found = self._caller.exports.get(name)
        return None if found is None else wrap_extern(found)

    def _owner(self) -> Store:
        if self._store is None:
            raise ValueError("caller is no longer valid")
        return self._store

    def _context(self) -> wasmcy.Store:
        return self._owner()._context()

    def _invalidate(self) -> None:
        self._caller = self._store = None


def _results_lowering(type_: wasmcy.FuncType) -> Callable[[Any], Any]:
    """The function that turns what a Python function returns into what wasmcy takes."""
    lowerings = [lowering(t) for t in type_.results]
    if not lowerings:

        def none(result: Any) -> None:
            if result is not None:
                raise WasmtimeError("callback produced results when it shouldn't")

        return none
    if len(lowerings) == 1:
        return lowerings[0]

    def several(results: Any) -> tuple[Any, ...]:
        if len(results) != len(lowerings):
            raise WasmtimeError("callback produced wrong number of results")
        return tuple([lower(result) for lower, result in zip(lowerings, results, strict=True)])

    return several


def host_function(
    function: Callable[..., Any], type_: wasmcy.FuncType, access_caller: bool, store: Store
) -> Callable[..., Any]:
    """A Python function as wasmcy calls it."""
    lower = _results_lowering(type_)
    lifts = may_hold_functions(type_.params)

    def call(*arguments: Any) -> Any:
        try:
            return lower(function(*(map(lift, arguments) if lifts else arguments)))
        except Exception as error:
            raise Carried(error) from None

    def call_with_caller(own: wasmcy.Caller, *arguments: Any) -> Any:
        caller = Caller(own, store)
        try:
            return call(caller, *arguments)
        finally:
            caller._invalidate()

    return wasmcy.with_caller(call_with_caller) if access_caller else call


class Func:
    """A function of a guest, or a Python function with a type."""

    _func: wasmcy.Func

    def __init__(self, store: Store, ty: FuncType, func: Callable[..., Any], access_caller: bool = False) -> None:
        if not isinstance(store, Store):
            raise TypeError("expected a Store")
        if not isinstance(ty, FuncType):
            raise TypeError("expected a FuncType")
        context = store._context()
        called = host_function(func, ty._type, access_caller, store)
        self._set(wasmcy.Func(called, type=ty._type, store=context))

    @classmethod
    def _of(cls, func: wasmcy.Func) -> Func:
        made = cls.__new__(cls)
        made._set(func)
        return made

    def _set(self, func: wasmcy.Func) -> None:
        self._func = func
        self._lowerings: list[Callable[[Any], Any]] | None = None  # made at the first call

    def type(self, store: Storelike) -> FuncType:
        store._context()
        made = FuncType([], [])
        made._type = self._func.type
        return made

    def __call__(self, store: Storelike, *params: Any) -> Any:
        """Call with values or `Val`s; returns None, a value, or a list of several."""
        context = store._context()
        lowerings = self._lowerings
        if lowerings is None:
            type_ = self._func.type
            lowerings = self._lowerings = [lowering(t) for t in type_.params]
            self._lifts = may_hold_functions(type_.results)
            self._several = len(type_.results) > 1
        if len(params) != len(lowerings):
            amount = "many" if len(params) > len(lowerings) else "few"
            raise WasmtimeError(f"too {amount} parameters provided: given {len(params)}, expected {len(lowerings)}")
        arguments = [lower(value) for lower, value in zip(lowerings, params, strict=True)]
        result = entered(context, self._func, *arguments)
        if self._several:
            return list(map(lift, result))
        return lift(result) if self._lifts else result
