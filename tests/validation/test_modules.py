"""What is checked outside of bodies: types, imports, definitions, segments, exports."""

import pytest
from assembling import HEADER, check, from_text, section, vector

from wasmcy.binary.decoder import decode
from wasmcy.errors import InvalidError, MalformedError, WasmError
from wasmcy.features import Features
from wasmcy.validation.module import validate

# Modules, each with what is wrong with it.
MODULES = [
    ("", ""),
    # types
    ("(type (sub (func))) (type (sub 0 (func)))", ""),
    (
        "(type (func)) (type (sub 0 (func)))",
        "sub type 1 does not match super type 0, which is final",
    ),
    ("(type (sub (struct))) (type (sub 0 (array i8)))", "sub type 1 does not match super type 0"),
    ("(type (sub (struct (field i32)))) (type (sub 0 (struct)))", "sub type 1 does not match"),
    ("(type (sub (struct))) (type (sub 0 (struct (field i32))))", ""),
    ("(type (sub (struct (field anyref)))) (type (sub 0 (struct (field i31ref))))", ""),
    (
        "(type (sub (struct (field (mut anyref))))) (type (sub 0 (struct (field (mut i31ref)))))",
        "sub type 1 does not match super type 0",
    ),
    ("(rec (type (func (param (ref 1)))) (type (struct (field (ref null 0)))))", ""),
    ("(type (func (param (ref 1)))) (type (func))", "unknown type 1"),
    ("(type (sub 1 (func))) (type (sub (func)))", "unknown type 1"),
    # functions, start
    ("(func (type 3))", "unknown type 3"),
    ("(type (struct)) (func (type 0))", "type mismatch: type 0 is no function type"),
    ('(type (struct)) (import "" "" (func (type 0)))', "type mismatch: type 0 is no function type"),
    ('(import "" "" (func (type 3)))', "unknown type 3"),
    ("(start 0)", "unknown function 0"),
    ("(start 0) (func (param i32))", "start function"),
    ("(start 0) (func (result i32) i32.const 1)", "start function"),
    ("(start 0) (func)", ""),
    # tables
    ("(table 1 0 funcref)", "size minimum must not be greater than maximum"),
    ("(table i64 0 0xffffffffffffffff funcref)", ""),
    ("(table 0 0xffffffff funcref)", ""),
    ("(table 1 (ref func))", "type mismatch: elements of type (ref func) need a first value"),
    ("(table 1 (ref func) (ref.func 0)) (func)", ""),
    ("(table 1 funcref (ref.null extern))", "type mismatch"),
    ("(table 1 (ref 7))", "unknown type 7"),
    ('(global (import "" "g") funcref) (table 1 funcref (global.get 0))', ""),
    ("(global funcref (ref.null func)) (table 1 funcref (global.get 0))", "unknown global 0"),
    # memories
    ("(memory 65536)", ""),
    ("(memory 65537)", "memory size must be at most 65536 pages (4GiB)"),
    ("(memory 0 65537)", "memory size must be at most 65536 pages (4GiB)"),
    ('(import "" "" (memory 65537))', "memory size must be at most 65536 pages (4GiB)"),
    ("(memory i64 0x1000000000000)", ""),
    ("(memory i64 0x1000000000001)", "memory size must be at most 281474976710656 pages (16EiB)"),
    ("(memory 2 1)", "size minimum must not be greater than maximum: 2, 1"),
    ("(memory 1 2 shared)", ""),
    # globals
    ("(global i32 (i32.const 1))", ""),
    ("(global i32 (i64.const 1))", "type mismatch"),
    ("(global i32 (nop))", "constant expression required: nop"),
    ("(global i32 (i32.ctz (i32.const 1)))", "constant expression required: i32.ctz"),
    ("(global i32 (i32.add (i32.const 1) (i32.const 1)))", ""),
    ("(global i32 (i32.const 1)) (global i32 (global.get 0))", ""),
    ("(global i32 (global.get 0))", "unknown global 0"),
    ("(global i32 (global.get 1)) (global i32 (i32.const 0))", "unknown global 1"),
    (
        "(global (mut i32) (i32.const 1)) (global i32 (global.get 0))",
        "constant expression required: global 0 is mutable",
    ),
    ("(global i32)", "type mismatch: instruction requires [i32] but stack has []"),
    ("(global i32 (i32.const 1) (i32.const 1))", "type mismatch: block requires [i32]"),
    ("(global (ref 0) (ref.null 0))", "unknown type 0"),
    ("(type (struct)) (global (ref 0) (struct.new 0))", ""),
    ("(type (struct)) (global (ref 0) (ref.null 0))", "type mismatch"),
    ("(global funcref (ref.func 5))", "unknown function 5"),
    # tags
    ("(tag (param i32))", ""),
    ("(type (func (result i32))) (tag (type 0))", "non-empty tag result type"),
    ('(type (func (result i32))) (import "" "" (tag (type 0)))', "non-empty tag result type"),
    ("(tag (type 9))", "unknown type 9"),
    # exports
    ('(func (export "a") (export "b"))', ""),
    ('(func (export "a")) (memory (export "a") 1)', 'duplicate export name "a"'),
    ('(export "a" (func 0))', "unknown function 0"),
    ('(export "a" (table 0))', "unknown table 0"),
    ('(export "a" (memory 0))', "unknown memory 0"),
    ('(export "a" (global 0))', "unknown global 0"),
    ('(export "a" (tag 0))', "unknown tag 0"),
    # element segments
    ("(table 1 funcref) (func) (elem (i32.const 0) 0)", ""),
    ("(elem (i32.const 0) 0) (func)", "unknown table 0"),
    ("(table i64 1 funcref) (func) (elem (i32.const 0) func 0)", "type mismatch"),
    ("(table 1 funcref) (elem (i32.const 0) 7)", "unknown function 7"),
    ("(table 1 externref) (func) (elem (i32.const 0) func 0)", "type mismatch: table 0 has"),
    ("(elem funcref (ref.null extern))", "type mismatch"),
    ("(elem funcref (item i32.const 0))", "type mismatch"),
    ("(elem (ref 4))", "unknown type 4"),
    ("(global i32 (i32.const 0)) (table 1 funcref) (elem (global.get 0))", ""),
    # data segments
    ('(memory 1) (data (i32.const 0) "a")', ""),
    ('(data (i32.const 0) "a")', "unknown memory 0"),
    ('(memory i64 1) (data (i32.const 0) "a")', "type mismatch"),
    ('(data "a")', ""),
    # what ref.func may name
    ("(func ref.func 0 drop)", "undeclared function reference 0"),
    ("(func ref.func 0 drop) (elem declare func 0)", ""),
    ("(func ref.func 0 drop) (global funcref (ref.func 0))", ""),
    ('(func (export "") ref.func 0 drop)', ""),
    ("(func ref.func 0 drop) (start 0)", "undeclared function reference 0"),
]


@pytest.mark.parametrize(("text", "message"), MODULES, ids=[text for text, _ in MODULES])
def test_modules_are_judged(text, message):
    data = from_text(f"(module {text})")
    if not message:
        check(data)
        return
    with pytest.raises(InvalidError) as caught:
        check(data)
    assert str(caught.value).startswith(message)


def test_a_shared_memory_has_a_maximum():
    with pytest.raises(WasmError, match="shared memory must have maximum"):
        check(HEADER + section(5, b"\1\2\1"))


def test_page_sizes_are_those_of_the_proposal():
    features = Features(custom_page_sizes=True)
    check(HEADER + section(5, b"\1\x08\1\0"), features)
    check(HEADER + section(5, b"\1\x08\1\x10"), features)
    with pytest.raises(InvalidError, match="^invalid custom page size: 2,"):
        check(HEADER + section(5, b"\1\x08\1\1"), features)
    bytes_4g = b"\x80\x80\x80\x80\x10"
    with pytest.raises(InvalidError, match="^memory size must be at most 4294967295 pages"):
        check(HEADER + section(5, b"\1\x08" + bytes_4g + b"\0"), features)


def test_table_sizes_fit_their_addresses():
    most = b"\xff\xff\xff\xff\x0f"
    check(HEADER + section(4, b"\1\x70\0" + most))
    with pytest.raises(InvalidError, match="^table size must be at most 4294967295 elements"):
        check(HEADER + section(4, b"\1\x70\0" + b"\x80\x80\x80\x80\x10"))


def test_a_type_has_at_most_one_super_type():
    types = [b"\x50\0\x60\0\0", b"\x50\0\x60\0\0", b"\x50\2\0\1\x60\0\0"]
    with pytest.raises(InvalidError, match="^sub type 2 has more than one super type"):
        check(HEADER + section(1, vector(types)))


def test_without_garbage_collection_constants_use_imported_globals_only():
    features = Features(gc=False, function_references=False)
    imported = '(import "" "" (global i32)) (global i32 (global.get 0))'
    check(from_text(imported), features)
    with pytest.raises(InvalidError, match="^unknown global 1"):
        check(from_text(imported + "(global i32 (global.get 1))"), features)


def test_bodies_can_wait():
    module = decode(from_text("(func i32.add)"))
    validate(module, bodies=False)
    with pytest.raises(InvalidError, match="^type mismatch: .* at i32.add .function 0, offset"):
        validate(module)


def test_expressions_never_wait():
    with pytest.raises(InvalidError, match="^type mismatch"):
        validate(decode(from_text("(global i32 (i64.const 0))")), bodies=False)


def test_errors_outside_of_bodies_say_where():
    data = from_text('(func (export "a")) (memory (export "a") 1)')
    with pytest.raises(InvalidError) as caught:
        check(data)
    assert data[caught.value.offset :].startswith(b"\1a\2\0")


def test_an_expression_ends_with_its_span():
    with pytest.raises(MalformedError, match="unexpected end"):
        check(HEADER + section(6, b"\1\x7f\0\x41\0"))


def test_types_are_checked_in_linear_time():
    padded = [bytes([i & 0x7F | 0x80, i >> 7 & 0x7F | 0x80, i >> 14]) for i in range(20_000)]
    types = [b"\x60\0\0"] + [b"\x60\1\x64" + index + b"\0" for index in padded]
    module, context = check(HEADER + section(1, vector(types)))
    assert context.n_types == len(module.types) == 20_001
