"""Runtime, Machine and what they hold: pywasm's addresses are indices into the lists of a Store."""

from __future__ import annotations

import struct

import wasmcy
from wasmcy.types import I32, I64

from .types import FuncType, GlobalType, MemType, TableType, ValInst, ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, BinaryIO

__all__ = [
    *("ExportInst", "Extern", "Frame", "FuncHost", "FuncInst", "FuncType", "GlobalInst", "GlobalType", "Import"),
    *("Limits", "Machine", "MemInst", "MemType", "ModuleDesc", "ModuleInst", "Runtime", "Stack", "Store"),
    *("TableInst", "TableType", "ValInst", "ValType"),
]

_MASKS = {I32: 0xFFFFFFFF, I64: 0xFFFFFFFFFFFFFFFF}
_KINDS = {"func": 0, "table": 1, "memory": 2, "global": 3}


class MemInst:
    """A memory: its bytes, read and written at addresses."""

    def __init__(self, type: MemType, memory: wasmcy.Memory | None = None) -> None:
        self.type = type
        self.own = wasmcy.Memory(type=type.own) if memory is None else memory

    @property
    def data(self) -> memoryview:
        """The bytes themselves."""
        return memoryview(self.own)

    @property
    def size(self) -> int:
        """The size in pages."""
        return self.own.size

    def get(self, addr: int, size: int) -> bytearray:
        """A copy of some bytes."""
        return bytearray(self.own.read(addr, size))

    def put(self, addr: int, data: bytes | bytearray) -> None:
        self.own.write(addr, data)

    def grow(self, n: int) -> None:
        """Grow by n pages."""
        try:
            self.own.grow(n)
        except wasmcy.MemoryLimit as error:
            raise AssertionError(str(error)) from None

    def _get(self, format: str, addr: int) -> int:
        return int(struct.unpack(format, self.own.read(addr, struct.calcsize(format)))[0])

    def get_u8(self, addr: int) -> int:
        return self._get("<B", addr)

    def get_u16(self, addr: int) -> int:
        return self._get("<H", addr)

    def get_u32(self, addr: int) -> int:
        return self._get("<I", addr)

    def get_u64(self, addr: int) -> int:
        return self._get("<Q", addr)

    def get_i32(self, addr: int) -> int:
        return self._get("<i", addr)

    def get_i64(self, addr: int) -> int:
        return self._get("<q", addr)

    def put_u8(self, addr: int, data: int) -> None:
        self.own.write(addr, struct.pack("<B", data))

    def put_u16(self, addr: int, data: int) -> None:
        self.own.write(addr, struct.pack("<H", data))

    def put_u32(self, addr: int, data: int) -> None:
        self.own.write(addr, struct.pack("<I", data))

    def put_u64(self, addr: int, data: int) -> None:
        self.own.write(addr, struct.pack("<Q", data))

    def put_i32(self, addr: int, data: int) -> None:
        self.own.write(addr, struct.pack("<i", data))

    def put_i64(self, addr: int, data: int) -> None:
        self.own.write(addr, struct.pack("<q", data))


class TableInst:
    """A table."""

    def __init__(self, type: TableType, table: wasmcy.Table | None = None) -> None:
        self.type = type
        self.own = wasmcy.Table(type=type.own) if table is None else table

    @property
    def size(self) -> int:
        return self.own.size


class GlobalInst:
    """A global; `data` is its value."""

    def __init__(self, type: GlobalType, store: Store, variable: wasmcy.Global) -> None:
        self.type = type
        self.mut = type.mut
        self.own = variable
        self._store = store

    @property
    def data(self) -> ValInst:
        return ValInst.from_all(self.type.type, self._store.lift(self.own.value))

    @data.setter
    def data(self, value: ValInst) -> None:
        assert value.type == self.type.type and self.mut
        self.own.value = self._store.lower(value.type, value.into_all())

    def __repr__(self) -> str:
        return repr(self.data)


class Extern:
    """What is imported or exported: its kind (0 function, 1 table, 2 memory, 3 global) and its address."""

    def __init__(self, kind: int, data: int) -> None:
        assert kind in range(4)
        self.kind = kind
        self.data = data

    def __repr__(self) -> str:
        return f"{('func', 'table', 'mem', 'global')[self.kind]} {self.data}"


class ExportInst:
    """An export: its name and what it is."""

    def __init__(self, name: str, data: Extern) -> None:
        self.name = name
        self.data = data


class Import:
    """What a module wants: `desc` is its type."""

    def __init__(self, module: str, name: str, kind: int, desc: Any) -> None:
        self.module = module
        self.name = name
        self.kind = kind
        self.desc = desc


class ModuleDesc:
    """A module."""

    def __init__(self, module: wasmcy.Module) -> None:
        self.own = module
        self.imps = [Import(i.module, i.name, _KINDS[i.kind], i.type) for i in module.imports]

    @classmethod
    def from_reader(cls, r: BinaryIO) -> ModuleDesc:
        """Read a module from a file in the binary format."""
        return cls(wasmcy.Module(r.read()))


class ModuleInst:
    """An instance: addresses of what it has, and its exports."""

    def __init__(self, instance: wasmcy.Instance | None = None) -> None:
        self.own = instance
        self.func: list[int] = []
        self.tabl: list[int] = []
        self.mems: list[int] = []
        self.glob: list[int] = []
        self.exps: list[ExportInst] = []


class FuncInst:
    """A function of a module."""

    kind = 0

    def __init__(self, type: FuncType, own: wasmcy.Func) -> None:
        self.type = type
        self.own = own


class FuncHost:
    """A Python function: it takes the machine and a list of arguments, and returns a list of results."""

    kind = 1

    def __init__(self, type: FuncType, hostcode: Callable[[Machine, list[Any]], Sequence[Any] | None]) -> None:
        self.type = type
        self.hostcode = hostcode
        self.own: Any = None

    def __repr__(self) -> str:
        return self.hostcode.__name__


class Store:
    """Functions, tables, memories and globals, by address."""

    def __init__(self) -> None:
        self.own = wasmcy.Store()
        self.func: list[FuncInst | FuncHost] = []
        self.tabl: list[TableInst] = []
        self.mems: list[MemInst] = []
        self.glob: list[GlobalInst] = []
        self._known: dict[Any, int] = {}  # the addresses of wasmcy's objects

    def address(self, item: Any) -> int:
        """The address of an object of wasmcy, which gets one if it has none."""
        key = item if isinstance(item, wasmcy.Func) else id(item)
        found = self._known.get(key)
        if found is None:
            items, made = self._wrapped(item)
            items.append(made)
            found = self._known[key] = len(items) - 1
        return found

    def _wrapped(self, item: Any) -> tuple[list[Any], Any]:
        if isinstance(item, wasmcy.Func):
            return self.func, FuncInst(FuncType.of(item.type), item)
        if isinstance(item, wasmcy.Table):
            return self.tabl, TableInst(TableType.of(item.type), item)
        if isinstance(item, wasmcy.Memory):
            return self.mems, MemInst(MemType.of(item.type), item)
        return self.glob, GlobalInst(GlobalType.of(item.type), self, item)

    def at(self, extern: Extern) -> Any:
        """The object of wasmcy at an address."""
        return (self.func, self.tabl, self.mems, self.glob)[extern.kind][extern.data].own

    def lift(self, value: Any) -> Any:
        """A value of wasmcy as pywasm has it: functions are addresses."""
        return self.address(value) if isinstance(value, wasmcy.Func) else value

    def lower(self, type: ValType, value: Any) -> Any:
        """A value of pywasm as wasmcy takes it."""
        if type == ValType.ref_func() and value is not None:
            return self.func[value].own
        return wrapped(type.own, value)


def wrapped(type: wasmcy.ValType, value: Any) -> Any:
    """Integers as pywasm takes them: of any size, the low bits count."""
    return value & _MASKS[type] if type in _MASKS else value


class Frame:
    """A call of a Python function: `module` is the calling instance."""

    def __init__(self, module: ModuleInst) -> None:
        self.module = module


class Stack:
    """The calls of Python functions that are running."""

    def __init__(self) -> None:
        self.frame: list[Frame] = []


class Machine:
    """A store, and the stack as Python functions look at it."""

    def __init__(self) -> None:
        self.store = Store()
        self.stack = Stack()
        self._modules: dict[int, ModuleInst] = {}

    def allocate_func_host(self, function: FuncHost) -> int:
        """The address of a Python function."""
        type, store = function.type, self.store

        def call(caller: wasmcy.Caller, *arguments: Any) -> Any:
            self.stack.frame.append(Frame(self.module_of(caller.instance)))
            try:
                rets = function.hostcode(self, [store.lift(argument) for argument in arguments]) or ()
                assert len(rets) == len(type.rets), f"{function} returned {len(rets)} values, not {len(type.rets)}"
                lowered = tuple([store.lower(t, value) for t, value in zip(type.rets, rets, strict=True)])
            finally:
                self.stack.frame.pop()
            return lowered if len(lowered) > 1 else lowered[0] if lowered else None

        function.own = wasmcy.Func(wasmcy.with_caller(call), type=type.own, store=store.own)
        store.func.append(function)
        return len(store.func) - 1

    def module_of(self, instance: wasmcy.Instance | None) -> ModuleInst:
        """The ModuleInst of an instance of wasmcy."""
        if instance is None:
            return ModuleInst()
        found = self._modules.get(id(instance))
        if found is None:
            found = self._modules[id(instance)] = ModuleInst(instance)
            for kind, addresses in (("memory", found.mems), ("table", found.tabl), ("global", found.glob)):
                addresses += map(self.store.address, _all(instance, kind))
        return found

    def instance(self, module: ModuleDesc, extern: Sequence[Extern]) -> ModuleInst:
        """Instantiate with an Extern for each import."""
        assert len(module.imps) == len(extern), f"{len(module.imps)} imports are wanted, {len(extern)} given"
        made = module.own.instantiate([self.store.at(item) for item in extern], store=self.store.own)
        found = self.module_of(made)
        for name, kind in ((e.name, e.kind) for e in module.own.exports if e.kind in _KINDS):
            found.exps.append(ExportInst(name, Extern(_KINDS[kind], self.store.address(made.exports[name]))))
        found.func += [e.data.data for e in found.exps if e.data.kind == 0]
        return found

    def invocate(self, addr: int, args: Sequence[ValInst]) -> list[ValInst]:
        """Call the function at an address."""
        function = self.store.func[addr]
        assert [a.type for a in args] == function.type.args, f"{function.type.args} are wanted"
        lowered = [self.store.lower(a.type, a.into_all()) for a in args]
        rets = function.own(*lowered)
        types = function.type.rets
        several = rets if len(types) > 1 else (rets,) if types else ()
        return [ValInst.from_all(t, self.store.lift(value)) for t, value in zip(types, several, strict=True)]


def _all(instance: wasmcy.Instance, kind: str) -> list[Any]:
    found: list[Any] = []
    while True:
        try:
            found.append(instance.object_at(kind, len(found)))
        except IndexError:
            return found


class Runtime:
    """A machine, and what its modules may import: `imports[module][name]` is an Extern."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.imports: dict[str, dict[str, Extern]] = {}

    def allocate_func_host(self, type: FuncType, func: Callable[[Machine, list[Any]], Sequence[Any] | None]) -> Extern:
        """A Python function, which takes the machine and a list, and returns a list."""
        return Extern(0, self.machine.allocate_func_host(FuncHost(type, func)))

    def allocate_table(self, type: TableType) -> Extern:
        return Extern(1, self._allocate(wasmcy.Table(type=type.own, store=self.machine.store.own)))

    def allocate_memory(self, type: MemType) -> Extern:
        return Extern(2, self._allocate(wasmcy.Memory(type=type.own, store=self.machine.store.own)))

    def allocate_global(self, type: GlobalType, data: ValInst) -> Extern:
        value = self.machine.store.lower(data.type, data.into_all())
        return Extern(3, self._allocate(wasmcy.Global(value=value, type=type.own, store=self.machine.store.own)))

    def _allocate(self, item: Any) -> int:
        return self.machine.store.address(item)

    def _exported(self, module: ModuleInst, name: str, kind: int) -> int:
        found = next((e.data for e in module.exps if e.name == name), None)
        if found is None:
            raise IndexError(f"nothing is exported as {name!r}")
        assert found.kind == kind, f"{name} is {found}"
        return found.data

    def exported_memory(self, module: ModuleInst, name: str) -> MemInst:
        """The memory exported under a name."""
        return self.machine.store.mems[self._exported(module, name, 2)]

    def exported_global(self, module: ModuleInst, name: str) -> GlobalInst:
        """The global exported under a name."""
        return self.machine.store.glob[self._exported(module, name, 3)]

    def instance(self, module: ModuleDesc) -> ModuleInst:
        """Instantiate with what `imports` has."""
        return self.machine.instance(module, [self.imports[i.module][i.name] for i in module.imps])

    def instance_from_file(self, path: str) -> ModuleInst:
        with open(path, "rb") as file:
            return self.instance(ModuleDesc.from_reader(file))

    def invocate(self, module: ModuleInst, func: str, args: Sequence[Any]) -> list[Any]:
        """Call an exported function; returns a list of results."""
        addr = self._exported(module, func, 0)
        types = self.machine.store.func[addr].type.args
        assert len(types) == len(args), f"{func} takes {len(types)} arguments"
        rets = self.machine.invocate(addr, [ValInst.from_all(t, value) for t, value in zip(types, args, strict=True)])
        return [value.into_all() for value in rets]
