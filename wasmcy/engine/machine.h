/* The calling convention of handlers and the accessors they read code, slots and memory with.
 * No instruction's semantics live here: those are in semantics.py and numeric.pxd.
 *
 * Two forms, chosen by setup.py, which compiles a probe and reads the result:
 *   WASMCY_TAIL=1   a handler jumps to the next one; eight arguments, all in registers
 *   WASMCY_TAIL=0   a handler returns the next pc to a loop; the other seven live in a State
 */
#ifndef WASMCY_MACHINE_H
#define WASMCY_MACHINE_H
#include <stdint.h>
#include <string.h>

#ifndef WASMCY_TAIL
#define WASMCY_TAIL 0
#endif

#if defined(__GNUC__) || defined(__clang__)
#define WASMCY_LIKELY(x) __builtin_expect(!!(x), 1)
#define WASMCY_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WASMCY_COLD __attribute__((cold, noinline))
#define WASMCY_BARRIER() __asm__ volatile("" ::: "memory")
#else
#define WASMCY_LIKELY(x) (x)
#define WASMCY_UNLIKELY(x) (x)
#define WASMCY_COLD
#define WASMCY_BARRIER() ((void)0)
#endif

#if defined(__has_attribute)
#if WASMCY_TAIL && __has_attribute(musttail)
#define WASMCY_MUSTTAIL __attribute__((musttail))
#endif
#endif
#ifndef WASMCY_MUSTTAIL
#define WASMCY_MUSTTAIL
#endif
#define WASMCY_JUMP(f, ...) WASMCY_MUSTTAIL return f(__VA_ARGS__)

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WASMCY_BIG 1
#else
#define WASMCY_BIG 0
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define WASMCY_INLINE static __forceinline
#else
#define WASMCY_INLINE static inline __attribute__((always_inline))
#endif

/* ---- code words: u16 fields and 32-bit halves, counted from the low end of the word's value */
WASMCY_INLINE uint64_t wcy_u16(const uint64_t *word, int i) {
    uint16_t v; memcpy(&v, (const char *)word + 2 * (WASMCY_BIG ? 3 - i : i), 2); return v;
}
WASMCY_INLINE int64_t wcy_i16(const uint64_t *word, int i) {
    int16_t v; memcpy(&v, (const char *)word + 2 * (WASMCY_BIG ? 3 - i : i), 2); return v;
}
WASMCY_INLINE uint32_t wcy_half(const uint64_t *words, uint64_t i) {
    uint32_t v; memcpy(&v, (const char *)words + 4 * (i ^ WASMCY_BIG), 4); return v;
}
#define F_D(pc) wcy_u16((pc) + 1, 0)
#define F_A(pc) wcy_u16((pc) + 1, 1)
#define F_B(pc) wcy_u16((pc) + 1, 2)
#define F_C(pc) wcy_u16((pc) + 1, 3)
#define F_C16(pc) wcy_i16((pc) + 1, 3)
#define F_B16(pc) wcy_i16((pc) + 1, 2)
#define F_HALF(pc) wcy_half((pc) + 1, 1)
#define W_HALF(pc, n, i) wcy_half((pc) + (n), i)
#define W_U16(pc, n, i) wcy_u16((pc) + (n), i)

/* pc goes on, in its register: a compiler that sees how far computes it early, in another one, and moves both. */
WASMCY_INLINE uint64_t *wcy_ahead(uint64_t *pc, int n) {
    pc += n;
#if defined(__GNUC__) && defined(__x86_64__)
    __asm__("" : "+r"(pc));
#endif
    return pc;
}

/* ---- slots: 64 bits each; integers are written zero-extended, an f32 fills the low half */
WASMCY_INLINE uint32_t wcy_slot_u32(const uint64_t *sp, uint64_t i) { return wcy_half(sp + i, 0); }
WASMCY_INLINE double wcy_slot_f64(const uint64_t *sp, uint64_t i) { double v; memcpy(&v, sp + i, 8); return v; }
WASMCY_INLINE float wcy_slot_f32(const uint64_t *sp, uint64_t i) {
    float v; memcpy(&v, (const char *)(sp + i) + 4 * WASMCY_BIG, 4); return v;
}
WASMCY_INLINE void wcy_set_f64(uint64_t *sp, uint64_t i, double v) { memcpy(sp + i, &v, 8); }
WASMCY_INLINE void wcy_set_f32(uint64_t *sp, uint64_t i, float v) { memcpy((char *)(sp + i) + 4 * WASMCY_BIG, &v, 4); }
WASMCY_INLINE float wcy_f32(uint32_t x) { float v; memcpy(&v, &x, 4); return v; }
WASMCY_INLINE double wcy_f64(uint64_t x) { double v; memcpy(&v, &x, 8); return v; }
WASMCY_INLINE uint32_t wcy_bits32(float x) { uint32_t v; memcpy(&v, &x, 4); return v; }
WASMCY_INLINE uint64_t wcy_bits64(double x) { uint64_t v; memcpy(&v, &x, 8); return v; }

/* ---- v128: two words, the low one first, in two slots; lane 0 is lowest.  A lane of the arrays is found by
 * WASMCY_LANE8(i) to WASMCY_LANE64(i), on hosts of either byte order */
typedef union {
    uint64_t u64x2[2]; int64_t i64x2[2]; double f64x2[2];
    uint32_t u32x4[4]; int32_t i32x4[4]; float f32x4[4];
    uint16_t u16x8[8]; int16_t i16x8[8];
    uint8_t u8x16[16]; int8_t i8x16[16];
} wcy_v128;
#define WASMCY_LANE8(i) ((i) ^ (7 * WASMCY_BIG))
#define WASMCY_LANE16(i) ((i) ^ (3 * WASMCY_BIG))
#define WASMCY_LANE32(i) ((i) ^ WASMCY_BIG)
#define WASMCY_LANE64(i) (i)

/* ---- linear memory: little-endian, unaligned */
#if WASMCY_BIG
#define WASMCY_LE16(x) __builtin_bswap16(x)
#define WASMCY_LE32(x) __builtin_bswap32(x)
#define WASMCY_LE64(x) __builtin_bswap64(x)
#else
#define WASMCY_LE16(x) (x)
#define WASMCY_LE32(x) (x)
#define WASMCY_LE64(x) (x)
#endif
WASMCY_INLINE uint8_t wcy_load_u8(const uint8_t *p) { return *p; }
WASMCY_INLINE uint16_t wcy_load_u16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return WASMCY_LE16(v); }
WASMCY_INLINE uint32_t wcy_load_u32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return WASMCY_LE32(v); }
WASMCY_INLINE uint64_t wcy_load_u64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return WASMCY_LE64(v); }
WASMCY_INLINE void wcy_store_u8(uint8_t *p, uint8_t v) { *p = v; }
WASMCY_INLINE void wcy_store_u16(uint8_t *p, uint16_t v) { v = WASMCY_LE16(v); memcpy(p, &v, 2); }
WASMCY_INLINE void wcy_store_u32(uint8_t *p, uint32_t v) { v = WASMCY_LE32(v); memcpy(p, &v, 4); }
WASMCY_INLINE void wcy_store_u64(uint8_t *p, uint64_t v) { v = WASMCY_LE64(v); memcpy(p, &v, 8); }
#if WASMCY_BIG
WASMCY_INLINE float wcy_load_f32(const uint8_t *p) { return wcy_f32(wcy_load_u32(p)); }
WASMCY_INLINE double wcy_load_f64(const uint8_t *p) { return wcy_f64(wcy_load_u64(p)); }
WASMCY_INLINE void wcy_store_f32(uint8_t *p, float v) { wcy_store_u32(p, wcy_bits32(v)); }
WASMCY_INLINE void wcy_store_f64(uint8_t *p, double v) { wcy_store_u64(p, wcy_bits64(v)); }
#else
WASMCY_INLINE float wcy_load_f32(const uint8_t *p) { float v; memcpy(&v, p, 4); return v; }
WASMCY_INLINE double wcy_load_f64(const uint8_t *p) { double v; memcpy(&v, p, 8); return v; }
WASMCY_INLINE void wcy_store_f32(uint8_t *p, float v) { memcpy(p, &v, 4); }
WASMCY_INLINE void wcy_store_f64(uint8_t *p, double v) { memcpy(p, &v, 8); }
#endif

/* ---- bits.  The counts are total: 32 or 64 where no bit is set */
WASMCY_INLINE uint32_t wcy_rotl32(uint32_t a, uint32_t b) { return (a << (b & 31)) | (a >> (-b & 31)); }
WASMCY_INLINE uint32_t wcy_rotr32(uint32_t a, uint32_t b) { return (a >> (b & 31)) | (a << (-b & 31)); }
WASMCY_INLINE uint64_t wcy_rotl64(uint64_t a, uint64_t b) { return (a << (b & 63)) | (a >> (-b & 63)); }
WASMCY_INLINE uint64_t wcy_rotr64(uint64_t a, uint64_t b) { return (a >> (b & 63)) | (a << (-b & 63)); }
#if defined(_MSC_VER) && !defined(__clang__)
WASMCY_INLINE uint32_t wcy_clz32(uint32_t a) { unsigned long i; return _BitScanReverse(&i, a) ? 31 - i : 32; }
WASMCY_INLINE uint32_t wcy_ctz32(uint32_t a) { unsigned long i; return _BitScanForward(&i, a) ? i : 32; }
WASMCY_INLINE uint64_t wcy_clz64(uint64_t a) { unsigned long i; return _BitScanReverse64(&i, a) ? 63 - i : 64; }
WASMCY_INLINE uint64_t wcy_ctz64(uint64_t a) { unsigned long i; return _BitScanForward64(&i, a) ? i : 64; }
#else
WASMCY_INLINE uint32_t wcy_clz32(uint32_t a) { return a ? (uint32_t)__builtin_clz(a) : 32; }
WASMCY_INLINE uint32_t wcy_ctz32(uint32_t a) { return a ? (uint32_t)__builtin_ctz(a) : 32; }
WASMCY_INLINE uint64_t wcy_clz64(uint64_t a) { return a ? (uint64_t)__builtin_clzll(a) : 64; }
WASMCY_INLINE uint64_t wcy_ctz64(uint64_t a) { return a ? (uint64_t)__builtin_ctzll(a) : 64; }
#endif
WASMCY_INLINE uint64_t wcy_popcnt64(uint64_t a) {
    a = a - ((a >> 1) & 0x5555555555555555u);
    a = (a & 0x3333333333333333u) + ((a >> 2) & 0x3333333333333333u);
    return (((a + (a >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56;
}

/* ---- published words and requests between threads */
#if defined(_MSC_VER) && !defined(__clang__)
#define wcy_load_acquire(p) (*(volatile uint64_t *)(p))
#define wcy_store_release(p, v) (*(volatile uint64_t *)(p) = (v))
#else
#define wcy_load_acquire(p) __atomic_load_n((uint64_t *)(p), __ATOMIC_ACQUIRE)
#define wcy_store_release(p, v) __atomic_store_n((uint64_t *)(p), (v), __ATOMIC_RELEASE)
#endif

/* ---- shared memories: sequentially consistent accesses of naturally aligned units, little-endian.
 * Where the compiler has no operation of a kind, compare-and-exchange is repeated until it succeeds.
 */
#if defined(_MSC_VER) && !defined(__clang__)
#define WCY_CAS8(p, a, b) ((uint8_t)_InterlockedCompareExchange8((volatile char *)(p), (char)(b), (char)(a)))
#define WCY_CAS16(p, a, b) ((uint16_t)_InterlockedCompareExchange16((volatile short *)(p), (short)(b), (short)(a)))
#define WCY_CAS32(p, a, b) ((uint32_t)_InterlockedCompareExchange((volatile long *)(p), (long)(b), (long)(a)))
#define WCY_CAS64(p, a, b) \
    ((uint64_t)_InterlockedCompareExchange64((volatile long long *)(p), (long long)(b), (long long)(a)))
#define WCY_CAS(bits, p, a, b) WCY_CAS##bits(p, a, b)
#define WCY_ATOMIC_LOAD(bits, p) WCY_CAS##bits(p, 0, 0)
#define WCY_FETCH(bits, name, p, v, result) WCY_REPEAT(bits, p, result)
#if defined(_M_ARM64)
#define wcy_fence() __dmb(0xB)
#else
#define wcy_fence() _mm_mfence()
#endif
#else
#define WCY_CAS(bits, p, a, b) __sync_val_compare_and_swap((uint##bits##_t *)(p), a, b)
#define WCY_ATOMIC_LOAD(bits, p) __atomic_load_n((const uint##bits##_t *)(p), __ATOMIC_SEQ_CST)
#define WCY_FETCH(bits, name, p, v, result) return __atomic_fetch_##name((uint##bits##_t *)(p), v, __ATOMIC_SEQ_CST);
#define wcy_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#define WASMCY_LE8(x) (x)
#define WCY_REPEAT(bits, p, result) \
    uint##bits##_t raw, old; \
    do { \
        raw = WCY_ATOMIC_LOAD(bits, p); \
        old = WASMCY_LE##bits(raw); \
    } while (WCY_CAS(bits, p, raw, WASMCY_LE##bits((uint##bits##_t)(result))) != raw); \
    return old;
#define WCY_RMW(bits, name, result) \
    WASMCY_INLINE uint##bits##_t wcy_atomic_##name##_u##bits(uint8_t *p, uint##bits##_t v)
#if WASMCY_BIG
#define WCY_FETCH_OR_REPEAT(bits, name, p, v, result) WCY_REPEAT(bits, p, result)
#else
#define WCY_FETCH_OR_REPEAT(bits, name, p, v, result) WCY_FETCH(bits, name, p, v, result)
#endif
#define WCY_ATOMICS(bits) \
    WASMCY_INLINE uint##bits##_t wcy_atomic_load_u##bits(const uint8_t *p) { \
        return WASMCY_LE##bits(WCY_ATOMIC_LOAD(bits, p)); \
    } \
    WCY_RMW(bits, xchg, v) { WCY_REPEAT(bits, p, v) } \
    WCY_RMW(bits, add, v) { WCY_FETCH_OR_REPEAT(bits, add, p, v, old + v) } \
    WCY_RMW(bits, sub, v) { WCY_FETCH_OR_REPEAT(bits, sub, p, v, old - v) } \
    WCY_RMW(bits, and, v) { WCY_FETCH_OR_REPEAT(bits, and, p, v, old & v) } \
    WCY_RMW(bits, or, v) { WCY_FETCH_OR_REPEAT(bits, or, p, v, old | v) } \
    WCY_RMW(bits, xor, v) { WCY_FETCH_OR_REPEAT(bits, xor, p, v, old ^ v) } \
    WASMCY_INLINE uint##bits##_t wcy_atomic_cmpxchg_u##bits(uint8_t *p, uint##bits##_t a, uint##bits##_t b) { \
        return WASMCY_LE##bits(WCY_CAS(bits, p, (uint##bits##_t)WASMCY_LE##bits(a), (uint##bits##_t)WASMCY_LE##bits(b))); \
    }
WCY_ATOMICS(8)
WCY_ATOMICS(16)
WCY_ATOMICS(32)
WCY_ATOMICS(64)

/* A store's owner: the thread that runs in it.  1: taken now, 2: this thread's already, 0: another's */
#if defined(_MSC_VER) && !defined(__clang__)
WASMCY_INLINE int wcy_take(volatile uint64_t *owner, uint64_t thread) {
    uint64_t found = (uint64_t)_InterlockedCompareExchange64((volatile long long *)owner, (long long)thread, 0);
    return found == 0 ? 1 : found == thread ? 2 : 0;
}
#else
WASMCY_INLINE int wcy_take(uint64_t *owner, uint64_t thread) {
    uint64_t found = 0;
    if (__atomic_compare_exchange_n(owner, &found, thread, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return 1;
    return found == thread ? 2 : 0;
}
#endif

/* ---- the heap: a flag beside the type id in an object's header (heap.pyx) */
#define WASMCY_LARGE UINT64_C(0x80000000)

#endif
