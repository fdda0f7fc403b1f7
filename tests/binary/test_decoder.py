"""The decoder: all sections of WebAssembly 3.0; whatever is wrong is an error with a position."""

import random
import tracemalloc
from array import array

import pytest
import wasmtime

from wasmcy.binary import decoder
from wasmcy.binary.decoder import decode
from wasmcy.errors import InvalidError, MalformedError, WasmError
from wasmcy.features import Features
from wasmcy.module import Data, Elem, Export, Expr, Global, Import, Table
from wasmcy.types import (
    ANYREF,
    CONCRETE,
    EXACT,
    EXTERNREF,
    F64,
    FUNCREF,
    HEAP_FUNC,
    I8,
    I16,
    I32,
    I64,
    V128,
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

HEADER = b"\0asm\1\0\0\0"
ALL = Features.all()
NONNULL_FUNC = ref_type(HEAP_FUNC, nullable=False)


def leb(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def section(number, content):
    content = bytes.fromhex(content) if isinstance(content, str) else content
    return bytes([number]) + leb(len(content)) + content


def module(*sections):
    """A module of (id, content) sections."""
    return HEADER + b"".join(section(*each) for each in sections)


TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT = range(1, 8)
START, ELEMENT, CODE, DATA, DATA_COUNT, TAG = range(8, 14)


# Header and sections

HEADERS = [
    (b"", "unexpected end", 0),
    (b"\0as", "unexpected end", 3),
    (b"asm\0", "magic header not detected", 0),
    (b"\0ASM\1\0\0\0", "magic header not detected", 0),
    (b"\0asm", "unexpected end", 4),
    (b"\0asm\1\0", "unexpected end", 6),
    (b"\0asm\2\0\0\0", "unknown binary version", 4),
    (b"\0asm\1\0\1\0", "unknown binary version", 4),
    (b"\0asm\x0d\0\1\0", "unknown binary version: a component, where a core module is expected", 4),
]


@pytest.mark.parametrize(("data", "message", "offset"), HEADERS)
def test_headers(data, message, offset):
    with pytest.raises(MalformedError, match=message) as caught:
        decode(data)
    assert caught.value.offset == offset


def test_the_empty_module():
    m = decode(HEADER)
    assert m.data == HEADER
    assert (m.types, m.imports, m.exports, m.customs) == ([], [], [], [])
    assert m.start is None and m.data_count is None
    assert m.n_funcs == m.n_tables == m.n_memories == m.n_globals == m.n_tags == 0
    assert m.name is None and m.function_name(0) is None


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_are_copied(kind):
    m = decode(kind(HEADER))
    assert type(m.data) is bytes


@pytest.mark.parametrize("data", ["\0asm", None, [1]])
def test_what_is_no_bytes_is_a_type_error(data):
    with pytest.raises(TypeError, match="bytes-like"):
        decode(data)


FRAMING = [
    (HEADER + b"\x0e\x00", "malformed section id", 8),
    (HEADER + b"\x81\x00", "malformed section id", 8),
    (HEADER + b"\x01", "unexpected end", 9),
    (HEADER + b"\x01\x80", "unexpected end", 10),
    (HEADER + b"\x01\x05\x00", "length out of bounds", 9),
    (HEADER + b"\x01\xff\xff\xff\xff\x0f", "length out of bounds", 9),
    (HEADER + b"\x01\x80\x80\x80\x80\x10", "integer too large", 13),
    (HEADER + b"\x00\x00", "unexpected end", 10),
    (HEADER + b"\x00\x02\x02a", "length out of bounds", 10),
    (HEADER + b"\x00\x00\x02a", "length out of bounds", 10),
    (HEADER + b"\x00\x00\x01a", "unexpected end", 10),
    (module((CODE, "01 03 00 41 80")) + b"\x80\x80\x80\x80\x00", "integer representation too long", 19),
    (module((CODE, "01 02 00 01")) + b"\xff", "unexpected end", 14),
    (module((CODE, "01 02 00 0b")) + b"\xff", "malformed section id", 14),
    (module((TYPE, "00 00")), "section size mismatch", 11),
    (module((START, "00 00")), "section size mismatch", 11),
    (module((START, "00"), (START, "00")), "unexpected content after last section", 11),
    (module((CODE, "00"), (DATA_COUNT, "00")), "unexpected content after last section", 11),
    (module((MEMORY, "00"), (TABLE, "00")), "unexpected content after last section", 11),
    (module((GLOBAL, "00"), (TAG, "00")), "unexpected content after last section", 11),
    (module((FUNCTION, "01 00")), "function and code section have inconsistent lengths", 12),
    (module((CODE, "01 02 00 0b")), "function and code section have inconsistent lengths", 14),
    (module((DATA_COUNT, "01")), "data count and data section have inconsistent lengths", 11),
    (
        module((DATA_COUNT, "01"), (DATA, "00")),
        "data count and data section have inconsistent lengths",
        14,
    ),
]


@pytest.mark.parametrize(("data", "message", "offset"), FRAMING)
def test_framing_of_sections(data, message, offset):
    with pytest.raises(MalformedError, match=message) as caught:
        decode(data)
    assert caught.value.offset == offset


def test_sections_have_an_order_of_their_own():
    order = [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, TAG, GLOBAL, EXPORT]
    order += [START, ELEMENT, DATA_COUNT, CODE, DATA]
    m = decode(module(*[(number, "00") for number in order]))
    assert (m.start, m.data_count) == (0, 0)


def test_custom_sections_are_kept_with_their_places():
    m = decode(
        module(
            (0, "01 61 01 02"),
            (TYPE, "00"),
            (0, "02 c3 a9"),
            (0, "00"),
            (CODE, "00"),
            (0, "01 62 ff"),
        )
    )
    found = [(c.name, m.data[c.start : c.end], c.place) for c in m.customs]
    assert found == [("a", b"\1\2", 0), ("é", b"", TYPE), ("", b"", TYPE), ("b", b"\xff", CODE)]


# Types


def types_of(content, features=ALL):
    m = decode(module((TYPE, content)), features)
    return m.types, m.rec_groups


def test_function_types():
    types, groups = types_of("03 60 00 00  60 02 7f 7e 01 7c  60 02 70 6f 01 7b")
    assert [t.comp for t in types] == [
        FuncType(),
        FuncType([I32, I64], [F64]),
        FuncType([FUNCREF, EXTERNREF], [V128]),
    ]
    assert all(t.final and not t.supers for t in types)
    assert groups == [(0, 1), (1, 1), (2, 1)]


def test_recursion_groups_and_subtypes():
    types, groups = types_of("04  4e 02 50 00 5f 02 63 01 01 78 00  4f 01 00 5f 00  60 00 00  4e 00  5e 77 01")
    assert types == [
        SubType(False, (), StructType([FieldType(ref_type(CONCRETE | 1), True), FieldType(I8)])),
        SubType(True, (0,), StructType()),
        SubType(True, (), FuncType()),
        SubType(True, (), ArrayType(FieldType(I16, True))),
    ]
    assert groups == [(0, 2), (2, 1), (3, 0), (3, 1)]


def test_reference_types():
    types, _ = types_of("01 60 05 6e 64 70 63 00 64 e4 00 63 62 80 01 00")
    assert types[0].comp.params == (
        ANYREF,
        NONNULL_FUNC,
        ref_type(CONCRETE | 0),
        ref_type(CONCRETE | 100, nullable=False),
        ref_type(CONCRETE | EXACT | 128),
    )


def test_descriptor_clauses():
    types, _ = types_of("01 4e 02 4d 01 5f 00 4c 00 5f 00")
    assert types[0] == SubType(True, (), StructType(), descriptor=1)
    assert types[1] == SubType(True, (), StructType(), describes=0)


WRONG_TYPES = [
    ("01 61", "malformed definition type", 11),
    ("01 e0 7f", "integer representation too long", 11),
    ("01 4e 01 4e 00", "malformed definition type", 13),
    ("01 50 00 50 00", "malformed definition type", 13),
    ("01 4d 00 4d 00 5f 00", "malformed definition type", 13),
    ("01 4d 00 4c 00 5f 00", "malformed definition type", 13),
    ("01 60 01 40 00", "malformed reference type", 13),
    ("01 60 01 78 00", "malformed reference type", 13),
    ("01 60 01 ff 7f", "integer representation too long", 13),
    ("01 60 01 64 7f 00", "malformed heap type", 14),
    ("01 60 01 64 f0 7f 00", "integer representation too long", 14),
    ("01 60 01 64 80 80 80 80 10 00", "integer too large", 18),
    ("01 5f 01 40 00", "malformed storage type", 13),
    ("01 5f 01 7f 02", "malformed mutability", 14),
    ("01 5e 78 80", "malformed mutability", 13),
    ("01 60 00", "unexpected end", 13),
    ("01 60 05 7f", "unexpected end", 14),
    ("02 60 00 00", "unexpected end", 14),
    ("05", "unexpected end", 11),
]


@pytest.mark.parametrize(("content", "message", "offset"), WRONG_TYPES)
def test_malformed_types(content, message, offset):
    with pytest.raises(MalformedError, match=message) as caught:
        types_of(content)
    assert caught.value.offset == offset


# Imports and exports


def test_imports():
    m = decode(
        module(
            (TYPE, "01 60 00 00"),
            (
                IMPORT,
                "06  01 61 01 66 00 00  01 61 01 74 01 70 01 01 02  01 61 01 6d 02 03 01 02"
                " 01 61 01 67 03 7f 01  01 61 01 78 04 00 00  01 61 00 20 00",
            ),
        ),
        ALL,
    )
    table, memory = TableType(FUNCREF, 1, 2), MemoryType(1, 2, shared=True)
    assert m.imports == [
        Import("a", "f", "func", 0, 17),
        Import("a", "t", "table", table, 23),
        Import("a", "m", "memory", memory, 32),
        Import("a", "g", "global", GlobalType(I32, True), 40),
        Import("a", "x", "tag", 0, 47),
        Import("a", "", "func", 0, 54, exact=True),
    ]
    assert m.imported_funcs == [0, 0] and m.n_imported_funcs == m.n_funcs == 2
    assert m.table_type(0) == table
    assert m.memory_type(0) == memory
    assert m.global_type(0) == GlobalType(I32, True)
    assert m.tag_type(0).type == m.func_type(0) == FuncType()


def test_exports():
    m = decode(module((EXPORT, "05 00 00 01  01 61 01 02  01 62 02 03  01 63 03 04  01 64 04 05")))
    assert m.exports == [
        Export("", "func", 1, 11),
        Export("a", "table", 2, 14),
        Export("b", "memory", 3, 18),
        Export("c", "global", 4, 22),
        Export("d", "tag", 5, 26),
    ]


# Definitions


def test_tables_and_memories():
    m = decode(
        module(
            (
                TABLE,
                "04  70 00 00  6f 05 01 82 80 80 80 10  40 00 64 70 00 01 d2 00 0b  70 01 01 02",
            ),
            (
                MEMORY,
                "05  00 01  01 01 02  03 01 02  05 01 ff ff ff ff ff ff ff ff ff 01  08 07 00",
            ),
        ),
        ALL,
    )
    assert m.tables == [
        Table(TableType(FUNCREF, 0), None, 11),
        Table(TableType(EXTERNREF, 1, 2**32 + 2, True), None, 14),
        Table(TableType(NONNULL_FUNC, 1), Expr(28, 31), 22),
        Table(TableType(FUNCREF, 1, 2), None, 31),
    ]
    assert m.memories == [
        MemoryType(1),
        MemoryType(1, 2),
        MemoryType(1, 2, shared=True),
        MemoryType(1, 2**64 - 1, is64=True),
        MemoryType(7, page_size_log2=0),
    ]


def test_globals_tags_and_start():
    m = decode(
        module(
            (TYPE, "01 60 01 7f 00"),
            (TAG, "01 00 00"),
            (GLOBAL, "02 7f 00 41 80 01 0b  7e 01 42 00 0b"),
            (START, "05"),
        )
    )
    assert m.tags == [0]
    assert m.tag_type(0).params == (I32,)
    assert m.globals == [
        Global(GlobalType(I32), Expr(25, 29), 23),
        Global(GlobalType(I64, True), Expr(31, 34), 29),
    ]
    assert m.start == 5


ELEMENTS = [
    ("00 41 00 0b 02 03 04", "active", 0, NONNULL_FUNC, [3, 4], None),
    ("01 00 01 05", "passive", 0, NONNULL_FUNC, [5], None),
    ("02 07 41 00 0b 00 00", "active", 7, NONNULL_FUNC, [], None),
    ("03 00 01 80 01", "declarative", 0, NONNULL_FUNC, [128], None),
    ("04 41 00 0b 01 d2 00 0b", "active", 0, FUNCREF, None, 1),
    ("05 6f 00", "passive", 0, EXTERNREF, None, 0),
    ("06 07 41 00 0b 64 70 02 d2 00 0b d2 01 0b", "active", 7, NONNULL_FUNC, None, 2),
    ("07 70 01 d0 70 0b", "declarative", 0, FUNCREF, None, 1),
]


@pytest.mark.parametrize(("content", "mode", "table", "kind", "funcs", "n_exprs"), ELEMENTS)
def test_element_segments(content, mode, table, kind, funcs, n_exprs):
    (elem,) = decode(module((ELEMENT, "01" + content))).elems
    offset = None
    if mode == "active":
        offset = elem.offset
        assert offset.end - offset.start == 3
    assert isinstance(elem, Elem)
    assert (elem.mode, elem.table, elem.type) == (mode, table, kind)
    assert elem.position == 11
    if funcs is not None:
        assert elem.funcs == array("I", funcs) and elem.exprs is None
        assert len(elem) == len(funcs)
    else:
        assert elem.funcs is None and len(elem) == len(elem.exprs) == n_exprs


def test_data_segments():
    m = decode(module((DATA, "03 00 41 00 0b 02 61 62  01 00  02 03 41 00 0b 01 63")))
    assert m.datas == [
        Data("active", 0, Expr(12, 15), 16, 18, 11),
        Data("passive", 0, None, 20, 20, 18),
        Data("active", 3, Expr(22, 25), 26, 27, 20),
    ]
    assert [m.data[d.start : d.end] for d in m.datas] == [b"ab", b"", b"c"]


def test_function_bodies_are_spans():
    m = decode(
        module(
            (TYPE, "02 60 00 00 60 00 01 7f"),
            (IMPORT, "01 00 00 00 00"),
            (FUNCTION, "02 01 00"),
            (CODE, "02 04 00 41 07 0b 02 00 0b"),
        )
    )
    assert m.funcs == array("I", [1, 0])
    bodies = [m.data[a:b].hex() for a, b in zip(m.body_start, m.body_end, strict=True)]
    assert bodies == ["0041070b", "000b"]
    assert m.n_funcs == 3
    assert [m.func_type_index(i) for i in range(3)] == [0, 1, 0]
    assert m.func_type(1) == FuncType([], [I32])


def test_expressions_end_where_their_blocks_are_closed():
    nested = "02 40 04 7f 41 0b 05 41 0b 0b 1a 0b 41 00 0b"
    m = decode(module((GLOBAL, "01 7f 00" + nested)))
    assert m.globals[0].init == Expr(13, 13 + len(bytes.fromhex(nested)))


EXPRESSIONS = [
    "41 80 80 80 80 78",
    "42 80 7f",
    "43 0b 0b 0b 0b",
    "44 0b 0b 0b 0b 0b 0b 0b 0b",
    "fd 0c" + "0b" * 16,
    "fd 0d" + "0b" * 16,
    "fd 15 0b",
    "28 0b 0b",
    "28 4b 0b 80 0b",
    "fd 54 0b 0b 0b",
    "0e 02 0b 0b 0b",
    "11 0b 0b",
    "1c 02 7f 7e",
    "1c 01 64 0b",
    "d0 0b",
    "d0 70",
    "fb 00 0b",
    "fb 08 0b 0b",
    "fb 18 03 0b 0b 6e",
    "fb 14 0b",
    "fe 03 00",
    "fe 10 02 0b",
    "1f 40 04 00 0b 0b 01 0b 0b 02 0b 03 0b 0b",
    "02 0b 0b",
    "02 63 0b 0b",
    "06 40 07 0b 19 0b",
    "06 40 18 0b",
    "fc 0a 0b 0b",
    "fc 0c 0b 0b",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_immediates_are_stepped_over(text):
    m = decode(module((GLOBAL, "01 7f 00" + text + "0b")))
    assert m.globals[0].init == Expr(13, 14 + len(bytes.fromhex(text)))


WRONG_PARTS = [
    (IMPORT, "01 00 00 05", "malformed import kind", 13),
    (IMPORT, "01 00 00 02 10 00", "malformed limits flags", 14),
    (IMPORT, "01 00 00 04 01 00", "zero byte expected", 14),
    (IMPORT, "01 01 ff 00 00 00", "malformed UTF-8 encoding", 12),
    (EXPORT, "01 00 05 00", "malformed export kind", 12),
    (EXPORT, "01 00 20 00", "malformed export kind", 12),
    (TABLE, "01 7f 00 00", "malformed reference type", 11),
    (TABLE, "01 70 08 00", "malformed limits flags", 12),
    (TABLE, "01 70 02 00", "malformed limits flags", 12),
    (TABLE, "01 40 01 70 00 00 d0 70 0b", "zero byte expected", 12),
    (MEMORY, "01 10 00", "malformed limits flags", 11),
    (MEMORY, "01 81 00 00", "malformed limits flags", 11),
    (MEMORY, "01 08 00 40", "invalid custom page size", 13),
    (GLOBAL, "01 7f 02 41 00 0b", "malformed mutability", 12),
    (GLOBAL, "01 7f 00 41 00", "unexpected end", 15),
    (GLOBAL, "01 7f 00 ff", "illegal opcode ff", 13),
    (GLOBAL, "01 7f 00 fd 80 04 0b", "illegal opcode fd 80 04", 13),
    (GLOBAL, "01 7f 00 27 0b", "illegal opcode 27", 13),
    (GLOBAL, "01 7f 00 28 80 01 00 0b", "malformed memop flags", 14),
    (GLOBAL, "01 7f 00 02 41 0b 0b", "malformed reference type", 14),
    (GLOBAL, "01 7f 00 02 ff 7f 0b 0b", "malformed block type", 14),
    (GLOBAL, "01 7f 00 1f 40 01 04 00 0b 0b", "malformed catch clause", 16),
    (TAG, "01 01 00", "zero byte expected", 11),
    (ELEMENT, "01 08", "malformed elements segment kind", 11),
    (ELEMENT, "01 01 01 00", "malformed element kind", 12),
    (DATA, "01 03", "malformed data segment kind", 11),
    (DATA, "01 01 02 00", "unexpected end", 14),
    (CODE, "01 03 00 0b", "unexpected end", 14),
    (CODE, "01 ff ff ff ff 0f", "unexpected end", 16),
    (EXPORT, "02 01 61 00 00", "unexpected end", 15),
]


@pytest.mark.parametrize(("number", "content", "message", "offset"), WRONG_PARTS)
def test_malformed_parts(number, content, message, offset):
    with pytest.raises(MalformedError, match=message) as caught:
        decode(module((number, content)), ALL)
    assert caught.value.offset == offset


# Features

GATED = [
    ("mutable_global", IMPORT, "01 00 00 03 7f 01"),
    ("multi_value", TYPE, "01 60 00 02 7f 7f"),
    ("reference_types", TYPE, "01 60 01 6f 00"),
    ("reference_types", TYPE, "01 60 01 70 00"),
    ("reference_types", TABLE, "02 70 00 00 70 00 00"),
    ("reference_types", ELEMENT, "01 03 00 00"),
    ("bulk_memory", ELEMENT, "01 01 00 00"),
    ("bulk_memory", DATA, "01 01 00"),
    ("bulk_memory", DATA_COUNT, "00"),
    ("simd", TYPE, "01 60 01 7b 00"),
    ("simd", GLOBAL, "01 7b 00 fd 0c" + "00" * 16 + "0b"),
    ("exceptions", TAG, "00"),
    ("exceptions", IMPORT, "01 00 00 04 00 00"),
    ("exceptions", EXPORT, "01 00 04 00"),
    ("exceptions", TYPE, "01 60 01 69 00"),
    ("function_references", TYPE, "01 60 01 64 70 00"),
    ("function_references", TABLE, "01 40 00 70 00 01 d0 70 0b"),
    ("gc", TYPE, "01 5f 00"),
    ("gc", TYPE, "01 5e 7f 00"),
    ("gc", TYPE, "01 4e 00"),
    ("gc", TYPE, "01 50 00 60 00 00"),
    ("gc", TYPE, "01 60 01 6e 00"),
    ("gc", TYPE, "01 60 01 63 6d 00"),
    ("gc", GLOBAL, "01 7f 00 fb 1c 0b"),
    ("memory64", MEMORY, "01 04 00"),
    ("memory64", TABLE, "01 70 04 00"),
    ("multi_memory", MEMORY, "02 00 00 00 00"),
    ("multi_memory", GLOBAL, "01 7f 00 28 40 00 00 0b"),
    ("threads", MEMORY, "01 03 00 00"),
    ("custom_page_sizes", MEMORY, "01 08 00 00"),
    ("custom_descriptors", TYPE, "01 4e 02 4d 01 5f 00 4c 00 5f 00"),
    ("custom_descriptors", TYPE, "01 60 01 63 62 00 00"),
    ("custom_descriptors", IMPORT, "01 00 00 20 00"),
    ("sign_extension", GLOBAL, "01 7f 00 c0 0b"),
    ("saturating_float_to_int", GLOBAL, "01 7f 00 fc 00 0b"),
    ("tail_call", GLOBAL, "01 7f 00 12 00 0b"),
    ("wide_arithmetic", GLOBAL, "01 7f 00 fc 13 0b"),
    ("relaxed_simd", GLOBAL, "01 7f 00 fd 80 02 0b"),
    ("legacy_exceptions", GLOBAL, "01 7f 00 06 40 0b 0b"),
]


@pytest.mark.parametrize(("feature", "number", "content"), GATED)
def test_what_is_off_is_refused_by_name(feature, number, content):
    data = module((number, content))
    decode(data, ALL)
    with pytest.raises(WasmError, match=f"needs? the feature {feature}, which is off") as caught:
        decode(data, ALL.with_(**{feature: False}))
    assert isinstance(caught.value, (MalformedError, InvalidError))
    assert caught.value.offset is not None


def test_exports_of_mutable_globals_are_gated():
    data = module((GLOBAL, "02 7f 00 41 00 0b 7f 01 41 00 0b"), (EXPORT, "02 00 03 00 01 61 03 01"))
    decode(data)
    with pytest.raises(MalformedError, match="cannot be exported: this needs the feature mutable"):
        decode(data, Features(mutable_global=False))


def test_the_mvp_needs_no_feature():
    m = decode(
        module(
            (TYPE, "01 60 01 7f 01 7f"),
            (IMPORT, "01 00 00 00 00"),
            (FUNCTION, "01 00"),
            (TABLE, "01 70 00 01"),
            (MEMORY, "01 00 01"),
            (GLOBAL, "01 7f 01 41 00 0b"),
            (EXPORT, "01 01 66 00 01"),
            (START, "00"),
            (ELEMENT, "01 00 41 00 0b 01 00"),
            (CODE, "01 04 00 20 00 0b"),
            (DATA, "01 00 41 00 0b 01 61"),
        ),
        Features.mvp(),
    )
    assert m.features == Features.mvp()
    assert m.n_funcs == 2


# Limits

OVER = [
    (TYPE, "01 60" + leb(1001).hex() + "7f" * 1001 + "00", "too many parameters: 1001"),
    (TYPE, "01 60 00" + leb(1001).hex() + "7f" * 1001, "too many results: 1001"),
    (TYPE, "01 5f" + leb(10_001).hex() + "7f 00" * 10_001, "too many fields: 10001"),
    (TYPE, leb(1_000_001).hex() + "00" * 1_000_001, "too many recursion groups: 1000001"),
    (TYPE, "02 60 00 00 4e" + leb(1_000_000).hex() + "00" * 1_000_000, "too many types: 1000001"),
    (IMPORT, leb(1_000_001).hex() + "00" * 1_000_001, "too many imports"),
    (FUNCTION, leb(1_000_001).hex() + "00" * 1_000_001, "too many functions"),
    (TABLE, leb(100_001).hex() + "00" * 100_001, "too many tables"),
    (MEMORY, "65" + "00 00" * 101, "too many memories: 101"),
    (GLOBAL, leb(1_000_001).hex() + "00" * 1_000_001, "too many globals"),
    (EXPORT, leb(1_000_001).hex() + "00" * 1_000_001, "too many exports"),
    (TAG, leb(1_000_001).hex() + "00" * 1_000_001, "too many tags"),
    (DATA_COUNT, leb(100_001).hex(), "too many data segments"),
    (DATA, leb(100_001).hex() + "00" * 100_001, "too many data segments"),
]


@pytest.mark.parametrize(("number", "content", "message"), OVER, ids=[o[2] for o in OVER])
def test_implementation_limits(number, content, message):
    with pytest.raises(InvalidError, match=message) as caught:
        decode(module((number, content)))
    assert caught.value.offset is not None


def test_the_limit_of_tables_counts_imports(monkeypatch):
    monkeypatch.setattr(decoder, "MAX_TABLES", 2)
    data = module((IMPORT, "01 00 00 01 70 00 00"), (TABLE, "02 70 00 00 70 00 00"))
    with pytest.raises(InvalidError, match="too many tables: 3, at most 2 are supported"):
        decode(data)


def test_the_limit_of_function_bodies():
    size = decoder.MAX_BODY_SIZE + 1
    body = leb(size) + bytes(size - 1) + b"\x0b"
    with pytest.raises(InvalidError, match="function body of 7654322 bytes") as caught:
        decode(module((FUNCTION, "01 00"), (CODE, b"\1" + body)))
    assert caught.value.function == 0


HUGE = "ff ff ff ff 0f"
CLAIMS = [(number, HUGE) for number in range(14) if number != START]
CLAIMS += [
    (0, HUGE),
    (TYPE, "01 60" + HUGE),
    (TYPE, "01 60 00" + HUGE),
    (TYPE, "01 5f" + HUGE),
    (TYPE, "01 4e" + HUGE),
    (TYPE, "01 50" + HUGE),
    (IMPORT, "01" + HUGE),
    (ELEMENT, "01 01 00" + HUGE),
    (ELEMENT, "01 05 70" + HUGE),
    (DATA, "01 01" + HUGE),
    (GLOBAL, "01 7f 00 0e" + HUGE),
    (GLOBAL, "01 7f 00 1c" + HUGE),
    (GLOBAL, "01 7f 00 1f 40" + HUGE),
]


@pytest.mark.parametrize(("number", "content"), CLAIMS)
def test_a_claimed_count_costs_nothing(number, content):
    data = module((number, content))
    tracemalloc.start()
    try:
        with pytest.raises(WasmError):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


# Names


def names(*subsections):
    content = b"\4name" + b"".join(section(*each) for each in subsections)
    return decode(module((IMPORT, "01 01 6d 01 6e 00 00"), (EXPORT, "01 01 65 00 02"), (0, content)))


def test_names_come_from_the_name_section_exports_and_imports():
    m = names((0, "03 6d 6f 64"), (1, "01 01 01 66"))
    assert m.name == "mod"
    assert [m.function_name(i) for i in range(4)] == ["m.n", "f", "e", None]


@pytest.mark.parametrize(
    ("subsections", "found"),
    [
        ([(1, "02 00 01 61")], "a"),
        ([(1, "01 00 01 ff")], "�"),
        ([(2, "ff ff"), (1, "01 00 01 61")], "a"),
        ([(1, "01 00 05 61")], "m.n"),
        ([(1, "ff ff ff ff ff ff ff")], "m.n"),
        ([(1, "")], "m.n"),
    ],
)
def test_a_malformed_name_section_does_no_harm(subsections, found):
    assert names(*subsections).function_name(0) == found


# Real modules, and what becomes of them when bytes are changed

TEXT = """(module
  (rec (type $node (sub (struct (field (mut (ref null $list))) (field i8))))
       (type $list (array (mut (ref null $node)))))
  (type $leaf (sub final $node (struct (field (mut (ref null $list))) (field i8) (field f64))))
  (type $t (func (param i32 i64) (result f32 f64)))
  (import "env" "print" (func $print (param i32)))
  (import "env" "tab" (table 1 10 funcref))
  (import "env" "err" (tag (param i32)))
  (import "env" "g" (global (mut v128)))
  (table $refs 3 3 (ref func) (ref.func $f))
  (table $big i64 3 externref)
  (memory $m 1 2)
  (memory $n i64 1)
  (tag $e (param i64))
  (global $a i32 (i32.add (i32.const 1) (i32.const 2)))
  (global $b (ref $list) (array.new_fixed $list 1 (ref.null none)))
  (global $c v128 (v128.const i32x4 1 2 3 4))
  (export "f" (func $f)) (export "m" (memory $n)) (export "e" (tag $e)) (export "a" (global $a))
  (start $start)
  (elem (i32.const 0) $f $start)
  (elem (table $refs) (i32.const 0) (ref func) (ref.func $f))
  (elem funcref (ref.null func) (ref.func $f))
  (elem declare func $f)
  (data (memory $m) (i32.const 3) "hello")
  (data (memory $n) (i64.const 3) "world")
  (data $passive "passive")
  (func $start)
  (func $f (type $t) (local i32 i64) (f32.const 1) (f64.const 2)
    (memory.init $m $passive (i32.const 0) (i32.const 0) (i32.const 0)))
)"""


@pytest.fixture(scope="module")
def real():
    return bytes(wasmtime.wat2wasm(TEXT))


def test_a_real_module(real):
    m = decode(real)
    assert [str(t) for t in m.types[:4]] == [
        "(sub (struct (field (mut (ref null 1))) (field i8)))",
        "(array (mut (ref null 0)))",
        "(sub final 0 (struct (field (mut (ref null 1))) (field i8) (field f64)))",
        "(func (param i32 i64) (result f32 f64))",
    ]
    assert m.rec_groups[:3] == [(0, 2), (2, 1), (3, 1)]
    assert [(i.kind, i.name) for i in m.imports] == [
        ("func", "print"),
        ("table", "tab"),
        ("tag", "err"),
        ("global", "g"),
    ]
    assert (m.n_funcs, m.n_tables, m.n_memories, m.n_globals, m.n_tags) == (3, 3, 2, 4, 2)
    assert str(m.table_type(1)) == "(table 3 3 (ref func))"
    assert str(m.table_type(2)) == "(table i64 3 externref)"
    assert str(m.memory_type(1)) == "(memory i64 1)"
    assert str(m.global_type(2)) == "(global (ref 1))"
    assert [e.mode for e in m.elems] == ["active", "active", "passive", "declarative"]
    assert [m.data[d.start : d.end] for d in m.datas] == [b"hello", b"world", b"passive"]
    assert (m.data_count, m.start) == (3, 1)
    assert m.function_name(2) == "f" and m.function_name(1) == "start"
    assert str(m.func_type(2)) == "(func (param i32 i64) (result f32 f64))"


def refuse_or_decode(data, features=ALL):
    """Decode; whatever is wrong must be a WasmError with a position in the data."""
    try:
        decode(data, features)
    except (MalformedError, InvalidError) as error:
        assert 0 <= error.offset <= len(data)
        assert str(error).endswith(f"offset {error.offset:#x})")


def test_truncation_anywhere_is_an_error_with_a_position(real):
    boundaries = 0
    for size in range(len(real)):
        try:
            decode(real[:size])
        except MalformedError as error:
            assert 0 <= error.offset <= size
        else:
            boundaries += 1
    assert boundaries <= 14  # between sections what is there may be a module


def test_flipped_bits_anywhere_do_no_harm(real):
    for at in range(len(real)):
        for bit in range(8):
            data = bytearray(real)
            data[at] ^= 1 << bit
            refuse_or_decode(bytes(data))


@pytest.mark.parametrize("features", [ALL, Features(), Features.mvp()], ids=["all", "3.0", "mvp"])
def test_random_changes_do_no_harm(real, features):
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(3000):
        data = bytearray(real)
        for _ in range(rng.choice([1, 2, 3, 8])):
            at = rng.randrange(len(data))
            change = rng.randrange(4)
            if change == 0:
                data[at] = rng.choice([0, 1, 0x40, 0x7F, 0x80, 0xFF, rng.randrange(256)])
            elif change == 1:
                del data[at : at + rng.randrange(4)]
            elif change == 2:
                data[at:at] = rng.randbytes(rng.randrange(4))
            else:
                del data[rng.randrange(len(data)) :]
            if not data:
                break
        refuse_or_decode(bytes(data), features)
