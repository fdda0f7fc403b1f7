"""The API of pywasm 2.2, and of its older `load` and `exec`: `import wasmcy.compat.pywasm as pywasm`.

>>> import wasmcy.compat.pywasm as pywasm
>>> runtime = pywasm.core.Runtime()
>>> module = runtime.instance_from_file("examples/guests/foo.wasm")
>>> runtime.invocate(module, "foo", [])
[15]
"""

from . import core, log, wasi
from .core import (
    ExportInst,
    Extern,
    FuncHost,
    FuncInst,
    GlobalInst,
    Import,
    Machine,
    MemInst,
    ModuleDesc,
    ModuleInst,
    Runtime,
    Store,
    TableInst,
)
from .older import Ctx, Option, load, on_debug
from .types import FuncType, GlobalType, Limits, MemType, TableType, ValInst, ValType

__all__ = [
    "Ctx",
    "ExportInst",
    "Extern",
    "FuncHost",
    "FuncInst",
    "FuncType",
    "GlobalInst",
    "GlobalType",
    "Import",
    "Limits",
    "Machine",
    "MemInst",
    "MemType",
    "ModuleDesc",
    "ModuleInst",
    "Option",
    "Runtime",
    "Store",
    "TableInst",
    "TableType",
    "ValInst",
    "ValType",
    "core",
    "load",
    "log",
    "on_debug",
    "version",
    "wasi",
]
version = "2.2.3"
