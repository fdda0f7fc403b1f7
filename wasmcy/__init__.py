"""wasmcy: a WebAssembly engine for Python."""

from .engine.instance import Exports, Instance
from .engine.machine import Func
from .engine.objects import I31, Array, Struct
from .engine.store import Epoch, Global, Memory, Store, Table, Tag
from .errors import (
    Exit,
    Frame,
    FuelExhausted,
    GuestException,
    InstanceLimit,
    InvalidError,
    LimitError,
    LinkError,
    MalformedError,
    MemoryLimit,
    SnapshotError,
    StackExhausted,
    TableLimit,
    Timeout,
    Trap,
    Unsupported,
    WasmError,
)
from .features import Features
from .limits import Limits
from .linker import Linker
from .runtime import Caller, ExportType, ImportType, Module, with_caller
from .types import FuncType, GlobalType, MemoryType, TableType, TagType, ValType

__all__ = [
    "CAPTURE",
    "I31",
    "INHERIT",
    "Array",
    "Caller",
    "Completed",
    "Epoch",
    "Exit",
    "ExportType",
    "Exports",
    "Features",
    "Frame",
    "FuelExhausted",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "GuestException",
    "ImportType",
    "Instance",
    "InstanceLimit",
    "InvalidError",
    "LimitError",
    "Limits",
    "LinkError",
    "Linker",
    "MalformedError",
    "Memory",
    "MemoryDirectory",
    "MemoryFile",
    "MemoryLimit",
    "MemoryType",
    "Module",
    "Network",
    "Pool",
    "ReadOnly",
    "Snapshot",
    "SnapshotError",
    "StackExhausted",
    "Store",
    "Struct",
    "Table",
    "TableLimit",
    "TableType",
    "Tag",
    "TagType",
    "Timeout",
    "Trap",
    "Unsupported",
    "ValType",
    "Wasi",
    "WasmError",
    "__version__",
    "run",
    "run_async",
    "wasm2wat",
    "wat2wasm",
    "with_caller",
]
__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .engine.snapshots import Snapshot
    from .network import Network
    from .pool import Pool
    from .text import wat2wasm
    from .text.printer import wasm2wat
    from .wasi import INHERIT, ReadOnly, Wasi
    from .wasi.memory_files import MemoryDirectory, MemoryFile
    from .wasi.running import CAPTURE, Completed, run, run_async
else:

    def __getattr__(name: str) -> object:
        """The names of what is imported when one of them is asked for."""
        if name in _LATER:
            from importlib import import_module

            found = globals()[name] = getattr(import_module(_LATER[name], __name__), name)
            return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_LATER = {
    "CAPTURE": ".wasi.running",
    "Completed": ".wasi.running",
    "INHERIT": ".wasi",
    "MemoryDirectory": ".wasi.memory_files",
    "MemoryFile": ".wasi.memory_files",
    "Network": ".network",
    "Pool": ".pool",
    "ReadOnly": ".wasi",
    "Snapshot": ".engine.snapshots",
    "Wasi": ".wasi",
    "run": ".wasi.running",
    "run_async": ".wasi.running",
    "wasm2wat": ".text.printer",
    "wat2wasm": ".text",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
