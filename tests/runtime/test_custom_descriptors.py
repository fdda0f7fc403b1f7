"""Structs with descriptors, as guests make and cast them and as Python sees them; exact types at the border."""

import pytest

from wasmcy import Features, Limits, LinkError, Module, Store, Struct, Trap
from wasmcy.text import wat2wasm

ON = Features(custom_descriptors=True)
WIDE = 300  # fields of a struct that is no cell of a block
TYPES = f"""
    (rec
      (type $a (sub (descriptor $ad) (struct (field (mut i32)))))
      (type $ad (sub (describes $a) (struct (field (mut i32)))))
      (type $b (sub $a (descriptor $bd) (struct (field (mut i32)) (field i64) (field f64) (field i8))))
      (type $bd (sub $ad (describes $b) (struct (field (mut i32)) (field i32)))))
    (type $plain (sub (struct (field i32))))
    (rec
      (type $late (sub $plain (descriptor $lated) (struct (field i32) (field (mut eqref)))))
      (type $lated (describes $late) (struct)))
    (rec
      (type $one (descriptor $two) (struct))
      (type $two (describes $one) (descriptor $three) (struct (field i32)))
      (type $three (describes $two) (struct (field i32))))
    (rec
      (type $wide (descriptor $wided) (struct {"(field (mut i32))" * WIDE}))
      (type $wided (describes $wide) (struct (field i32))))
    (type $super (sub (func (result i32)))) (type $sub (sub final $super (func (result i32))))
"""
A, AD, B, BD, PLAIN, LATE, LATED, ONE, TWO, THREE, WIDE_, WIDED = range(12)


def load(fields):
    return Module(wat2wasm(f"(module {TYPES} {fields})", ON), features=ON)


def instantiate(fields, **options):
    return load(fields).instantiate(**options)


@pytest.fixture(params=[None, 1_000_000], ids=["", "metered"])
def shapes(request):
    return instantiate(
        """
        (func (export "a") (param i32 (ref null (exact $ad))) (result (ref (exact $a)))
          (struct.new_desc $a (local.get 0) (local.get 1)))
        (func (export "b") (param (ref null (exact $bd))) (result (ref $a))
          (struct.new_desc $b (i32.const 1) (i64.const 2) (f64.const 3) (i32.const 4) (local.get 0)))
        (func (export "default") (param (ref null (exact $bd))) (result (ref $b))
          (struct.new_default_desc $b (local.get 0)))
        (func (export "describe") (param (ref null $a)) (result (ref $ad)) (ref.get_desc $a (local.get 0)))
        (func (export "cast") (param anyref (ref null $ad)) (result anyref)
          (ref.cast_desc_eq (ref $a) (local.get 0) (local.get 1)))
        (func (export "cast null") (param anyref (ref null $ad)) (result anyref)
          (ref.cast_desc_eq (ref null $a) (local.get 0) (local.get 1)))
        (func (export "branch") (param anyref (ref null $ad)) (result i32)
          (block $l (result anyref)
            (br_on_cast_desc_eq $l anyref (ref $a) (local.get 0) (local.get 1)) (return (i32.const 0)))
          (return (i32.const 1)))
        (func (export "branch null") (param anyref (ref null $ad)) (result i32)
          (block $l (result anyref)
            (br_on_cast_desc_eq $l anyref (ref null $a) (local.get 0) (local.get 1)) (return (i32.const 0)))
          (return (i32.const 1)))
        (func (export "fail") (param anyref (ref null $ad)) (result i32)
          (block $l (result anyref)
            (br_on_cast_desc_eq_fail $l anyref (ref $a) (local.get 0) (local.get 1)) (return (i32.const 0)))
          (return (i32.const 1)))
        (func (export "exact") (param (ref (exact $a))) (result anyref) (local.get 0))
        (func (export "is exact") (param anyref) (result i32) (ref.test (ref (exact $a)) (local.get 0)))
        (func (export "any") (param anyref) (result anyref) (local.get 0))
        (func (export "call") (param (ref (exact $super))) (result i32) (call_ref $super (local.get 0)))
        (func $super (export "super") (type $super) (i32.const 1))
        (func $sub (export "sub") (type $sub) (i32.const 2))
        (table (export "exact table") 1 (ref null (exact $a)))
        (global (export "exact global") (mut (ref null (exact $a))) (ref.null (exact $a)))
        """,
        limits=Limits(fuel=request.param),
    )


# ------------------------------------------------------------------------------------ from Python
def test_a_struct_knows_its_descriptor(shapes):
    d = Struct(shapes, AD, [7])
    a = shapes.exports.a(5, d)
    assert (list(a), a.descriptor, a.descriptor[0], d.descriptor) == ([5], d, 7, None)
    a.descriptor[0] = 8
    assert (d[0], shapes.exports.describe(a)) == (8, d)
    assert Struct(shapes, PLAIN, [1]).descriptor is None


def test_fields_stand_below_the_descriptor_whatever_the_subtype(shapes):
    d = Struct(shapes, BD, [1, 2])
    for b, values in ((shapes.exports.b(d), [1, 2, 3.0, 4]), (shapes.exports.default(d), [0, 0, 0.0, 0])):
        assert (list(b), len(b), b.descriptor, shapes.exports.describe(b)) == (values, 4, d, d)


def test_python_makes_structs_with_descriptors(shapes):
    d = Struct(shapes, BD, [1, 2])
    b = Struct(shapes, B, [1, 2, 3.0, 4], descriptor=d)
    assert (list(b), shapes.exports.describe(b), Struct(shapes, B, descriptor=d).descriptor) == ([1, 2, 3.0, 4], d, d)
    late = Struct(shapes, LATE, [1, b], descriptor=Struct(shapes, LATED))
    assert late[1] == b
    two = Struct(shapes, TWO, [2], descriptor=Struct(shapes, THREE, [3]))
    one = Struct(shapes, ONE, descriptor=two)
    assert (one.descriptor[0], one.descriptor.descriptor[0]) == (2, 3)


@pytest.mark.parametrize(
    ("index", "descriptor", "message"),
    [
        (A, None, "expected a reference that is not null"),
        (A, A, "expected a value for"),
        (A, PLAIN, "expected a value for"),
        (A, BD, "expected a value for"),  # a subtype's: then it would be of another type than its descriptor says
        (B, AD, "expected a value for"),
        (PLAIN, AD, "type 4 has no descriptor"),
        (AD, AD, "type 1 has no descriptor"),
    ],
)
def test_a_descriptor_is_of_just_the_type_that_describes(shapes, index, descriptor, message):
    ad = Struct(shapes, AD)
    given = {
        None: None,
        A: Struct(shapes, A, descriptor=ad),
        PLAIN: Struct(shapes, PLAIN),
        AD: ad,
        BD: Struct(shapes, BD),
    }
    with pytest.raises(TypeError, match=message):
        Struct(shapes, index, descriptor=given[descriptor])


def test_an_index_that_changes_its_mind_is_asked_once(shapes):
    class Liar:
        answers = iter([A, PLAIN, PLAIN])

        def __index__(self):
            return next(self.answers)

    with pytest.raises(TypeError, match="expected a reference that is not null"):
        Struct(shapes, Liar())


def test_exact_types_take_nothing_else(shapes):
    a = Struct(shapes, A, descriptor=Struct(shapes, AD))
    b = Struct(shapes, B, descriptor=Struct(shapes, BD))
    assert shapes.exports.exact(a) == a
    assert [shapes.exports["is exact"](value) for value in (a, b, None, 3)] == [1, 0, 0, 0]
    table, variable = shapes.exports["exact table"], shapes.exports["exact global"]
    table[0] = variable.value = a
    for wrong in (b, Struct(shapes, AD), 3):
        with pytest.raises(TypeError):
            shapes.exports.exact(wrong)
        with pytest.raises(TypeError):
            table[0] = wrong
        with pytest.raises(TypeError):
            variable.value = wrong
    assert shapes.exports.call(shapes.exports.super) == 1
    with pytest.raises(TypeError, match="type does not match"):
        shapes.exports.call(shapes.exports.sub)


def test_an_exact_import_is_of_just_its_type(shapes):
    exact = load('(import "m" "f" (func (exact (type $super)))) (func (export "f") (result i32) (call 0))')
    assert exact.instantiate({"m": {"f": shapes.exports.super}}).exports.f() == 1
    assert exact.instantiate({"m": {"f": lambda: 5}}).exports.f() == 5  # a callable takes the import's type
    with pytest.raises(LinkError, match="^incompatible import type: .* wanted a function of just the type "):
        exact.instantiate({"m": {"f": shapes.exports.sub}})
    plain = load('(import "m" "f" (func (type $super))) (func (export "f") (result i32) (call 0))')
    assert plain.instantiate({"m": {"f": shapes.exports.sub}}).exports.f() == 2


# ------------------------------------------------------------------------------------ casts and traps
def outcome(function, *arguments):
    try:
        return function(*arguments)
    except Trap as trap:
        return trap.message


NO = "descriptor cast failure"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("same", ["value", "value", 1, 1, 0]),
        ("other", [NO, NO, 0, 0, 1]),
        ("subtype's", [NO, NO, 0, 0, 1]),
        ("null", [NO, None, 0, 1, 1]),
        ("plain", [NO, NO, 0, 0, 1]),
        ("i31", [NO, NO, 0, 0, 1]),
        ("host", [NO, NO, 0, 0, 1]),
        ("descriptor", [NO, NO, 0, 0, 1]),
    ],
)
def test_casts_compare_descriptors(shapes, value, expected):
    d, other = Struct(shapes, AD), Struct(shapes, AD)
    value = {
        "same": Struct(shapes, A, descriptor=d),
        "other": Struct(shapes, A, descriptor=other),
        "subtype's": Struct(shapes, B, descriptor=Struct(shapes, BD)),
        "null": None,
        "plain": Struct(shapes, PLAIN),
        "i31": 5,
        "host": object(),
        "descriptor": d,
    }[value]
    names = ("cast", "cast null", "branch", "branch null", "fail")
    expected = [value if found == "value" else found for found in expected]
    assert [outcome(shapes.exports[name], value, d) for name in names] == expected
    assert {outcome(shapes.exports[name], value, None) for name in names} == {"null descriptor reference"}


def test_a_subtype_is_found_by_the_descriptor_of_its_own(shapes):
    d = Struct(shapes, BD)
    b = Struct(shapes, B, descriptor=d)
    assert (shapes.exports.cast(b, d), shapes.exports.branch(b, d), shapes.exports.fail(b, d)) == (b, 1, 0)


def test_null_traps(shapes):
    for name, arguments in (("a", (1, None)), ("b", (None,)), ("default", (None,))):
        assert outcome(shapes.exports[name], *arguments) == "null descriptor reference"
    assert outcome(shapes.exports.describe, None) == "null reference"


@pytest.mark.parametrize(
    "init",
    [
        "(struct.new_desc $a (i32.const 1) (ref.null none))",
        "(struct.new_default_desc $a (ref.null (exact $ad)))",
        "(struct.new_desc $a (i32.const 1) (global.get $none))",
    ],
)
def test_null_traps_in_constant_expressions(init):
    module = load(f"(global $none (ref null (exact $ad)) (ref.null (exact $ad))) (global (ref $a) {init})")
    with pytest.raises(Trap, match="null descriptor reference"):
        module.instantiate()


def test_constant_expressions_make_what_code_makes():
    shapes = instantiate(
        """
        (global $d (export "d") (ref (exact $bd)) (struct.new $bd (i32.const 1) (i32.const 2)))
        (global (export "b") (ref (exact $b))
          (struct.new_desc $b (i32.const 3) (i64.const 4) (f64.const 5) (i32.const 6) (global.get $d)))
        (global (export "default") (ref $a) (struct.new_default_desc $b (global.get $d)))
        (global (export "one") (ref (exact $one))
          (struct.new_desc $one (struct.new_desc $two (i32.const 7) (struct.new $three (i32.const 8)))))
        (table (export "t") 2 (ref null (exact $a)) (struct.new_default_desc $a (struct.new_default $ad)))
        """
    ).exports
    assert (list(shapes.b.value), shapes.b.value.descriptor) == ([3, 4, 5.0, 6], shapes.d.value)
    assert (list(shapes.default.value), shapes.default.value.descriptor) == ([0, 0, 0.0, 0], shapes.d.value)
    one = shapes.one.value
    assert (one.descriptor[0], one.descriptor.descriptor[0]) == (7, 8)
    assert shapes.t[0] == shapes.t[1]
    assert shapes.t[0].descriptor[0] == 0


# ------------------------------------------------------------------------------------ collections
GRAPH = f"""
    (table $all 64 (ref null $one)) (table $wide 8 (ref null $wide)) (table $late 64 (ref null $late))
    (func (export "make") (param $at i32) (param $n i32)
      (table.set $all (local.get $at)
        (struct.new_desc $one
          (struct.new_desc $two (local.get $n) (struct.new $three (i32.add (local.get $n) (i32.const 1)))))))
    (func (export "read") (param $at i32) (result i32) (local $two (ref $two))
      (local.set $two (ref.get_desc $one (table.get $all (local.get $at))))
      (i32.mul (struct.get $two 0 (local.get $two))
               (struct.get $three 0 (ref.get_desc $two (local.get $two)))))
    (func (export "make wide") (param $at i32) (param $n i32)
      (table.set $wide (local.get $at) (struct.new_default_desc $wide (struct.new $wided (local.get $n))))
      (struct.set $wide {WIDE - 1} (table.get $wide (local.get $at)) (local.get $n)))
    (func (export "make wider") (param $at i32) (param $n i32)
      (table.set $wide (local.get $at)
        (struct.new_desc $wide {"(local.get $n)" * WIDE} (struct.new $wided (local.get $n)))))
    (func (export "read wide") (param $at i32) (result i32)
      (i32.mul (struct.get $wide {WIDE - 1} (table.get $wide (local.get $at)))
               (struct.get $wided 0 (ref.get_desc $wide (table.get $wide (local.get $at))))))
    (func (export "link") (param $at i32) (param $to i32)
      (table.set $late (local.get $at)
        (struct.new_desc $late (local.get $at) (table.get $late (local.get $to)) (struct.new $lated))))
    (func (export "same") (param $at i32) (result i32)
      (ref.test (ref (exact $lated)) (ref.get_desc $late (table.get $late (local.get $at)))))
"""


@pytest.mark.parametrize("heap", [False, True], ids=["", "at every allocation"])
def test_a_descriptor_lives_as_long_as_what_it_describes(heap):
    store = Store()
    shapes = instantiate(GRAPH, store=store)
    store.stress(heap=heap)
    for i in range(64):
        shapes.exports.make(i, 3 * i)
        shapes.exports.link(i, i // 2)
    for i in range(8):
        shapes.exports["make wide" if i % 2 else "make wider"](i, i)
    store.gc()
    assert store.heap_objects == 64 * 3 + 64 * 2 + 8 * 2
    for i in range(64):
        assert (shapes.exports.read(i), shapes.exports.same(i)) == (3 * i * (3 * i + 1), 1)
    for i in range(8):
        assert shapes.exports["read wide"](i) == i * i


def test_a_descriptor_does_not_keep_what_it_describes():
    store = Store()
    shapes = instantiate("", store=store)
    d = Struct(shapes, AD)
    a = [Struct(shapes, A, descriptor=d) for _ in range(5)]
    store.gc()
    assert store.heap_objects == 6
    held = a[0]
    del a, d
    store.gc()
    assert store.heap_objects == 2
    assert held.descriptor[0] == 0


@pytest.mark.parametrize("n", [3, 200])
def test_chains_of_descriptors(n):
    """A type's descriptor has one, too, and so on."""
    types = "".join(
        f"(type $t{i} {f'(describes $t{i - 1})' if i else ''} {f'(descriptor $t{i + 1})' if i < n - 1 else ''} (struct))"
        for i in range(n)
    )
    made = f"(struct.new $t{n - 1})"
    for i in reversed(range(n - 1)):
        made = f"(struct.new_desc $t{i} {made})"
    last = "(global.get $first)"
    for i in range(n - 1):
        last = f"(ref.get_desc $t{i} {last})"
    text = f"""(module (rec {types}) (global $first (ref (exact $t0)) {made})
        (func (export "first") (result (ref (exact $t0))) {made})
        (func (export "last") (result (ref (exact $t{n - 1}))) {last}))"""
    store = Store()
    exports = Module(wat2wasm(text, ON), features=ON).instantiate(store=store).exports
    store.stress(heap=True)
    struct = exports.first()
    for _ in range(n - 1):
        struct = struct.descriptor
    assert struct.descriptor is None
    assert struct != exports.last()
    assert exports.last() == exports.last()


VECTORS = """(module
    (rec
      (type $v (sub (descriptor $d) (struct (field i32) (field (mut v128)))))
      (type $d (sub (describes $v) (struct (field v128) (field i32))))
      (type $w (sub $v (descriptor $e) (struct (field i32) (field (mut v128)) (field i64))))
      (type $e (sub $d (describes $w) (struct (field v128) (field i32)))))
    (global $e (export "e") (ref (exact $e)) (struct.new $e (v128.const i64x2 1 2) (i32.const 3)))
    (global $made (export "made") (ref $v)
      (struct.new_desc $w (i32.const 4) (v128.const i64x2 5 6) (i64.const 7) (global.get $e)))
    (func (export "new") (result (ref $v))
      (struct.new_desc $w (i32.const 4) (v128.const i64x2 5 6) (i64.const 7) (global.get $e)))
    (func (export "default") (result (ref $v)) (struct.new_default_desc $w (global.get $e)))
    (func (export "describe") (param (ref $v)) (result i32) (struct.get $d 1 (ref.get_desc $v (local.get 0)))))"""


@pytest.mark.parametrize("heap", [False, True], ids=["", "at every allocation"])
def test_vectors_take_two_words_below_the_descriptor(heap):
    store = Store()
    exports = Module(wat2wasm(VECTORS, ON), features=ON).instantiate(store=store).exports
    store.stress(heap=heap)
    five_six = (5 | 6 << 64).to_bytes(16, "little")
    values = [4, five_six, 7]
    for struct, fields in (
        (exports.made.value, values),
        (exports.new(), values),
        (exports.default(), [0, bytes(16), 0]),
    ):
        assert (list(struct), struct.descriptor, exports.describe(struct)) == (fields, exports.e.value, 3)
        struct[1] = five_six
        assert (struct[1], struct.descriptor[1]) == (five_six, 3)
    assert exports.e.value[0] == (1 | 2 << 64).to_bytes(16, "little")
