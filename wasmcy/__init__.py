"""wasmcy: a WebAssembly engine for Python."""

from .engine.instance import Exports, Instance
from .engine.machine import Func
from .engine.store import Global, Memory, Store, Table, Tag
from .errors import (
    Exit,
    Frame,
    FuelExhausted,
    GuestException,
    InvalidError,
    LimitError,
    LinkError,
    MalformedError,
    MemoryLimit,
    StackExhausted,
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
    "INHERIT",
    "Caller",
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
    "InvalidError",
    "LimitError",
    "Limits",
    "LinkError",
    "Linker",
    "MalformedError",
    "Memory",
    "MemoryLimit",
    "MemoryType",
    "Module",
    "ReadOnly",
    "StackExhausted",
    "Store",
    "Table",
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
    "with_caller",
]
__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wasi import INHERIT, ReadOnly, Wasi
else:

    def __getattr__(name: str) -> object:
        """The names of wasmcy.wasi, which is imported when one is asked for."""
        if name in _LATER:
            from . import wasi

            for later in _LATER:
                globals()[later] = getattr(wasi, later)
            return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_LATER = ("INHERIT", "ReadOnly", "Wasi")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
