"""Matching: canonical ids of types, and when a type matches another."""

import gc
import threading

import pytest

from wasmcy import matching
from wasmcy.errors import InvalidError
from wasmcy.matching import (
    MAX_SUBTYPE_DEPTH,
    canonicalise,
    close_func,
    close_global,
    close_table,
    close_val,
    display,
    is_subtype,
    matches,
    release,
)
from wasmcy.types import (
    ANYREF,
    ARRAYREF,
    BOT,
    CONCRETE,
    EQREF,
    EXACT,
    EXNREF,
    EXTERNREF,
    F32,
    FUNCREF,
    I8,
    I16,
    I31REF,
    I32,
    I64,
    NULL,
    NULLEXNREF,
    NULLEXTERNREF,
    NULLFUNCREF,
    NULLREF,
    STRUCTREF,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    MemoryType,
    StructType,
    SubType,
    TableType,
    ref_type,
)


def ref(index, nullable=True, exact=False):
    return ref_type(CONCRETE | (EXACT if exact else 0) | index, nullable)


def func(params=(), results=(), *supers, final=True):
    return SubType(final, supers, FuncType(params, results))


def struct(*fields, supers=(), final=False):
    return SubType(final, supers, StructType([FieldType(t) for t in fields]))


def singles(types):
    """Each type in a recursion group of its own."""
    return [(i, 1) for i in range(len(types))]


def take_back():
    """Release what other tests have left behind."""
    gc.collect()
    canonicalise([], [])


@pytest.fixture
def ids():
    """`canonicalise` whose results are released after the test; no id is left in use by it."""
    take_back()
    before = dict(matching._groups)
    taken = []

    def take(types, groups=None):
        taken.append(canonicalise(types, singles(types) if groups is None else groups))
        return list(taken[-1])

    yield take
    for some in taken:
        release(some)
    take_back()
    assert matching._groups == before


# Canonical ids


def test_equal_types_have_one_id(ids):
    a = ids([func([I32]), func([I64]), func([I32])])
    b = ids([func([I64]), func([I32])])
    assert a[0] == a[2] == b[1]
    assert a[1] == b[0]
    assert a[0] != a[1]


DIFFERENT = {
    "parameters": (func([I32]), func([I64])),
    "results": (func([], [I32]), func([], [I64])),
    "parameters and results": (func([I32]), func([], [I32])),
    "a split": (func([I32, I32]), func([I32], [I32])),
    "final": (func(), func(final=False)),
    "kind": (struct(I32), SubType(False, (), ArrayType(FieldType(I32)))),
    "packing": (struct(I8), struct(I16)),
    "mutability": (
        SubType(True, (), ArrayType(FieldType(I32))),
        SubType(True, (), ArrayType(FieldType(I32, True))),
    ),
    "fields": (struct(I32), struct(I32, I32)),
    "nullability": (func([FUNCREF]), func([FUNCREF & ~NULL])),
    "a reference to itself": (func([ref(0)]), func([FUNCREF])),
}


@pytest.mark.parametrize(("a", "b"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_types_have_different_ids(ids, a, b):
    assert ids([a]) != ids([b])


def test_references_count_by_what_they_refer_to(ids):
    a = ids([func([I32]), func([ref(0)])])
    b = ids([func([I64]), func([I32]), func([ref(1)]), func([ref(0)])])
    assert a[1] == b[2]
    assert a[1] != b[3]


def test_groups_are_compared_as_wholes(ids):
    pair = [struct(ref(1)), struct(ref(0))]
    together = ids([*pair, *[struct(ref(3)), struct(ref(2))]], [(0, 2), (2, 2)])
    assert together[:2] == together[2:]
    assert together[0] != together[1]
    other = ids([*pair, struct(I32)], [(0, 3)])
    assert not set(other) & set(together)


def test_a_type_in_a_group_is_not_the_type_alone(ids):
    alone = ids([func()])
    grouped = ids([func(), func([I32])], [(0, 2)])
    assert alone[0] not in grouped


def test_recursion_through_a_group_differs_from_reference_to_an_equal_one(ids):
    # (rec $a: struct (ref $a)) and then a struct that refers to that one.
    a = ids([struct(ref(0)), struct(ref(0))])
    assert a[0] != a[1]


def test_twice_the_same_type_in_one_group_is_two_types(ids):
    a = ids([func(), func()], [(0, 2)])
    assert a[0] != a[1]


def test_empty_groups_are_allowed(ids):
    assert len(ids([func()], [(0, 0), (0, 1), (1, 0)])) == 1


@pytest.mark.parametrize(
    ("types", "groups"),
    [
        ([func([ref(1)]), func()], None),
        ([func([ref(7)])], None),
        ([struct(ref(2)), struct(), struct()], [(0, 2), (2, 1)]),
        ([struct(supers=(0,))], None),
        ([struct(supers=(1,)), struct()], [(0, 2)]),
    ],
    ids=["later", "none", "beyond the group", "its own supertype", "a later supertype"],
)
def test_unknown_types_are_refused_and_nothing_stays_in_use(ids, types, groups):
    with pytest.raises(InvalidError, match="unknown type"):
        ids([func([F32, F32, F32]), *shifted(types)], shifted_groups(types, groups))


def shifted(types):
    """The types, their references one further on."""

    def val(t):
        return t + 1 if t & CONCRETE else t

    for sub in types:
        supers = tuple(i + 1 for i in sub.supers)
        if isinstance(sub.comp, FuncType):
            yield SubType(sub.final, supers, FuncType(map(val, sub.comp.params)))
        else:
            fields = [FieldType(val(f.storage), f.mutable) for f in sub.comp.fields]
            yield SubType(sub.final, supers, StructType(fields))


def shifted_groups(types, groups):
    return [(0, 1), *((first + 1, n) for first, n in groups or singles(types))]


def test_ids_are_used_again_after_release():
    types = [func([F32] * 7), struct(ref(0), I32, I32, I32)]
    first = canonicalise(types, singles(types))
    again = canonicalise(types, singles(types))
    assert again == first
    release(first)
    assert display(again[0]) == (again[0],)
    size = len(matching._types)
    release(again)
    assert matching._types[again[0]] is None
    other = [func([F32] * 8), func([F32] * 9)]
    third = canonicalise(other, singles(other))
    assert sorted(third) == sorted(first)
    assert len(matching._types) == size
    release(third)


def test_a_release_during_canonicalisation_waits():
    # A collection may run a finaliser anywhere, also while the lock is held.
    types = [func([F32] * 5)]
    held = canonicalise(types, singles(types))
    with matching._lock:
        release(held)
        assert matching._types[held[0]] is not None
    release(canonicalise([], []))
    assert matching._types[held[0]] is None


def test_threads_agree():
    types = [func([I64] * n) for n in range(40)]
    take_back()
    before = dict(matching._groups)
    results = []

    def work():
        for _ in range(20):
            taken = canonicalise(types, singles(types))
            results.append(tuple(taken) == tuple(canonicalise(types, singles(types))))
            release(taken)
            release(taken)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    take_back()
    assert all(results) and len(results) == 80
    assert matching._groups == before


# Declared subtypes


def test_subtypes_are_declared_ones(ids):
    types = [
        struct(),
        struct(I32, supers=(0,)),
        struct(I32, I32, supers=(1,)),
        struct(I32),
        struct(I64, supers=(0,)),
    ]
    a = ids(types)
    below = {(i, j) for i in range(5) for j in range(5) if is_subtype(a[i], a[j])}
    assert below == {(i, i) for i in range(5)} | {(1, 0), (2, 0), (2, 1), (4, 0)}
    assert display(a[2]) == (a[0], a[1], a[2])


def test_subtypes_within_a_group(ids):
    a = ids([struct(), struct(ref(0), supers=(0,))], [(0, 2)])
    assert is_subtype(a[1], a[0])
    assert not is_subtype(a[0], a[1])


def test_chains_of_subtypes_have_a_limit(ids):
    types = [struct()] + [struct(supers=(i,)) for i in range(MAX_SUBTYPE_DEPTH + 1)]
    longest = ids(types[:-1])
    assert len(display(longest[-1])) == MAX_SUBTYPE_DEPTH + 1
    with pytest.raises(InvalidError, match=f"type 64 has more than {MAX_SUBTYPE_DEPTH}"):
        ids(types)


# Value types

HIERARCHIES = [
    [ANYREF, EQREF, I31REF, NULLREF],
    [ANYREF, EQREF, STRUCTREF, NULLREF],
    [ANYREF, EQREF, ARRAYREF, NULLREF],
    [FUNCREF, NULLFUNCREF],
    [EXTERNREF, NULLEXTERNREF],
    [EXNREF, NULLEXNREF],
]
ABSTRACT = sorted({t for chain in HIERARCHIES for t in chain})


@pytest.mark.parametrize("sub", ABSTRACT, ids=str)
def test_abstract_heap_types(sub):
    above = {t for t in ABSTRACT if matches(sub, t)}
    expected = {t for chain in HIERARCHIES if sub in chain for t in chain[: chain.index(sub) + 1]}
    assert above == expected


def test_nullability():
    assert matches(FUNCREF & ~NULL, FUNCREF)
    assert not matches(FUNCREF, FUNCREF & ~NULL)
    assert not matches(EQREF, ANYREF & ~NULL)
    assert matches(EQREF & ~NULL, ANYREF & ~NULL)


def test_numbers_match_themselves_only():
    assert matches(I32, I32)
    assert not matches(I32, I64)
    assert not matches(I32, FUNCREF)
    assert not matches(FUNCREF, I32)
    assert matches(BOT, I32) and matches(BOT, FUNCREF)


def test_concrete_heap_types(ids):
    types = [
        func(),
        struct(),
        struct(I32, supers=(1,)),
        SubType(True, (), ArrayType(FieldType(I8))),
        struct(),
    ]
    canon = ids(types)

    def check(sub, sup):
        return matches(sub, sup, canon)

    f, a, b, array, same = (ref(i) for i in range(5))
    above = [FUNCREF, STRUCTREF, STRUCTREF, ARRAYREF, STRUCTREF]
    below = [NULLFUNCREF, NULLREF, NULLREF, NULLREF, NULLREF]
    for t, sup, sub in zip((f, a, b, array, same), above, below, strict=True):
        assert {u for u in ABSTRACT if check(t, u)} == {u for u in ABSTRACT if matches(sup, u)}
        assert {u for u in ABSTRACT if check(u, t)} == {sub}
    assert check(a, same) and check(same, a)
    assert check(b, a) and check(b, same) and not check(a, b)
    assert not check(f, a) and not check(array, a)


def test_exact_types(ids):
    canon = ids([struct(), struct(supers=(0,)), struct()])
    assert matches(ref(0, exact=True), ref(0), canon)
    assert matches(ref(0, exact=True), ref(2, exact=True), canon)
    assert matches(ref(1, exact=True), ref(0), canon)
    assert matches(NULLREF, ref(0, exact=True), canon)
    assert matches(ref(0, exact=True), STRUCTREF, canon)
    assert not matches(ref(1, exact=True), ref(0, exact=True), canon)
    assert not matches(ref(0), ref(0, exact=True), canon)


# Composite types


@pytest.mark.parametrize(
    ("sub", "sup", "expected"),
    [
        (FuncType([ANYREF], [I31REF]), FuncType([EQREF], [EQREF]), True),
        (FuncType([I31REF], []), FuncType([EQREF], []), False),
        (FuncType([], [ANYREF]), FuncType([], [EQREF]), False),
        (FuncType([I32]), FuncType([I32, I32]), False),
        (FuncType([I32]), FuncType([I32]), True),
        (FuncType(), StructType(), False),
        (StructType([FieldType(I31REF), FieldType(I32)]), StructType([FieldType(EQREF)]), True),
        (StructType([]), StructType([FieldType(EQREF)]), False),
        (FieldType(I31REF, True), FieldType(EQREF, True), False),
        (FieldType(EQREF, True), FieldType(EQREF, True), True),
        (FieldType(EQREF, True), FieldType(EQREF), False),
        (FieldType(I8), FieldType(I8), True),
        (FieldType(I8), FieldType(I16), False),
        (ArrayType(FieldType(I31REF)), ArrayType(FieldType(EQREF)), True),
        (ArrayType(FieldType(I8)), StructType([FieldType(I8)]), False),
    ],
    ids=str,
)
def test_composite_types(sub, sup, expected):
    assert matches(sub, sup) is expected


# External types


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (MemoryType(1), MemoryType(1), True),
        (MemoryType(2), MemoryType(1), True),
        (MemoryType(1), MemoryType(2), False),
        (MemoryType(1), MemoryType(1, 2), False),
        (MemoryType(1, 2), MemoryType(1), True),
        (MemoryType(1, 2), MemoryType(1, 3), True),
        (MemoryType(1, 3), MemoryType(1, 2), False),
        (MemoryType(1, 2, True), MemoryType(1, 2), False),
        (MemoryType(1, is64=True), MemoryType(1), False),
        (MemoryType(1, page_size_log2=0), MemoryType(1), False),
        (MemoryType(1), TableType(FUNCREF, 1), False),
        (TableType(FUNCREF, 1), TableType(FUNCREF, 0), True),
        (TableType(FUNCREF, 1), TableType(FUNCREF, 1, 1), False),
        (TableType(FUNCREF & ~NULL, 1), TableType(FUNCREF, 1), False),
        (TableType(FUNCREF, 1, is64=True), TableType(FUNCREF, 1), False),
        (GlobalType(I32), GlobalType(I32), True),
        (GlobalType(I32, True), GlobalType(I32), False),
        (GlobalType(I31REF), GlobalType(ANYREF), True),
        (GlobalType(I31REF, True), GlobalType(ANYREF, True), False),
        (GlobalType(ANYREF, True), GlobalType(ANYREF, True), True),
    ],
    ids=str,
)
def test_external_types(given, wanted, expected):
    assert matches(given, wanted) is expected


def test_closed_types_of_two_modules_compare(ids):
    a = ids([func([I32]), struct(I32), struct(I32, I32, supers=(1,))])
    b = ids([struct(I32)])
    assert close_val(I32, a) is I32
    assert close_val(ref(1), a) == close_val(ref(0), b)
    assert matches(close_val(ref(2, False), a), close_val(ref(0), b))
    assert matches(close_global(GlobalType(ref(2)), a), close_global(GlobalType(ref(0)), b))
    assert matches(close_table(TableType(ref(1), 1), a), close_table(TableType(ref(0), 1), b))
    assert not matches(close_table(TableType(ref(2), 1), a), close_table(TableType(ref(0), 1), b))
    assert matches(close_func(FuncType([ref(1)], [ref(2)]), a), close_func(FuncType([ref(0)], [ref(0)]), b))
    assert close_global(GlobalType(I32), a) == GlobalType(I32)
    assert close_table(TableType(FUNCREF, 1), a) == TableType(FUNCREF, 1)
