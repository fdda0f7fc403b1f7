"""Types: of values, and of what modules import and export."""

from __future__ import annotations

import wasmcy
from wasmcy.types import EXTERNREF, F32, F64, FUNCREF, I32, I64

from ._error import WasmtimeError
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias, TypeVar

    AsExternType: TypeAlias = "FuncType | TableType | MemoryType | GlobalType | TagType"
    T = TypeVar("T")


class ValType(Managed):
    """The type of a value, made by `ValType.i32()` and the like."""

    _type: wasmcy.ValType

    def __init__(self) -> None:
        raise WasmtimeError("cannot construct directly")

    @classmethod
    def _of(cls, type_: wasmcy.ValType) -> ValType:
        made = cls.__new__(cls)
        made._type = type_
        return made

    @classmethod
    def i32(cls) -> ValType:
        return cls._of(I32)

    @classmethod
    def i64(cls) -> ValType:
        return cls._of(I64)

    @classmethod
    def f32(cls) -> ValType:
        return cls._of(F32)

    @classmethod
    def f64(cls) -> ValType:
        return cls._of(F64)

    @classmethod
    def externref(cls) -> ValType:
        return cls._of(EXTERNREF)

    @classmethod
    def funcref(cls) -> ValType:
        return cls._of(FUNCREF)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValType) and self._type == other._type

    def __hash__(self) -> int:
        return hash(self._type)

    def __str__(self) -> str:
        return "anyref" if self._type == EXTERNREF else str(self._type)  # the older name: wasmtime's own

    __repr__ = __str__


def _val_type(type_: ValType) -> wasmcy.ValType:
    if not isinstance(type_, ValType):
        raise TypeError("expected valtype")
    return type_._type


class FuncType(Managed):
    """The type of a function."""

    _type: wasmcy.FuncType

    def __init__(self, params: Sequence[ValType], results: Sequence[ValType]) -> None:
        if not all(isinstance(type_, ValType) for type_ in (*params, *results)):
            raise TypeError("expected ValType")
        self._type = wasmcy.FuncType([t._type for t in params], [t._type for t in results])

    @property
    def params(self) -> list[ValType]:
        return [ValType._of(type_) for type_ in self._type.params]

    @property
    def results(self) -> list[ValType]:
        return [ValType._of(type_) for type_ in self._type.results]


class GlobalType(Managed):
    """The type of a global variable."""

    _type: wasmcy.GlobalType

    def __init__(self, valtype: ValType, mutable: bool) -> None:
        self._type = wasmcy.GlobalType(_val_type(valtype), mutable)

    @property
    def content(self) -> ValType:
        return ValType._of(self._type.type)

    @property
    def mutable(self) -> bool:
        return self._type.mutable


class Limits:
    """The least and the greatest size; None: no greatest."""

    def __init__(self, min: int, max: int | None = None) -> None:
        self.min = min
        self.max = max

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limits) and (self.min, self.max) == (other.min, other.max)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Limits({self.min}, {self.max})"


def _check_limits(limits: Limits, bits: int) -> None:
    if not isinstance(limits, Limits):
        raise TypeError("expected Limits")
    for name, size in (("minimum", limits.min), ("maximum", limits.max)):
        if size is not None and not 0 <= size < 1 << bits:
            raise WasmtimeError(f"{name} size too large" if size > 0 else f"{name} size is negative")


class TableType(Managed):
    """The type of a table; its limits are numbers of elements."""

    _type: wasmcy.TableType

    def __init__(self, valtype: ValType, limits: Limits) -> None:
        _check_limits(limits, 32)
        self._type = wasmcy.TableType(_val_type(valtype), limits.min, limits.max)

    @property
    def element(self) -> ValType:
        return ValType._of(self._type.element)

    @property
    def limits(self) -> Limits:
        return Limits(self._type.min, self._type.max)


class MemoryType(Managed):
    """The type of a memory; its limits are numbers of pages of 2 to the power of `page_size_log2` bytes."""

    _type: wasmcy.MemoryType

    def __init__(self, limits: Limits, is_64: bool = False, shared: bool = False, page_size_log2: int = 16) -> None:
        _check_limits(limits, 64 if is_64 else 32)
        if page_size_log2 not in (0, 16):
            raise WasmtimeError("page size must be 2**0 or 2**16 bytes")
        if shared and limits.max is None:
            raise WasmtimeError("shared memories must have a maximum size")
        if limits.max is not None and limits.max < limits.min:
            raise WasmtimeError("maximum page size cannot be smaller than the minimum page size")
        self._type = wasmcy.MemoryType(limits.min, limits.max, shared, is_64, page_size_log2)

    @property
    def limits(self) -> Limits:
        return Limits(self._type.min, self._type.max)

    @property
    def is_64(self) -> bool:
        return self._type.is64

    @property
    def is_shared(self) -> bool:
        return self._type.shared

    @property
    def page_size(self) -> int:
        """The bytes of a page."""
        return 1 << self._type.page_size_log2

    @property
    def page_size_log2(self) -> int:
        return self._type.page_size_log2


class TagType(Managed):
    """The type of a tag: that of a function that takes what is thrown."""

    _type: wasmcy.TagType

    def __init__(self, functype: FuncType) -> None:
        if not isinstance(functype, FuncType):
            raise TypeError("expected a FuncType")
        self._type = wasmcy.TagType(functype._type)

    @property
    def functype(self) -> FuncType:
        return _made(FuncType, self._type.type)


def _made(cls: type[T], type_: object) -> T:
    made: Any = cls.__new__(cls)
    made._type = type_
    wrapped: T = made
    return wrapped


_CLASSES: dict[type, type[AsExternType]] = {
    wasmcy.FuncType: FuncType,
    wasmcy.TableType: TableType,
    wasmcy.MemoryType: MemoryType,
    wasmcy.GlobalType: GlobalType,
    wasmcy.TagType: TagType,
}


def extern_type(type_: object) -> AsExternType:
    """The type of wasmtime for one of wasmcy."""
    return _made(_CLASSES[type(type_)], type_)


class ImportType(Managed):
    """What a module wants."""

    def __init__(self, wanted: wasmcy.ImportType) -> None:
        self._import = wanted

    @property
    def module(self) -> str:
        return self._import.module

    @property
    def name(self) -> str | None:
        return self._import.name

    @property
    def type(self) -> AsExternType:
        return extern_type(self._import.type)


class ExportType(Managed):
    """What a module offers."""

    def __init__(self, offered: wasmcy.ExportType) -> None:
        self._export = offered

    @property
    def name(self) -> str:
        return self._export.name

    @property
    def type(self) -> AsExternType:
        return extern_type(self._export.type)
