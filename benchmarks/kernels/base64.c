/* Text conversions: code points to UTF-8, to base64, back, and checked decoding to UTF-16. */
#include "kernel.h"

#define POINTS 8192

static uint8_t utf8[POINTS * 4 + 4], coded[POINTS * 6], back[POINTS * 4 + 4];
static uint16_t utf16[POINTS * 2];
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static int8_t value_of[256];

static int encode_utf8(uint32_t *seed) {
    int n = 0;
    for (int i = 0; i < POINTS; i++) {
        uint32_t r = next_random(seed), c = r >> 8;
        c = (r & 7) < 5 ? c & 0x7F : (r & 7) == 5 ? c & 0x7FF : (r & 7) == 6 ? c & 0xFFFF : 0x10000 + (c & 0xFFFFF);
        if (c >= 0xD800 && c < 0xE000) c -= 0x1000;
        if (c < 0x80) utf8[n++] = (uint8_t)c;
        else if (c < 0x800) utf8[n++] = (uint8_t)(0xC0 | c >> 6), utf8[n++] = (uint8_t)(0x80 | (c & 63));
        else {
            if (c < 0x10000) utf8[n++] = (uint8_t)(0xE0 | c >> 12);
            else utf8[n++] = (uint8_t)(0xF0 | c >> 18), utf8[n++] = (uint8_t)(0x80 | (c >> 12 & 63));
            utf8[n++] = (uint8_t)(0x80 | (c >> 6 & 63)), utf8[n++] = (uint8_t)(0x80 | (c & 63));
        }
    }
    return n;
}

static int encode_base64(int n) {
    int out = 0;
    for (int i = 0; i < n; i += 3) {
        uint32_t b = (uint32_t)utf8[i] << 16 | (uint32_t)utf8[i + 1] << 8 | utf8[i + 2];
        for (int k = 18; k >= 0; k -= 6) coded[out++] = (uint8_t)alphabet[b >> k & 63];
    }
    return out;
}

static int decode_base64(int n) {
    int out = 0;
    for (int i = 0; i < n; i += 4) {
        int32_t b = value_of[coded[i]] << 18 | value_of[coded[i + 1]] << 12 | value_of[coded[i + 2]] << 6 | value_of[coded[i + 3]];
        if (b < 0) return -1;
        back[out++] = (uint8_t)(b >> 16), back[out++] = (uint8_t)(b >> 8), back[out++] = (uint8_t)b;
    }
    return out;
}

static int decode_utf8(int n) {
    int out = 0;
    for (int i = 0; i < n;) {
        uint32_t c = back[i++];
        int more = c < 0x80 ? 0 : c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;
        if (more < 0) return -1;
        if (more) c &= 0x3Fu >> more;
        for (; more; more--, i++) {
            if ((back[i] & 0xC0) != 0x80) return -1;
            c = c << 6 | (back[i] & 63);
        }
        if (c >= 0x10000) utf16[out++] = (uint16_t)(0xD7C0 + (c >> 10)), c = 0xDC00 | (c & 0x3FF);
        utf16[out++] = (uint16_t)c;
    }
    return out;
}

RUN int run(int n) {
    uint32_t seed = 99, hash = 0;
    for (int i = 0; i < 256; i++) value_of[i] = -1;
    for (int i = 0; i < 64; i++) value_of[(uint8_t)alphabet[i]] = (int8_t)i;
    for (int r = 0; r < n; r++) {
        int size = encode_utf8(&seed);
        utf8[size] = utf8[size + 1] = 0;
        if (decode_base64(encode_base64(size)) < size) return -1;
        int units = decode_utf8(size);
        if (units < 0) return -2;
        for (int i = 0; i < units; i++) hash = mix(hash, utf16[i]);
    }
    return (int)hash;
}
