/* ChaCha20 blocks: 32-bit additions, rotations and rearranged rows. */
#include "vector.h"

static u32x4 rotated(u32x4 v, int by) { return v << by | v >> (32 - by); }

#define TURN(v, a, b, c, d) __builtin_shufflevector(v, v, a, b, c, d)
#define QUARTER(a, b, c, d) \
    a += b, d = rotated(d ^ a, 16), c += d, b = rotated(b ^ c, 12), \
    a += b, d = rotated(d ^ a, 8), c += d, b = rotated(b ^ c, 7)

RUN int run(int n) {
    u32x4 row0 = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, row1 = {1, 2, 3, 4}, row2 = {5, 6, 7, 8};
    u32x4 row3 = {0, 9, 10, 11}, sum = {0};
    for (int block = 0; block < n; block++) {
        u32x4 a = row0, b = row1, c = row2, d = row3;
        for (int i = 0; i < 10; i++) {
            QUARTER(a, b, c, d);
            b = TURN(b, 1, 2, 3, 0), c = TURN(c, 2, 3, 0, 1), d = TURN(d, 3, 0, 1, 2);
            QUARTER(a, b, c, d);
            b = TURN(b, 3, 0, 1, 2), c = TURN(c, 2, 3, 0, 1), d = TURN(d, 1, 2, 3, 0);
        }
        sum ^= a + row0, sum += b + row1, sum ^= c + row2, sum += d + row3;
        row3[0]++;
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
}
