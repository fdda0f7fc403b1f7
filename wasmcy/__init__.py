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

__version__ = "0.1.0"
