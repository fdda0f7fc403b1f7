"""The encoder: what the decoder made of a module becomes the module again."""

from pathlib import Path

import pytest
import wasmtime

from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.features import Features
from wasmcy.module import ModuleSyntax
from wasmcy.types import CONCRETE, EXACT, VAL_TYPES, FuncType, SubType, ref_type

ALL = Features.all()
GUESTS = sorted((Path(__file__).parents[2] / "examples" / "guests").glob("*.wasm"))
EVERYTHING = """(module $m
  (rec (type $s (sub (struct (field i32) (field (mut i8))))) (type $t (sub final $s (struct (field i32) (field (mut i8))))))
  (type $a (array (mut i16))) (type $f (func (param i32 (ref null $s)) (result i64)))
  (import "a" "f" (func (type $f))) (import "a" "t" (table i64 1 2 externref)) (import "a" "m" (memory 1 2 shared))
  (import "a" "g" (global (mut v128))) (import "a" "e" (tag (param i32)))
  (table 1 funcref) (table 1 5 (ref func) (ref.func 0)) (memory i64 1) (memory 1 2) (tag (param f32 f64))
  (global i32 (i32.const 1)) (global (mut (ref null $t)) (ref.null $t))
  (export "f" (func 0)) (export "t" (table 1)) (export "m" (memory 0)) (export "g" (global 0)) (export "e" (tag 1))
  (start 1)
  (elem (table 1) (i32.const 0) func 0) (elem (i32.const 0) externref) (elem declare func 0 1) (elem func 1)
  (elem (ref null $s) (ref.null $s)) (elem declare funcref (ref.func 0))
  (func) (func (local i32 i64 i64) (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))
  (data "passive") (data (memory 2) (i32.const 3) "active") (data (i32.const 0) "")
  (@custom "c" (before first) "x") (@custom "d" (after import) "y") (@custom "e" "z"))"""


@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.name)
def test_files_come_back_as_they_were(path):
    data = path.read_bytes()
    assert encode(decode(data)) == data


def test_every_part_comes_back():
    data = bytes(wasmtime.wat2wasm(EVERYTHING))
    module = decode(data, ALL)
    again = decode(encode(module), ALL)
    assert len(encode(module)) <= len(data)  # which writes the index of table 0
    for name in ("types", "rec_groups", "funcs", "memories", "tags", "start", "data_count"):
        assert getattr(again, name) == getattr(module, name)
    assert contents(again) == contents(module)
    assert encode(again) == encode(module)


def contents(module: ModuleSyntax):
    """What the parts of a module are, wherever they are."""

    def span(expr):
        return expr and module.data[expr[0] : expr[1]]

    return [
        [(i.module, i.name, i.kind, i.desc, i.exact) for i in module.imports],
        [(e.name, e.kind, e.index) for e in module.exports],
        [(t.type, span(t.init)) for t in module.tables],
        [(g.type, span(g.init)) for g in module.globals],
        [
            (e.mode, e.table, span(e.offset), e.type, e.funcs, e.exprs and list(map(span, e.exprs)))
            for e in module.elems
        ],
        [(d.mode, d.memory, span(d.offset), span((d.start, d.end))) for d in module.datas],
        [span(body) for body in zip(module.body_start, module.body_end, strict=True)],
        [(c.name, c.place, span((c.start, c.end))) for c in module.customs],
    ]


CONCRETE_TYPES = [
    ref_type(CONCRETE | exact | index, nullable)
    for exact in (0, EXACT)
    for index in (0, 63, 64, 1 << 20, (1 << 32) - 1)
    for nullable in (False, True)
]


@pytest.mark.parametrize(
    "t", [*(t for name, t in VAL_TYPES.items() if name not in ("bot", "i8", "i16")), *CONCRETE_TYPES], ids=str
)
def test_value_types_come_back(t):
    module = ModuleSyntax(b"", ALL)
    module.types = [SubType(True, (), FuncType([t], [t, t]))]
    module.rec_groups = [(0, 1)]
    assert decode(encode(module), ALL).types == module.types


def test_a_group_of_one_type_is_the_type_and_an_empty_group_stays():
    data = bytes.fromhex("0061736d01000000 010b03 4e01600000 4e00 600000")
    module = decode(data)
    assert encode(module).hex() == "0061736d01000000" + "010903" + "600000" + "4e00" + "600000"
