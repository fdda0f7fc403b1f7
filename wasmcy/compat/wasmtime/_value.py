"""Values: `Val`, and what Python values become on their way into a guest and out of it."""

from __future__ import annotations

import struct

import wasmcy
from wasmcy.types import EXTERNREF, F32, F64, FUNCREF, I32, I64

from ._error import WasmtimeError
from ._types import ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._func import Func


class Val:
    """A value with its type."""

    def __init__(self, kind: wasmcy.ValType, val: Any) -> None:
        self._kind = kind
        self._val = val

    @classmethod
    def i32(cls, val: int) -> Val:
        """An i32: the low 32 bits."""
        return cls(I32, _signed(val, 32))

    @classmethod
    def i64(cls, val: int) -> Val:
        """An i64: the low 64 bits."""
        return cls(I64, _signed(val, 64))

    @classmethod
    def f32(cls, val: float) -> Val:
        """An f32: the nearest there is."""
        if not isinstance(val, float):
            raise TypeError("expected a float")
        try:
            return cls(F32, struct.unpack("<f", struct.pack("<f", val))[0])
        except OverflowError:  # too large even for rounding
            return cls(F32, float("inf") if val > 0 else float("-inf"))

    @classmethod
    def f64(cls, val: float) -> Val:
        if not isinstance(val, float):
            raise TypeError("expected a float")
        return cls(F64, val)

    @classmethod
    def externref(cls, extern: Any) -> Val:
        """A reference to any object; None: null."""
        return cls(EXTERNREF, extern)

    @classmethod
    def funcref(cls, f: Func | None) -> Val:
        """A reference to a function; None: null."""
        return cls(FUNCREF, f)

    @classmethod
    def ref_null(cls, ty: ValType) -> Val:
        """The null of a reference type."""
        if ty._type not in (EXTERNREF, FUNCREF):
            raise WasmtimeError(f"Invalid reference type for `ref_null`: {ty}")
        return cls(ty._type, None)

    @property
    def type(self) -> ValType:
        return ValType._of(self._kind)

    @property
    def value(self) -> Any:
        return self._val

    def _as(self, kind: wasmcy.ValType) -> Any:
        return self._val if self._kind == kind else None

    def as_i32(self) -> int | None:
        """The value if it is an i32, else None; so do the others for their types."""
        value: int | None = self._as(I32)
        return value

    def as_i64(self) -> int | None:
        value: int | None = self._as(I64)
        return value

    def as_f32(self) -> float | None:
        value: float | None = self._as(F32)
        return value

    def as_f64(self) -> float | None:
        value: float | None = self._as(F64)
        return value

    def as_externref(self) -> Any:
        return self._as(EXTERNREF)

    def as_funcref(self) -> Func | None:
        value: Func | None = self._as(FUNCREF)
        return value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Val):
            return bool(self._kind == other._kind and self._val == other._val)
        return bool(self._val == other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Val({self._kind}, {self._val!r})"


def _signed(value: int, bits: int) -> int:
    if not isinstance(value, int):
        raise TypeError("expected an integer")
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _refused(value: object, type_: wasmcy.ValType) -> TypeError:
    return TypeError(f"don't know how to convert {value!r} to {ValType._of(type_)}")


def _lower_val(value: object, type_: wasmcy.ValType) -> Any:
    """What a value that is none of the usual Python types stands for."""
    if not isinstance(value, Val):
        raise _refused(value, type_)
    if value._kind != type_:
        raise TypeError("wrong type of `Val` provided")
    return lowering(type_)(value.value)


def _lower_i32(value: Any) -> int:
    if isinstance(value, int):
        return value & 0xFFFFFFFF
    lowered: int = _lower_val(value, I32)
    return lowered


def _lower_i64(value: Any) -> int:
    if isinstance(value, int):
        return value & 0xFFFFFFFFFFFFFFFF
    lowered: int = _lower_val(value, I64)
    return lowered


def _lower_f32(value: Any) -> float:
    if isinstance(value, float):
        return value
    lowered: float = _lower_val(value, F32)
    return lowered


def _lower_f64(value: Any) -> float:
    if isinstance(value, float):
        return value
    lowered: float = _lower_val(value, F64)
    return lowered


def _lower_extern(value: Any) -> Any:
    if not isinstance(value, Val):
        return value
    if value._kind != EXTERNREF:
        raise TypeError("wrong type of `Val` provided")
    return value.value


_LOWERINGS = {
    I32: _lower_i32,
    I64: _lower_i64,
    F32: _lower_f32,
    F64: _lower_f64,
    EXTERNREF: _lower_extern,
}


def lowering(type_: wasmcy.ValType) -> Callable[[Any], Any]:
    """The function that turns Python values into what wasmcy takes for a type; it raises TypeError."""
    found = _LOWERINGS.get(type_)
    return found if found is not None else lambda value: _lower_reference(value, type_)


def _lower_reference(value: Any, type_: wasmcy.ValType) -> Any:
    from ._func import Func

    if value is None:
        return None
    if isinstance(value, Func):
        return value._func
    if isinstance(value, Val):
        if value._kind != type_:
            raise TypeError("wrong type of `Val` provided")
        return _lower_reference(value.value, type_)
    raise _refused(value, type_)


def lift(value: Any) -> Any:
    """What a value of wasmcy is for wasmtime's programs."""
    if isinstance(value, wasmcy.Func):
        from ._func import Func

        return Func._of(value)
    return value


def may_hold_functions(types: tuple[wasmcy.ValType, ...]) -> bool:
    """Whether values of these types have to be lifted."""
    return any(t.is_ref and t != EXTERNREF for t in types)
