"""What is imported and exported: between wasmtime's objects and wasmcy's."""

from __future__ import annotations

import wasmcy

from ._func import Func
from ._globals import Global
from ._memory import Memory
from ._sharedmemory import SharedMemory
from ._table import Table
from ._tag import Tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AsExtern = Func | Global | Memory | SharedMemory | Table | Tag


def wrap_extern(item: Any) -> AsExtern:
    """The object of wasmtime for one of wasmcy."""
    if isinstance(item, wasmcy.Func):
        return Func._of(item)
    if isinstance(item, wasmcy.Memory):
        return SharedMemory._of(item) if item.type.shared else Memory._of(item)
    if isinstance(item, wasmcy.Global):
        return Global._of(item)
    if isinstance(item, wasmcy.Table):
        return Table._of(item)
    assert isinstance(item, wasmcy.Tag)
    return Tag._of(item)


def unwrap_extern(item: AsExtern) -> Any:
    """The object of wasmcy that one of wasmtime stands for."""
    if isinstance(item, Func):
        return item._func
    if isinstance(item, (Memory, SharedMemory)):
        return item._memory
    if isinstance(item, Global):
        return item._global
    if isinstance(item, Table):
        return item._table
    if isinstance(item, Tag):
        return item._tag
    raise TypeError("expected a Func, Global, Memory, SharedMemory, Tag, or Table")
