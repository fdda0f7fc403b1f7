"""Modules: loading, what they want and offer, pickling, sharing."""

import copy
import pickle
import threading

import numpy
import pytest
from instantiating import binary, instantiate, module

import wasmcy
from wasmcy import FuncType, GlobalType, MemoryType, Module, TableType, TagType
from wasmcy.types import EXTERNREF, F64, FUNCREF, I32, I64

ADD = '(module $adder (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'

EVERYTHING = """
    (import "env" "f" (func (param i32) (result i64 f64)))
    (import "env" "t" (table 1 7 funcref))
    (import "env" "m" (memory 2))
    (import "other" "g" (global (mut i64)))
    (import "other" "e" (tag (param i32)))
    (table (export "table") 3 externref)
    (global (export "global") f64 (f64.const 1))
    (func (export "function") (param i64))
    (tag (export "tag"))
    (export "memory" (memory 0))
    (export "" (func 0))
"""


def test_imports_are_listed_in_order():
    assert [(i.module, i.name, i.kind, i.type) for i in module(EVERYTHING).imports] == [
        ("env", "f", "func", FuncType([I32], [I64, F64])),
        ("env", "t", "table", TableType(FUNCREF, 1, 7)),
        ("env", "m", "memory", MemoryType(2)),
        ("other", "g", "global", GlobalType(I64, True)),
        ("other", "e", "tag", TagType(FuncType([I32]))),
    ]


def test_exports_are_listed_in_order():
    assert [(e.name, e.kind, e.type) for e in module(EVERYTHING).exports] == [
        ("table", "table", TableType(EXTERNREF, 3)),
        ("global", "global", GlobalType(F64)),
        ("function", "func", FuncType([I64])),
        ("tag", "tag", TagType(FuncType())),
        ("memory", "memory", MemoryType(2)),
        ("", "func", FuncType([I32], [I64, F64])),
    ]


@pytest.mark.parametrize("item", [*module(EVERYTHING).imports, *module(EVERYTHING).exports], ids=repr)
def test_descriptions_are_values(item):
    assert pickle.loads(pickle.dumps(item)) == item
    assert copy.copy(item) == item
    assert hash(copy.copy(item)) == hash(item)


@pytest.mark.parametrize("source", [None, 5, 1.5, [0, 97]])
def test_what_is_neither_bytes_nor_text_is_no_module(source):
    with pytest.raises(TypeError, match="a module is bytes or a str"):
        wasmcy.Module(source)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, lambda data: numpy.frombuffer(data, dtype="u1")])
def test_any_buffer_of_bytes_is_a_source(make):
    assert Module(make(binary(ADD))).instantiate().exports.add(2, 3) == 5


def test_a_module_keeps_its_own_copy_of_the_bytes():
    data = bytearray(binary(ADD))
    add = Module(data)
    data[:] = bytes(len(data))
    assert add.instantiate().exports.add(2, 3) == 5


@pytest.mark.parametrize("source", [None, 3, 3.5, object()])
def test_other_sources_are_refused(source):
    with pytest.raises(TypeError):
        Module(source)


def test_from_file(tmp_path):
    path = tmp_path / "add.wasm"
    path.write_bytes(binary(ADD))
    assert Module.from_file(path).instantiate().exports.add(2, 3) == 5
    assert Module.from_file(str(path), lazy=True).instantiate().exports.add(2, 3) == 5


def test_name_and_custom_sections():
    data = binary(ADD) + b"\0\5\3abcd" + b"\0\4\3abc" + b"\0\5\3abce"
    assert Module(data).name == "adder"
    assert Module(data).custom_sections("abc") == [b"d", b"", b"e"]
    assert Module(data).custom_sections("abcd") == []
    assert module("").name is None


def test_repr_says_what_it_is():
    assert repr(module(ADD)) == f"<wasmcy.Module adder of {len(binary(ADD))} bytes>"
    assert repr(module("")) == "<wasmcy.Module of 8 bytes>"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("lazy", [False, True])
def test_modules_are_pickled_as_their_bytes(copied, lazy):
    features = wasmcy.Features.mvp()
    again = copied(Module(binary(ADD), features=features, lazy=lazy))
    assert again.features == features
    assert again.instantiate().exports.add(2, 3) == 5
    assert again._code.lazy is lazy


def test_a_pickle_is_validated_again():
    data = pickle.dumps(Module(binary(ADD)))
    with pytest.raises(wasmcy.InvalidError):
        pickle.loads(data.replace(b"\x6a\x0b", b"\xa0\x0b"))  # f64.add on two i32


BROKEN = binary(ADD).replace(b"\x6a\x0b", b"\xa0\x0b")


def test_an_invalid_body_is_refused_at_once_or_at_its_first_call():
    with pytest.raises(wasmcy.InvalidError, match=r'type mismatch.*function 0 "add", offset 0x'):
        Module(BROKEN)
    add = Module(BROKEN, lazy=True).instantiate().exports.add
    for _ in range(3):
        with pytest.raises(wasmcy.InvalidError, match="type mismatch"):
            add(1, 2)


def test_an_invalid_body_leaves_the_rest_of_a_lazy_module_usable():
    data = binary("""
        (func $broken (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "both") (param i32) (result i32)
          (if (result i32) (local.get 0) (then (call $broken (i32.const 1) (i32.const 2))) (else (i32.const 7))))
    """).replace(b"\x6a\x0b", b"\xa0\x0b")
    both = Module(data, lazy=True).instantiate().exports.both
    assert both(0) == 7
    with pytest.raises(wasmcy.InvalidError):
        both(1)
    assert both(0) == 7


def test_a_thousand_instances_share_a_module():
    counter = module("""
        (global $g (mut i32) (i32.const 0)) (memory (export "memory") 1)
        (func (export "step") (param i32) (result i32)
          (global.set $g (i32.add (global.get $g) (local.get 0)))
          (i32.store (i32.const 8) (global.get $g))
          (i32.load (i32.const 8)))
    """)
    instances = [counter.instantiate() for _ in range(1000)]
    for round in range(1, 4):
        assert [i.exports.step(n) for n, i in enumerate(instances)] == [n * round for n in range(1000)]
    assert [int.from_bytes(i.exports.memory[8:12], "little") for i in instances] == [3 * n for n in range(1000)]


def test_threads_share_a_module():
    functions = "".join(
        f'(func (export "f{i}") (param i32) (result i32) (i32.add (local.get 0) (i32.const {i})))' for i in range(200)
    )
    shared = Module(binary(functions), lazy=True)
    start = threading.Barrier(4)
    wrong = []

    def work():
        start.wait()
        offered = shared.instantiate().exports
        wrong.extend(i for i in range(200) if offered[f"f{i}"](1000) != 1000 + i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_one_instance_after_another_of_a_module_with_everything():
    imports = {
        "env": {"f": lambda x: (x, 0.5), "t": wasmcy.Table("funcref", 1, 7), "m": wasmcy.Memory(2)},
        "other": {"g": wasmcy.Global("i64", 5, mutable=True), "e": wasmcy.Tag(["i32"])},
    }
    first = module(EVERYTHING).instantiate(imports)
    second = module(EVERYTHING).instantiate(imports)
    assert first.store is second.store
    assert first.exports.memory is second.exports.memory is imports["env"]["m"]
    assert second.exports[""](3) == (3, 0.5)
    assert instantiate(EVERYTHING, imports).store is first.store


TWO = '(module (func (export "two") (result i32) i32.const 2))'


@pytest.mark.parametrize(
    "source",
    [TWO, TWO.encode(), bytearray(TWO.encode()), memoryview(TWO.encode()), "\n  " + TWO, b";; two\n" + TWO.encode()],
)
def test_text_is_a_source(source):
    assert wasmcy.Module(source).instantiate().exports.two() == 2


def test_fields_alone_are_a_module_in_the_text_format():
    assert wasmcy.Module.from_wat(TWO[8:-1]).instantiate().exports.two() == 2
    assert wasmcy.Module.from_wat("").exports == []


def test_modules_from_text_are_pickled_as_bytes():
    copy = pickle.loads(pickle.dumps(wasmcy.Module(TWO)))
    assert copy.instantiate().exports.two() == 2


@pytest.mark.parametrize(("name", "data"), [("m.wat", TWO.encode()), ("m.txt", TWO.encode()), ("m.wat", b"")])
def test_files_of_text_are_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert len(wasmcy.Module.from_file(tmp_path / name).exports) == bool(data)


def test_a_binary_file_may_be_called_wat(tmp_path):
    (tmp_path / "m.wat").write_bytes(wasmcy.wat2wasm(TWO))
    assert wasmcy.Module.from_file(str(tmp_path / "m.wat")).instantiate().exports.two() == 2


def test_features_hold_for_text():
    with pytest.raises(wasmcy.MalformedError, match=r"^unknown operator v128.not: it needs the feature simd"):
        wasmcy.Module("(func (v128.not))", features=wasmcy.Features(simd=False))
