"""When types are equal, and when one matches another. Spec: 3.3 "Matching".

Types of different modules are compared through canonical ids. `canonicalise`
gives each type of a module an id, a small int that is the same for equal types
in the whole process: types are equal if their recursion groups are equal when
references within the group are read as positions in it (iso-recursive types).
Ids are counted: whoever canonicalises releases; then ids are used again.

A type whose indices have been replaced by ids is *closed*. All functions below
take closed types, or types of one module together with its ids (`canon`).
"""

from __future__ import annotations

from _thread import allocate_lock
from array import array

from .errors import InvalidError
from .types import (
    CONCRETE,
    EXACT,
    HEAP_ANY,
    HEAP_ARRAY,
    HEAP_EQ,
    HEAP_EXN,
    HEAP_EXTERN,
    HEAP_FUNC,
    HEAP_I31,
    HEAP_MASK,
    HEAP_NOEXN,
    HEAP_NOEXTERN,
    HEAP_NOFUNC,
    HEAP_NONE,
    HEAP_STRUCT,
    INDEX_MASK,
    NULL,
    REF,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    MemoryType,
    StructType,
    SubType,
    TableType,
    ValType,
    val_type,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    CompType = FuncType | StructType | ArrayType

MAX_SUBTYPE_DEPTH = 63  # a type without supertype has depth 0

# Abstract heap types and all those they match.
_ABOVE: dict[int, frozenset[int]] = {
    HEAP_ANY: frozenset([HEAP_ANY]),
    HEAP_EQ: frozenset([HEAP_EQ, HEAP_ANY]),
    HEAP_I31: frozenset([HEAP_I31, HEAP_EQ, HEAP_ANY]),
    HEAP_STRUCT: frozenset([HEAP_STRUCT, HEAP_EQ, HEAP_ANY]),
    HEAP_ARRAY: frozenset([HEAP_ARRAY, HEAP_EQ, HEAP_ANY]),
    HEAP_NONE: frozenset([HEAP_NONE, HEAP_I31, HEAP_STRUCT, HEAP_ARRAY, HEAP_EQ, HEAP_ANY]),
    HEAP_FUNC: frozenset([HEAP_FUNC]),
    HEAP_NOFUNC: frozenset([HEAP_NOFUNC, HEAP_FUNC]),
    HEAP_EXTERN: frozenset([HEAP_EXTERN]),
    HEAP_NOEXTERN: frozenset([HEAP_NOEXTERN, HEAP_EXTERN]),
    HEAP_EXN: frozenset([HEAP_EXN]),
    HEAP_NOEXN: frozenset([HEAP_NOEXN, HEAP_EXN]),
}

# For each kind of composite type: the least abstract type above it, the one below it.
_KINDS: dict[type, tuple[int, int]] = {
    FuncType: (HEAP_FUNC, HEAP_NOFUNC),
    StructType: (HEAP_STRUCT, HEAP_NONE),
    ArrayType: (HEAP_ARRAY, HEAP_NONE),
}


class _Group:
    """A recursion group in use: its key, the ids of its types, how many modules hold it."""

    __slots__ = ("key", "ids", "count")

    def __init__(self, key: bytes, ids: list[int]) -> None:
        self.key = key
        self.ids = ids
        self.count = 0


class _Canonical:
    """A type in use.

    `chain` holds the ids of its supertypes, the furthest first, and its own; so the type
    `b` is a supertype of `a` if and only if it stands in `a`'s chain at its own depth.
    """

    __slots__ = ("group", "chain", "above", "below")

    def __init__(self, group: _Group, chain: tuple[int, ...], above: int, below: int) -> None:
        self.group = group
        self.chain = chain
        self.above = above
        self.below = below


# The process-wide state, under _lock: groups by key, types by id, ids given back.
_lock = allocate_lock()
_groups: dict[bytes, _Group] = {}
_types: list[_Canonical | None] = []
_free: list[int] = []
# Ids given back, to be released when the lock is held next: finalisers can run anywhere, and append here. They call
# nothing of Python's: a Ctrl-C that came meanwhile would be lost with them.
given_back: list[array[int]] = []


def canonicalise(types: Sequence[SubType], rec_groups: Sequence[tuple[int, int]]) -> array[int]:
    """The canonical id of each type of a module; hold them until `release`.

    Raises:
        InvalidError: a type refers to one that is neither earlier nor in its own group, has a descriptor or
            describes a type outside of it, or is nested too deeply below its supertypes.
    """
    ids = array("I", bytes(4 * len(types)))
    done = 0
    with _lock:
        _release_given_back()
        try:
            for first, count in rec_groups:
                if count == 0:
                    continue
                group = _intern_group(types, first, count, ids)
                ids[first : first + count] = array("I", group.ids)
                group.count += 1
                done = first + count
        except BaseException:
            _release(ids[:done])
            raise
    return ids


def release(ids: array[int]) -> None:
    """Give back what `canonicalise` returned. Safe in any thread."""
    given_back.append(ids)
    if _lock.acquire(False):
        try:
            _release_given_back()
        finally:
            _lock.release()


class Held:
    """Canonical ids of types, released when this is collected."""

    __slots__ = ("ids",)

    def __init__(self, ids: array[int]) -> None:
        self.ids = ids

    def __del__(self) -> None:
        if given_back is not None:  # as it is at the end of the interpreter
            given_back.append(self.ids)


def hold(valtypes: Iterable[int]) -> Held | None:
    """Let the types that value types name by canonical id outlive their modules; None: they name none.

    Raises:
        ValueError: an id is none: it is an index in a module.
    """
    ids = array("I")
    with _lock:
        for t in valtypes:
            if t & CONCRETE:
                type_id = t & INDEX_MASK
                canonical = _types[type_id] if type_id < len(_types) else None
                if canonical is None:
                    _release(ids)
                    raise ValueError(f"{ValType(t)} names a type by its index in a module")
                canonical.group.count += 1
                ids.extend(canonical.group.ids)
    return Held(ids) if ids else None


def _release_given_back() -> None:
    while given_back:
        _release(given_back.pop())


def _release(ids: array[int]) -> None:
    at = 0
    while at < len(ids):
        group = _canonical(ids[at]).group
        at += len(group.ids)
        group.count -= 1
        if group.count == 0:
            del _groups[group.key]
            for type_id in group.ids:
                _types[type_id] = None
            _free.extend(group.ids)


def _canonical(type_id: int) -> _Canonical:
    canonical = _types[type_id]
    assert canonical is not None, f"type id {type_id} is not in use"
    return canonical


def _intern_group(types: Sequence[SubType], first: int, count: int, ids: array[int]) -> _Group:
    """The group of types `first` to `first + count`; the types before have their ids."""
    parts: list[int] = []
    for i in range(first, first + count):
        _add_type_key(parts, types[i], i, first, first + count, ids)
    key = array("q", parts).tobytes()
    group = _groups.get(key)
    if group is not None:
        return group
    new = [_free.pop() for _ in range(min(count, len(_free)))]
    new.extend(range(len(_types), len(_types) + count - len(new)))
    _types.extend([None] * (max(new, default=-1) + 1 - len(_types)))
    group = _Group(key, new)
    try:
        for i, type_id in enumerate(new):
            sub = types[first + i]
            chain = [type_id]
            if sub.supers:
                parent = sub.supers[0]
                parent_id = new[parent - first] if parent >= first else ids[parent]
                chain[:0] = _canonical(parent_id).chain
            if len(chain) > MAX_SUBTYPE_DEPTH + 1:
                raise InvalidError(f"type {first + i} has more than {MAX_SUBTYPE_DEPTH} supertypes above it")
            above, below = _KINDS[type(sub.comp)]
            _types[type_id] = _Canonical(group, tuple(chain), above, below)
    except BaseException:
        for type_id in new:
            _types[type_id] = None
        _free.extend(new)
        raise
    _groups[key] = group
    return group


def _add_type_key(key: list[int], sub: SubType, index: int, first: int, end: int, ids: array[int]) -> None:
    """Append all that makes a type what it is, as numbers that equal types of other modules share.

    Each list follows its length, each index a number that announces it, so no two types have the same numbers. Groups
    are found by these bytes, not by tuples: nobody can choose types whose hashes are equal.
    """

    def of_index(i: int, limit: int) -> int:
        # Positions within the group are negative, ids of earlier types are not.
        if i >= limit:
            raise InvalidError(f"unknown type {i} in type {index}")
        return first - 1 - i if i >= first else ids[i]

    def add(valtypes: Sequence[int]) -> None:
        key.append(len(valtypes))
        for t in valtypes:
            if t & CONCRETE:
                key.append(t & ~INDEX_MASK)
                key.append(of_index(t & INDEX_MASK, end))
            else:
                key.append(t)

    comp = sub.comp
    key += (sub.final, len(sub.supers))
    for i in sub.supers:
        key.append(of_index(i, index))
    if isinstance(comp, FuncType):
        key.append(0)
        add(comp.params)
        add(comp.results)
    else:
        fields = comp.fields if isinstance(comp, StructType) else (comp.field,)
        key.append(1 if isinstance(comp, StructType) else 2)
        add([f.storage for f in fields])
        key.extend([f.mutable for f in fields])
    for other, what in ((sub.describes, "described"), (sub.descriptor, "descriptor")):
        key.append(other is not None)
        if other is not None:
            if not first <= other < end:
                raise InvalidError(f"{what} type is outside rec group: type {other}, of type {index}")
            key.append(first - 1 - other)


def is_subtype(sub: int, sup: int) -> bool:
    """Whether the type with id `sub` is `sup` or is declared, directly or not, to be below it."""
    if sub == sup:
        return True
    depth = len(_canonical(sup).chain) - 1
    chain = _canonical(sub).chain
    return depth < len(chain) and chain[depth] == sup


def display(type_id: int) -> tuple[int, ...]:
    """The ids of a type's supertypes, the furthest first, and its own id."""
    return _canonical(type_id).chain


def kind_of(type_id: int) -> int:
    """The abstract heap type right above a type: of functions, structs or arrays."""
    return _canonical(type_id).above


def _type_id(heap: int, canon: Sequence[int] | None) -> int:
    index = heap & INDEX_MASK
    return index if canon is None else canon[index]


def heap_matches(sub: int, sup: int, canon: Sequence[int] | None = None) -> bool:
    """Whether heap type `sub` matches `sup`. Spec: 3.3.3 "Heap Types"."""
    if sub == sup:
        return True
    if not sub & CONCRETE:
        if not sup & CONCRETE:
            return sup in _ABOVE[sub]
        return sub == _canonical(_type_id(sup, canon)).below
    sub_id = _type_id(sub, canon)
    if not sup & CONCRETE:
        return sup in _ABOVE[_canonical(sub_id).above]
    sup_id = _type_id(sup, canon)
    if sup & EXACT:
        return bool(sub & EXACT) and sub_id == sup_id
    return is_subtype(sub_id, sup_id)


def val_matches(sub: int, sup: int, canon: Sequence[int] | None = None) -> bool:
    """Whether value type `sub` matches `sup`; BOT matches all. Spec: 3.3.5 "Value Types"."""
    if sub == sup or sub == 0:
        return True
    if not (sub & REF and sup & REF) or (sub & NULL and not sup & NULL):
        return False
    return heap_matches(sub & HEAP_MASK, sup & HEAP_MASK, canon)


def field_matches(sub: FieldType, sup: FieldType, canon: Sequence[int] | None = None) -> bool:
    """Whether a field may stand for another: mutable ones only if equal. Spec: 3.3.9."""
    if sub.mutable is not sup.mutable or not val_matches(sub.storage, sup.storage, canon):
        return False
    return not sub.mutable or val_matches(sup.storage, sub.storage, canon)


def comp_matches(sub: CompType, sup: CompType, canon: Sequence[int] | None = None) -> bool:
    """Whether a function, struct or array type matches another. Spec: 3.3.8."""
    if isinstance(sub, FuncType) and isinstance(sup, FuncType):
        return _list_matches(sup.params, sub.params, canon) and _list_matches(sub.results, sup.results, canon)
    if isinstance(sub, ArrayType) and isinstance(sup, ArrayType):
        return field_matches(sub.field, sup.field, canon)
    if isinstance(sub, StructType) and isinstance(sup, StructType):
        return len(sub.fields) >= len(sup.fields) and all(
            field_matches(a, b, canon) for a, b in zip(sub.fields, sup.fields, strict=False)
        )
    return False


def _list_matches(sub: Sequence[int], sup: Sequence[int], canon: Sequence[int] | None) -> bool:
    return len(sub) == len(sup) and all(val_matches(a, b, canon) for a, b in zip(sub, sup, strict=True))


def matches(
    sub: int | CompType | FieldType | TableType | MemoryType | GlobalType,
    sup: int | CompType | FieldType | TableType | MemoryType | GlobalType,
    canon: Sequence[int] | None = None,
) -> bool:
    """Whether a value type, composite, field or external type matches another of its kind.

    For imports, `sub` is what is given and `sup` what is wanted; functions and tags are
    compared by id, with `is_subtype` and for equality. Spec: 3.3.16 "External Types".
    """
    if isinstance(sub, int):
        return isinstance(sup, int) and val_matches(sub, sup, canon)
    if isinstance(sub, FieldType):
        return isinstance(sup, FieldType) and field_matches(sub, sup, canon)
    if isinstance(sub, GlobalType):
        if not isinstance(sup, GlobalType) or sub.mutable is not sup.mutable:
            return False
        if not val_matches(sub.type, sup.type, canon):
            return False
        return not sub.mutable or val_matches(sup.type, sub.type, canon)
    if isinstance(sub, TableType):
        return (
            isinstance(sup, TableType)
            and sub.is64 is sup.is64
            and size_matches(sub, sup)
            and val_matches(sub.element, sup.element, canon)
            and val_matches(sup.element, sub.element, canon)
        )
    if isinstance(sub, MemoryType):
        return (
            isinstance(sup, MemoryType)
            and sub.is64 is sup.is64
            and sub.shared is sup.shared
            and sub.page_size_log2 == sup.page_size_log2
            and size_matches(sub, sup)
        )
    return isinstance(sup, (FuncType, StructType, ArrayType)) and comp_matches(sub, sup, canon)


def size_matches(sub: TableType | MemoryType, sup: TableType | MemoryType) -> bool:
    """Whether a size range lies within another. Spec: 3.3.11 "Limits"."""
    if sub.min < sup.min:
        return False
    return sup.max is None or (sub.max is not None and sub.max <= sup.max)


def close_val(t: int, canon: Sequence[int]) -> int:
    """A value type with its type index replaced by the type's id."""
    if not t & CONCRETE:
        return t
    return val_type(t & ~INDEX_MASK | canon[t & INDEX_MASK])


def close_func(t: FuncType, canon: Sequence[int]) -> FuncType:
    """A function type with type indices replaced by ids."""
    return FuncType([close_val(p, canon) for p in t.params], [close_val(r, canon) for r in t.results])


def close_field(t: FieldType, canon: Sequence[int]) -> FieldType:
    """A field type with its type index replaced by the type's id."""
    return FieldType(close_val(t.storage, canon), t.mutable) if t.storage & CONCRETE else t


def close_comp(t: CompType, canon: Sequence[int]) -> CompType:
    """A function, struct or array type with type indices replaced by ids."""
    if isinstance(t, FuncType):
        return close_func(t, canon)
    if isinstance(t, StructType):
        return StructType([close_field(field, canon) for field in t.fields])
    return ArrayType(close_field(t.field, canon))


def close_table(t: TableType, canon: Sequence[int]) -> TableType:
    """A table type with its type index replaced by the type's id."""
    if not t.element & CONCRETE:
        return t
    return TableType(close_val(t.element, canon), t.min, t.max, t.is64)


def close_global(t: GlobalType, canon: Sequence[int]) -> GlobalType:
    """A global type with its type index replaced by the type's id."""
    return GlobalType(close_val(t.type, canon), t.mutable) if t.type & CONCRETE else t
