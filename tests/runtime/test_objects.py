"""Structs, arrays and i31 values as Python sees them; host values that guests hold."""

import gc
import weakref

import pytest
from instantiating import exports, instantiate

from wasmcy import I31, Array, GuestException, Limits, MemoryLimit, Store, Struct, Table, Trap

TYPES = """
    (type $point (sub (struct (field $x (mut i32)) (field $y f64))))
    (type $colour (sub $point (struct (field (mut i32)) (field f64) (field (mut i8)) (field (mut i16)))))
    (type $list (struct (field i32) (field (mut (ref null $list)))))
    (type $bytes (array (mut i8))) (type $doubles (array (mut f64))) (type $points (array (mut (ref null $point))))
    (type $fixed (array i32))
"""
POINT, COLOUR, LIST, BYTES, DOUBLES, POINTS, FIXED = range(7)


@pytest.fixture
def shapes():
    return instantiate(
        TYPES
        + """
        (func (export "point") (param i32 f64) (result (ref $point))
          (struct.new $colour (local.get 0) (local.get 1) (i32.const 255) (i32.const 65535)))
        (func (export "x") (param (ref null $point)) (result i32) (struct.get $point $x (local.get 0)))
        (func (export "any") (param anyref) (result anyref) (local.get 0))
        (func (export "eq") (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1)))
        (func (export "out") (param anyref) (result externref) (extern.convert_any (local.get 0)))
        (func (export "in") (param externref) (result anyref) (any.convert_extern (local.get 0)))
        (func (export "i31") (param i31ref) (result i32) (i31.get_s (local.get 0)))
        (func (export "array") (param (ref $bytes)) (result i32) (array.get_u $bytes (local.get 0) (i32.const 1)))
        (table (export "table") 2 anyref)
        (global $made (export "made") (ref null $point) (struct.new $point (i32.const 5) (f64.const 0.5)))
        (global (export "pair") arrayref (array.new_fixed $points 2 (global.get $made) (ref.null $point)))
        (global (export "variable") (mut (ref null $point)) (global.get $made))
        """
    )


def test_a_struct_is_its_fields(shapes):
    p = shapes.exports.point(7, 2.5)
    assert isinstance(p, Struct)
    assert (len(p), list(p), p[-1]) == (4, [7, 2.5, 255, 65535], 65535)
    p[0] = -3
    p[2] = -1
    assert (p[0], p[2], shapes.exports.x(p)) == (-3, 255, -3)
    with pytest.raises(TypeError, match="field 1 of .* is not mutable"):
        p[1] = 1.0
    with pytest.raises(IndexError, match="field 4 of 4"):
        p[4]
    with pytest.raises(OverflowError, match="256 does not fit i8"):
        p[2] = 256


def test_an_array_is_its_elements(shapes):
    a = Array(shapes, BYTES, b"abc")
    assert (len(a), list(a), a[-1], a[1:], a.tobytes()) == (3, [97, 98, 99], 99, [98, 99], b"abc")
    a[1] = 255
    assert shapes.exports.array(a) == 255
    assert Array(shapes, DOUBLES, 3)[2] == 0.0
    assert Array(shapes, DOUBLES, [1.5]).tobytes() == bytes.fromhex("000000000000f83f")
    with pytest.raises(IndexError, match="element 3 of 3"):
        a[3]
    with pytest.raises(TypeError, match="not mutable"):
        Array(shapes, FIXED, [1])[0] = 2
    points = Array(shapes, POINTS, [None, shapes.exports.point(1, 1.0)])
    assert points[0] is None
    assert points[1][0] == 1
    with pytest.raises(TypeError, match="references have no bytes"):
        points.tobytes()


def test_objects_are_made_of_a_type_of_a_module(shapes):
    assert list(Struct(shapes, POINT)) == [0, 0.0]
    head = None
    for i in range(3):
        head = Struct(shapes, LIST, [i, head])
    assert (head[0], head[1][0], head[1][1][0], head[1][1][1]) == (2, 1, 0, None)
    with pytest.raises(TypeError, match="type 3 is no StructType"):
        Struct(shapes, BYTES)
    with pytest.raises(TypeError, match="has 2 fields, not 1"):
        Struct(shapes, POINT, [1])
    with pytest.raises(IndexError):
        Struct(shapes, 99)
    with pytest.raises(TypeError):
        Struct(shapes, LIST, [1, Struct(shapes, POINT)])
    with pytest.raises(TypeError, match="never made"):
        Struct.__new__(Struct)[0]
    p = Struct(shapes, POINT)
    with pytest.raises(TypeError, match="made already"):
        p.__init__(shapes, LIST)


def test_identity_is_equality(shapes):
    p, q = shapes.exports.point(1, 1.0), shapes.exports.point(1, 1.0)
    again = shapes.exports.any(p)
    assert p == again
    assert hash(p) == hash(again)
    assert p != q
    assert (shapes.exports.eq(p, again), shapes.exports.eq(p, q)) == (1, 0)


@pytest.mark.parametrize("value", [0, 1, -1, (1 << 30) - 1, -(1 << 30)])
def test_small_ints_are_i31_references(shapes, value):
    found = shapes.exports.any(value)
    assert type(found) is I31
    assert found == value
    assert shapes.exports.i31(value) == value
    assert type(shapes.exports.out(I31(value))) is I31
    assert shapes.exports.eq(value, I31(value)) == 1


def test_what_is_no_i31_does_not_become_one(shapes):
    with pytest.raises(OverflowError):
        shapes.exports.i31(1 << 30)
    with pytest.raises(OverflowError):
        I31(1 << 30)
    with pytest.raises(TypeError):
        shapes.exports.i31("x")
    with pytest.raises(TypeError):
        shapes.exports.x(Array(shapes, BYTES, b""))


def test_host_values_cross_as_any_and_extern_unchanged(shapes):
    value = object()
    for name in ("any", "in"):
        assert shapes.exports[name](value) is value
    p = shapes.exports.point(1, 1.0)
    assert shapes.exports.out(p) == p
    assert shapes.exports["in"](shapes.exports.out(p)) == p
    assert shapes.exports.any(None) is None


def test_constant_expressions_make_objects(shapes):
    assert list(shapes.exports.made.value) == [5, 0.5]
    pair = shapes.exports.pair.value
    assert pair[0] == shapes.exports.made.value
    assert pair[1] is None
    shapes.exports.variable.value = shapes.exports.point(9, 9.0)
    shapes.store.gc()
    assert (shapes.exports.variable.value[0], shapes.exports.made.value[0]) == (9, 5)


def test_a_handle_keeps_its_object_and_what_it_leads_to(shapes):
    store = shapes.store
    head = None
    for i in range(1000):
        head = Struct(shapes, LIST, [i, head])
    store.gc()
    kept = store.heap_objects
    for i in range(1000):
        assert head[0] == 999 - i
        head = head[1]
    assert head is None
    store.gc()
    assert store.heap_objects == kept - 1000


class Value:
    pass


def test_host_values_are_released_when_the_guest_drops_them(shapes):
    values = [Value() for _ in range(10)]
    watched = [weakref.ref(value) for value in values]
    table = shapes.exports.table
    for value in values:
        table[0] = value
    del values, value
    gc.collect()
    shapes.store.gc()
    assert [ref() is not None for ref in watched] == [False] * 9 + [True]
    assert table[0] is watched[9]()
    table[0] = None
    shapes.store.gc()
    assert watched[9]() is None


def test_cells_of_host_values_are_collected_without_being_asked(shapes):
    watched = weakref.WeakSet()
    for _ in range(60_000):
        value = Value()
        watched.add(value)
        shapes.exports["in"](value)
    del value
    assert len(watched) < 40_000


def test_a_finaliser_may_use_the_store(shapes):
    class Final:
        def __del__(self):
            done.append(list(shapes.exports.point(3, 4.0)))

    done = []
    shapes.exports.table[1] = Final()
    shapes.exports.table[1] = None
    shapes.store.gc()
    assert done == [[3, 4.0, 255, 65535]]


HOSTILE = (
    TYPES
    + """
    (func (export "bytes") (param i32) (result i32) (array.len (array.new_default $bytes (local.get 0))))
    (func (export "doubles") (param i32) (result i32) (array.len (array.new $doubles (f64.const 1) (local.get 0))))
    (func (export "grow") (local $l (ref null $list))
      (loop (local.set $l (struct.new $list (i32.const 1) (local.get $l))) (br 0)))
    (func (export "double") (local $l (ref null $bytes)) (local $n i32)
      (local.set $n (i32.const 1))
      (loop (local.set $l (array.new $bytes (i32.const 1) (local.get $n)))
        (local.set $n (i32.shl (local.get $n) (i32.const 1))) (br 0)))
    """
)


@pytest.mark.parametrize("name", ["bytes", "doubles"])
@pytest.mark.parametrize("n", [0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x40000001])
def test_an_array_beyond_all_bounds_is_refused(name, n):
    with pytest.raises(MemoryLimit):
        exports(HOSTILE)[name](n)


@pytest.mark.parametrize("limit", ["64KiB", "1MiB", "16MiB"])
def test_the_heap_counts_against_the_stores_limit(limit):
    made = instantiate(HOSTILE, limits=Limits(memory=limit))
    for name in ("grow", "double"):
        with pytest.raises(MemoryLimit) as caught:
            made.exports[name]()
        assert caught.value.frames[0].offset is not None
        assert made.store.memory_bytes <= made.store.limits.memory
        made.store.gc()
        assert made.store.memory_bytes < 1 << 15
    assert made.exports.bytes(100) == 100


def test_garbage_is_collected_in_little_room():
    made = instantiate(
        TYPES
        + """
        (func (export "run") (param i32) (result i32) (local $p (ref null $colour))
          (loop
            (local.set $p
              (struct.new $colour (local.get 0) (f64.const 0) (i32.const 1) (i32.const 2)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (struct.get $colour 0 (local.get $p)))
        """,
        limits=Limits(memory="4MiB"),
    )
    assert made.exports.run(3_000_000) == 1
    assert made.store.collections > 20


WASTE = (
    TYPES
    + """
    (memory (export "memory") 1) (table $t 1 funcref)
    (func (export "waste") (drop (array.new_default $bytes (i32.const 3000000))))
    (func (export "memory.grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "table.grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
    (global $kept (mut (ref null $bytes)) (ref.null $bytes))
    (func (export "keep") (param i32) (global.set $kept (array.new_default $bytes (local.get 0))))
"""
)


@pytest.mark.parametrize(("name", "count", "before"), [("memory.grow", 50, 1), ("table.grow", 400_000, 1)])
def test_growing_collects_before_it_fails(name, count, before):
    made = instantiate(WASTE, limits=Limits(memory="4MiB"))
    made.exports.waste()
    assert made.exports[name](count) == before
    assert made.store.memory_bytes < 4 << 20
    made.exports.keep(100_000)
    assert made.exports[name](count) == -1
    assert made.store.memory_bytes <= 4 << 20


def test_growing_from_python_collects_too():
    made = instantiate(WASTE, limits=Limits(memory="4MiB"))
    made.exports.waste()
    assert made.exports.memory.grow(50) == 1
    table = Table("externref", 1, store=made.store)
    made.exports.keep(500_000)
    made.exports.keep(0)
    value = Value()
    assert table.grow(60_000, value) == 1
    assert table[60_000] is value


def test_a_queue_whose_head_moves_on_does_not_leak():
    made = instantiate(
        TYPES
        + """
        (func (export "run") (param i32) (result i32) (local $head (ref null $list)) (local $tail (ref null $list))
          (local.set $tail (local.tee $head (struct.new $list (i32.const 0) (ref.null $list))))
          (loop
            (struct.set $list 1 (local.get $tail) (struct.new $list (local.get 0) (ref.null $list)))
            (local.set $tail (struct.get $list 1 (local.get $tail)))
            (local.set $head (struct.get $list 1 (local.get $head)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (struct.get $list 0 (local.get $head)))
        """,
        limits=Limits(memory="3MiB"),
    )
    assert made.exports.run(1_000_000) == 1


def test_a_long_list_is_followed_without_recursion():
    made = instantiate(
        TYPES
        + """
        (global $l (mut (ref null $list)) (ref.null $list))
        (func (export "build") (param i32)
          (loop
            (global.set $l (struct.new $list (local.get 0) (global.get $l)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "drop") (global.set $l (ref.null $list)))
        """
    )
    made.exports.build(1_000_000)
    made.store.gc()
    assert made.store.heap_objects == 1_000_000
    made.exports.drop()
    made.store.gc()
    assert (made.store.heap_objects, made.store.heap_bytes) == (0, 0)


VECTORS = """
    (type $s (struct (field i32) (field (mut v128)) (field (mut i64)) (field v128) (field anyref)))
    (type $a (array (mut v128)))
    (data $d "0123456789abcdefghijklmnopqrstuvwxyz")
    (global (export "s") (ref $s) (struct.new $s (i32.const 1) (v128.const i64x2 1 2) (i64.const 3)
      (v128.const i64x2 4 5) (ref.i31 (i32.const 6))))
    (global $v v128 (v128.const i64x2 7 8))
    (global (export "a") (ref $a) (array.new_fixed $a 2 (global.get $v) (v128.const i64x2 9 10)))
    (global (export "b") (ref $a) (array.new $a (v128.const i64x2 1 1) (i32.const 3)))
    (global (export "c") (ref $a) (array.new_default $a (i32.const 3)))
    (func (export "data") (param i32 i32) (result (ref $a)) (array.new_data $a $d (local.get 0) (local.get 1)))
    (func (export "init") (param (ref $a)) (array.init_data $a $d (local.get 0) (i32.const 1) (i32.const 4) (i32.const 2)))
    (func (export "new") (param v128 i32) (result (ref $a)) (array.new $a (local.get 0) (local.get 1)))
    (func (export "fill") (param (ref $a) i32 v128 i32)
      (array.fill $a (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (func (export "copy") (param (ref $a) i32 (ref $a) i32 i32)
      (array.copy $a $a (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
"""


def lanes(low, high):
    return low.to_bytes(8, "little") + high.to_bytes(8, "little")


def test_vectors_are_fields_and_elements():
    made = instantiate(VECTORS)
    exported = made.exports
    assert list(exported.s.value) == [1, lanes(1, 2), 3, lanes(4, 5), 6]
    assert list(exported.a.value) == [lanes(7, 8), lanes(9, 10)]
    assert list(exported.b.value) == [lanes(1, 1)] * 3
    assert exported.c.value.tobytes() == bytes(48)
    struct = Struct(made, 0, [5, lanes(1, 2), -1, bytes(16), None])
    struct[1], struct[2] = lanes(3, 4), 9
    assert (list(struct), struct[-2]) == ([5, lanes(3, 4), 9, bytes(16), None], bytes(16))
    assert list(Struct(made, 0)) == [0, bytes(16), 0, bytes(16), None]
    array = Array(made, 1, [lanes(1, 2), lanes(3, 4)])
    array[0] = b"0123456789abcdef"
    assert array.tobytes() == b"0123456789abcdef" + lanes(3, 4)
    with pytest.raises(TypeError, match="expected 16 bytes"):
        array[0] = b"short"
    with pytest.raises(TypeError, match="v128"):
        struct[1] = 5


def test_vectors_come_from_data():
    exported = instantiate(VECTORS).exports
    assert exported.data(1, 2).tobytes() == b"123456789abcdefghijklmnopqrstuvw"
    for start, n in ((5, 2), (37, 0), (0, 1 << 31)):
        with pytest.raises(Trap, match="out of bounds"):
            exported.data(start, n)
    array = exported.new(bytes(16), 3)
    exported.init(array)
    assert array.tobytes() == bytes(16) + b"456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("stressed", [False, True])
@pytest.mark.parametrize("n", [0, 1, 63, 64, 511, 512, 513, 200_000])
def test_vectors_are_filled_and_copied_in_any_number(n, stressed):
    made = instantiate(VECTORS)
    made.store.stress(stressed, heap=stressed)
    value, other = lanes(1, 2), lanes(3, 4)
    array = made.exports.new(value, n + 2)
    assert array[:] == [value] * (n + 2)
    made.exports.fill(array, 1, other, n)
    assert array[:] == [value] + [other] * n + [value]
    made.exports.copy(array, 0, array, 1, n + 1)
    assert array[:] == [other] * n + [value] * 2
    for bad in ((3, n), (0, n + 3), (0xFFFFFFFF, 1)):
        with pytest.raises(Trap, match="out of bounds array access"):
            made.exports.fill(array, bad[0], value, bad[1])
        with pytest.raises(Trap, match="out of bounds array access"):
            made.exports.copy(array, *bad[:1], array, 0, bad[1])


@pytest.mark.parametrize("kind", ["i8", "i16", "i32", "i64", "f32", "f64"])
@pytest.mark.parametrize("n", [0, 1, 1023, 1024, 1025, 8191, 8192, 8193, 140_000])
def test_elements_are_filled_and_copied_in_any_number(kind, n):
    value = kind if kind in ("i64", "f32", "f64") else "i32"
    made = instantiate(f"""(type $a (array (mut {kind})))
        (func (export "new") (param i32) (result (ref $a)) (array.new_default $a (local.get 0)))
        (func (export "fill") (param (ref null $a) i32 {value} i32)
          (array.fill $a (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
        (func (export "copy") (param (ref null $a) i32 (ref null $a) i32 i32)
          (array.copy $a $a (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))""")
    one, two = (1.0, 2.0) if kind[0] == "f" else (1, 2)
    array, other = made.exports.new(n + 3), made.exports.new(n + 3)
    made.exports.fill(array, 1, one, n)
    made.exports.fill(array, n + 1, two, 1)
    model = [0] + [one] * n + [two, 0]
    assert array[:] == model
    made.exports.copy(array, 2, array, 1, n + 1)
    model[2 : n + 3] = model[1 : n + 2]
    assert array[:] == model
    made.exports.copy(array, 0, array, 1, n + 2)
    model[0 : n + 2] = model[1 : n + 3]
    assert array[:] == model
    made.exports.copy(other, 0, array, 0, n + 3)
    assert other[:] == model
    for call in (
        lambda: made.exports.fill(array, n + 3, one, 1),
        lambda: made.exports.fill(array, 4, one, 0xFFFFFFFF),
        lambda: made.exports.copy(array, n + 3, other, 0, 1),
        lambda: made.exports.copy(array, 0, other, 5, n),
    ):
        with pytest.raises(Trap, match="out of bounds array access"):
            call()
    for call in (lambda: made.exports.fill(None, 0, one, 0), lambda: made.exports.copy(None, 0, array, 0, 0),
                 lambda: made.exports.copy(array, 0, None, 0, 0)):  # fmt: skip
        with pytest.raises(Trap, match="null array reference"):
            call()
    assert other[:] == model


def test_stores_have_heaps_of_their_own(shapes):
    other = instantiate(TYPES + '(func (export "id") (param anyref) (result anyref) (local.get 0))', store=Store())
    p = shapes.exports.point(1, 1.0)
    assert other.exports.id(p) is p  # to the other store, a host value
    del p
    assert other.store.heap_objects == 0


def test_exceptions_keep_the_objects_they_carry():
    text = (
        TYPES
        + """
        (import "m" "gc" (func $gc))
        (tag $e (param (ref null $list) externref))
        (func (export "throw") (param externref)
          (throw $e (struct.new $list (i32.const 42) (ref.null $list)) (local.get 0)))
        (func (export "catch") (param externref) (result i32 externref) (local $x exnref)
          (block $h (result (ref null $list) externref exnref)
            (try_table (catch_ref $e $h)
              (throw $e (struct.new $list (i32.const 42) (ref.null $list)) (local.get 0))) (unreachable))
          (local.set $x) (drop) (drop)
          (local.set 0 (ref.null extern))
          (call $gc)
          (block $again (result (ref null $list) externref)
            (try_table (catch $e $again) (throw_ref (local.get $x))) (unreachable))
          (local.set 0) (struct.get $list 0) (local.get 0))
        """
    )
    store = Store()
    made = exports(text, {"m": {"gc": lambda: store.gc()}}, store=store)
    assert made["catch"]("kept") == (42, "kept")
    with pytest.raises(GuestException) as caught:
        made["throw"]("thrown")
    store.gc()
    assert (caught.value.values[0][0], caught.value.values[1]) == (42, "thrown")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(drop (struct.get $point 0 (ref.null $point)))", "null structure reference"),
        ("(drop (array.len (ref.null array)))", "null array reference"),
        ("(drop (i31.get_s (ref.null i31)))", "null i31 reference"),
        ("(drop (array.get $fixed (array.new_default $fixed (i32.const 3)) (i32.const 3)))", "out of bounds array"),
        ("(drop (ref.cast (ref i31) (array.new_default $fixed (i32.const 3))))", "cast failure"),
    ],
)
def test_traps_say_what_was_wrong_and_where(body, message):
    with pytest.raises(Trap) as caught:
        exports(f'{TYPES} (func (export "f") (drop (ref.i31 (i32.const 0))) {body})').f()
    assert caught.value.message.startswith(message)
    assert caught.value.frames[0].offset is not None
