"""Vector instructions where the reference engine differs, and how they are translated."""

import pytest

from tests.engine import programs, vector_programs, words
from tests.engine.programs import Case
from tests.engine.running import instance, outcome
from tests.engine.vector_programs import FIELDS, LOCALS, SET


def results_of(*bodies: str) -> list[object]:
    group = programs.group([Case(f"{SET} {body}", "v128", LOCALS) for body in bodies], "some", FIELDS)
    group.calls = vector_programs.CALLS
    return outcome(group).results


@pytest.mark.parametrize("shape", ["f32x4", "f64x2"])
def test_relaxed_multiply_and_add_rounds_twice(shape: str) -> None:
    """As the deterministic profile prescribes (spec 4.3.1)."""
    operands = "(local.get $V) (local.get $W)"
    for relaxed, strict in (
        (f"({shape}.relaxed_madd {operands} (local.get $X))", f"({shape}.add ({shape}.mul {operands}) (local.get $X))"),
        (f"({shape}.relaxed_nmadd {operands} (local.get $X))", f"({shape}.sub (local.get $X) ({shape}.mul {operands}))"),
    ):  # fmt: skip
        both = []
        for text in (relaxed, strict):
            equal = f"({shape}.eq (local.get $Y) (local.get $Y))"
            both.append(f"(v128.bitselect (local.tee $Y {text}) {vector_programs.NAN[shape]} {equal})")
        found = results_of(*both)
        assert found[: len(found) // 2] == found[len(found) // 2 :]


def lanes(value: int, width: int) -> list[int]:
    return [(value >> at & (1 << width) - 1) - ((value >> at + width - 1 & 1) << width) for at in range(0, 128, width)]


def test_relaxed_dot_products_saturate() -> None:
    pairs = results_of("(local.get $V)", "(local.get $W)", "(local.get $X)")
    count = len(pairs) // 3
    given = [[value[0] for value in pairs[at * count : (at + 1) * count]] for at in range(3)]  # type: ignore[index]
    operands = "(local.get $V) (local.get $W)"
    found = results_of(
        f"(i16x8.relaxed_dot_i8x16_i7x16_s {operands})",
        f"(i32x4.relaxed_dot_i8x16_i7x16_add_s {operands} (local.get $X))",
    )
    for at, (a, b, c) in enumerate(zip(*given, strict=True)):
        products = [x * y for x, y in zip(lanes(a, 8), lanes(b, 8), strict=True)]
        sums = [max(-32768, min(32767, x + y)) for x, y in zip(products[::2], products[1::2], strict=True)]
        assert found[at] == (sum((x & 0xFFFF) << 16 * i for i, x in enumerate(sums)),)
        more = [x + y + z for x, y, z in zip(sums[::2], sums[1::2], lanes(c, 32), strict=True)]
        assert found[count + at] == (sum((x & 0xFFFFFFFF) << 32 * i for i, x in enumerate(more)),)


def names(body: str) -> list[str]:
    made = instance(f'(module {FIELDS} (func (export "f") (param $a i32) (param $v v128) (local $w v128) {body}))')
    code = made.module._code.words(0)[0]
    return [handler.name for _, handler in words.instructions(code)]


def test_local_set_becomes_the_destination() -> None:
    body = "(local.set $w (i8x16.add (local.get $v) (v128.load (local.get $a)))) (v128.store (local.get $a) (local.get $w))"
    assert names(body) == ["v128.load:s", "i8x16.add", "v128.store:s", "return.void"]


def test_local_get_and_set_is_one_move() -> None:
    assert names("(local.set $w (local.get $v))") == ["move.v128", "return.void"]
    assert names("(local.set $w (v128.const i64x2 1 2))") == ["v128.const", "return.void"]
    assert names("(local.set $v (local.get $v))") == ["return.void"]


@pytest.mark.parametrize(("size", "name"), [(1, ""), (4, ""), (8, "64")])
def test_shuffles_of_halves_have_a_handler_of_their_own(size: int, name: str) -> None:
    order = " ".join(str((15 - at // size * 2) % (32 // size) * size + at % size) for at in range(16))
    assert names(f"(local.set $w (i8x16.shuffle {order} (local.get $v) (local.get $v)))")[0] == f"i8x16.shuffle{name}"


def test_vectors_do_not_outgrow_a_bound() -> None:
    """Each instruction is translated to a bounded number of words."""
    deep = "(local.get $v)" * 3000 + "(drop)" * 3000
    assert len(instance(f'(module (func (export "f") (param $v v128) {deep}))').module._code.words(0)[0]) < 3 * 3000
    wide = "(local.get $v)" * 500
    block = f"(block $l (result {'v128 ' * 500}) {wide} {'(br_if $l (i32.const 1))' * 200}) {'(drop)' * 500}"
    text = f'(module (func (export "f") (param $v v128) {block}))'
    assert len(instance(text).module._code.words(0)[0]) < 500 * 4 + 200 * 8
    assert instance(text).exports["f"](bytes(16)) is None


def test_relaxed_instructions_run_as_the_strict_ones() -> None:
    for relaxed, strict in (("i8x16.relaxed_swizzle", "i8x16.swizzle"), ("f32x4.relaxed_min", "f32x4.min")):
        assert names(f"(local.set $w ({relaxed} (local.get $v) (local.get $v)))") == [strict, "return.void"]
