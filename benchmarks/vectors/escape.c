/* The Mandelbrot set, four points at a time: floats, comparisons as masks. */
#include "vector.h"

RUN int run(int n) {
    int total = 0;
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x += 4) {
            f32x4 at = {x, x + 1, x + 2, x + 3};
            f32x4 cr = at * (3.0f / n) - 2.0f, zr = cr;
            float row = y * (2.0f / n) - 1.0f;
            f32x4 ci = {row, row, row, row}, zi = ci;
            i32x4 count = {0};
            for (int k = 0; k < 50; k++) {
                f32x4 rr = zr * zr, ii = zi * zi;
                i32x4 inside = rr + ii <= 4.0f;
                if (!(inside[0] | inside[1] | inside[2] | inside[3])) break;
                count -= inside;
                zi = 2.0f * zr * zi + ci;
                zr = rr - ii + cr;
            }
            total += count[0] + count[1] + count[2] + count[3];
        }
    }
    return total;
}
