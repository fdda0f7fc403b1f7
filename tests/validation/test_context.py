"""The context: a module's declarations as typed arrays, and matching among its types."""

import gc

import pytest
from assembling import check, from_text

from wasmcy import matching
from wasmcy.binary.decoder import decode
from wasmcy.errors import InvalidError
from wasmcy.types import (
    ANYREF,
    BOT,
    CONCRETE,
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    HEAP_ANY,
    HEAP_NAMES,
    I31REF,
    I32,
    I64,
    NULL,
    NULLFUNCREF,
    NULLREF,
    REF,
    STRUCTREF,
    ref_type,
)
from wasmcy.validation.context import KIND_ARRAY, KIND_FUNC, KIND_STRUCT, REF_BOT, Context

TYPES = """
    (type $f (sub (func (param i32 i64) (result f32))))
    (type $s (sub (struct (field i8) (field (mut anyref)))))
    (type $a (array (mut i16)))
    (rec (type $t (sub $s (struct (field i8) (field (mut anyref)) (field (ref func))))))
    (type $same (array (mut i16)))
"""
FUNC, STRUCT, ARRAY, SUB, SAME = (CONCRETE | i for i in range(5))


def context_of(text):
    return Context(decode(from_text(text)))


def signature(context, row):
    """The types of a row: parameters, results."""
    params, results = context.sig_po[row], context.sig_ro[row]
    return (
        [context.pool[params + i] for i in range(context.sig_np[row])],
        [context.pool[results + i] for i in range(context.sig_nr[row])],
    )


def test_function_types_are_signatures_by_type_index():
    context = context_of(TYPES)
    assert signature(context, 0) == ([I32, I64], [F32])
    assert [context.sig_np[i] for i in range(5)] == [2, -1, -1, -1, -1]
    assert [context.kind_of[i] for i in range(5)] == [
        KIND_FUNC, KIND_STRUCT, KIND_ARRAY, KIND_STRUCT, KIND_ARRAY,
    ]  # fmt: skip


def test_block_types_get_rows_when_they_are_asked_for():
    context = context_of(TYPES)
    empty = context.sig_of_block(BOT)
    assert empty == context.n_types and signature(context, empty) == ([], [])
    valtypes = [I32, F64, ANYREF, *(REF | CONCRETE | i for i in range(5)), *range(1000, 1100)]
    rows = {valtype: context.sig_of_block(valtype) for valtype in valtypes}
    assert len(set(rows.values())) == len(valtypes) and min(rows.values()) > empty
    for valtype, row in rows.items():
        assert context.sig_of_block(valtype) == row
        assert signature(context, row) == ([], [valtype])
    assert signature(context, 0) == ([I32, I64], [F32])
    assert context.n_sigs == empty + 1 + len(valtypes)


def test_fields_stand_packed_and_unpacked():
    context = context_of(TYPES)
    at = context.field_po[3]
    assert [context.field_n[i] for i in range(5)] == [0, 2, 1, 3, 1]
    assert [context.field_storage[at + i] for i in range(3)] == [
        0x78,
        ANYREF,
        ref_type(0x70, False),
    ]
    assert [context.field_mut[at + i] for i in range(3)] == [0, 1, 0]
    assert context.pool[context.field_ro[3]] == I32
    assert [context.no_default[i] for i in range(5)] == [-1, -1, -1, 2, -1]
    assert [context.super_of[i] for i in range(5)] == [-1, -1, -1, 1, -1]


def test_index_spaces_begin_with_the_imports():
    context = context_of("""
        (type (func)) (type (func (param i32)))
        (import "" "" (func (type 1))) (import "" "" (table i64 1 externref))
        (import "" "" (memory i64 1)) (import "" "" (global i64)) (import "" "" (tag (type 1)))
        (func (type 0)) (table 1 funcref) (memory 1) (global (mut i32) (i32.const 1)) (tag)
        (elem externref) (data "a") (func data.drop 0)
    """)
    assert list(context.func_sig) == [1, 0, 0] and context.n_imported_funcs == 1
    assert list(context.table_element) == [EXTERNREF, FUNCREF]
    assert list(context.table_is64) == [1, 0] and list(context.mem_is64) == [1, 0]
    assert list(context.global_type) == [I64, I32] and list(context.global_mut) == [0, 1]
    assert list(context.tag_sig) == [1, 0] and list(context.elem_type) == [EXTERNREF]
    assert context.n_data == 1 and context.n_imported_globals == 1
    assert context_of("").n_data == -1


def test_functions_are_declared_outside_of_bodies():
    _, context = check(from_text("""
        (func) (func) (func) (func (export "")) (func) (table 1 funcref)
        (global funcref (ref.func 1)) (elem (i32.const 0) 2) (elem funcref (ref.func 4))
    """))  # fmt: skip
    assert list(context.declared) == [0, 1, 1, 1, 1]


MATCHES = [
    (I32, I32, True),
    (I32, I64, False),
    (I32, ANYREF, False),
    (BOT, I32, True),
    (BOT, ANYREF, True),
    (REF_BOT, ANYREF, True),
    (REF_BOT, ref_type(FUNC, False), True),
    (REF_BOT, I32, False),
    (I31REF, ANYREF, True),
    (ANYREF, I31REF, False),
    (ref_type(HEAP_ANY, False), ANYREF, True),
    (ANYREF, ref_type(HEAP_ANY, False), False),
    (ref_type(FUNC), FUNCREF, True),
    (ref_type(FUNC), ANYREF, False),
    (FUNCREF, ref_type(FUNC), False),
    (NULLFUNCREF, ref_type(FUNC), True),
    (NULLREF, ref_type(FUNC), False),
    (NULLREF, ref_type(STRUCT), True),
    (ref_type(SUB), ref_type(STRUCT), True),
    (ref_type(STRUCT), ref_type(SUB), False),
    (ref_type(SUB), STRUCTREF, True),
    (ref_type(ARRAY), STRUCTREF, False),
    (ref_type(ARRAY), ref_type(SAME), True),
    (ref_type(ARRAY, False), ref_type(SAME), True),
    (ref_type(ARRAY), ref_type(SAME, False), False),
]


@pytest.mark.parametrize(("sub", "sup", "expected"), MATCHES)
def test_matching_within_the_module(sub, sup, expected):
    assert bool(context_of(TYPES).matches(sub, sup)) is expected


def test_matching_agrees_with_matching_between_modules():
    context = context_of(TYPES)
    heaps = [*HEAP_NAMES, FUNC, STRUCT, ARRAY, SUB, SAME]
    types = [I32, *(REF | null | heap for heap in heaps for null in (0, NULL))]
    for sub in types:
        for sup in types:
            wanted = matching.val_matches(sub, sup, context.canon_ids)
            assert bool(context.matches(sub, sup)) is wanted, (sub, sup)


def test_equal_types_of_two_modules_have_one_canonical_id():
    one, other = context_of(TYPES), context_of("(type (struct)) (type (array (mut i16)))")
    assert one.canon[2] == one.canon[4] == other.canon[1]
    assert other.canon[0] not in list(one.canon)


def test_canonical_ids_are_given_back():
    gc.collect()
    matching.canonicalise([], [])
    before = len(matching._groups)
    context = context_of("(type (struct (field f64 f64 f32 i8 f64)))")
    assert len(matching._groups) == before + 1
    del context
    gc.collect()
    matching.canonicalise([], [])
    assert len(matching._groups) == before


def test_types_of_the_future_are_refused():
    with pytest.raises(InvalidError, match="^unknown type 1"):
        context_of("(type (func (param (ref 1)))) (type (func))")
