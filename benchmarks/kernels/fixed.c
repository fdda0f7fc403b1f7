/* The Mandelbrot set in 32.32 fixed point: 64-bit multiplications and shifts. */
#include "kernel.h"

#define ONE ((int64_t)1 << 28)

static inline int64_t times(int64_t a, int64_t b) { return (a * b) >> 28; }

RUN int64_t run(int n) {
    int64_t sum = 0;
    for (int row = 0; row < n; row++) {
        int64_t ci = (row * 37 % 101 - 50) * (ONE / 45);
        for (int column = 0; column < 64; column++) {
            int64_t cr = (column * 3 - 140) * (ONE / 64), zr = 0, zi = 0;
            int count = 0;
            for (; count < 200; count++) {
                int64_t rr = times(zr, zr), ii = times(zi, zi);
                if (rr + ii > 4 * ONE) break;
                zi = 2 * times(zr, zi) + ci, zr = rr - ii + cr;
            }
            sum = sum * 3 + count;
        }
    }
    return sum;
}
