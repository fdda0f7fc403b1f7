"""What vector instructions need beyond an expression by lane (vectors.py).

Predicates and bit masks look at a v128 as two words: lanes are found in them by arithmetic, so the
order of bytes in memory does not matter.
"""
from wasmcy.engine.structs cimport WASMCY_LANE8, i32, u8, u32, u64, v128


cdef inline i32 clamp(i32 x, i32 low, i32 high) noexcept nogil:
    return low if x < low else high if x > high else x


cdef inline u8 popcnt8(u8 x) noexcept nogil:
    x = x - ((x >> 1) & 0x55)
    x = (x & 0x33) + ((x >> 2) & 0x33)
    return (x + (x >> 4)) & 0x0F


# all_true: `low` has all bits of each lane but the highest, which the sum sets in lanes that are not 0

cdef inline u32 all_true(u64 x, u64 y, u64 low) noexcept nogil:
    x = ((x & low) + low) | x
    y = ((y & low) + low) | y
    return ((x & y) | low) == <u64>-1


# bitmask: a product moves the highest bits of a word's lanes side by side to its upper end

cdef inline u32 bitmask8(u64 x, u64 y) noexcept nogil:
    x = ((x >> 7) & 0x0101010101010101u) * 0x0102040810204080u
    y = ((y >> 7) & 0x0101010101010101u) * 0x0102040810204080u
    return <u32>(x >> 56 | (y >> 56) << 8)


cdef inline u32 bitmask16(u64 x, u64 y) noexcept nogil:
    x = ((x >> 15) & 0x0001000100010001u) * 0x0001000200040008u
    y = ((y >> 15) & 0x0001000100010001u) * 0x0001000200040008u
    return <u32>(x >> 48 & 15 | (y >> 48 & 15) << 4)


cdef inline u32 bitmask32(u64 x, u64 y) noexcept nogil:
    return <u32>((x >> 31 & 1) | (x >> 62 & 2) | (y >> 29 & 4) | (y >> 60 & 8))


cdef inline u32 bitmask64(u64 x, u64 y) noexcept nogil:
    return <u32>(x >> 63 | (y >> 62 & 2))


# A product of signed bytes and that of their neighbours, summed
cdef inline i32 dot2(const v128* a, const v128* b, int i) noexcept nogil:
    return (
        a.i8x16[WASMCY_LANE8(i)] * b.i8x16[WASMCY_LANE8(i)]
        + a.i8x16[WASMCY_LANE8(i + 1)] * b.i8x16[WASMCY_LANE8(i + 1)]
    )


# swizzle: the lane of that number, or 0
cdef inline u8 chosen(const v128* a, u8 i) noexcept nogil:
    return a.u8x16[WASMCY_LANE8(i & 15)] if i < 16 else 0
