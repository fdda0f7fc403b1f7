"""The types of WebAssembly. Spec: 2.3 "Types".

A value type is one int everywhere, so that compiled code compares and stores it
as a machine word; `ValType` is that int with the text format's syntax as its repr.

    number and vector types   their byte in the binary format: I32 = 0x7F
    reference types           REF | NULL? | heap type
    heap types                abstract: their byte, as 0x70 for `func`
                              concrete: CONCRETE | EXACT? | type index
    BOT = 0                   the type of a value that dead code pops

All other types are immutable values, compared and hashed by their fields; type
indices in them belong to one module.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

REF = 1 << 32
NULL = 1 << 33
CONCRETE = 1 << 34
EXACT = 1 << 35
INDEX_MASK = 0xFFFFFFFF
HEAP_MASK = CONCRETE | EXACT | INDEX_MASK

# Abstract heap types: the byte each has in the binary format.
HEAP_FUNC = 0x70
HEAP_EXTERN = 0x6F
HEAP_ANY = 0x6E
HEAP_EQ = 0x6D
HEAP_I31 = 0x6C
HEAP_STRUCT = 0x6B
HEAP_ARRAY = 0x6A
HEAP_EXN = 0x69
HEAP_NOEXN = 0x74
HEAP_NOFUNC = 0x73
HEAP_NOEXTERN = 0x72
HEAP_NONE = 0x71

HEAP_NAMES = {
    HEAP_FUNC: "func",
    HEAP_EXTERN: "extern",
    HEAP_ANY: "any",
    HEAP_EQ: "eq",
    HEAP_I31: "i31",
    HEAP_STRUCT: "struct",
    HEAP_ARRAY: "array",
    HEAP_EXN: "exn",
    HEAP_NOEXN: "noexn",
    HEAP_NOFUNC: "nofunc",
    HEAP_NOEXTERN: "noextern",
    HEAP_NONE: "none",
}


def heap_text(heap: int) -> str:
    """A heap type in the syntax of the text format: `func`, `3`, `(exact 3)`."""
    if heap & CONCRETE:
        index = heap & INDEX_MASK
        return f"(exact {index})" if heap & EXACT else str(index)
    return HEAP_NAMES.get(heap & INDEX_MASK, f"<heap type {heap:#x}>")


class ValType(int):
    """A value type, or one of the packed types i8 and i16 that fields may have.

    >>> I32, FUNCREF, ref_type(CONCRETE | 3, nullable=False)
    (i32, funcref, (ref 3))
    """

    __slots__ = ()

    @property
    def is_ref(self) -> bool:
        return bool(self & REF)

    @property
    def is_nullable(self) -> bool:
        return bool(self & NULL)

    @property
    def is_concrete(self) -> bool:
        """Whether this is a reference to a type of the module, given by its index."""
        return bool(self & CONCRETE)

    @property
    def is_defaultable(self) -> bool:
        """Whether variables of this type have a default value: all but non-null references."""
        return not self & REF or bool(self & NULL)

    @property
    def heap(self) -> int:
        """The heap type of a reference type."""
        return self & HEAP_MASK

    @property
    def index(self) -> int:
        """The type index of a concrete reference type."""
        return self & INDEX_MASK

    def __repr__(self) -> str:
        name = _NAMES.get(self)
        if name is not None:
            return name
        if self & REF:
            return f"(ref {'null ' if self & NULL else ''}{heap_text(self & HEAP_MASK)})"
        return f"<value type {int(self):#x}>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        return val_type, (int(self),)


BOT = ValType(0)
I32 = ValType(0x7F)
I64 = ValType(0x7E)
F32 = ValType(0x7D)
F64 = ValType(0x7C)
V128 = ValType(0x7B)
I8 = ValType(0x78)
I16 = ValType(0x77)

FUNCREF = ValType(REF | NULL | HEAP_FUNC)
EXTERNREF = ValType(REF | NULL | HEAP_EXTERN)
ANYREF = ValType(REF | NULL | HEAP_ANY)
EQREF = ValType(REF | NULL | HEAP_EQ)
I31REF = ValType(REF | NULL | HEAP_I31)
STRUCTREF = ValType(REF | NULL | HEAP_STRUCT)
ARRAYREF = ValType(REF | NULL | HEAP_ARRAY)
EXNREF = ValType(REF | NULL | HEAP_EXN)
NULLEXNREF = ValType(REF | NULL | HEAP_NOEXN)
NULLFUNCREF = ValType(REF | NULL | HEAP_NOFUNC)
NULLEXTERNREF = ValType(REF | NULL | HEAP_NOEXTERN)
NULLREF = ValType(REF | NULL | HEAP_NONE)

# The word of the text format for each type that has one.
_NAMES: dict[ValType, str] = {
    BOT: "bot",
    I32: "i32",
    I64: "i64",
    F32: "f32",
    F64: "f64",
    V128: "v128",
    I8: "i8",
    I16: "i16",
    FUNCREF: "funcref",
    EXTERNREF: "externref",
    ANYREF: "anyref",
    EQREF: "eqref",
    I31REF: "i31ref",
    STRUCTREF: "structref",
    ARRAYREF: "arrayref",
    EXNREF: "exnref",
    NULLEXNREF: "nullexnref",
    NULLFUNCREF: "nullfuncref",
    NULLEXTERNREF: "nullexternref",
    NULLREF: "nullref",
}

_INTERNED: dict[int, ValType] = {
    **{t: t for t in _NAMES},
    **{t: t for t in (ValType(REF | heap) for heap in HEAP_NAMES)},
}

# Value types by their text, for those that need no type index: "i32", "funcref", "(ref i31)".
VAL_TYPES: dict[str, ValType] = {str(t): t for t in _INTERNED.values()}


def val_type(bits: int) -> ValType:
    """The `ValType` of an int; the same object each time if it names no type index."""
    t = _INTERNED.get(bits)
    return t if t is not None else ValType(bits)


def ref_type(heap: int, nullable: bool = True) -> ValType:
    """The reference type of a heap type."""
    return val_type(REF | NULL | heap if nullable else REF | heap)


class _Immutable:
    """A value: compared, hashed, pickled by its fields, which its `__init__` takes in slot order.

    `_set` is the one door through which constructors fill the slots.
    """

    __slots__: tuple[str, ...] = ()

    _set = object.__setattr__

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def _fields(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), *self._fields()))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._fields()

    def __repr__(self) -> str:
        return str(self)


def _val_types(types: Iterable[int]) -> tuple[ValType, ...]:
    return tuple([t if type(t) is ValType else val_type(t) for t in types])


class FuncType(_Immutable):
    """A function type: the value types of parameters and results.

    >>> FuncType([I32, I32], [I32])
    (func (param i32 i32) (result i32))
    """

    __slots__ = ("params", "results")

    params: tuple[ValType, ...]
    results: tuple[ValType, ...]

    def __init__(self, params: Iterable[int] = (), results: Iterable[int] = ()) -> None:
        self._set("params", _val_types(params))
        self._set("results", _val_types(results))

    def __str__(self) -> str:
        params = f" (param {' '.join(map(str, self.params))})" if self.params else ""
        results = f" (result {' '.join(map(str, self.results))})" if self.results else ""
        return f"(func{params}{results})"


class FieldType(_Immutable):
    """The type of a struct's field or an array's elements: a value type or a packed type."""

    __slots__ = ("storage", "mutable")

    storage: ValType
    mutable: bool

    def __init__(self, storage: int, mutable: bool = False) -> None:
        self._set("storage", val_type(storage))
        self._set("mutable", bool(mutable))

    @property
    def unpacked(self) -> ValType:
        """The type of the field's value on the stack: i32 for the packed types."""
        return I32 if self.storage == I8 or self.storage == I16 else self.storage

    def __str__(self) -> str:
        return f"(mut {self.storage})" if self.mutable else str(self.storage)


class StructType(_Immutable):
    """A struct type: its fields in order."""

    __slots__ = ("fields",)

    fields: tuple[FieldType, ...]

    def __init__(self, fields: Iterable[FieldType] = ()) -> None:
        self._set("fields", tuple(fields))

    def __str__(self) -> str:
        return f"(struct{''.join(f' (field {field})' for field in self.fields)})"


class ArrayType(_Immutable):
    """An array type: the type of its elements."""

    __slots__ = ("field",)

    field: FieldType

    def __init__(self, field: FieldType) -> None:
        self._set("field", field)

    def __str__(self) -> str:
        return f"(array {self.field})"


class SubType(_Immutable):
    """A defined type: its composite type, its declared supertypes, whether it may have subtypes.

    `describes` and `descriptor` are the type indices of the custom descriptors
    proposal, None where the type has no such clause.
    """

    __slots__ = ("final", "supers", "comp", "describes", "descriptor")

    final: bool
    supers: tuple[int, ...]
    comp: FuncType | StructType | ArrayType
    describes: int | None
    descriptor: int | None

    def __init__(
        self,
        final: bool,
        supers: Iterable[int],
        comp: FuncType | StructType | ArrayType,
        describes: int | None = None,
        descriptor: int | None = None,
    ) -> None:
        self._set("final", bool(final))
        self._set("supers", tuple(supers))
        self._set("comp", comp)
        self._set("describes", describes)
        self._set("descriptor", descriptor)

    def __str__(self) -> str:
        text = str(self.comp)
        if self.descriptor is not None:
            text = f"(descriptor {self.descriptor}) {text}"
        if self.describes is not None:
            text = f"(describes {self.describes}) {text}"
        if self.final and not self.supers:
            return text
        final = "final " if self.final else ""
        return f"(sub {final}{''.join(f'{index} ' for index in self.supers)}{text})"


def _range_text(min: int, max: int | None) -> str:
    return str(min) if max is None else f"{min} {max}"


class SizeRange(_Immutable):
    """The least and the greatest size of a table (in elements) or memory (in pages).

    `max` is None where there is no greatest. Spec: 2.3.12 "Limits".
    """

    __slots__ = ("min", "max")

    min: int
    max: int | None

    def __init__(self, min: int, max: int | None = None) -> None:
        self._set("min", min)
        self._set("max", max)

    def __str__(self) -> str:
        return _range_text(self.min, self.max)


class TableType(_Immutable):
    """The type of a table; sizes are in elements, `is64` says that its indices are i64.

    >>> TableType(FUNCREF, 10)
    (table 10 funcref)
    """

    __slots__ = ("element", "min", "max", "is64")

    element: ValType
    min: int
    max: int | None
    is64: bool

    def __init__(self, element: int, min: int, max: int | None = None, is64: bool = False) -> None:
        self._set("element", val_type(element))
        self._set("min", min)
        self._set("max", max)
        self._set("is64", bool(is64))

    @property
    def size(self) -> SizeRange:
        return SizeRange(self.min, self.max)

    @property
    def address(self) -> ValType:
        """The type of an index: i32 or i64."""
        return I64 if self.is64 else I32

    def __str__(self) -> str:
        address = "i64 " if self.is64 else ""
        return f"(table {address}{_range_text(self.min, self.max)} {self.element})"


class MemoryType(_Immutable):
    """The type of a memory; sizes are in pages of `1 << page_size_log2` bytes (64 KiB).

    >>> MemoryType(1, 16)
    (memory 1 16)
    """

    __slots__ = ("min", "max", "shared", "is64", "page_size_log2")

    min: int
    max: int | None
    shared: bool
    is64: bool
    page_size_log2: int

    def __init__(
        self,
        min: int,
        max: int | None = None,
        shared: bool = False,
        is64: bool = False,
        page_size_log2: int = 16,
    ) -> None:
        self._set("min", min)
        self._set("max", max)
        self._set("shared", bool(shared))
        self._set("is64", bool(is64))
        self._set("page_size_log2", page_size_log2)

    @property
    def size(self) -> SizeRange:
        return SizeRange(self.min, self.max)

    @property
    def address(self) -> ValType:
        """The type of an address: i32 or i64."""
        return I64 if self.is64 else I32

    def __str__(self) -> str:
        address = "i64 " if self.is64 else ""
        shared = " shared" if self.shared else ""
        page = "" if self.page_size_log2 == 16 else f" (pagesize {1 << self.page_size_log2})"
        return f"(memory {address}{_range_text(self.min, self.max)}{shared}{page})"


class GlobalType(_Immutable):
    """The type of a global variable.

    >>> GlobalType(I64, mutable=True)
    (global (mut i64))
    """

    __slots__ = ("type", "mutable")

    type: ValType
    mutable: bool

    def __init__(self, type: int, mutable: bool = False) -> None:
        self._set("type", val_type(type))
        self._set("mutable", bool(mutable))

    def __str__(self) -> str:
        return f"(global (mut {self.type}))" if self.mutable else f"(global {self.type})"


class TagType(_Immutable):
    """The type of an exception's tag: a function type whose parameters are the values thrown.

    >>> TagType(FuncType((I32, F64)))
    (tag (param i32 f64))
    """

    __slots__ = ("type",)

    type: FuncType

    def __init__(self, type: FuncType) -> None:
        self._set("type", type)

    @property
    def params(self) -> tuple[ValType, ...]:
        return self.type.params

    def __str__(self) -> str:
        params = self.type.params
        return f"(tag (param {' '.join(map(str, params))}))" if params else "(tag)"
