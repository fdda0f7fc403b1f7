"""Numeric instructions that need more than an expression (spec 4.3 "Numerics").

All are total on the operands their handlers let through; none calls a library function, so that
a handler which uses one still ends in a jump.
"""
from wasmcy.engine.structs cimport (
    WASMCY_UNLIKELY, u8, u16, u32, u64, i8, i16, i32, i64, wcy_bits32, wcy_bits64, wcy_f32, wcy_f64,
)


cdef inline double f64_copysign(double a, double b) noexcept nogil:
    return wcy_f64((wcy_bits64(a) & 0x7FFFFFFFFFFFFFFFu) | (wcy_bits64(b) & 0x8000000000000000u))


cdef inline float f32_copysign(float a, float b) noexcept nogil:
    return wcy_f32((wcy_bits32(a) & 0x7FFFFFFFu) | (wcy_bits32(b) & 0x80000000u))


cdef inline double f64_abs(double a) noexcept nogil:
    return wcy_f64(wcy_bits64(a) & 0x7FFFFFFFFFFFFFFFu)


cdef inline float f32_abs(float a) noexcept nogil:
    return wcy_f32(wcy_bits32(a) & 0x7FFFFFFFu)


cdef inline double f64_neg(double a) noexcept nogil:
    return wcy_f64(wcy_bits64(a) ^ 0x8000000000000000u)


cdef inline float f32_neg(float a) noexcept nogil:
    return wcy_f32(wcy_bits32(a) ^ 0x80000000u)


cdef inline double f64_canonical(double a) noexcept nogil:
    if WASMCY_UNLIKELY(a != a):     # a branch, which the next operation need not wait for
        return wcy_f64(0x7FF8000000000000u)
    return a


cdef inline float f32_canonical(float a) noexcept nogil:
    if WASMCY_UNLIKELY(a != a):
        return wcy_f32(0x7FC00000u)
    return a


cdef inline double f64_min(double a, double b) noexcept nogil:
    if a < b:
        return a
    if b < a:
        return b
    if a == b:      # equal, or zeros of either sign: the negative one has its sign bit set
        return wcy_f64(wcy_bits64(a) | wcy_bits64(b))
    return a + b    # a NaN, made quiet


cdef inline float f32_min(float a, float b) noexcept nogil:
    if a < b:
        return a
    if b < a:
        return b
    if a == b:
        return wcy_f32(wcy_bits32(a) | wcy_bits32(b))
    return a + b


cdef inline double f64_max(double a, double b) noexcept nogil:
    if a > b:
        return a
    if b > a:
        return b
    if a == b:
        return wcy_f64(wcy_bits64(a) & wcy_bits64(b))
    return a + b


cdef inline float f32_max(float a, float b) noexcept nogil:
    if a > b:
        return a
    if b > a:
        return b
    if a == b:
        return wcy_f32(wcy_bits32(a) & wcy_bits32(b))
    return a + b


# A NaN, made quiet: compilers take a + 0.0 for a.

cdef inline double f64_quiet(double a) noexcept nogil:
    return wcy_f64(wcy_bits64(a) | <u64>1 << 51)


cdef inline float f32_quiet(float a) noexcept nogil:
    return wcy_f32(wcy_bits32(a) | <u32>1 << 22)


# Rounding: from 2**52 (2**23) on every value is an integer; below, adding and taking away that
# power rounds to nearest, ties to even.  The sign of the operand is kept, also on zero.

cdef inline double f64_nearest(double a) noexcept nogil:
    cdef double m = f64_abs(a)
    if not (m < 4503599627370496.0):
        return f64_quiet(a) if a != a else a
    return f64_copysign((m + 4503599627370496.0) - 4503599627370496.0, a)


cdef inline double f64_trunc(double a) noexcept nogil:
    cdef double m = f64_abs(a)
    if not (m < 4503599627370496.0):
        return f64_quiet(a) if a != a else a
    return f64_copysign(<double><i64>m, a)


cdef inline double f64_floor(double a) noexcept nogil:
    cdef double t = f64_trunc(a)
    return f64_copysign(t - 1.0, a) if t > a else t


cdef inline double f64_ceil(double a) noexcept nogil:
    cdef double t = f64_trunc(a)
    return f64_copysign(t + 1.0, a) if t < a else t


cdef inline float f32_nearest(float a) noexcept nogil:
    cdef float m = f32_abs(a)
    if not (m < <float>8388608.0):
        return f32_quiet(a) if a != a else a
    return f32_copysign((m + <float>8388608.0) - <float>8388608.0, a)


cdef inline float f32_trunc(float a) noexcept nogil:
    cdef float m = f32_abs(a)
    if not (m < <float>8388608.0):
        return f32_quiet(a) if a != a else a
    return f32_copysign(<float><i32>m, a)


cdef inline float f32_floor(float a) noexcept nogil:
    cdef float t = f32_trunc(a)
    return f32_copysign(t - <float>1.0, a) if t > a else t


cdef inline float f32_ceil(float a) noexcept nogil:
    cdef float t = f32_trunc(a)
    return f32_copysign(t + <float>1.0, a) if t < a else t


# Saturating truncation: NaN gives 0, what is out of range the nearest bound.

cdef inline u32 sat_s32(double a) noexcept nogil:
    if not (a > -2147483649.0):
        return 0 if a != a else 0x80000000u
    return <u32><i32>a if a < 2147483648.0 else 0x7FFFFFFFu


cdef inline u32 sat_u32(double a) noexcept nogil:
    if not (a > -1.0):
        return 0
    return <u32>a if a < 4294967296.0 else 0xFFFFFFFFu


cdef inline u64 sat_s64(double a) noexcept nogil:
    if not (a >= -9223372036854775808.0):
        return 0 if a != a else 0x8000000000000000u
    return <u64><i64>a if a < 9223372036854775808.0 else 0x7FFFFFFFFFFFFFFFu


cdef inline u64 sat_u64(double a) noexcept nogil:
    if not (a > -1.0):
        return 0
    return <u64>a if a < 18446744073709551616.0 else 0xFFFFFFFFFFFFFFFFu


# The upper half of a 128-bit product, from 32-bit halves.

cdef inline u64 mul_high_u64(u64 a, u64 b) noexcept nogil:
    cdef u64 low = (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu)
    cdef u64 middle = (a >> 32) * (b & 0xFFFFFFFFu) + (low >> 32)
    cdef u64 other = (a & 0xFFFFFFFFu) * (b >> 32) + (middle & 0xFFFFFFFFu)
    return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32)


cdef inline u64 mul_high_s64(u64 a, u64 b) noexcept nogil:
    return mul_high_u64(a, b) - (b if <i64>a < 0 else 0) - (a if <i64>b < 0 else 0)
