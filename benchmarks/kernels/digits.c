/* The digits of e by long division in an array of 32-bit limbs: 64-bit division and carries. */
#include "kernel.h"

#define LIMBS 128

static uint32_t sum[LIMBS], term[LIMBS];

static int divide(uint32_t *number, uint32_t by) {
    uint64_t rest = 0;
    uint32_t any = 0;
    for (int i = 0; i < LIMBS; i++) {
        rest = rest << 32 | number[i];
        number[i] = (uint32_t)(rest / by), rest %= by;
        any |= number[i];
    }
    return any != 0;
}

static void add(uint32_t *to, const uint32_t *number) {
    uint64_t carry = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        carry += (uint64_t)to[i] + number[i];
        to[i] = (uint32_t)carry, carry >>= 32;
    }
}

static uint32_t next_digits(uint32_t *number) {
    uint64_t carry = 0;
    number[0] = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        carry += (uint64_t)number[i] * 1000000000u;
        number[i] = (uint32_t)carry, carry >>= 32;
    }
    return number[0];
}

RUN int run(int n) {
    uint32_t hash = 0;
    for (int r = 0; r < n; r++) {
        for (int i = 0; i < LIMBS; i++) sum[i] = term[i] = 0;
        sum[0] = 2, term[0] = 1;
        for (uint32_t k = 2; divide(term, k); k++) add(sum, term);
        for (int i = 0; i < 120; i++) hash = mix(hash, next_digits(sum) + (uint32_t)r);
    }
    return (int)hash;
}
