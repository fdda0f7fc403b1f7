/* Conway's game of life on a torus: one byte per cell, neighbours by loads, i64 checksum. */
#include "kernel.h"

#define WIDTH 96
#define HEIGHT 64

static uint8_t cells[2][HEIGHT][WIDTH];

static void generation(const uint8_t from[HEIGHT][WIDTH], uint8_t to[HEIGHT][WIDTH]) {
    for (int y = 0; y < HEIGHT; y++) {
        const uint8_t *above = from[(y + HEIGHT - 1) % HEIGHT], *here = from[y], *below = from[(y + 1) % HEIGHT];
        for (int x = 0; x < WIDTH; x++) {
            int left = x ? x - 1 : WIDTH - 1, right = x < WIDTH - 1 ? x + 1 : 0;
            int around = above[left] + above[x] + above[right] + here[left] + here[right] + below[left] + below[x] + below[right];
            to[y][x] = around == 3 || (around == 2 && here[x]);
        }
    }
}

RUN int64_t run(int n) {
    uint32_t seed = 1234567;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) cells[0][y][x] = next_random(&seed) % 3 == 0;
    int64_t hash = 0;
    for (int i = 0; i < n; i++) {
        generation(cells[i & 1], cells[~i & 1]);
        for (int x = 0; x < WIDTH; x++) hash = hash * 6364136223846793005 + cells[~i & 1][x % HEIGHT][x];
    }
    return hash;
}
