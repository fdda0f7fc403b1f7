"""The bytes of custom descriptors: what is refused and why, and that no bytes do worse than being refused."""

import random

import pytest
from assembling import HEADER, check, code, from_bodies, section, vector

from wasmcy import Features, Module
from wasmcy.errors import InvalidError, MalformedError, WasmError
from wasmcy.text import wat2wasm

ON = Features(custom_descriptors=True)
SEED = random.randrange(1 << 32)
STRUCT, FUNC, REC, DESCRIPTOR, DESCRIBES, SUB, EXACT = 0x5F, 0x60, 0x4E, 0x4D, 0x4C, 0x50, 0x62
NULLABLE, VOID = 0x63, bytes([FUNC, 0, 0])


def struct(describes=None, descriptor=None, fields=b"\0"):
    """A struct type with its clauses."""
    out = b"" if describes is None else bytes([DESCRIBES, describes])
    out += b"" if descriptor is None else bytes([DESCRIPTOR, descriptor])
    return out + bytes([STRUCT]) + fields


def rec(*types):
    return bytes([REC]) + vector(types)


def types(*groups):
    return HEADER + section(1, vector(groups))


PAIR = rec(struct(None, 1), struct(0))


def body(*parts):
    """A module of $0, its descriptor $1, and a function with these instructions."""
    return from_bodies([PAIR, VOID], [(2, b"\0" + code(*parts, "end"))])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (types(rec(struct(None, 0))), "type is not described by its descriptor: 0 by 0"),
        (types(rec(struct(0, 0))), "forward use of described type 0"),
        (types(rec(struct(2, 1), struct(0, 2), struct(1, 0))), "forward use of described type 2"),  # a ring
        (types(rec(struct(None, 1), struct(0, 0))), "type is not described by its descriptor: 1 by 0"),
        (types(rec(struct(None, 2), struct(None, 2), struct(0))), "type is not described by its descriptor: 1 by 2"),
        (types(rec(struct(None, 2), struct(None, 3), struct(1), struct(0))), "type is not described by its"),
        (types(rec(struct(None, 1), struct(0), struct(0))), "described type is not described by descriptor: 0 by 2"),
        (types(rec(struct(None, 5), struct(0))), "descriptor type is outside rec group: type 5, of type 0"),
        (types(PAIR, rec(struct(0))), "described type is outside rec group: type 0, of type 2"),
        (types(PAIR, rec(struct(None, 1))), "descriptor type is outside rec group: type 1, of type 2"),
        (types(rec(bytes([DESCRIPTOR, 1]) + VOID, struct(0))), "descriptor type must be a struct"),
        (types(rec(struct(fields=bytes([1, NULLABLE, EXACT, 7, 0])))), "unknown type 7"),
        (body("ref.null", EXACT, 9, "drop"), "unknown type 9"),
        (body("block", NULLABLE, EXACT, 9, "end"), "unknown type 9"),
        (body("unreachable", "struct.new_desc", 9), "unknown type 9"),
        (body("unreachable", "struct.new_desc", 2), "type mismatch: type 2 is no struct type"),
        (body("unreachable", "struct.new_desc", 1), "type without descriptor requires non-descriptor allocation"),
        (body("unreachable", "struct.new", 0), "type with descriptor requires descriptor allocation"),
        (body("unreachable", "ref.get_desc", 9), "unknown type 9"),
        (body("unreachable", "ref.get_desc", 2), "type without descriptor"),
        (body("unreachable", "ref.cast_desc_eq", 1), "type 1 does not have a descriptor"),
        (body("unreachable", "ref.cast_desc_eq", EXACT, 1), "type (exact 1) does not have a descriptor"),
        (body("unreachable", "ref.cast_desc_eq", 0x6E), "type any does not have a descriptor"),
        (body("unreachable", "br_on_cast_desc_eq", 3, 9, 0x6E, 0), "unknown label 9"),
        (body("unreachable", "br_on_cast_desc_eq", 3, 0, 0x70, 0), "type mismatch"),  # func and any
    ],
)
def test_what_is_not_valid(data, message):
    with pytest.raises(InvalidError) as caught:
        check(data, ON)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (types(bytes([DESCRIPTOR])), "unexpected end"),
        (types(bytes([DESCRIBES, 0])), "unexpected end"),
        (types(rec(bytes([DESCRIPTOR, 1, DESCRIBES, 0, STRUCT, 0]), struct(0))), "malformed definition type"),
        (types(bytes([DESCRIBES, 0, SUB, 0, STRUCT, 0])), "malformed definition type"),
        (types(bytes([DESCRIPTOR, *b"\xff\xff\xff\xff\x7f", STRUCT, 0])), "integer too large"),
        (types(struct(fields=bytes([1, EXACT, 0, 0]))), "malformed storage type"),
        (types(struct(fields=bytes([1, NULLABLE, EXACT, EXACT, 0, 0]))), "malformed storage type"),
        (types(struct(fields=bytes([1, NULLABLE, EXACT]))), "unexpected end"),
        (types(bytes([FUNC, 1, NULLABLE, EXACT, *b"\x80\x80\x80\x80\x80\0", 0])), "integer representation too long"),
        (body("unreachable", "br_on_cast_desc_eq", 4, 0, 0x6E, 0), "malformed br_on_cast flags"),
        (body("unreachable", b"\xfb\x27", 0), "illegal opcode"),
    ],
)
def test_what_is_malformed(data, message):
    with pytest.raises(MalformedError) as caught:
        check(data, ON)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("index", [0, 63, 64, 97, 98, 99, 127, 128])
def test_indices_of_exact_types_are_read_and_written(index):
    """As u32 and as s33: of 98 the u32 would be the byte that means exact once more."""
    data = types(*[struct()] * 129, bytes([FUNC, 1, NULLABLE, EXACT, index & 127 | 128, index >> 7, 0]))
    text = f"(module {'(type (struct))' * 129} (type (func (param (ref null (exact {index}))))))"
    for found in (check(data, ON), check(wat2wasm(text, ON), ON)):
        assert str(found[0].types[129].comp) == f"(func (param (ref null (exact {index}))))"
    if 64 <= index < 128 and index != EXACT:
        check(types(*[struct()] * 129, bytes([FUNC, 1, NULLABLE, EXACT, index, 0])), ON)


OFF = Features()


@pytest.mark.parametrize(
    "data",
    [
        types(PAIR),
        types(rec(bytes([SUB, 0]) + struct(None, 1), struct(0))),
        types(struct(fields=bytes([1, NULLABLE, EXACT, 0, 0]))),
        types(VOID) + section(2, vector([b"\1m\1f\x20\0"])),
        from_bodies([VOID, struct()], [(0, b"\0" + code("ref.null", EXACT, 1, "drop", "end"))]),
    ],
)
def test_each_form_is_of_the_proposal(data):
    check(data, ON)
    with pytest.raises(MalformedError, match="needs the feature custom_descriptors, which is off"):
        check(data, OFF)


def test_without_the_proposal_types_are_as_they_were():
    data = types(struct()) + b""
    check(data, OFF)
    message = r"requires \[i32\] but stack has \[\(ref 0\)\]"
    with pytest.raises(InvalidError, match=message):
        check(from_bodies([struct(), bytes([FUNC, 0, 1, 0x7F])], [(1, b"\0" + code("struct.new", 0, "end"))]), OFF)


# ------------------------------------------------------------------------------------ whatever the bytes
EVERYTHING = """
    (rec
      (type $a (sub (descriptor $ad) (struct (field i32))))
      (type $ad (sub (describes $a) (descriptor $add) (struct)))
      (type $add (sub (describes $ad) (struct)))
      (type $b (sub $a (descriptor $bd) (struct (field i32) (field i64))))
      (type $bd (sub $ad (describes $b) (descriptor $bdd) (struct (field (ref null (exact $b))))))
      (type $bdd (sub $add (describes $bd) (struct))))
    (type $f (func))
    (import "m" "f" (func $f (exact (type $f))))
    (global $add (ref (exact $add)) (struct.new $add))
    (global $ad (ref (exact $ad)) (struct.new_desc $ad (global.get $add)))
    (global (ref (exact $f)) (ref.func $f))
    (table 2 (ref null (exact $a)))
    (func (param anyref (ref null $ad) (ref null (exact $bd))) (result anyref) (local (ref null (exact $a)))
      (local.set 3 (struct.new_default_desc $a (global.get $ad)))
      (drop (ref.get_desc $a (local.get 3)))
      (drop (struct.new_desc $b (i32.const 1) (i64.const 2) (local.get 2)))
      (drop (ref.cast_desc_eq (ref null $a) (local.get 0) (local.get 1)))
      (drop (ref.cast_desc_eq (ref (exact $b)) (local.get 0) (local.get 2)))
      (drop (ref.test (ref (exact $a)) (local.get 0)))
      (drop (br_on_cast 0 anyref (ref (exact $a)) (local.get 0)))
      (drop (br_on_cast_desc_eq 0 anyref (ref $a) (local.get 0) (local.get 1)))
      (br_on_cast_desc_eq_fail 0 anyref (ref null (exact $b)) (local.get 0) (local.get 2)))
"""


def judged(data):
    """Whether a module is valid and its functions are translated; anything but a WasmError escapes."""
    try:
        module = Module(data, features=ON)
        for index in range(len(module._syntax.funcs)):
            module._code.words(module._syntax.n_imported_funcs + index)
    except WasmError:
        return False
    return True


@pytest.fixture(scope="module")
def original():
    data = wat2wasm(f"(module {EVERYTHING})", ON)
    assert judged(data)
    return data


def test_every_truncated_module_is_judged(original):
    # An early end can be that of a section, before the functions or after them.
    assert sum(judged(original[:n]) for n in range(len(original))) == 4


def test_every_other_byte_is_judged(original):
    bytes_ = (0, 1, 2, 3, 4, 5, 6, 7, 0x20, DESCRIBES, DESCRIPTOR, REC, SUB, STRUCT, FUNC, EXACT, NULLABLE, 0x6E, 0xFF)
    refused = 0
    for at in range(8, len(original)):
        for byte in bytes_:
            refused += not judged(original[:at] + bytes([byte]) + original[at + 1 :])
    assert refused > len(original)


def test_flipped_bits_are_judged(original):
    print(f"seed {SEED}")
    choose = random.Random(SEED)
    for _ in range(1000):
        data = bytearray(original)
        for _ in range(choose.choice((1, 2, 4))):
            data[choose.randrange(8, len(data))] ^= 1 << choose.randrange(8)
        judged(bytes(data))
