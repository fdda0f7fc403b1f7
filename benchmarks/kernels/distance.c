/* Edit distances between pseudo-random words by dynamic programming on 16-bit rows. */
#include "kernel.h"

#define WORDS 64
#define LONGEST 40

static char words[WORDS][LONGEST + 1];
static uint16_t row[2][LONGEST + 1];

static int length_of(const char *s) {
    int n = 0;
    while (s[n]) n++;
    return n;
}

static int distance(const char *a, const char *b) {
    int n = length_of(b), y = 0;
    for (int x = 0; x <= n; x++) row[0][x] = (uint16_t)x;
    for (; a[y]; y++) {
        const uint16_t *above = row[y & 1];
        uint16_t *here = row[~y & 1];
        here[0] = (uint16_t)(y + 1);
        for (int x = 0; x < n; x++) {
            int best = above[x] + (a[y] != b[x]);
            if (above[x + 1] + 1 < best) best = above[x + 1] + 1;
            if (here[x] + 1 < best) best = here[x] + 1;
            here[x + 1] = (uint16_t)best;
        }
    }
    return row[y & 1][n];
}

RUN int run(int n) {
    uint32_t seed = 8086, hash = 0;
    for (int i = 0; i < WORDS; i++)
        for (int k = 0, size = 5 + (int)(next_random(&seed) % (LONGEST - 5)); k < size; k++)
            words[i][k] = (char)('a' + next_random(&seed) % 6);
    for (int i = 0; i < n; i++) {
        uint32_t r = next_random(&seed);
        hash = mix(hash, (uint32_t)distance(words[r % WORDS], words[(r >> 8) % WORDS]));
    }
    return (int)hash;
}
