"""Whatever is done to a text, it is a module or refused with a place in it: nothing else is raised."""

import random

import pytest

from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.errors import ModuleError
from wasmcy.features import Features
from wasmcy.text import parse_module

ALL = Features.all()
TEXT = rb"""
(module $m (@name "M") (@custom "c" (before code) "x\00\u{e9}") ;; comment
  (rec (type $s (sub (struct (field $a i32) (field (mut i8))))) (type $t (sub $s (struct (field $a i32) (field (mut i8))))))
  (type $f (func (param $x i32) (result i64))) (; block (; comment ;) ;)
  (import "a" "b" (func $imported (param i32) (result i64)))
  (import "a" "c" (global $g (mut i32)))
  (table $tab (export "t") 1 0x10 funcref (ref.null func)) (table funcref (elem $imported 1))
  (memory $mem i64 1 2) (memory (data "a\22b")) (tag $e (param i32))
  (global (ref null $s) (ref.null $s))
  (elem $el (table $tab) (offset i32.const 0) funcref (ref.func $run) (item ref.null func))
  (elem declare func $run) (data $d (memory $mem) (i64.const 0) "abc") (start $nothing)
  (func $nothing)
  (func $run (export "run") (type $f) (local $i i32) (local f32 f64 v128)
    (if $l (result i32) (i32.eqz (local.get 0)) (then (i32.const -1)) (else (i32.add (i32.const 0x7f) (local.get $i))))
    local.set $i
    block $b (result i32)
      (@metadata.code.branch_hint "\01") (br_if $b (i32.const 1) (i32.load8_u $mem offset=4 align=1 (i64.const 0)))
      (br_table $b 0 $b (i32.const 2))
    end $b
    drop
    (drop (call_indirect $tab (type $f) (i32.const 0) (i32.const 0)))
    (drop (f64.add (f64.const 0x1.8p-3) (f64.const nan:0x123))) (drop (f32.const -1_0.5e1))
    (drop (v128.load8_lane 1 offset=3 2 (i32.const 0) (v128.const i32x4 1 -2 0xff 4)))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.const f64x2 inf -0) (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)))
    (drop (struct.get $t $a (ref.cast (ref $t) (struct.new $s (i32.const 1) (i32.const 2)))))
    (block $h (result i32) (try_table (catch $e $h) (catch_all_ref 1) (throw $e (i32.const 1))) (unreachable))
    try (result i32) (select (result i32) (i32.const 1) (nop) (nop)) catch $e catch_all (rethrow 0) end
    (try (do (memory.init $mem $d (i64.const 0) (i32.const 0) (i32.const 1))) (delegate 0))
    drop drop (i64.const 9223372036854775807))
)"""
PIECES = (
    b'( ) " $x $"y" 0 -1 1.5 (; ;) ;; (@name "x") (@custom "y") (@metadata.code.branch_hint "\\01") \\ end else (then (type 0) '
    b'(param i32) (result i64) nan:0x1 \xff \xc3\xa9 (import "a" "b" (func)) (elem (data (rec (type catch (catch (do delegate '
    b"(ref null offset=4 align=8 i32.load8_u v128.const i8x16.shuffle call_indirect br_table try_table select (module 0x"
).split(b" ")


def mutated(text, rng):
    found = bytearray(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(found) + 1)
        way = rng.randrange(6)
        if way == 0:
            del found[at : at + rng.choice((1, 1, 2, 5, 20, 100))]
        elif way == 1:
            found[at:at] = b" " + rng.choice(PIECES) + b" "
        elif way == 2:
            found[at:at] = rng.choice(PIECES)
        elif way == 3 and at < len(found):
            found[at] = rng.randrange(256)
        elif way == 4:
            start = rng.randrange(len(found) + 1)
            found[at:at] = found[start : start + rng.randrange(200)]
        else:
            del found[at:]
    return bytes(found)


def check(text):
    """Parse a text; what is accepted is a module that can be decoded."""
    try:
        data = encode(parse_module(text, ALL))
    except ModuleError as error:
        lines = text.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert "^" in str(error)
        return False
    assert encode(decode(data, ALL)) == data
    return True


def test_the_text_itself_is_a_module():
    assert check(TEXT)


@pytest.mark.parametrize("n", range(4))
def test_mutated_texts(n):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    for i in range(1500):
        text = mutated(TEXT, rng)
        try:
            check(text)
        except BaseException:
            print("mutation", i, text)
            raise


def test_no_beginning_of_the_text_is_a_module():
    text = TEXT.strip()
    assert [n for n in range(1, len(text)) if check(text[:n])] == []


@pytest.mark.parametrize(
    "kind", ["block", "folded", "if", "operands", "try", "comment", "annotation", "rec", "strings"]
)
def test_deep_nesting_needs_no_stack(kind):
    n = 100_000
    text = {
        "block": "(func" + " block" * n + " end" * n + ")",
        "folded": "(func" + " (block" * n + ")" * n + ")",
        "if": "(func" + " (if (nop) (then" * n + "))" * n + ")",
        "operands": "(func" + " (drop" * n + ")" * n + ")",
        "try": "(func" + " (try (do" * n + ") (catch_all))" * n + ")",
        "comment": "(;" * n + ";)" * n,
        "annotation": "(@a" * n + ")" * n,
        "rec": "(rec" * n,
        "strings": "(data" + ' "a"' * n + ")",
    }[kind]
    assert check(text.encode()) == (kind != "rec")


@pytest.mark.parametrize(
    "text", ["(func" + " (block" * 100_000, "(func" + " block $a" * 100_000 + " br $b", "(func (" * 100_000]
)
def test_what_is_never_closed_is_refused(text):
    assert not check(text.encode())


def test_time_grows_with_the_text_alone():
    """Texts whose parts could be looked at again and again."""
    n = 50_000
    for text in (
        "(func" + " block $a" * n + " br $a" * n + " end $a" * n + ")",
        "(func" + "".join(f" (local $x{i} i32)" for i in range(n)) + f" local.get $x{n - 1}" * n + ")",
        "(func $f)" + "(func call $f)" * n,
        '(@custom "a" ' + '"x" ' * n + ")",
        '"' + "\\00" * n,
        "(data " + '"\\u{10ffff}' * n,
        f"(func f64.const 0x{'f' * n}.{'0' * n}p-{4 * n})",
        f"(func f32.const {'1' * n}e-{n} f32.const 0.{'0' * n}1e{n})",
        f"(func f32.const 16777217.{'0' * n}1 f32.const 0x1.000001{'0' * n}1)",
        "(func" + " (;" * n,
        "(func" + " (param i32)" * n + ")" + "(func (type 0) (param i32))" * n,
    ):
        check(text.encode())
