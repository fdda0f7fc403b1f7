/* A small LZ77 compressor with a hash table, and its decompressor, on text-like data. */
#include "kernel.h"

#define SIZE 65536
#define HASHES 4096

static uint8_t plain[SIZE], packed[SIZE * 2], again[SIZE];
static int32_t last[HASHES];

static void make_text(uint32_t *seed) {
    static const char syllables[] = "ta ke no ri lumi sen da vo ka pe th er in an st re ou al ";
    int at = 0;
    while (at < SIZE) {
        uint32_t from = next_random(seed) % (sizeof syllables - 12), n = 2 + next_random(seed) % 9;
        for (uint32_t i = 0; i < n && at < SIZE; i++) plain[at++] = (uint8_t)syllables[from + i];
    }
}

static uint32_t hash_of(const uint8_t *p) {
    uint32_t three = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return (three * 506832829u) >> 20;
}

static int pack(void) {
    int out = 0, at = 0, literals = 0;
    for (int i = 0; i < HASHES; i++) last[i] = -1;
    while (at < SIZE) {
        int length = 0, distance = 0;
        if (at + 3 < SIZE) {
            uint32_t h = hash_of(plain + at);
            int from = last[h];
            last[h] = at;
            if (from >= 0 && at - from < 65535) {
                while (at + length < SIZE && length < 131 && plain[from + length] == plain[at + length]) length++;
                distance = at - from;
            }
        }
        if (length >= 4) {
            packed[out++] = (uint8_t)(128 | (length - 4));
            packed[out++] = (uint8_t)distance, packed[out++] = (uint8_t)(distance >> 8);
            at += length, literals = 0;
        } else {
            if (!literals || packed[literals - 1] == 127) packed[out++] = 0, literals = out;
            else packed[literals - 1]++;
            packed[out++] = plain[at++];
        }
    }
    return out;
}

static int unpack(int size) {
    int out = 0, at = 0;
    while (at < size) {
        int code = packed[at++];
        if (code & 128) {
            int length = (code & 127) + 4, distance = packed[at] | packed[at + 1] << 8;
            at += 2;
            for (int i = 0; i < length; i++, out++) again[out] = again[out - distance];
        } else
            for (int i = 0; i <= code; i++) again[out++] = packed[at++];
    }
    return out;
}

RUN int run(int n) {
    uint32_t seed = 20011, hash = 0;
    for (int r = 0; r < n; r++) {
        make_text(&seed);
        int size = pack();
        if (unpack(size) != SIZE) return -1;
        for (int i = 0; i < SIZE; i++)
            if (plain[i] != again[i]) return -2 - i;
        hash = mix(hash, (uint32_t)size);
    }
    return (int)hash;
}
