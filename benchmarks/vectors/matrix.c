/* Matrix product: each step multiplies a row of four floats by one number and adds it up. */
#include "vector.h"

#define N 64

static f32x4 a[N][N / 4], b[N][N / 4], c[N][N / 4];

static NOINLINE void multiply(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N / 4; j += 4) {
            f32x4 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
            for (int k = 0; k < N; k++) {
                float x = ((float *)a[i])[k];
                f32x4 factor = {x, x, x, x};
                s0 += factor * b[k][j], s1 += factor * b[k][j + 1];
                s2 += factor * b[k][j + 2], s3 += factor * b[k][j + 3];
            }
            c[i][j] = s0, c[i][j + 1] = s1, c[i][j + 2] = s2, c[i][j + 3] = s3;
        }
    }
}

RUN float run(int n) {
    uint32_t state = 1;
    for (int i = 0; i < N * N; i++) ((float *)a)[i] = next_random(&state) % 100 / 64.0f;
    for (int i = 0; i < N * N; i++) ((float *)b)[i] = next_random(&state) % 100 / 64.0f;
    float total = 0;
    for (int k = 0; k < n; k++) {
        multiply();
        total += ((float *)c)[k % (N * N)];
        ((float *)a)[k % (N * N)] = total * 0.001f;
    }
    return total;
}
