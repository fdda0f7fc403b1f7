"""Literals become the nearest float, by exact arithmetic; ties go to the even one."""

import random
import struct
from fractions import Fraction

import pytest

from wasmcy.text.floats import float_bits

FORMATS = {32: (24, -126, 127), 64: (53, -1022, 1023)}  # precision, least and greatest exponent


def nearest(value, bits):
    """The bits of the float nearest to a positive Fraction; None: it is out of range."""
    precision, least, most = FORMATS[bits]
    exponent = least
    if value >= Fraction(2) ** least:
        exponent = value.numerator.bit_length() - value.denominator.bit_length()
        if value < Fraction(2) ** exponent:
            exponent -= 1
    unit = Fraction(2) ** (exponent - precision + 1)
    steps = round(value / unit)  # half to even
    biased = exponent - least + (1 if steps >> precision - 1 else 0)
    if steps == 1 << precision:
        steps, biased = steps >> 1, biased + 1
    if biased > most - least + 1:
        return None
    return (biased << precision - 1) + (steps & (1 << precision - 1) - 1)


def exact(literal):
    """The value of a literal without a sign."""
    text = literal.replace("_", "").lower()
    base, mark = (16, "p") if text.startswith("0x") else (10, "e")
    mantissa, _, exponent = text.removeprefix("0x").partition(mark)
    whole, _, fraction = mantissa.partition(".")
    number = Fraction(int(whole + fraction, base), base ** len(fraction))
    return number * Fraction(2 if base == 16 else 10) ** int(exponent.lstrip("0") or 0)


def check(literal, bits):
    expected = nearest(exact(literal), bits)
    if expected is None:
        with pytest.raises(OverflowError):
            float_bits(literal, bits)
        return
    assert float_bits(literal, bits) == expected, literal
    assert float_bits("+" + literal, bits) == expected
    assert float_bits("-" + literal, bits) == expected | 1 << bits - 1


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    "literal",
    [
        "0", "0.0", "0x0", "0x0p99999", "0e9999", "1", "1.", "1_0.5_0", "0x1.", "0xA.b_cP-1", "123456789012345678901234567890",
        "1e-400", "0x1p-99999", "4.9e-324", "2.4703282292062327208299396e-324", "2.4703282292062328e-324",
        "1.401298464324817e-45", "7.006492321624085e-46", "7.0064923216240853546186479164495e-46", "0x1p-149", "0x1p-150",
        "0x1.000001p-150", "0x1.00000000000000000000001p-150", "0x1.fffffep127", "0x1.fffffefffffffffffffffp127",
        "0x1.ffffffp127", "0x1p128", "340282346638528859811704183484516925440", "340282356779733661637539395458142568447",
        "340282356779733661637539395458142568447.9999", "340282356779733661637539395458142568448", "1e39",
        "0x1.fffffffffffff7ffffffp1023", "0x1.fffffffffffff8p1023", "0x1p1024", "1e309",
        "1.00000005960464477539062499999999999999", "1.000000059604644775390625", "1.00000005960464477539062500000000001",
        "1.000000178813934326171875", "1.00000017881393432617187499999999999", "16777217", "16777217.00000000000000000001",
        "0x1.0000010", "0x1.00000100000000000000001", "0x1.000003", "0x1.00000080000000001", "0x0.00000000000000000000001p+60",
        "0." + "0" * 60 + "1e60", "1" + "0" * 30 + "e-30", "0x" + "0" * 5000 + "1", "0." + "3" * 4000, "1" + "0" * 300 + "." + "1" * 100,
        "1e" + "0" * 5000 + "5", "16777217e" + "0" * 5000, "0x1.000001p" + "0" * 5000,
    ],
)  # fmt: skip
def test_chosen_literals_are_rounded_once(literal, bits):
    check(literal, bits)


@pytest.mark.parametrize("bits", [32, 64])
def test_random_decimals_are_rounded_once(bits):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(300):
        digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 40)))
        at = rng.randrange(len(digits) + 1)
        check(f"{digits[:at] or 0}.{digits[at:]}e{rng.randrange(-60, 60)}", bits)


@pytest.mark.parametrize("bits", [32, 64])
def test_literals_beside_the_middle_of_two_floats_are_rounded_once(bits):
    """A float, half a step more, and the smallest bit more or less than that, in both notations."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    precision, least, most = FORMATS[bits]
    for _ in range(100):
        exponent = rng.choice((rng.randrange(-60, 60), rng.randrange(least - precision, least)))
        middle = (2 * rng.getrandbits(precision) + 1) << 200
        for number in (middle - 1, middle, middle + 1):
            check(f"0x{number:x}p{exponent - precision - 200}", bits)
            value = Fraction(number) * Fraction(2) ** (exponent - precision - 200)
            if value.denominator.bit_length() < 400:
                places = value.denominator.bit_length()
                digits = str(value.numerator * 10**places // value.denominator)
                check(f"{digits}e-{places}", bits)


@pytest.mark.parametrize(
    ("literal", "f32", "f64"),
    [
        ("inf", 0x7F800000, 0x7FF0000000000000),
        ("-inf", 0xFF800000, 0xFFF0000000000000),
        ("nan", 0x7FC00000, 0x7FF8000000000000),
        ("-nan", 0xFFC00000, 0xFFF8000000000000),
        ("+nan:0x1_2", 0x7F800012, 0x7FF0000000000012),
        ("nan:0x7fffff", 0x7FFFFFFF, 0x7FF00000007FFFFF),
        ("-0", 0x80000000, 0x8000000000000000),
        ("-0x0.0p-5", 0x80000000, 0x8000000000000000),
    ],
)
def test_special_values(literal, f32, f64):
    assert (float_bits(literal, 32), float_bits(literal, 64)) == (f32, f64)


@pytest.mark.parametrize(
    ("literal", "bits"),
    [("nan:0x0", 32), ("nan:0x0", 64), ("nan:0x800000", 32), ("nan:0x10000000000000", 64), ("1e" + "9" * 5000, 64)],
)
def test_what_is_out_of_range(literal, bits):
    with pytest.raises(OverflowError):
        float_bits(literal, bits)


def test_the_check_itself_knows_the_floats_of_the_machine():
    for value in (1.0, 0.1, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308):
        assert nearest(Fraction(value), 64) == struct.unpack("<Q", struct.pack("<d", value))[0]
