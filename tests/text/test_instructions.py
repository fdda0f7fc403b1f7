"""Instructions become the bytes that the table says."""

import pytest

from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.errors import MalformedError
from wasmcy.features import Features
from wasmcy.opcodes import OPS
from wasmcy.text import parse_module

ALL = Features.all()

# What immediates refer to: number 1 of each index space has a name.
PRELUDE = """
  (type (struct (field i32))) (type $t (struct (field i32) (field $f i64)))
  (table 1 funcref) (table $table 1 funcref) (memory 1) (memory $memory 1) (tag) (tag $tag)
  (global i32 (i32.const 0)) (global $global i32 (i32.const 0)) (func) (func $func)
  (elem func) (elem $elem func) (data) (data $data)
"""
# For each kind of immediate: its text, with a name, and its bytes.
SAMPLES = {
    "labelidx": ("0", "$label", "00"),
    "vec(labelidx)": ("1 0", "1 $label", "02 01 00"),
    "funcidx": ("1", "$func", "01"),
    "typeidx": ("1", "$t", "01"),
    "tableidx": ("1", "$table", "01"),
    "memidx": ("1", "$memory", "01"),
    "globalidx": ("1", "$global", "01"),
    "localidx": ("1", "$local", "01"),
    "tagidx": ("1", "$tag", "01"),
    "elemidx": ("1", "$elem", "01"),
    "dataidx": ("1", "$data", "01"),
    "fieldidx": ("1", "$f", "01"),
    "u32": ("3", "0x3", "03"),
    "i32": ("-129", "0xffffff7f", "ff 7e"),
    "i64": ("-0x8000_0000_0000_0000", "9223372036854775808", "80 80 80 80 80 80 80 80 80 7f"),
    "f32": ("-1.5", "-0x1.8p0", "00 00 c0 bf"),
    "f64": ("0.5", "0x1p-1", "00 00 00 00 00 00 e0 3f"),
    "v128": ("i32x4 1 2 -1 0x10", "i8x16 1 0 0 0 2 0 0 0 255 -1 255 -1 16 0 0 0", "01 00 00 00 02 00 00 00 ff ff ff ff 10 00 00 00"),
    "memarg": ("1 offset=300 align=1", "$memory offset=0x12c align=0x1", "40 01 ac 02"),
    "laneidx": ("1", "0x1", "01"),
    "laneidx16": (" ".join(map(str, range(16))), " ".join(map(hex, range(16))), "000102030405060708090a0b0c0d0e0f"),
    "heaptype": ("1", "$t", "01"),
    "vec(valtype)": ("(result i32 (ref null 1))", "(result i32) (result (ref null $t))", "02 7f 63 01"),
    "blocktype": ("(result (ref 1))", "(result (ref $t))", "64 01"),
    "vec(catch)": ("(catch 1 0) (catch_all_ref 0)", "(catch $tag $label) (catch_all_ref $label)", "02 00 01 00 03 00"),
    "zero": ("", "", "00"),
}  # fmt: skip
REORDERED = {("typeidx", "tableidx"), ("elemidx", "tableidx"), ("dataidx", "memidx")}
BLOCKS = ("block", "loop", "if", "try", "try_table")
PARTS = ("else", "end", "catch", "catch_all", "delegate")


def body(instructions, prelude=PRELUDE, head="(param i32) (local $local i32)"):
    """The bytes of a function's instructions, without its locals and its `end`."""
    syntax = parse_module(f"(module {prelude} (func {head} {instructions}))", ALL)
    module = decode(encode(syntax), ALL)
    code = module.data[module.body_start[-1] : module.body_end[-1]]
    return code[3 if "local" in head else 1 : -1].hex(" ")


def immediates(row, column):
    """The text of an instruction's immediates, column 0 with numbers, column 1 with names."""
    kinds = [kind for kind in row.immediates if kind != "castflags"]
    if row.immediates in REORDERED:
        kinds.reverse()
    texts = [SAMPLES[kind][column] for kind in kinds]
    if "castflags" in row.immediates:
        texts[1:] = [("(ref null 1)", "(ref null $t)")[column], ("(ref 1)", "(ref $t)")[column]]
    elif row.immediates == ("heaptype",) and row.mnemonic != "ref.null":
        texts = [f"(ref {'null ' if row.mnemonic.endswith('_null') else ''}{texts[0]})"]
    elif row.immediates == ("typeidx", "tableidx"):
        texts[1] = f"(type {texts[1]})"
    return " ".join(texts)


def expected(row):
    found = [SAMPLES[kind][2] if kind != "castflags" else "01" for kind in row.immediates]
    return bytes.fromhex(row.opcode.hex() + "".join(found)).hex(" ")


@pytest.mark.parametrize(
    "row", [row for row in OPS.values() if row.name not in BLOCKS + PARTS], ids=lambda r: r.mnemonic
)
def test_every_instruction_has_its_bytes(row):
    wanted = f"02 40 {expected(row)} 0b"
    for column in (0, 1):
        text = f"{row.keyword} {immediates(row, column)}"
        assert body(f"block $label {text} end") == wanted
        assert body(f"(block $label ({text}))") == wanted


@pytest.mark.parametrize("row", [row for row in OPS.values() if row.name in BLOCKS], ids=lambda r: r.mnemonic)
def test_every_block_has_its_bytes(row):
    wanted = f"02 40 {expected(row)} 0b 0b"
    inside = {"if": "(then)", "try": "(do)"}.get(row.mnemonic, "")
    for column in (0, 1):
        text = f"{row.keyword} {immediates(row, column)}"
        assert body(f"block $label {text} end end") == wanted
        assert body(f"(block $label ({text} {inside}))") == wanted


# What may be left out, and the order of operands.
@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("(i32.add (i32.const 1) (i32.const 2))", "i32.const 1 i32.const 2 i32.add"),
        ("(i32.add (i32.mul (nop) (nop)) (i32.sub (nop)))", "nop nop i32.mul nop i32.sub i32.add"),
        ("(br_table 0 0 (i32.const 1))", "i32.const 1 br_table 0 0"),
        ("(block nop (nop) nop)", "block nop nop nop end"),
        ("(block $a (loop $b (br $a) (br $b) (br 1)))", "block loop br 1 br 0 br 1 end end"),
        ("(block $a (block $a (br $a)) (br $a))", "block block br 0 end br 0 end"),
        ("(if (i32.const 1) (then nop))", "i32.const 1 if nop end"),
        ("(if (i32.const 1) (then nop) (else drop))", "i32.const 1 if nop else drop end"),
        ("(if (nop) (drop) (then))", "nop drop if end"),
        ("(if (then) (else))", "if else end"),
        ("(if $l (br_if $l (nop)) (then (br $l)) (else (br $l)))", None),
        ("(if $l (nop) (then (br $l)) (else (br $l)))", "nop if br 0 else br 0 end"),
        ("if $l br $l else $l br $l end $l", "if br 0 else br 0 end"),
        ("block $l end $l", "block end"),
        ("(block (result i32 i64) (nop))", "block (type $two) nop end"),
        ("(block (param i32) (result i32) (nop))", "block (type $one) nop end"),
        ("(block (type $one) (nop))", "block (type $one) (param i32) (result i32) nop end"),
        ("(loop (param i32) (param i64) (result i32) (nop))", "loop (param i32 i64) (result i32) nop end"),
        ("(try (do nop) (catch $tag drop) (catch_all))", "try nop catch $tag drop catch_all end"),
        ("(try $l (do (rethrow $l)) (delegate 0))", "try rethrow 0 delegate 0"),
        ("(block $l (try (do) (delegate $l)))", "block try delegate 0 end"),
        ("(try (do))", "try end"),
        ("(block $l (try_table (catch_ref $tag $l) (nop)))", "block try_table (catch_ref 1 0) nop end end"),
        ("(select (nop) (nop) (nop))", "nop nop nop select"),
        ("(select (result i32) (nop))", "nop select (result i32)"),
        ("(select (result) (result i32) (nop))", "nop select (result i32)"),
        ("(call_indirect (type $one) (nop))", "nop call_indirect 0 (type $one)"),
        ("(call_indirect $table (param i32) (result i32) (nop))", "nop call_indirect 1 (type $one)"),
        ("(call_indirect (nop))", "nop call_indirect 0 (type $none)"),
        ("table.get table.set table.size table.grow table.fill", "table.get 0 table.set 0 table.size 0 table.grow 0 table.fill 0"),
        ("table.copy table.init 1", "table.copy 0 0 table.init 0 1"),
        ("memory.size memory.grow memory.fill memory.copy", "memory.size 0 memory.grow 0 memory.fill 0 memory.copy 0 0"),
        ("memory.init 1 (memory.init $memory $data)", "memory.init 0 1 memory.init 1 1"),
        ("i32.load i64.load8_u i32.load offset=0 align=4", "i32.load 0 offset=0 align=4 i64.load8_u align=1 i32.load"),
        ("v128.load8_lane 1", "v128.load8_lane 0 1"),
        ("v128.load8_lane offset=3 1", "v128.load8_lane 0 offset=3 align=1 1"),
        ("v128.load8_lane $memory 2", "v128.load8_lane 1 2"),
        ("v128.store64_lane 1 align=4 1", "v128.store64_lane $memory align=4 0x1"),
        ("ref.test anyref ref.cast (ref i31)", "ref.test (ref null any) ref.cast (ref i31)"),
        ("ref.null func ref.null $t ref.null (exact $t)", "ref.null func ref.null 1 ref.null (exact 1)"),
        ("i32.const 4294967295 i32.const +5", "i32.const -1 i32.const 5"),
        ("v128.const f32x4 1 -2 inf nan", "v128.const i32x4 0x3f800000 0xc0000000 0x7f800000 0x7fc00000"),
        ("v128.const f64x2 1 -0", "v128.const i64x2 0x3ff0000000000000 0x8000000000000000"),
        ("v128.const i16x8 -1 65535 -32768 0x8000 0 1 2 3", "v128.const i16x8 0xffff 0xffff 32768 -0x8000 0 1 2 3"),
    ],
)  # fmt: skip
def test_ways_to_write_the_same(short, long):
    prelude = (
        PRELUDE
        + """
      (type $one (func (param i32) (result i32))) (type $two (func (result i32 i64))) (type $none (func))"""
    )
    if long is None:
        with pytest.raises(MalformedError, match=r"^unknown label \$l"):
            body(short, prelude)
        return
    assert body(short, prelude) == body(long, prelude)


@pytest.mark.parametrize(
    ("locals", "wanted"),
    [
        ("", "00"),
        ("(local)", "00"),
        ("(local i32)", "01 01 7f"),
        ("(local i32 i32) (local i32)", "01 03 7f"),
        ("(local $a i32) (local $b i64) (local i64 i32)", "03 01 7f 02 7e 01 7f"),
        ("(local (ref null func) funcref (ref 0))", "02 02 70 01 64 00"),
    ],
)
def test_locals_are_written_as_runs(locals, wanted):
    module = parse_module(f"(type (func)) (func {locals})")
    assert module.data[module.body_start[0] : module.body_end[0]].hex(" ") == f"{wanted} 0b"


@pytest.mark.parametrize(
    ("head", "index"),
    [
        ("(param i32) (param $x i32) (local i32)", 1),
        ("(param i32 i64) (local i32) (local $x i32)", 3),
        ("(type 0) (local i32) (local $x i32)", 3),
        ("(type 0) (param $a i32) (param $x i64)", 1),
        ("(type 1) (local $x i32)", 2),
    ],
)
def test_locals_follow_the_parameters(head, index):
    module = parse_module(
        f"(module (func {head} (local.get $x)) (type (func (param i32 i64))) (type (func (param i64 i64))))"
    )
    assert module.data[: module.body_end[0]].endswith(bytes([0x20, index, 0x0B]))
