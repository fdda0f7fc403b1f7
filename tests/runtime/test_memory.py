"""Memories: sizes, growth, reading and writing, the buffer protocol."""

import array
import ctypes
import gc
import io
import mmap

import numpy
import pytest
from instantiating import exports, instantiate

import wasmcy
from wasmcy import Memory
from wasmcy.text import wat2wasm

FEATURES = wasmcy.Features(custom_page_sizes=True)

PAGE = 65536


@pytest.fixture
def memory():
    """One page whose first 256 bytes count."""
    made = Memory(1, 4)
    made.write(0, bytes(range(256)))
    return made


# ------------------------------------------------------------------------------------ sizes
def test_sizes_are_in_pages_and_bytes():
    memory = Memory(2, 5)
    assert (memory.size, len(memory)) == (2, 2 * PAGE)
    assert memory.type == wasmcy.MemoryType(2, 5)
    assert repr(memory) == "<wasmcy.Memory of 2 pages>"
    assert bytes(memory) == bytes(2 * PAGE)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((-1,), ValueError),
        ((2, 1), ValueError),
        ((65537,), ValueError),
        ((10**30,), ValueError),
        ((0, -1), ValueError),
        (("1",), TypeError),
        ((None,), TypeError),
        ((1.5,), TypeError),
    ],
    ids=repr,
)
def test_impossible_sizes_are_refused(arguments, error):
    with pytest.raises(error):
        Memory(*arguments)


@pytest.mark.parametrize("page_size", [0, 2, 4096, 65535, 1 << 17, -1, "1", None])
def test_pages_are_of_64_kib_or_of_one_byte(page_size):
    with pytest.raises(ValueError, match="only 1 and 65536 are possible"):
        Memory(1, page_size=page_size)


SMALL_PAGES = """(memory (export "m") 3 200000 (pagesize 1))
    (func (export "size") (result i32) (memory.size)) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "load64") (param i32) (result i64) (i64.load (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"""


def small_pages():
    return wasmcy.Module(wat2wasm(f"(module {SMALL_PAGES})", FEATURES), features=FEATURES).instantiate().exports


def test_memories_with_pages_of_one_byte_have_any_size():
    offered = small_pages()
    memory = offered.m
    assert (memory.size, len(memory), offered.size(), memory.type.page_size_log2) == (3, 3, 3, 0)
    sizes = [3]
    for more in (0, 1, 7, 65525, 1, 65536, 12345):
        offered.store(sizes[-1] - 1, 200)
        assert offered.grow(more) == sizes[-1]
        sizes.append(sizes[-1] + more)
        assert offered.size() == memory.size == len(memory) == sizes[-1]
        if more:
            assert offered.load(sizes[-1] - 1) == 0
        for name, width in (("load", 1), ("load64", 8)):
            with pytest.raises(wasmcy.Trap, match="out of bounds memory access"):
                offered[name](sizes[-1] - width + 1)
    assert memory.grow(1) == sizes[-1] and offered.grow(200000) == -1
    assert [memory[size - 1] for size in sizes[:-1]] == [200] * (len(sizes) - 1)


def test_a_view_fixes_memories_with_pages_of_one_byte_too():
    offered = small_pages()
    view = memoryview(offered.m)
    view[2] = 9
    assert offered.grow(70_000) == 3 and len(view) == 3
    offered.store(2, 8)
    assert view[2] == 8 and bytes(offered.m) == b"\0\0\x08" + bytes(70_000)


def test_memories_match_only_imports_with_their_page_size():
    for size, wanted in ((1, "1 10 (pagesize 1)"), (65536, "1 10")):
        text = wat2wasm(f'(module (import "m" "m" (memory {wanted})))', FEATURES)
        module = wasmcy.Module(text, features=FEATURES)
        module.instantiate({"m": {"m": Memory(1, 10, page_size=size)}})
        with pytest.raises(wasmcy.LinkError, match="incompatible import type"):
            module.instantiate({"m": {"m": Memory(1, 10, page_size=65537 - size)}})


def test_the_largest_sizes_are_refused_with_an_error():
    for arguments in ({"page_size": 1}, {"page_size": 1, "is64": True}, {"is64": True}):
        limit = (1 << (48 if "is64" in arguments else 32)) // (1 if "page_size" in arguments else 65536)
        with pytest.raises(ValueError, match="at most"):
            Memory(limit + ("page_size" not in arguments), **arguments)
    with pytest.raises(wasmcy.MemoryLimit, match="at most"):
        exports(f"(memory i64 {1 << 40})")


def test_a_memory_can_be_empty():
    memory = Memory()
    assert (len(memory), memory.size, memory[0:0], memory.read(0, 0), bytes(memory)) == (0, 0, b"", b"", b"")
    assert len(memoryview(memory)) == 0
    memory.write(0, b"")
    for attempt in (
        lambda: memory[0],
        lambda: memory.read(0, 1),
        lambda: memory.write(0, b"x"),
        lambda: memory.read_cstring(0),
    ):
        with pytest.raises(IndexError):
            attempt()
    assert memory.grow(1) == 0
    assert bytes(memory) == bytes(PAGE)


def test_memories_grow_up_to_their_maximum(memory):
    assert memory.grow(0) == 1
    assert memory.grow(1) == 1
    assert memory.grow(2) == 2
    assert memory.size == 4
    assert memory.grow(0) == 4
    for pages in (1, 2**16, 2**32, 2**48, 2**64, 10**30):
        with pytest.raises(wasmcy.MemoryLimit, match=rf"cannot grow by {pages} pages"):
            memory.grow(pages)
    assert memory[0:256] == bytes(range(256))
    assert memory[PAGE : 4 * PAGE] == bytes(3 * PAGE)


@pytest.mark.parametrize(
    ("pages", "error"),
    [(-1, ValueError), (-(10**30), ValueError), (1.5, TypeError), ("1", TypeError), (None, TypeError)],
)
def test_memories_grow_by_whole_pages(memory, pages, error):
    with pytest.raises(error):
        memory.grow(pages)
    assert memory.size == 1


def test_contents_survive_every_growth():
    """From a few pages, across the size from which memories live in address space of their own."""
    memory = Memory(0, 200)
    for size in range(200):
        assert memory.grow(1) == size
        memory.write(size * PAGE + 5, bytes([size % 251 + 1]))
    assert [memory[size * PAGE + 5] for size in range(200)] == [size % 251 + 1 for size in range(200)]
    assert bytes(memory).count(0) == 200 * PAGE - 200


def test_guest_and_host_see_the_same_sizes():
    offered = exports("""
        (memory (export "memory") 1 10)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size))
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    """)
    memory = offered.memory
    assert memory.grow(2) == 1
    assert offered.size() == 3
    assert offered.grow(4) == 3
    assert memory.size == 7
    assert offered.load(7 * PAGE - 1) == 0
    with pytest.raises(wasmcy.Trap, match="out of bounds memory access"):
        offered.load(7 * PAGE)
    assert offered.grow(4) == -1
    assert offered.grow(-1) == -1
    assert memory.type == wasmcy.MemoryType(1, 10)


# ------------------------------------------------------------------------------------ reading and writing
def test_reading(memory):
    assert memory[65] == 65
    assert memory[10:14] == memory.read(10, 4) == b"\x0a\x0b\x0c\x0d"
    assert memory[254:258] == b"\xfe\xff\0\0"
    assert memory[:3] == b"\0\1\2"
    assert memory[65530:] == bytes(6)
    assert memory[5:5] == b""
    assert memory[PAGE:] == memory[PAGE:PAGE] == b""
    assert memory[0:4:1] == b"\0\1\2\3"
    assert memory[numpy.int32(3)] == 3 and memory[True] == 1
    assert memory[numpy.int64(3) : numpy.uint8(5)] == b"\3\4"
    assert type(memory[0:1]) is bytes and type(memory[0]) is int


@pytest.mark.parametrize(
    "data", [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(bytearray(b"abc")), array.array("B", b"abc"),
             numpy.frombuffer(b"abc", dtype="u1"), numpy.frombuffer(b"abc", dtype="i1"), numpy.array([b"abc"]), memoryview(b"a-b-c")[::2],
             memoryview(b"abc").cast("c"), (ctypes.c_char * 3)(*b"abc"), ctypes.create_string_buffer(b"ab\x63", 3)],
    ids=lambda data: type(data).__name__,
)  # fmt: skip
def test_any_buffer_can_be_written(memory, data):
    memory.write(100, data)
    assert memory[99:104] == b"cabcg"
    memory[200:203] = data
    assert memory[199:204] == b"\xc7abc\xcb"
    memory.write(PAGE - 3, data)
    with pytest.raises(IndexError):
        memory.write(PAGE - 2, data)


def test_wider_elements_are_written_as_their_bytes(memory):
    memory.write(0, array.array("i", [1, -1]))
    assert memory[0:8] == array.array("i", [1, -1]).tobytes()
    memory.write(0, numpy.arange(6, dtype="<u2").reshape(2, 3).T)
    assert memory[0:12] == bytes([0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5, 0])
    memory.write(0, b"")
    memory.write(PAGE, b"")


def test_a_span_takes_bytes_of_its_length(memory):
    memory[0:4] = b"wasm"
    memory[4:6] = [1, 255]
    memory[6:6] = b""
    memory[PAGE - 2 :] = b"yz"
    assert memory[0:6] + memory[PAGE - 2 :] == b"wasm\1\xffyz"
    for wrong in (b"abc", b"abcde", b""):
        with pytest.raises(ValueError, match="for a span of 4"):
            memory[0:4] = wrong


@pytest.mark.parametrize(
    "wrong", [4, None, 1.5, "abcd", [256, 0, 0, 0], [-1, 0, 0, 0], ["a", "b", "c", "d"], object()], ids=repr
)
def test_a_span_takes_nothing_but_bytes(memory, wrong):
    with pytest.raises((TypeError, ValueError)):
        memory[0:4] = wrong
    assert memory[0:4] == b"\0\1\2\3"


def test_a_byte_takes_a_byte(memory):
    memory[5] = 255
    memory[6] = numpy.uint8(7)
    memory[7] = True
    assert memory[5:8] == b"\xff\7\1"
    for wrong in (256, -1, 10**30, 1.5, "a", b"a", None):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            memory[5] = wrong
    assert memory[5] == 255


OUTSIDE = [
    lambda m: m[PAGE],
    lambda m: m[-1],
    lambda m: m[10**30],
    lambda m: m[-(10**30)],
    lambda m: m[0 : PAGE + 1],
    lambda m: m[PAGE + 1 :],
    lambda m: m[-4:],
    lambda m: m[0:-4],
    lambda m: m[5:4],
    lambda m: m[0 : 10**30],
    lambda m: m[2**64 : 2**64 + 1],
    lambda m: m.read(PAGE, 1),
    lambda m: m.read(PAGE - 1, 2),
    lambda m: m.read(0, PAGE + 1),
    lambda m: m.read(-1, 1),
    lambda m: m.read(1, -1),
    lambda m: m.read(2**64 - 1, 2),
    lambda m: m.read(1, 2**64 - 1),
    lambda m: m.read(2**63, 2**63),
    lambda m: m.write(PAGE, b"x"),
    lambda m: m.write(PAGE - 1, b"xy"),
    lambda m: m.write(-1, b"x"),
    lambda m: m.write(2**64, b"x"),
    lambda m: m.write(2**64 - 1, bytearray(b"xy")),
    lambda m: m.__setitem__(PAGE, 1),
    lambda m: m.__setitem__(-1, 1),
    lambda m: m.__setitem__(slice(PAGE - 1, PAGE + 1), b"xy"),
    lambda m: m.__setitem__(slice(PAGE - 1, None), b"xy"),
    lambda m: m.__setitem__(slice(-2, None), b"xy"),
    lambda m: m.read_cstring(PAGE),
    lambda m: m.read_cstring(-1),
    lambda m: m.read_cstring(2**64),
]


@pytest.mark.parametrize("attempt", OUTSIDE)
def test_addresses_outside_are_refused(memory, attempt):
    with pytest.raises(IndexError):
        attempt(memory)
    assert memory[0:256] == bytes(range(256)) and memory[256:] == bytes(PAGE - 256)


@pytest.mark.parametrize("key", [1.5, "1", None, (1, 2), [1], b"1"], ids=repr)
def test_addresses_are_ints(memory, key):
    with pytest.raises(TypeError):
        memory[key]
    with pytest.raises(TypeError):
        memory[key] = 1
    with pytest.raises(TypeError):
        memory.read(key, 1)
    with pytest.raises(TypeError):
        memory.read(1, key)
    with pytest.raises(TypeError):
        memory.write(key, b"x")
    with pytest.raises(TypeError):
        memory.read_cstring(key)


def test_spans_have_no_step(memory):
    for step in (2, -1, 0):
        with pytest.raises(ValueError, match="step"):
            memory[0:4:step]
        with pytest.raises(ValueError, match="step"):
            memory[0:4:step] = b"abcd"


def test_nothing_is_deleted(memory):
    with pytest.raises((TypeError, NotImplementedError)):
        del memory[0]


def test_strings_end_at_a_zero_byte(memory):
    memory.write(1000, b"hello\0world\0")
    assert memory.read_cstring(1000) == b"hello"
    assert memory.read_cstring(1003) == b"lo"
    assert memory.read_cstring(1005) == b""
    assert memory.read_cstring(1006) == b"world"
    assert memory.read_cstring(1000, 6) == memory.read_cstring(1000, 10**30) == b"hello"
    for limit in (0, 1, 5):
        with pytest.raises(IndexError, match="no zero byte"):
            memory.read_cstring(1000, limit)
    memory.write(PAGE - 3, b"xyz")
    with pytest.raises(IndexError, match="no zero byte"):
        memory.read_cstring(PAGE - 3)
    with pytest.raises((ValueError, OverflowError)):
        memory.read_cstring(0, -1)


# ------------------------------------------------------------------------------------ the buffer protocol
def test_a_view_shows_and_sets_the_memory(memory):
    view = memoryview(memory)
    assert (view.format, view.itemsize, view.ndim, view.nbytes, view.readonly) == ("B", 1, 1, PAGE, False)
    assert view[10] == 10
    view[10] = 99
    view[20:24] = b"abcd"
    assert memory[10] == 99 and memory[20:24] == b"abcd"
    memory[11] = 98
    assert view[11] == 98


def test_numpy_shares_the_memory():
    offered = exports("""
        (memory (export "memory") 1)
        (func (export "sum") (param i32 i32) (result f64) (local f64)
          (loop
            (local.set 2 (f64.add (local.get 2) (f64.load (local.get 0))))
            (local.set 0 (i32.add (local.get 0) (i32.const 8)))
            (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
          (local.get 2))
    """)
    numbers = numpy.frombuffer(offered.memory, dtype="<f8", count=1000, offset=64)
    numbers[:] = numpy.arange(1000)
    assert offered.sum(64, 1000) == 499500
    assert offered.memory[72:80] == numpy.array([1.0]).tobytes()


def test_growth_moves_no_view():
    memory = Memory(1, 1000)
    first = memoryview(memory)
    array_ = numpy.frombuffer(memory, dtype="u1")
    memory.grow(999)
    second = memoryview(memory)
    assert len(first) == PAGE and len(second) == 1000 * PAGE
    first[7] = 77
    assert array_[7] == second[7] == memory[7] == 77
    second[PAGE] = 1
    assert memory[PAGE] == 1


def test_a_guest_may_grow_while_views_are_alive():
    offered = exports("""
        (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    """)
    view = memoryview(offered.memory)
    assert offered.grow(500) == 1
    offered.store(0, 0x01020304)
    offered.store(500 * PAGE, 5)
    assert view[0:4] == b"\4\3\2\1"
    assert offered.memory[500 * PAGE] == 5


def test_a_view_keeps_the_memory_alive():
    view = memoryview(exports('(memory (export "memory") 1) (data (i32.const 0) "kept")').memory)
    array_ = numpy.frombuffer(exports('(memory (export "memory") 50) (data (i32.const 0) "kept")').memory, dtype="u1")
    gc.collect()
    assert bytes(view[0:4]) == bytes(array_[0:4]) == b"kept"
    view[PAGE - 1] = 1


def test_views_of_views_and_released_views(memory):
    for _ in range(100):
        with memoryview(memory) as view, view[10:20] as part, part.cast("H") as wide:
            assert wide[0] == 0x0B0A
    assert memory.grow(1) == 1


def test_files_and_other_modules_take_the_memory(memory):
    assert io.BytesIO(b"file").readinto(memory) == 4
    assert memory[0:5] == b"file\4"
    assert bytes(memory) == bytearray(memory)
    assert b"".join([memory])[0:4] == b"file"
    with mmap.mmap(-1, PAGE) as other:
        other.write(memory)
    assert int.from_bytes(memory[0:4], "little") == int.from_bytes(b"file", "little")


def test_a_memory_may_be_written_from_its_own_view(memory):
    memory.write(1, memoryview(memory)[0:10])
    assert memory[0:12] == b"\0\0\1\2\3\4\5\6\7\x08\x09\x0b"
    memory[0:4] = memoryview(memory)[2:6]
    assert memory[0:4] == b"\1\2\3\4"


def test_an_address_stays_the_same():
    memory = Memory(1, 1000)
    memory[5] = 42
    address = memory.address
    assert ctypes.string_at(address + 5, 1) == b"\x2a"
    memory.grow(999)
    assert memory.address == address
    ctypes.memset(address + 500 * PAGE, 7, 1)
    assert memory[500 * PAGE] == 7


# ------------------------------------------------------------------------------------ guests
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(drop (i32.load (local.get 0)))", "out of bounds memory access"),
        ("(i32.store8 (local.get 0) (i32.const 1))", "out of bounds memory access"),
        ("(drop (i64.load8_u offset=4294967295 (local.get 0)))", "out of bounds memory access"),
        ("(memory.fill (local.get 0) (i32.const 1) (i32.const 1))", "out of bounds memory access"),
        ("(memory.copy (local.get 0) (i32.const 1) (i32.const 1))", "out of bounds memory access"),
        ("(memory.init 0 (local.get 0) (i32.const 0) (i32.const 1))", "out of bounds memory access"),
    ],
)
@pytest.mark.parametrize("address", [PAGE, PAGE + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_guests_stay_inside(body, message, address):
    offered = exports(f'(memory (export "memory") 1) (data "x") (func (export "f") (param i32) {body})')
    with pytest.raises(wasmcy.Trap, match=message):
        offered.f(address)
    assert bytes(offered.memory) == bytes(PAGE)


def test_a_memory_of_four_gibibytes():
    offered = exports("""
        (memory (export "memory") 0)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
        (func (export "load") (param i32) (result i64) (i64.load (local.get 0)))
    """)
    assert offered.grow(65536) == 0
    assert offered.grow(1) == -1
    assert (offered.memory.size, len(offered.memory)) == (65536, 1 << 32)
    offered.store(-8, 5)
    offered.store(0x7FFFFFFC, -1)
    assert (offered.load(-8), offered.memory[(1 << 32) - 8], offered.memory[0x80000000]) == (5, 5, 255)
    assert memoryview(offered.memory)[-8:].tolist() == [5, 0, 0, 0, 0, 0, 0, 0]
    for address in (-7, -1):
        with pytest.raises(wasmcy.Trap):
            offered.load(address)
    with pytest.raises(IndexError):
        offered.memory[1 << 32]


def test_bulk_operations_check_before_they_write():
    offered = exports("""
        (memory (export "memory") 20)
        (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 1) (local.get 1)))
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    """)
    size = 20 * PAGE
    for attempt in (
        lambda: offered.fill(1, size),
        lambda: offered.fill(size - 1, 2),
        lambda: offered.copy(1, 0, size),
        lambda: offered.fill(1, -1),
    ):
        with pytest.raises(wasmcy.Trap):
            attempt()
    assert bytes(offered.memory) == bytes(size)
    offered.fill(0, size)
    assert bytes(offered.memory) == b"\1" * size


@pytest.mark.parametrize("n", [0, 1, 65536, 65537, 1 << 20, (1 << 20) + 1, 3_000_001])
@pytest.mark.parametrize(("to", "source"), [(0, 5), (5, 0), (0, 2_000_000), (2_000_000, 0), (70000, 0), (0, 70000)])
def test_copies_overlap_rightly(n, to, source):
    instance = instantiate("""
        (memory (export "memory") 80)
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    """)
    expected = bytearray(numpy.random.default_rng(n).bytes(80 * PAGE))
    instance.exports.memory.write(0, expected)
    instance.exports.copy(to, source, n)
    expected[to : to + n] = expected[source : source + n]
    assert instance.exports.memory[:] == expected
