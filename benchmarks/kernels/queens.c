/* Placing queens by recursion over bit sets: calls with many parameters and bit tricks. */
#include "kernel.h"

static NOINLINE int place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right, int depth) {
    if (columns == all) return 1;
    int found = 0;
    for (uint32_t free = all & ~(columns | left | right); free; free &= free - 1) {
        uint32_t bit = free & -free;
        found += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1, depth + 1);
    }
    return found + (depth > 20);
}

RUN int run(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) sum = sum * 3 + place((1u << (6 + i % 3)) - 1, 0, 0, 0, 0) + __builtin_popcount((uint32_t)i);
    return sum;
}
