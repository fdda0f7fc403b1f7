"""Constants of a script as raw bits, and the patterns that results are compared with, also by bits.

A number is the unsigned integer of its bits, a v128 one of 128 bits with lane 0 lowest; a reference
is the object that wasmcy gives for it (None for null).
"""

import struct
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import wasmcy

from .forms import Form

Value = object  # an int (raw bits) or a reference


class Float(NamedTuple):
    """Layout of a binary float: bits in all, bits of the fraction field, largest exponent."""

    bits: int
    fraction: int
    emax: int

    @property
    def infinity(self) -> int:
        return (1 << (self.bits - 1)) - (1 << self.fraction)

    @property
    def quiet(self) -> int:
        return 1 << (self.fraction - 1)


FLOATS = {"f32": Float(32, 23, 127), "f64": Float(64, 52, 1023)}
LANES = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64, "f32x4": 32, "f64x2": 64}


class HostRef:
    """The host object that `(ref.extern N)` and `(ref.host N)` stand for; equal by number."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HostRef) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        return f"host object {self.number}"


@cache
def number_bits(kind: str, text: str) -> int:
    """Raw bits of the literal `text` as `kind`: i8 … i64, f32 or f64. Spec: 6.3.1, 6.3.2."""
    if kind[0] == "i":
        return _integer(text) & ((1 << int(kind[1:])) - 1)
    return _float_bits(FLOATS[kind], text.replace("_", ""))


def _integer(text: str) -> int:
    text = text.replace("_", "")
    return int(text, 16 if "0x" in text else 10)


def _float_bits(layout: Float, text: str) -> int:
    sign = 1 << (layout.bits - 1) if text[0] == "-" else 0
    text = text.lstrip("+-")
    if text == "inf":
        return sign | layout.infinity
    if text == "nan":
        return sign | layout.infinity | layout.quiet
    if text.startswith("nan:0x"):
        return sign | layout.infinity | int(text[6:], 16)
    return sign | _round(layout, _exact(text))


def _exact(text: str) -> Fraction:
    if not text.startswith("0x"):
        return Fraction(text.rstrip(".").replace(".e", "e").replace(".E", "E"))
    mantissa, _, exponent = text[2:].lower().partition("p")
    whole, _, fraction = mantissa.partition(".")
    return Fraction(int(whole + fraction, 16)) * Fraction(2) ** (int(exponent or "0") - 4 * len(fraction))


def _round(layout: Float, value: Fraction) -> int:
    """Nearest float, ties to even; in integers, for going through a double would round twice."""
    if value == 0:
        return 0
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if value < Fraction(2) ** exponent:
        exponent -= 1
    exponent = max(exponent, 1 - layout.emax)
    units = round(value / Fraction(2) ** (exponent - layout.fraction))  # Python rounds half to even
    # A carry, out of the fraction or up from the subnormals, moves into the exponent by itself.
    bits = ((exponent + layout.emax - 1) << layout.fraction) + units
    return min(bits, layout.infinity)


def argument(form: Form) -> Value:
    """Value of a constant such as `(i32.const 1)` or `(ref.extern 2)`."""
    kind, _, what = form.head.partition(".")
    if what == "const":
        if kind == "v128":
            lane = LANES[_atom(form, 1)]
            literals = [_atom(form, at) for at in range(2, len(form))]
            return _join([number_bits(_lane_kind(form), text) for text in literals], lane)
        return number_bits(kind, _atom(form, 1))
    if form.head == "ref.null":
        return None
    if form.head in ("ref.extern", "ref.host"):
        return HostRef(_integer(_atom(form, 1)))
    raise ValueError(f"unknown constant {form.head}")


def matches(pattern: Form, value: Value) -> bool:
    """Whether a result is what the pattern of an assertion allows."""
    head = pattern.head
    if head == "either":
        return any(matches(choice, value) for choice in pattern[1:] if isinstance(choice, Form))
    kind, _, what = head.partition(".")
    if what != "const":
        return _reference_matches(pattern, value)
    if not isinstance(value, int):
        return False
    if kind != "v128":
        return _number_matches(kind, _atom(pattern, 1), value)
    lane, lane_kind = LANES[_atom(pattern, 1)], _lane_kind(pattern)
    mask = (1 << lane) - 1
    return all(
        _number_matches(lane_kind, _atom(pattern, at + 2), value >> (at * lane) & mask) for at in range(128 // lane)
    )


def _number_matches(kind: str, text: str, bits: int) -> bool:
    """Compare bits; `nan:canonical` leaves the sign open, `nan:arithmetic` also the payload."""
    if not text.startswith("nan:") or text.startswith("nan:0x"):
        return bits == number_bits(kind, text)
    layout = FLOATS[kind]
    quiet = layout.infinity | layout.quiet
    if text == "nan:canonical":
        return bits & ((1 << (layout.bits - 1)) - 1) == quiet
    if text == "nan:arithmetic":
        return bits & quiet == quiet
    raise ValueError(f"unknown pattern {text}")


# The public classes of the references that a pattern allows. Those that wasmcy does not have yet match nothing.
CLASSES = {
    "ref.func": ("Func",),
    "ref.i31": ("I31",),
    "ref.struct": ("Struct",),
    "ref.array": ("Array",),
    "ref.eq": ("I31", "Struct", "Array"),
    "ref.exn": ("GuestException",),
}


def _is_instance(value: Value, head: str) -> bool:
    return any(isinstance(value, getattr(wasmcy, name, ())) for name in CLASSES[head])


def _reference_matches(pattern: Form, value: Value) -> bool:
    head = pattern.head
    if head == "ref.null":
        return value is None
    if value is None:
        return False
    if head == "ref.extern":
        return len(pattern) == 1 or value == HostRef(_integer(_atom(pattern, 1)))
    if head == "ref.host":
        return value == HostRef(_integer(_atom(pattern, 1)))
    if head == "ref.any":
        return not _is_instance(value, "ref.func")
    if head in CLASSES:
        return _is_instance(value, head)
    raise ValueError(f"unknown pattern {head}")


def show(values: tuple[Value, ...], patterns: list[Form]) -> str:
    """Results for a message, in the types that the patterns suggest."""
    kinds = [form.head.partition(".")[0] for form in patterns]
    shown = [_show(value, kind) for value, kind in zip(values, kinds, strict=False)]
    shown += [_show(value, "") for value in values[len(kinds) :]]
    return " ".join(shown) or "nothing"


def _show(value: Value, kind: str) -> str:
    if not isinstance(value, int):
        return "null" if value is None else repr(value)
    if kind == "f32":
        return f"f32 {struct.unpack('<f', value.to_bytes(4, 'little'))[0]!r} ({value:#010x})"
    if kind == "f64":
        return f"f64 {struct.unpack('<d', value.to_bytes(8, 'little'))[0]!r} ({value:#018x})"
    return f"{kind} {value:#x}".strip()


def _lane_kind(form: Form) -> str:
    return _atom(form, 1).partition("x")[0]


def _join(lanes: list[int], width: int) -> int:
    return sum(bits << (width * at) for at, bits in enumerate(lanes))


def _atom(form: Form, at: int) -> str:
    item = form[at]
    if not isinstance(item, str):
        raise TypeError(f"{form.head}: atom expected")
    return item
