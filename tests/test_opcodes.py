"""The table of instructions: names, ids and types, also against another assembler and validator."""

import pytest
import wasmtime

from wasmcy import opcodes
from wasmcy.features import DEFAULT, Features
from wasmcy.opcodes import (
    AT,
    BY_NAME,
    DISABLED,
    ENABLED,
    IMMEDIATES,
    N_IDS,
    OPS,
    PREFIX_BASE,
    UNKNOWN,
    availability,
)
from wasmcy.types import ARRAYREF, EQREF, F32, F64, I32, I64, V128, ValType

ROWS = list(OPS.values())
BEYOND_3 = {"threads", "wide_arithmetic", "legacy_exceptions", "custom_descriptors"}

# How a test writes each kind of immediate.
TEXT = {
    "blocktype": "",
    "i32": "0",
    "i64": "0",
    "f32": "0",
    "f64": "0",
    "v128": "i64x2 0 0",
    "memarg": "",
    "laneidx16": "0 " * 16,
    "heaptype": "(ref func)",
    "castflags": "",
    "u32": "1",
    "vec(valtype)": "(result i32)",
    "vec(catch)": "",
    "zero": "",
}

# Instructions that the general pattern does not write.
SPECIAL = {
    "ref.null": "ref.null func",
    "ref.test_null": "ref.test (ref null func)",
    "ref.cast_null": "ref.cast (ref null func)",
    "ref.cast_desc_eq_null": "ref.cast_desc_eq (ref null func)",
    "call_indirect": "call_indirect 0 (type 0)",
    "return_call_indirect": "return_call_indirect 0 (type 0)",
    "block": "block end",
    "loop": "loop end",
    "if": "if end",
    "try": "try end",
    "try_table": "try_table end",
    "end": "",
    # These cannot begin a body; the byte before them is another instruction's.
    "else": "if else end",
    "catch": "try catch 0 end",
    "catch_all": "try catch_all end",
    "delegate": "try delegate 0",
}
SPECIAL |= {name: f"{name} 0 (ref null func) (ref func)" for name in BY_NAME if name.startswith("br_on_cast")}
NOT_FIRST = {"else", "catch", "catch_all", "delegate"}


def text_of(row):
    if row.mnemonic in SPECIAL:
        return SPECIAL[row.mnemonic]
    return " ".join([row.keyword, *(TEXT.get(kind, "0") for kind in row.immediates)])


def assemble(declarations, body):
    return wasmtime.wat2wasm(
        f"""(module (type (func)) {declarations} (table 1 funcref) (memory 1) (tag)
        (global (mut i32) (i32.const 0)) (elem func) (data "") (func {body}))"""
    )


def body_of(module):
    """The instructions of a small module's only function that has no locals."""
    at = 8
    while module[at] != 10:
        assert module[at + 1] < 0x80
        at += 2 + module[at + 1]
    return bytes(module[at + 5 :])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mnemonic)
def test_another_assembler_writes_the_same_opcode_and_alignment(row):
    body = body_of(assemble("", text_of(row)))
    if row.mnemonic in NOT_FIRST:
        assert row.opcode in body
        return
    assert body.startswith(row.opcode)
    if "memarg" in row.immediates:
        assert row.align == 1 << body[len(row.opcode)]


@pytest.fixture(scope="module")
def everything():
    config = wasmtime.Config()
    config.wasm_threads = True
    config.wasm_wide_arithmetic = True
    config.wasm_relaxed_simd = True
    return wasmtime.Engine(config)


@pytest.mark.parametrize("row", [row for row in ROWS if row.params is not None], ids=lambda row: row.mnemonic)
def test_another_validator_agrees_on_types(row, everything):
    def types(of):
        return " ".join(str(I32 if t == AT else t) for t in of)

    params = f"(param {types(row.params)})" if row.params else ""
    results = f"(result {types(row.results)})" if row.results else ""
    operands = " ".join(f"local.get {i}" for i in range(len(row.params)))
    module = assemble("", f"{params} {results} {operands} {text_of(row)}")
    wasmtime.Module.validate(everything, module)


def test_there_are_as_many_instructions_as_in_the_spec():
    of_the_spec = [row for row in ROWS if row.feature not in BEYOND_3]
    assert len(of_the_spec) == 499
    assert len([row for row in ROWS if row.feature == "threads"]) == 67
    assert len([row for row in ROWS if row.feature == "wide_arithmetic"]) == 4
    assert len([row for row in ROWS if row.feature == "legacy_exceptions"]) == 5
    assert len([row for row in ROWS if row.feature == "custom_descriptors"]) == 7


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mnemonic)
def test_names_and_ids_are_derived(row):
    assert row.name == row.mnemonic.replace(".", "_")
    assert getattr(opcodes, f"OP_{row.name.upper()}") == row.id
    assert row.id == (PREFIX_BASE[row.prefix] + row.sub if row.prefix else row.sub)
    assert 0 <= row.id < N_IDS
    assert OPS[row.id] is row
    assert BY_NAME[row.mnemonic] is row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mnemonic)
def test_columns_are_well_formed(row):
    assert all(kind in IMMEDIATES for kind in row.immediates)
    assert row.feature is None or row.feature in Features.NAMES
    assert row.const_feature is None or row.const
    assert (row.params is None) == (row.results is None)
    assert (row.align != 0) == ("memarg" in row.immediates)
    assert (row.lanes != 0) == bool({"laneidx", "laneidx16"} & {*row.immediates})
    assert row.traps or "memarg" not in row.immediates
    assert all(t == AT or isinstance(t, ValType) for t in (row.params or ()) + (row.results or ()))


def test_every_kind_of_immediate_is_used():
    assert {kind for row in ROWS for kind in row.immediates} == set(IMMEDIATES)


def test_types_of_single_rows():
    assert BY_NAME["i64.load32_u"].params == (AT,)
    assert BY_NAME["i64.load32_u"].results == (I64,)
    assert BY_NAME["f32.demote_f64"].params == (F64,)
    assert BY_NAME["f32.demote_f64"].results == (F32,)
    assert BY_NAME["v128.store8_lane"].params == (AT, V128)
    assert BY_NAME["ref.eq"].params == (EQREF, EQREF)
    assert BY_NAME["array.len"].params == (ARRAYREF,)
    assert str(BY_NAME["ref.i31"].results) == "((ref i31),)"
    assert BY_NAME["nop"].params == BY_NAME["nop"].results == ()
    assert BY_NAME["select"].params is None


def test_constant_instructions():
    constant = {row.mnemonic for row in ROWS if row.const and row.feature != "custom_descriptors"}
    assert constant == {
        *("i32.const", "i64.const", "f32.const", "f64.const", "v128.const", "global.get", "end"),
        *("i32.add", "i32.sub", "i32.mul", "i64.add", "i64.sub", "i64.mul"),
        *("ref.null", "ref.func", "ref.i31", "struct.new", "struct.new_default", "array.new"),
        *("array.new_default", "array.new_fixed", "any.convert_extern", "extern.convert_any"),
    }
    assert BY_NAME["i64.mul"].const_feature == "extended_const"


@pytest.mark.parametrize(
    ("mnemonic", "opcode"),
    [("i32.add", "6a"), ("table.fill", "fc11"), ("i32x4.add", "fdae01"), ("br_on_cast", "fb18")],
)
def test_opcode_bytes(mnemonic, opcode):
    assert BY_NAME[mnemonic].opcode == bytes.fromhex(opcode)


def test_availability_follows_the_features():
    table = availability(DEFAULT)
    assert len(table) == N_IDS
    assert table[opcodes.OP_I32_ADD] == ENABLED
    assert table[opcodes.OP_STRUCT_NEW_DESC] == DISABLED
    assert table[0xFF] == UNKNOWN
    assert availability(DEFAULT.with_(simd=False))[opcodes.OP_I8X16_ADD] == DISABLED
    assert availability(Features.mvp()).count(ENABLED) == 172
    assert availability(Features.all()).count(ENABLED) == len(ROWS)
