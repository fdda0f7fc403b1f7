/* Sound processing in f32: an oscillator, a resonant filter, a delay line, clipping, conversion. */
#include "kernel.h"

#define BLOCK 256
#define DELAY 1024

static float delay[DELAY];
static int16_t out[BLOCK];

RUN int run(int n) {
    float c = 1, s = 0, low = 0, band = 0;
    uint32_t hash = 0, seed = 5;
    int at = 0;
    for (int i = 0; i < DELAY; i++) delay[i] = 0;
    for (int block = 0; block < n; block++) {
        float pitch = 0.01f + 0.0001f * (float)(block % 97), cutoff = 0.05f + 0.3f * (float)(block % 13) / 13;
        for (int i = 0; i < BLOCK; i++) {
            c -= pitch * s, s += pitch * c;
            float noise = (float)(int32_t)next_random(&seed) * (1.0f / 2147483648.0f);
            float in = s * 0.7f + noise * 0.1f;
            float high = in - low - band * 0.4f;
            band += cutoff * high, low += cutoff * band;
            float wet = low + delay[at] * 0.35f;
            delay[at] = wet, at = (at + 1) & (DELAY - 1);
            wet = wet > 1 ? 1 : wet < -1 ? -1 : wet;
            out[i] = (int16_t)(wet * 32767.0f);
        }
        for (int i = 0; i < BLOCK; i += 7) hash = mix(hash, (uint16_t)out[i]);
    }
    return (int)hash;
}
