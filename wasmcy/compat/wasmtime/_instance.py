"""Instance and its exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import wasmcy

from ._extern import AsExtern, unwrap_extern, wrap_extern
from ._func import entered
from ._managed import Managed
from ._module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._store import Storelike


def instantiate(context: wasmcy.Store, module: Module, imports: Sequence[Any]) -> Instance:
    """An instance, from wasmcy's objects in the order of the module's imports."""
    module._open()
    return Instance._of(entered(context, lambda: module._module.instantiate(list(imports), store=context)))


class Instance:
    """An instance of a module."""

    _instance: wasmcy.Instance

    def __init__(self, store: Storelike, module: Module, imports: Sequence[AsExtern]) -> None:
        objects = [unwrap_extern(item) for item in imports]
        self._set(instantiate(store._context(), module, objects)._instance)

    @classmethod
    def _of(cls, instance: wasmcy.Instance) -> Instance:
        made = cls.__new__(cls)
        made._set(instance)
        return made

    def _set(self, instance: wasmcy.Instance) -> None:
        self._instance = instance
        self._exports: InstanceExports | None = None

    def exports(self, store: Storelike) -> InstanceExports:
        """The exports, by name; `by_index` has them in order."""
        store._context()
        if self._exports is None:
            self._exports = InstanceExports(self._instance)
        return self._exports


class InstanceExports(Mapping[str, AsExtern]):
    """What an instance exports; objects are made when they are first asked for."""

    def __init__(self, instance: wasmcy.Instance) -> None:
        self._own = instance.exports
        self._wrapped: dict[str, AsExtern] = {}

    def __getitem__(self, name: str) -> AsExtern:
        found = self._wrapped.get(name)
        if found is None:
            found = self._wrapped[name] = wrap_extern(self._own[name])
        return found

    @property
    def by_index(self) -> Sequence[AsExtern]:
        return tuple([self[name] for name in self._own])

    def __len__(self) -> int:
        return len(self._own)

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)


class InstancePre(Managed):
    """A module whose imports have been found; made by `Linker.instantiate_pre`."""

    def __init__(self, module: Module, resolve: Callable[[Storelike], list[Any]]) -> None:
        self._module = module
        self._resolve = resolve

    def instantiate(self, store: Storelike) -> Instance:
        """An instance in a store."""
        self._open()
        return instantiate(store._context(), self._module, self._resolve(store))

    @property
    def module(self) -> Module:
        self._open()
        return self._module
