"""Which proposals a module needs."""

import pytest
import wasmtime

from wasmcy import InvalidError
from wasmcy.tools.features_used import features_used


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("(func (param i32) (result i32) (local.get 0))", []),
        ("(func (result i32 i32) (i32.const 1) (i32.const 2))", ["multi_value"]),
        ("(func (result i32) (i32.extend8_s (i32.const 1)))", ["sign_extension"]),
        ('(global (export "g") (mut i32) (i32.const 0))', ["mutable_global"]),
        ("(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", ["bulk_memory"]),
        ("(memory i64 1) (memory 1)", ["memory64", "multi_memory"]),
        ("(func (param externref))", ["reference_types"]),
        ("(func (return_call 0))", ["tail_call"]),
        ("(func (param v128))", ["simd"]),
        ("(rec (type (descriptor 1) (struct)) (type (describes 0) (struct)))", ["gc", "custom_descriptors"]),
    ],
)
def test_features(text, used):
    assert features_used(wasmtime.wat2wasm(f"(module {text})")) == used


def test_a_module_that_is_not_valid_is_refused():
    with pytest.raises(InvalidError):
        features_used(bytes.fromhex("0061736d01000000 010401600000 03020100 0a05010300 6a0b".replace(" ", "")))
