/* What every kernel shares.  A kernel exports  T run(int n)  and imports nothing; its work grows
   with n, and its result depends on all of that work, so that two engines can be compared by it. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

#define RUN __attribute__((export_name("run")))
#define NOINLINE __attribute__((noinline))

static inline uint32_t next_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline uint32_t mix(uint32_t hash, uint32_t value) {
    return (hash ^ value) * 0x01000193u;
}

#endif
