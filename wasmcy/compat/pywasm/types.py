"""Types and values."""

from __future__ import annotations

import struct

import wasmcy
from wasmcy.types import EXTERNREF, F32, F64, FUNCREF, I32, I64, V128

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# The byte of each type in the binary format, by which pywasm knows it.
_BYTES: dict[int, wasmcy.ValType] = {
    0x7F: I32,
    0x7E: I64,
    0x7D: F32,
    0x7C: F64,
    0x7B: V128,
    0x70: FUNCREF,
    0x6F: EXTERNREF,
}
_NAMES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "ref.func", 0x6F: "ref.extern"}
_FORMATS = {0x7F: "<i", 0x7E: "<q", 0x7D: "<f", 0x7C: "<d"}


class ValType:
    """The type of a value; `data` is its byte in the binary format."""

    def __init__(self, data: int) -> None:
        assert data in _BYTES, f"no value type: {data:#x}"
        self.data = data

    def __eq__(self, value: object) -> bool:
        return isinstance(value, ValType) and self.data == value.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return _NAMES[self.data]

    @property
    def own(self) -> wasmcy.ValType:
        """The type as wasmcy has it."""
        return _BYTES[self.data]

    @classmethod
    def of(cls, type_: wasmcy.ValType) -> ValType:
        """The type for one of wasmcy; AssertionError for types that pywasm does not know."""
        for data, own in _BYTES.items():
            if own == type_:
                return cls(data)
        raise AssertionError(f"no value type of pywasm: {type_}")

    @classmethod
    def i32(cls) -> ValType:
        return cls(0x7F)

    @classmethod
    def i64(cls) -> ValType:
        return cls(0x7E)

    @classmethod
    def f32(cls) -> ValType:
        return cls(0x7D)

    @classmethod
    def f64(cls) -> ValType:
        return cls(0x7C)

    @classmethod
    def v128(cls) -> ValType:
        return cls(0x7B)

    @classmethod
    def ref_func(cls) -> ValType:
        return cls(0x70)

    @classmethod
    def ref_extern(cls) -> ValType:
        return cls(0x6F)


class ValInst:
    """A value: its type, and sixteen bytes of which it takes as many as it needs."""

    blen = 16

    def __init__(self, type: ValType, data: bytearray) -> None:
        assert len(data) == self.blen
        self.type = type
        self.data = data

    def __eq__(self, value: object) -> bool:
        return isinstance(value, ValInst) and (self.type, self.data) == (value.type, value.data)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.type} {self.into_all()}"

    @classmethod
    def _packed(cls, type: ValType, format: str, *values: Any) -> ValInst:
        return cls(type, bytearray(struct.pack(format, *values).ljust(cls.blen, b"\0")))

    def _unpacked(self, format: str) -> Any:
        return struct.unpack_from(format, self.data)

    @classmethod
    def from_i32(cls, n: int) -> ValInst:
        return cls._packed(ValType.i32(), "<I", n & 0xFFFFFFFF)

    @classmethod
    def from_i64(cls, n: int) -> ValInst:
        return cls._packed(ValType.i64(), "<Q", n & 0xFFFFFFFFFFFFFFFF)

    from_u32, from_u64 = from_i32, from_i64

    @classmethod
    def from_f32(cls, n: float) -> ValInst:
        try:
            return cls._packed(ValType.f32(), "<f", n)
        except OverflowError:
            return cls._packed(ValType.f32(), "<f", float("inf") if n > 0 else float("-inf"))

    @classmethod
    def from_f32_u32(cls, n: int) -> ValInst:
        """An f32 of those bits."""
        return cls._packed(ValType.f32(), "<I", n)

    @classmethod
    def from_f64(cls, n: float) -> ValInst:
        return cls._packed(ValType.f64(), "<d", n)

    @classmethod
    def from_f64_u64(cls, n: int) -> ValInst:
        """An f64 of those bits."""
        return cls._packed(ValType.f64(), "<Q", n)

    @classmethod
    def from_v128(cls, n: bytearray) -> ValInst:
        assert len(n) == 16
        return cls(ValType.v128(), bytearray(n))

    @classmethod
    def from_ref(cls, type: ValType, n: int) -> ValInst:
        return cls._packed(type, "<iB", n, 1)

    @classmethod
    def from_all(cls, type: ValType, n: Any) -> ValInst:
        """A value of a type."""
        if type.data in (0x70, 0x6F):
            return cls.zero(type) if n is None else cls.from_ref(type, n)
        made: ValInst = getattr(cls, f"from_{type}")(n)
        return made

    def into_i32(self) -> int:
        return int(self._unpacked("<i")[0])

    def into_i64(self) -> int:
        return int(self._unpacked("<q")[0])

    def into_u32(self) -> int:
        return int(self._unpacked("<I")[0])

    def into_u64(self) -> int:
        return int(self._unpacked("<Q")[0])

    def into_f32(self) -> float:
        return float(self._unpacked("<f")[0])

    def into_f64(self) -> float:
        return float(self._unpacked("<d")[0])

    def into_v128(self) -> bytearray:
        return self.data.copy()

    def into_ref(self) -> int:
        assert self.data[4] == 1, "a null reference"
        return self.into_i32()

    def into_all(self) -> Any:
        """The value as a Python object; None for a null reference."""
        if self.type.data in (0x70, 0x6F):
            return self.into_ref() if self.data[4] else None
        return getattr(self, f"into_{self.type}")()

    @classmethod
    def zero(cls, type: ValType) -> ValInst:
        return cls(type, bytearray(cls.blen))


def _add_lanes() -> None:
    """from_v128_i8, into_v128_f64 and the like: the lanes of a vector as a list."""
    for name, letter, count in (
        *(("i8", "b", 16), ("u8", "B", 16), ("i16", "h", 8), ("u16", "H", 8), ("i32", "i", 4), ("u32", "I", 4)),
        *(("i64", "q", 2), ("u64", "Q", 2), ("f32", "f", 4), ("f64", "d", 2)),
    ):
        format = f"<{count}{letter}"

        def made(cls: type[ValInst], n: Sequence[Any], format: str = format, count: int = count) -> ValInst:
            assert len(n) == count
            return cls._packed(ValType.v128(), format, *n)

        def lanes(self: ValInst, format: str = format) -> list[Any]:
            return list(self._unpacked(format))

        setattr(ValInst, f"from_v128_{name}", classmethod(made))
        setattr(ValInst, f"into_v128_{name}", lanes)


_add_lanes()


class FuncType:
    """The type of a function."""

    def __init__(self, args: Sequence[ValType], rets: Sequence[ValType]) -> None:
        self.args = list(args)
        self.rets = list(rets)

    @property
    def own(self) -> wasmcy.FuncType:
        return wasmcy.FuncType([t.own for t in self.args], [t.own for t in self.rets])

    @classmethod
    def of(cls, type_: wasmcy.FuncType) -> FuncType:
        return cls(list(map(ValType.of, type_.params)), list(map(ValType.of, type_.results)))

    def __eq__(self, value: object) -> bool:
        return isinstance(value, FuncType) and (self.args, self.rets) == (value.args, value.rets)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.args} -> {self.rets}"


class Limits:
    """The least size `n` and the greatest `m`; 0: none."""

    def __init__(self, n: int, m: int) -> None:
        self.n = n
        self.m = m

    @classmethod
    def of(cls, type_: wasmcy.MemoryType | wasmcy.TableType) -> Limits:
        return cls(type_.min, type_.max or 0)

    def __repr__(self) -> str:
        return f"[{self.n}, {self.m or 'inf'}]"


class MemType:
    """The type of a memory, in pages."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    @property
    def own(self) -> wasmcy.MemoryType:
        return wasmcy.MemoryType(self.limits.n, self.limits.m or None)

    @classmethod
    def of(cls, type_: wasmcy.MemoryType) -> MemType:
        return cls(Limits.of(type_))

    def __repr__(self) -> str:
        return repr(self.limits)


class TableType:
    """The type of a table, in elements."""

    def __init__(self, type: ValType, limits: Limits) -> None:
        assert type in (ValType.ref_func(), ValType.ref_extern())
        self.type = type
        self.limits = limits

    @property
    def own(self) -> wasmcy.TableType:
        return wasmcy.TableType(self.type.own, self.limits.n, self.limits.m or None)

    @classmethod
    def of(cls, type_: wasmcy.TableType) -> TableType:
        return cls(ValType.of(type_.element), Limits.of(type_))

    def __repr__(self) -> str:
        return f"{self.type} {self.limits}"


class GlobalType:
    """The type of a global; `mut` is 1 if it can be set."""

    def __init__(self, type: ValType, mut: int) -> None:
        assert mut in (0, 1)
        self.type = type
        self.mut = mut

    @property
    def own(self) -> wasmcy.GlobalType:
        return wasmcy.GlobalType(self.type.own, bool(self.mut))

    @classmethod
    def of(cls, type_: wasmcy.GlobalType) -> GlobalType:
        return cls(ValType.of(type_.type), int(type_.mutable))

    def __repr__(self) -> str:
        return f"{('const', 'var')[self.mut]} {self.type}"
