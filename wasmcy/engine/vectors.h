/* Vector instructions that a processor has an instruction or a few for, where compilers do not find them in a loop
 * over lanes (vectors.py). generate.py reads here for which, and writes
 *
 *     if WASMCY_SSE2: wcy_i8x16_narrow_i16x8_s(&r, a, b)
 *     else: the loop
 *
 * of which the compiler keeps one. A name is the instruction's with `_` for `.`; a, b, c are its operands, n a shift's
 * count. Those in macros that end in _41 are for processors with SSSE3 and SSE4.1: handlers of their own, of which
 * `fill` puts one or the other into the table.
 */
#ifndef WASMCY_VECTORS_H
#define WASMCY_VECTORS_H
#include "machine.h"
#include <stdlib.h>

#if defined(__SSE2__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#define WASMCY_SSE2 1
#include <emmintrin.h>
#define WCY_IN(name, from) __m128i name = _mm_loadu_si128((const __m128i *)(from))
#define WCY_UNARY(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x) { \
        WCY_IN(a, x); _mm_storeu_si128((__m128i *)r, value); \
    }
#define WCY_BINARY(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x, const wcy_v128 *y) { \
        WCY_IN(a, x); WCY_IN(b, y); _mm_storeu_si128((__m128i *)r, value); \
    }
#define WCY_TERNARY(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x, const wcy_v128 *y, const wcy_v128 *z) { \
        WCY_IN(a, x); WCY_IN(b, y); WCY_IN(c, z); _mm_storeu_si128((__m128i *)r, value); \
    }
#define WCY_SHIFT(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x, uint32_t count) { \
        WCY_IN(a, x); __m128i n = _mm_cvtsi32_si128((int)count); _mm_storeu_si128((__m128i *)r, value); \
    }
#define WCY_TEST(name, value) \
    WASMCY_INLINE uint32_t wcy_##name(const wcy_v128 *x) { WCY_IN(a, x); return (uint32_t)(value); }
#else
#define WASMCY_SSE2 0
#define WCY_UNARY(name, value) WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x) { *r = *x; }
#define WCY_BINARY(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x, const wcy_v128 *y) { *r = *x; (void)y; }
#define WCY_TERNARY(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x, const wcy_v128 *y, const wcy_v128 *z) { \
        *r = *x; (void)y; (void)z; \
    }
#define WCY_SHIFT(name, value) \
    WASMCY_INLINE void wcy_##name(wcy_v128 *r, const wcy_v128 *x, uint32_t count) { *r = *x; (void)count; }
#define WCY_TEST(name, value) WASMCY_INLINE uint32_t wcy_##name(const wcy_v128 *x) { (void)x; return 0; }
#endif
/* ---- Vectors are stored whole: who loads 16 bytes of which some came with another store waits for the cache. */
WASMCY_INLINE void wcy_put(wcy_v128 *to, const wcy_v128 *r) {
#if WASMCY_SSE2
    WCY_IN(v, r);
#if defined(__GNUC__)
    __asm__("" : "+x"(v)); /* or two halves would be stored as they are made */
#endif
    _mm_storeu_si128((__m128i *)to, v);
#else
    *to = *r;
#endif
}
/* Eight bytes of memory; the rest of r is undefined. */
WASMCY_INLINE void wcy_load_low(wcy_v128 *r, const uint8_t *from) {
#if WASMCY_SSE2
    _mm_storeu_si128((__m128i *)r, _mm_loadl_epi64((const __m128i *)from));
#else
    r->u64x2[0] = wcy_load_u64(from);
#endif
}
/* r is the vector at x with `value` in the lane of that number, of 8, 16, 32 or 64 bits. */
WASMCY_INLINE void wcy_insert(wcy_v128 *r, const wcy_v128 *x, uint64_t value, int bits, uint64_t lane) {
    uint64_t ones = ~UINT64_C(0) >> (64 - bits);
#if WASMCY_SSE2
    static const uint64_t windows[4][5] = {{0, 0, 0xFF}, {0, 0, 0xFFFF}, {0, 0, 0xFFFFFFFF}, {0, 0, ~UINT64_C(0)}};
    const char *window = (const char *)windows[bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3];
    WCY_IN(which, window + 16 - lane * (uint64_t)bits / 8);
    WCY_IN(a, x);
    __m128i all = _mm_set1_epi64x((int64_t)((value & ones) * (~UINT64_C(0) / ones)));
    _mm_storeu_si128((__m128i *)r, _mm_or_si128(_mm_and_si128(which, all), _mm_andnot_si128(which, a)));
#else
    uint64_t at = lane * (uint64_t)bits, low = (at >> 6) - 1;
    ones <<= at & 63;
    value = value << (at & 63) & ones;
    r->u64x2[0] = (x->u64x2[0] & ~(ones & low)) | (value & low);
    r->u64x2[1] = (x->u64x2[1] & ~(ones & ~low)) | (value & ~low);
#endif
}

#define WCY_UNARY_41 WCY_UNARY
#define WCY_BINARY_41 WCY_BINARY
#define WCY_TERNARY_41 WCY_TERNARY

/* ---- SSSE3 and SSE4.1, without asking the compiler to use them everywhere */
#if WASMCY_SSE2
#if defined(__GNUC__)
#include <cpuid.h>
#define WCY_ASM(name, text) \
    WASMCY_INLINE __m128i name(__m128i a, __m128i b) { __asm__(text : "+x"(a) : "x"(b)); return a; }
WCY_ASM(wcy_pshufb, "pshufb %1, %0")
WCY_ASM(wcy_packusdw, "packusdw %1, %0")
#define wcy_round(kind, a, mode) __extension__ ({ \
    __m128i v_; __asm__("round" kind " %2, %1, %0" : "=x"(v_) : "x"(a), "i"(mode)); v_; })
#define WCY_ROUND_PS(a, mode) wcy_round("ps", a, mode)
#define WCY_ROUND_PD(a, mode) wcy_round("pd", a, mode)
#else
#include <intrin.h>
#include <smmintrin.h>
#define wcy_pshufb _mm_shuffle_epi8
#define wcy_packusdw _mm_packus_epi32
#define WCY_ROUND_PS(a, mode) _mm_castps_si128(_mm_round_ps(_mm_castsi128_ps(a), mode))
#define WCY_ROUND_PD(a, mode) _mm_castpd_si128(_mm_round_pd(_mm_castsi128_pd(a), mode))
#endif
#endif

/* Whether the processor has both; WASMCY_SSE41=0 in the environment denies it. */
static int wcy_has_sse41(void) {
    unsigned features = 0;
    const char *wanted = getenv("WASMCY_SSE41");
#if !WASMCY_SSE2
#elif defined(__GNUC__)
    unsigned a, b, d;
    if (!__get_cpuid(1, &a, &b, &features, &d)) features = 0;
#else
    int found[4];
    __cpuid(found, 1);
    features = (unsigned)found[2];
#endif
    return (features >> 9 & features >> 19 & 1) && !(wanted && *wanted == '0');
}

/* ---- what takes more than an expression */
#define ZERO _mm_setzero_si128()
#define ALL(bits, x) _mm_set1_epi##bits(x)
#define PS(function, a, b) _mm_castps_si128(function(_mm_castsi128_ps(a), _mm_castsi128_ps(b)))
#define PD(function, a, b) _mm_castpd_si128(function(_mm_castsi128_pd(a), _mm_castsi128_pd(b)))
#if WASMCY_SSE2
WASMCY_INLINE __m128i wcy_choose(__m128i which, __m128i a, __m128i b) { /* the bits of a where `which` has them set */
    return _mm_or_si128(_mm_and_si128(which, a), _mm_andnot_si128(which, b));
}
/* The product's bits from the 15th on, and the 14th to round by; only -1 times -1 is too large. */
WASMCY_INLINE __m128i wcy_q15mulr(__m128i a, __m128i b) {
    __m128i low = _mm_mullo_epi16(a, b), high = _mm_mulhi_epi16(a, b);
    __m128i r = _mm_or_si128(_mm_slli_epi16(high, 1), _mm_srli_epi16(low, 15));
    r = _mm_add_epi16(r, _mm_and_si128(_mm_srli_epi16(low, 14), ALL(16, 1)));
    return _mm_xor_si128(r, _mm_cmpeq_epi16(r, ALL(16, -32768)));
}
/* Each byte as the upper one of 16 bits, shifted, and made a byte again. */
WASMCY_INLINE __m128i wcy_shr_s8(__m128i a, __m128i n) {
    n = _mm_add_epi32(n, _mm_cvtsi32_si128(8));
    return _mm_packs_epi16(_mm_sra_epi16(_mm_unpacklo_epi8(a, a), n), _mm_sra_epi16(_mm_unpackhi_epi8(a, a), n));
}
/* The sign is shifted like the rest, and spread by a subtraction. */
WASMCY_INLINE __m128i wcy_shr_s64(__m128i a, __m128i n) {
    __m128i sign = _mm_srl_epi64(_mm_slli_epi64(_mm_cmpeq_epi32(a, a), 63), n);
    return _mm_sub_epi64(_mm_xor_si128(_mm_srl_epi64(a, n), sign), sign);
}
WASMCY_INLINE __m128i wcy_eq64(__m128i a, __m128i b) {
    __m128i halves = _mm_cmpeq_epi32(a, b);
    return _mm_and_si128(halves, _mm_shuffle_epi32(halves, 0xB1));
}
/* cvttps2dq answers 1 << 31 to what does not fit: right for what is too small. */
WASMCY_INLINE __m128i wcy_trunc_sat32_s(__m128i a) {
    __m128i number = _mm_and_si128(a, PS(_mm_cmpord_ps, a, a));
    __m128i large = PS(_mm_cmpge_ps, number, _mm_castps_si128(_mm_set1_ps(2147483648.0f)));
    return _mm_xor_si128(_mm_cvttps_epi32(_mm_castsi128_ps(number)), large);
}
/* minps and maxps answer their second operand to zeros and NaNs: both orders, and a sum, which is a quiet NaN. */
#define WCY_EXTREME(name, P, ps, combine) \
    WASMCY_INLINE __m128i wcy_##name##_##ps(__m128i a, __m128i b) { \
        __m128i r = combine(P(_mm_##name##_##ps, a, b), P(_mm_##name##_##ps, b, a)); \
        return wcy_choose(P(_mm_cmpunord_##ps, a, b), P(_mm_add_##ps, a, b), r); \
    }
WCY_EXTREME(min, PS, ps, _mm_or_si128)
WCY_EXTREME(max, PS, ps, _mm_and_si128)
WCY_EXTREME(min, PD, pd, _mm_or_si128)
WCY_EXTREME(max, PD, pd, _mm_and_si128)
#endif
/* half of a vector, its lanes made wider; every other byte of pairs */
#define LOW8_S(a) _mm_srai_epi16(_mm_unpacklo_epi8(a, a), 8)
#define HIGH8_S(a) _mm_srai_epi16(_mm_unpackhi_epi8(a, a), 8)
#define LOW8_U(a) _mm_unpacklo_epi8(a, ZERO)
#define HIGH8_U(a) _mm_unpackhi_epi8(a, ZERO)
#define EVEN8_S(a) _mm_srai_epi16(_mm_slli_epi16(a, 8), 8)
#define ODD8_S(a) _mm_srai_epi16(a, 8)
#define DOT8(a, b) \
    _mm_adds_epi16(_mm_mullo_epi16(EVEN8_S(a), EVEN8_S(b)), _mm_mullo_epi16(ODD8_S(a), ODD8_S(b)))

/* ---- integers */
WCY_BINARY(i8x16_add_sat_s, _mm_adds_epi8(a, b))
WCY_BINARY(i8x16_add_sat_u, _mm_adds_epu8(a, b))
WCY_BINARY(i8x16_sub_sat_s, _mm_subs_epi8(a, b))
WCY_BINARY(i8x16_sub_sat_u, _mm_subs_epu8(a, b))
WCY_BINARY(i16x8_add_sat_s, _mm_adds_epi16(a, b))
WCY_BINARY(i16x8_add_sat_u, _mm_adds_epu16(a, b))
WCY_BINARY(i16x8_sub_sat_s, _mm_subs_epi16(a, b))
WCY_BINARY(i16x8_sub_sat_u, _mm_subs_epu16(a, b))

WCY_BINARY(i8x16_narrow_i16x8_s, _mm_packs_epi16(a, b))
WCY_BINARY(i8x16_narrow_i16x8_u, _mm_packus_epi16(a, b))
WCY_BINARY(i16x8_narrow_i32x4_s, _mm_packs_epi32(a, b))
WCY_BINARY_41(i16x8_narrow_i32x4_u, wcy_packusdw(a, b))

WCY_UNARY(i16x8_extend_low_i8x16_s, LOW8_S(a))
WCY_UNARY(i16x8_extend_high_i8x16_s, HIGH8_S(a))
WCY_UNARY(i16x8_extend_low_i8x16_u, LOW8_U(a))
WCY_UNARY(i16x8_extend_high_i8x16_u, HIGH8_U(a))
WCY_UNARY(i32x4_extend_low_i16x8_s, _mm_srai_epi32(_mm_unpacklo_epi16(a, a), 16))
WCY_UNARY(i32x4_extend_high_i16x8_s, _mm_srai_epi32(_mm_unpackhi_epi16(a, a), 16))
WCY_UNARY(i32x4_extend_low_i16x8_u, _mm_unpacklo_epi16(a, ZERO))
WCY_UNARY(i32x4_extend_high_i16x8_u, _mm_unpackhi_epi16(a, ZERO))
WCY_UNARY(i64x2_extend_low_i32x4_s, _mm_unpacklo_epi32(a, _mm_srai_epi32(a, 31)))
WCY_UNARY(i64x2_extend_high_i32x4_s, _mm_unpackhi_epi32(a, _mm_srai_epi32(a, 31)))
WCY_UNARY(i64x2_extend_low_i32x4_u, _mm_unpacklo_epi32(a, ZERO))
WCY_UNARY(i64x2_extend_high_i32x4_u, _mm_unpackhi_epi32(a, ZERO))

WCY_UNARY(i16x8_extadd_pairwise_i8x16_s, _mm_add_epi16(EVEN8_S(a), ODD8_S(a)))
WCY_UNARY(i16x8_extadd_pairwise_i8x16_u, _mm_add_epi16(_mm_and_si128(a, ALL(16, 255)), _mm_srli_epi16(a, 8)))
WCY_UNARY(i32x4_extadd_pairwise_i16x8_s, _mm_madd_epi16(a, ALL(16, 1)))
WCY_UNARY(i32x4_extadd_pairwise_i16x8_u, _mm_add_epi32(_mm_and_si128(a, ALL(32, 0xFFFF)), _mm_srli_epi32(a, 16)))

WCY_BINARY(i16x8_extmul_low_i8x16_s, _mm_mullo_epi16(LOW8_S(a), LOW8_S(b)))
WCY_BINARY(i16x8_extmul_high_i8x16_s, _mm_mullo_epi16(HIGH8_S(a), HIGH8_S(b)))
WCY_BINARY(i16x8_extmul_low_i8x16_u, _mm_mullo_epi16(LOW8_U(a), LOW8_U(b)))
WCY_BINARY(i16x8_extmul_high_i8x16_u, _mm_mullo_epi16(HIGH8_U(a), HIGH8_U(b)))
WCY_BINARY(i32x4_extmul_low_i16x8_s, _mm_unpacklo_epi16(_mm_mullo_epi16(a, b), _mm_mulhi_epi16(a, b)))
WCY_BINARY(i32x4_extmul_high_i16x8_s, _mm_unpackhi_epi16(_mm_mullo_epi16(a, b), _mm_mulhi_epi16(a, b)))
WCY_BINARY(i32x4_extmul_low_i16x8_u, _mm_unpacklo_epi16(_mm_mullo_epi16(a, b), _mm_mulhi_epu16(a, b)))
WCY_BINARY(i32x4_extmul_high_i16x8_u, _mm_unpackhi_epi16(_mm_mullo_epi16(a, b), _mm_mulhi_epu16(a, b)))
WCY_BINARY(i64x2_extmul_low_i32x4_u, _mm_mul_epu32(_mm_shuffle_epi32(a, 0x50), _mm_shuffle_epi32(b, 0x50)))
WCY_BINARY(i64x2_extmul_high_i32x4_u, _mm_mul_epu32(_mm_shuffle_epi32(a, 0xFA), _mm_shuffle_epi32(b, 0xFA)))

WCY_BINARY(i32x4_dot_i16x8_s, _mm_madd_epi16(a, b))
WCY_BINARY(i16x8_relaxed_dot_i8x16_i7x16_s, DOT8(a, b))
WCY_TERNARY(i32x4_relaxed_dot_i8x16_i7x16_add_s, _mm_add_epi32(_mm_madd_epi16(DOT8(a, b), ALL(16, 1)), c))

WCY_BINARY(i16x8_q15mulr_sat_s, wcy_q15mulr(a, b))
WCY_UNARY(i8x16_abs, _mm_min_epu8(a, _mm_sub_epi8(ZERO, a)))
WCY_UNARY(i16x8_abs, _mm_max_epi16(a, _mm_sub_epi16(ZERO, a)))

/* bytes are shifted in pairs, and what came from the other one is masked */
WCY_SHIFT(i8x16_shl, _mm_and_si128(_mm_sll_epi16(a, n), ALL(8, (char)(255 << count))))
WCY_SHIFT(i8x16_shr_u, _mm_and_si128(_mm_srl_epi16(a, n), ALL(8, (char)(255 >> count))))
WCY_SHIFT(i8x16_shr_s, wcy_shr_s8(a, n))
WCY_SHIFT(i16x8_shl, _mm_sll_epi16(a, n))
WCY_SHIFT(i16x8_shr_s, _mm_sra_epi16(a, n))
WCY_SHIFT(i16x8_shr_u, _mm_srl_epi16(a, n))
WCY_SHIFT(i32x4_shl, _mm_sll_epi32(a, n))
WCY_SHIFT(i32x4_shr_s, _mm_sra_epi32(a, n))
WCY_SHIFT(i32x4_shr_u, _mm_srl_epi32(a, n))
WCY_SHIFT(i64x2_shl, _mm_sll_epi64(a, n))
WCY_SHIFT(i64x2_shr_u, _mm_srl_epi64(a, n))
WCY_SHIFT(i64x2_shr_s, wcy_shr_s64(a, n))

WCY_BINARY(i64x2_eq, wcy_eq64(a, b))
WCY_BINARY(i64x2_ne, _mm_xor_si128(wcy_eq64(a, b), _mm_cmpeq_epi32(a, a)))

/* where each byte comes from; what is beyond the lanes gives 0, as a mask above 127 does */
WCY_BINARY_41(i8x16_swizzle, wcy_pshufb(a, _mm_adds_epu8(b, ALL(8, 0x70))))
WCY_TERNARY_41(i8x16_shuffle, _mm_or_si128(
    wcy_pshufb(a, _mm_adds_epu8(c, ALL(8, 0x70))), wcy_pshufb(b, _mm_sub_epi8(c, ALL(8, 16)))))

WCY_TEST(i8x16_bitmask, _mm_movemask_epi8(a))
WCY_TEST(i16x8_bitmask, _mm_movemask_epi8(_mm_packs_epi16(a, ZERO)))
WCY_TEST(i32x4_bitmask, _mm_movemask_ps(_mm_castsi128_ps(a)))
WCY_TEST(i64x2_bitmask, _mm_movemask_pd(_mm_castsi128_pd(a)))
WCY_TEST(v128_any_true, _mm_movemask_epi8(_mm_cmpeq_epi8(a, ZERO)) != 0xFFFF)
WCY_TEST(i8x16_all_true, _mm_movemask_epi8(_mm_cmpeq_epi8(a, ZERO)) == 0)
WCY_TEST(i16x8_all_true, _mm_movemask_epi8(_mm_cmpeq_epi16(a, ZERO)) == 0)
WCY_TEST(i32x4_all_true, _mm_movemask_epi8(_mm_cmpeq_epi32(a, ZERO)) == 0)
WCY_TEST(i64x2_all_true, _mm_movemask_epi8(wcy_eq64(a, ZERO)) == 0)

/* ---- floats */
WCY_BINARY(f64x2_eq, PD(_mm_cmpeq_pd, a, b))
WCY_BINARY(f64x2_ne, PD(_mm_cmpneq_pd, a, b))
WCY_BINARY(f64x2_lt, PD(_mm_cmplt_pd, a, b))
WCY_BINARY(f64x2_gt, PD(_mm_cmplt_pd, b, a))
WCY_BINARY(f64x2_le, PD(_mm_cmple_pd, a, b))
WCY_BINARY(f64x2_ge, PD(_mm_cmple_pd, b, a))
WCY_BINARY(f32x4_min, wcy_min_ps(a, b))
WCY_BINARY(f32x4_max, wcy_max_ps(a, b))
WCY_BINARY(f64x2_min, wcy_min_pd(a, b))
WCY_BINARY(f64x2_max, wcy_max_pd(a, b))
WCY_UNARY_41(f32x4_ceil, WCY_ROUND_PS(a, 10))
WCY_UNARY_41(f32x4_floor, WCY_ROUND_PS(a, 9))
WCY_UNARY_41(f32x4_trunc, WCY_ROUND_PS(a, 11))
WCY_UNARY_41(f32x4_nearest, WCY_ROUND_PS(a, 8))
WCY_UNARY_41(f64x2_ceil, WCY_ROUND_PD(a, 10))
WCY_UNARY_41(f64x2_floor, WCY_ROUND_PD(a, 9))
WCY_UNARY_41(f64x2_trunc, WCY_ROUND_PD(a, 11))
WCY_UNARY_41(f64x2_nearest, WCY_ROUND_PD(a, 8))
WCY_UNARY(i32x4_trunc_sat_f32x4_s, wcy_trunc_sat32_s(a))

#endif
