"""Values worth testing, as raw bits."""

import random

from wasmcy.types import EXNREF, F32, F64, FUNCREF, I32, I64, V128

WIDTH: dict[int, int] = {I32: 32, I64: 64, F32: 32, F64: 64, V128: 128}

_INTEGERS = [
    *range(-4, 20),
    *(
        sign * (1 << shift) + delta
        for shift in (5, 6, 7, 8, 15, 16, 31, 32, 63)
        for sign in (1, -1)
        for delta in (-1, 0, 1)
    ),
    1000,
    4095,
    10_000_000,
    0x01234567_89ABCDEF,
    0x80808080_80808080,
    -0x01010102_04081021,
]  # fmt: skip

# Sign clear; the generator also uses each with the sign set.
_F32 = [
    0x00000000, 0x00000001, 0x00000002, 0x007FFFFF, 0x00800000,  # zero, subnormals, least normal
    0x3EAAAAAB, 0x3F000000, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x3FC00000, 0x40000000, 0x40490FDB,
    0x42C80000,
    0x4B000000, 0x4B000001, 0x4B800000,  # where halves and then odd numbers end
    0x4EFFFFFF, 0x4F000000, 0x4F7FFFFF, 0x4F800000,  # 2^31, 2^32
    0x5EFFFFFF, 0x5F000000, 0x5F7FFFFF, 0x5F800000,  # 2^63, 2^64
    0x7F7FFFFF, 0x7F800000,  # largest, infinity
    0x7FC00000, 0x7FC00001, 0x7FFFFFFF, 0x7F800001, 0x7FA00000,  # NaNs
]  # fmt: skip
_F64 = [
    0x0000000000000000, 0x0000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000,
    0x36A0000000000000, 0x380FFFFFFFFFFFFF, 0x3810000000000000,  # the small end of f32
    0x3FD5555555555555, 0x3FE0000000000000, 0x3FEFFFFFFFFFFFFF, 0x3FF0000000000000,
    0x3FF0000000000001,
    0x3FF8000000000000, 0x4000000000000000, 0x400921FB54442D18, 0x4059000000000000,
    0x41DFFFFFFFC00000, 0x41DFFFFFFFFFFFFF, 0x41E0000000000000, 0x41EFFFFFFFE00000,
    0x41EFFFFFFFFFFFFF,
    0x41F0000000000000, 0x4330000000000000, 0x4330000000000001, 0x4340000000000000,
    0x43DFFFFFFFFFFFFF, 0x43E0000000000000, 0x43EFFFFFFFFFFFFF, 0x43F0000000000000,
    0x47EFFFFFE0000000, 0x47EFFFFFEFFFFFFF, 0x47EFFFFFF0000000,  # the large end of f32
    0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF8000000000000, 0x7FF8000000000001,
    0x7FFFFFFFFFFFFFFF,
    0x7FF0000000000001, 0x7FF4000000000000,
]  # fmt: skip

INTERESTING: dict[int, list[int]] = {
    I32: sorted({value & 0xFFFFFFFF for value in _INTEGERS}),
    I64: sorted({value & 0xFFFFFFFF_FFFFFFFF for value in _INTEGERS}),
    F32: _F32 + [bits | 1 << 31 for bits in _F32],
    F64: _F64 + [bits | 1 << 63 for bits in _F64],
    FUNCREF: [0],
    EXNREF: [0],
    V128: [0, (1 << 128) - 1, 0x0F0E0D0C_0B0A0908_07060504_03020100],
}


def random_bits(rnd: random.Random, type: int) -> int:
    """Mostly an interesting value, else random bits; of an integer maybe only some low ones."""
    choice = rnd.random()
    if type == V128 and choice > 0.1:
        return _random_lanes(rnd)
    if choice < 0.8 or type not in WIDTH:
        values = INTERESTING[type]
        return values[int(rnd.random() * len(values))]
    bits = rnd.getrandbits(WIDTH[type])
    if choice < 0.9 and type in (I32, I64):
        bits >>= int(rnd.random() * WIDTH[type])
    return bits


def _random_lanes(rnd: random.Random) -> int:
    """A v128 of interesting lanes, all of one kind, often all the same."""
    width, values = rnd.choice((
        (8, INTERESTING[I32]), (16, INTERESTING[I32]), (32, INTERESTING[I32]), (64, INTERESTING[I64]),
        (32, INTERESTING[F32]), (64, INTERESTING[F64]), (64, INTERESTING[F64]),
    ))  # fmt: skip
    few = rnd.choices(values, k=rnd.choice((1, 2, 16)))
    return sum((rnd.choice(few) & ((1 << width) - 1)) << at for at in range(0, 128, width))


def is_nan(type: int, bits: int) -> bool:
    if type == F32:
        return bits & 0x7FFFFFFF > 0x7F800000
    return type == F64 and bits & 0x7FFFFFFF_FFFFFFFF > 0x7FF00000_00000000


def canonical(type: int, bits: int) -> int:
    """The bits, with one representative for all NaNs: their sign and payload are not determined."""
    if not is_nan(type, bits):
        return bits
    return 0x7FC00000 if type == F32 else 0x7FF80000_00000000
