/* Lines, words and letters of a text are counted, 16 characters at a time: comparisons of bytes. */
#include "vector.h"

#define SIZE 16384

static uint8_t text[SIZE];

static int ones(u8x16 mask) {
    u8x16 bits = mask & 1;
    int sum = 0;
    for (int i = 0; i < 16; i++) sum += bits[i];
    return sum;
}

static NOINLINE uint32_t count(void) {
    u8x16 lines = {0}, spaces = {0}, letters = {0};
    uint32_t hash = 0;
    for (int at = 0; at < SIZE; at += 16) {
        u8x16 sixteen;
        __builtin_memcpy(&sixteen, text + at, 16);
        lines -= (u8x16)(sixteen == '\n');
        spaces -= (u8x16)(sixteen == ' ');
        letters -= (u8x16)(((sixteen | 32) - 'a') < 26);
        if ((at & 0x7F0) == 0x7F0) {
            hash = mix(hash, ones(lines) | ones(spaces) << 8 | ones(letters) << 16);
        }
    }
    return hash;
}

RUN int run(int n) {
    uint32_t state = 1, hash = 0;
    for (int i = 0; i < SIZE; i++) text[i] = "etaoin shrdlu\n.x"[next_random(&state) % 16];
    for (int k = 0; k < n; k++) {
        hash = mix(hash, count());
        text[hash % SIZE] ^= 1;
    }
    return hash;
}
