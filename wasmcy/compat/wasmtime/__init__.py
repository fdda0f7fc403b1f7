"""The API of wasmtime (its core part, of releases 46 to 50): `import wasmcy.compat.wasmtime as wasmtime`.

>>> import wasmcy.compat.wasmtime as wasmtime
>>> store = wasmtime.Store()
>>> module = wasmtime.Module(store.engine, '(module (func (export "foo") (result i32) (i32.const 15)))')
>>> wasmtime.Instance(store, module, []).exports(store)["foo"](store)
15
"""

from ._config import Config
from ._engine import Engine
from ._error import ExitTrap, WasmtimeError
from ._func import Caller, Func
from ._globals import Global
from ._instance import Instance, InstancePre
from ._linker import Linker
from ._managed import Managed
from ._memory import Memory
from ._module import Module
from ._sharedmemory import SharedMemory
from ._store import Store, StoreContext
from ._table import Table
from ._tag import Tag
from ._trap import Frame, Trap, TrapCode
from ._types import ExportType, FuncType, GlobalType, ImportType, Limits, MemoryType, TableType, TagType, ValType
from ._value import Val
from ._wasi import DirPerms, FilePerms, WasiConfig
from ._wat2wasm import wat2wasm

Storelike = Store | Caller | StoreContext

__all__ = [
    "Caller",
    "Config",
    "DirPerms",
    "Engine",
    "ExitTrap",
    "ExportType",
    "FilePerms",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "ImportType",
    "Instance",
    "InstancePre",
    "Limits",
    "Linker",
    "Managed",
    "Memory",
    "MemoryType",
    "Module",
    "SharedMemory",
    "Store",
    "StoreContext",
    "Storelike",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "Trap",
    "TrapCode",
    "Val",
    "ValType",
    "WasiConfig",
    "WasmtimeError",
    "wat2wasm",
]
