"""Types: ints and values with the text format's syntax as their repr."""

import pickle

import pytest

from wasmcy.types import (
    ANYREF,
    BOT,
    CONCRETE,
    EXACT,
    EXNREF,
    EXTERNREF,
    F64,
    FUNCREF,
    HEAP_FUNC,
    HEAP_I31,
    I8,
    I16,
    I32,
    I64,
    NULL,
    NULLREF,
    REF,
    V128,
    VAL_TYPES,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    MemoryType,
    SizeRange,
    StructType,
    SubType,
    TableType,
    TagType,
    ValType,
    ref_type,
    val_type,
)

INT_INT_INT = FuncType([I32, I32], [I32])
PAIR = StructType([FieldType(I32), FieldType(I8, True)])

TEXTS = [
    (BOT, "bot"),
    (I32, "i32"),
    (V128, "v128"),
    (I16, "i16"),
    (FUNCREF, "funcref"),
    (EXNREF, "exnref"),
    (NULLREF, "nullref"),
    (ref_type(HEAP_FUNC, nullable=False), "(ref func)"),
    (ref_type(CONCRETE | 3), "(ref null 3)"),
    (ref_type(CONCRETE | 3, nullable=False), "(ref 3)"),
    (ref_type(CONCRETE | EXACT | 3), "(ref null (exact 3))"),
    (FuncType(), "(func)"),
    (FuncType([I32, FUNCREF], [F64]), "(func (param i32 funcref) (result f64))"),
    (PAIR, "(struct (field i32) (field (mut i8)))"),
    (ArrayType(FieldType(I64, True)), "(array (mut i64))"),
    (SubType(True, (), FuncType()), "(func)"),
    (SubType(False, (), FuncType()), "(sub (func))"),
    (SubType(True, (2,), FuncType()), "(sub final 2 (func))"),
    (SubType(True, (), StructType(), descriptor=1), "(descriptor 1) (struct)"),
    (
        SubType(False, (), StructType(), describes=0, descriptor=2),
        "(sub (describes 0) (descriptor 2) (struct))",
    ),
    (SizeRange(1), "1"),
    (SizeRange(1, 2), "1 2"),
    (TableType(FUNCREF, 1), "(table 1 funcref)"),
    (TableType(EXTERNREF, 0, 9, True), "(table i64 0 9 externref)"),
    (MemoryType(1), "(memory 1)"),
    (MemoryType(1, 2, shared=True), "(memory 1 2 shared)"),
    (MemoryType(1, is64=True, page_size_log2=0), "(memory i64 1 (pagesize 1))"),
    (GlobalType(I32), "(global i32)"),
    (GlobalType(I32, True), "(global (mut i32))"),
    (TagType(FuncType([I32])), "(tag (param i32))"),
    (TagType(FuncType()), "(tag)"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_types_print_as_in_the_text_format(value, text):
    assert str(value) == repr(value) == f"{value}" == text


@pytest.mark.parametrize("value", [value for value, _ in TEXTS], ids=str)
def test_types_are_values(value):
    copy = pickle.loads(pickle.dumps(value))
    assert copy == value
    assert hash(copy) == hash(value)
    assert type(copy) is type(value)


def test_types_differ_if_a_field_differs():
    assert FuncType([I32, I32], [I64]) != INT_INT_INT
    assert FuncType([I32]) != FuncType([], [I32])
    assert StructType([]) != FuncType()
    assert SubType(True, (), PAIR) != SubType(False, (), PAIR)
    assert FuncType((0x7F, 0x7F), (0x7F,)) == INT_INT_INT


@pytest.mark.parametrize("value", [INT_INT_INT, PAIR, MemoryType(1), GlobalType(I32)], ids=str)
def test_types_are_immutable(value):
    name = value.__slots__[0]
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, name, None)
    with pytest.raises(AttributeError, match="immutable"):
        delattr(value, name)
    with pytest.raises(AttributeError):
        value.other = 1


def test_a_value_type_is_the_int_of_its_encoding():
    assert I32 == 0x7F
    assert FUNCREF == REF | NULL | 0x70
    assert {I32: "x"}[0x7F] == "x"
    assert val_type(0x7F) is I32
    assert val_type(REF | NULL | HEAP_FUNC) is FUNCREF
    assert ValType(REF | CONCRETE | 70_000).index == 70_000


def test_properties_of_value_types():
    assert ANYREF.is_ref and ANYREF.is_nullable and ANYREF.is_defaultable
    assert not ANYREF.is_concrete
    i31 = ref_type(HEAP_I31, nullable=False)
    assert i31.is_ref and not i31.is_nullable and not i31.is_defaultable
    assert i31.heap == HEAP_I31
    assert I32.is_defaultable and not I32.is_ref
    assert ref_type(CONCRETE | 5).is_concrete


def test_value_types_by_text():
    assert VAL_TYPES["i64"] is I64
    assert VAL_TYPES["(ref i31)"] == REF | HEAP_I31
    assert all(str(value) == text for text, value in VAL_TYPES.items())


def test_packed_fields_hold_i32_on_the_stack():
    assert FieldType(I8).unpacked is I32
    assert FieldType(I64).unpacked is I64


def test_address_types():
    assert MemoryType(1).address is I32
    assert TableType(FUNCREF, 1, is64=True).address is I64
    assert TableType(FUNCREF, 1, 4).size == SizeRange(1, 4)
