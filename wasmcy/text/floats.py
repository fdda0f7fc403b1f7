"""The bits of floating-point literals, each rounded once. Spec: 6.3.2 "Floating-Point".

Python reads a literal as the nearest double. For an f32 that is one rounding too many where the
double lies just between two floats; then it is moved towards the literal, by the smallest step.
"""

from __future__ import annotations

from math import inf, isinf, nextafter
from struct import pack, unpack

FRACTION_BITS = {32: 23, 64: 52}
HALFWAY = (1 << 28) - 1  # the lowest bits of a double, all zero if it is halfway between two floats of 32 bits


def float_bits(literal: str, bits: int) -> int:
    """The bits of a literal of the text format, as a float of 32 or 64 bits.

    Raises:
        OverflowError: its value, or that of a NaN's payload, is out of range.
    """
    text = literal.replace("_", "")
    sign = 1 << bits - 1 if text[0] == "-" else 0
    text = text.lstrip("+-")
    fraction = FRACTION_BITS[bits]
    infinity = (1 << bits - 1) - (1 << fraction)
    if text == "inf":
        return sign | infinity
    if text[0] == "n":
        payload = int(text[6:], 16) if len(text) > 3 else 1 << fraction - 1
        if not 0 < payload < 1 << fraction:
            raise OverflowError(f"a payload has {fraction} bits and is not 0")
        return sign | infinity | payload
    value = float.fromhex(text) if text[:2] == "0x" else float(text)
    if isinf(value):
        raise OverflowError("too large")
    if bits == 64:
        found: int = unpack("<Q", pack("<d", value))[0]
        return sign | found
    if not unpack("<Q", pack("<d", value))[0] & HALFWAY and not _is_narrow(value):
        value = _towards(text, value)
    narrow: int = unpack("<I", pack("<f", value))[0]
    return sign | narrow


def _is_narrow(value: float) -> bool:
    """Whether a double is a float of 32 bits, and so the one nearest to all that round to it."""
    try:
        found: float = unpack("<f", pack("<f", value))[0]
    except OverflowError:
        return False
    return found == value


def _towards(text: str, value: float) -> float:
    """`value`, which is the double nearest to the literal, or its neighbour on the literal's side."""
    order = _compare_hex(text, value) if text[:2] == "0x" else _compare_decimal(text, value)
    return nextafter(value, order * inf) if order else value


def _compare_hex(text: str, value: float) -> int:
    """1, 0 or -1: the literal is greater than, equal to or less than `value`, the nearest double, which is not 0."""
    digits, _, exponent = text[2:].lower().partition("p")
    whole, _, fraction = digits.partition(".")
    mantissa = int(whole + fraction, 16)
    numerator, denominator = value.as_integer_ratio()
    shift = _exponent(exponent) - 4 * len(fraction)
    left = mantissa * denominator << max(shift, 0)
    right = numerator << max(-shift, 0)
    return (left > right) - (left < right)


def _compare_decimal(text: str, value: float) -> int:
    """As `_compare_hex`; by the digits, for numbers with thousands of them are slow to make."""
    ours, theirs = _digits(text), _digits(f"{value:.1100e}")
    return (ours > theirs) - (ours < theirs)


def _digits(text: str) -> tuple[int, str]:
    """A decimal literal as the exponent of its first digit that is not zero, and the digits from there on."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole) - (len(whole + fraction) - len(digits))
    return leading + _exponent(exponent), digits.rstrip("0")


def _exponent(text: str) -> int:
    """An exponent that has few digits but for zeros, since with it the value is neither 0 nor infinite."""
    magnitude = int(text.lstrip("+-").lstrip("0") or 0)
    return -magnitude if text.startswith("-") else magnitude
