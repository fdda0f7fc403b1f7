"""Linking several modules by name."""

from __future__ import annotations

from .engine.instance import Instance
from .engine.store import Store
from .errors import expect
from .runtime import Module, provided

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .limits import Limits


class Linker:
    """Names for what modules import: define objects and instances, then instantiate.

        >>> linker = Linker()
        >>> linker.define("env", "log", print)

    All that is linked lives in one store.

    Raises:
        TypeError: an argument, here or of a method, is of another type.
    """

    def __init__(self, store: Store | None = None, *, limits: Limits | None = None) -> None:
        self.store = Store(limits) if store is None else store
        expect(self.store, Store, "a Store")
        self._names: dict[str, dict[str, Any]] = {}

    def define(self, module: str, name: str, value: Any) -> None:
        """Provide an object, or a plain callable, under a name; a later definition replaces it."""
        self._names.setdefault(module, {})[name] = value

    def define_instance(self, module: str, instance: Instance) -> None:
        """Provide all exports of an instance under a module name."""
        expect(instance, Instance, "an Instance")
        self._names.setdefault(module, {}).update(instance.exports.items())

    def define_provider(self, provider: Any) -> None:
        """Provide what a provider such as Wasi offers."""
        for module, names in provided(provider).items():
            self._names.setdefault(module, {}).update(names)

    def instantiate(self, module: Module, name: str | None = None) -> Instance:
        """Instantiate with what has been defined; with `name`, its exports are defined under it."""
        expect(module, Module, "a Module")
        instance = module.instantiate(self._names, store=self.store)
        if name is not None:
            self.define_instance(name, instance)
        return instance
