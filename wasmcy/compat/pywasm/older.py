"""The API of pywasm before 2.0: `pywasm.load(path, imports).exec(name, arguments)`."""

from __future__ import annotations

import wasmcy

from . import log
from .core import GlobalInst, MemInst, TableInst, wrapped
from .types import MemType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class Option:
    """Limits; 0: none. `pages_limit` bounds each memory."""

    def __init__(self) -> None:
        self.pages_limit = 0


class Ctx:
    """What Python functions get first: the memories, tables and globals of the calling module."""

    def __init__(self, caller: wasmcy.Caller) -> None:
        self._caller = caller

    @property
    def memory_list(self) -> list[MemInst]:
        instance = self._caller.instance
        if instance is None:
            return []
        try:
            memory = instance.object_at("memory", 0)
        except IndexError:
            return []
        return [MemInst(MemType.of(memory.type), memory)]


def on_debug() -> None:
    """Print messages."""
    log.lvl = 1


def load(name: str, imps: Mapping[str, Mapping[str, Any]] | None = None, opts: Option | None = None) -> Loaded:
    """Instantiate a file. `imps` has functions, which take a Ctx and their arguments, memories, tables and numbers."""
    pages = opts.pages_limit if opts is not None else 0
    limits = wasmcy.Limits(each_memory=pages << 16) if pages else None
    provided = {module: {key: _provided(item) for key, item in names.items()} for module, names in (imps or {}).items()}
    return Loaded(wasmcy.Module.from_file(name).instantiate(provided, limits=limits))


def _provided(item: Any) -> Any:
    if isinstance(item, (MemInst, TableInst, GlobalInst)):
        return item.own
    if not callable(item):
        return item

    def call(caller: wasmcy.Caller, *arguments: Any) -> Any:
        return item(Ctx(caller), *arguments)

    return wasmcy.with_caller(call)


class Loaded:
    """An instance whose functions are called by name."""

    def __init__(self, instance: wasmcy.Instance) -> None:
        self.instance = instance
        self.store = Ctx(wasmcy.Caller(instance))

    def exec(self, name: str, args: Sequence[int | float]) -> Any:
        """Call a function; returns None, a value, or a list of several."""
        function = self.instance.exports.get(name)
        if not isinstance(function, wasmcy.Func):
            raise Exception("pywasm: function not found")
        types = function.type.params
        result = function(*[wrapped(t, value) for t, value in zip(types, args, strict=True)])
        return list(result) if isinstance(result, tuple) else result
