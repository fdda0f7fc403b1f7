/* A picture is smoothed: bytes widened to 16 bits, weighed, summed, and made bytes again. */
#include "vector.h"

#define W 160
#define H 64

static uint8_t picture[H][W], other[H][W];

static u16x8 wide(const uint8_t *at) {
    u8x8 eight;
    __builtin_memcpy(&eight, at, 8);
    return __builtin_convertvector(eight, u16x8);
}

static NOINLINE void smooth(uint8_t (*from)[W], uint8_t (*to)[W]) {
    for (int y = 1; y < H - 1; y++) {
        for (int x = 8; x < W - 8; x += 8) {
            u16x8 sum = wide(&from[y][x]) * 4 + (wide(&from[y][x - 1]) + wide(&from[y][x + 1])) * 2;
            sum += (wide(&from[y - 1][x]) + wide(&from[y + 1][x])) * 2;
            sum += wide(&from[y - 1][x - 1]) + wide(&from[y - 1][x + 1]);
            sum += wide(&from[y + 1][x - 1]) + wide(&from[y + 1][x + 1]);
            u8x8 eight = __builtin_convertvector((sum + 8) >> 4, u8x8);
            __builtin_memcpy(&to[y][x], &eight, 8);
        }
    }
}

RUN int run(int n) {
    uint32_t state = 1, hash = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) picture[y][x] = other[y][x] = next_random(&state);
    for (int k = 0; k < n; k++) {
        smooth(picture, other);
        smooth(other, picture);
        picture[k % H][k % W] ^= 0x55;
    }
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) hash = mix(hash, picture[y][x]);
    return hash;
}
