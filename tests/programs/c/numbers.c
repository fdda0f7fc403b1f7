/* numbers : prints results of integer and floating-point arithmetic that are easy to get wrong. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void bits(const char *what, double x) {
    uint64_t u;
    memcpy(&u, &x, 8);
    if (x != x) printf("%-22s nan\n", what);
    else printf("%-22s %.17g %016" PRIx64 "\n", what, x, u);
}

int main(void) {
    volatile double zero = 0, one = 1, big = 1e308, tiny = 5e-324;
    volatile float f = 16777217.0f;
    volatile int32_t least = INT32_MIN, minus = -7;
    volatile int64_t least64 = INT64_MIN;
    volatile uint64_t huge = UINT64_MAX;

    bits("1 / -0", one / -zero);
    bits("0 / 0", zero / zero);
    bits("big * 10", big * 10);
    bits("tiny / 2", tiny / 2);
    bits("(float)16777217", f);
    bits("nearbyint(2.5)", nearbyint(2.5 * one));
    bits("nearbyint(-0.4)", nearbyint(-0.4 * one));
    bits("trunc(-1.9)", trunc(-1.9 * one));
    bits("copysign(1, -0)", copysign(1, -zero));
    bits("fmin(-0, 0)", fmin(-zero, zero));
    bits("sqrt(2)", sqrt(2 * one));
    bits("fma(3, 1/3, -1)", fma(3 * one, one / 3, -one));
    bits("(double)UINT64_MAX", (double)huge);
    bits("(float)UINT64_MAX", (float)huge);
    bits("sin(1e6)", sin(1e6 * one));
    bits("pow(2.5, -3.5)", pow(2.5 * one, -3.5));
    bits("strtod", strtod("2.2250738585072011e-308", NULL));
    printf("-7 / 2 = %d, -7 %% 2 = %d, -7 >> 1 = %d\n", minus / 2, minus % 2, minus >> 1);
    printf("INT_MIN %% -1 = %d\n", (int)((int64_t)least % -1));
    printf("INT64_MIN / 10 = %" PRId64 ", %% 10 = %" PRId64 "\n", least64 / 10, least64 % 10);
    printf("UINT64_MAX / 10 = %" PRIu64 ", * 3 = %" PRIu64 "\n", huge / 10, huge * 3);
    printf("clz ctz popcount: %d %d %d\n", __builtin_clz(0x00f0), __builtin_ctz(0x00f0), __builtin_popcountll(huge));
    printf("rotate: %08x\n", (0x80000001u << (minus & 31)) | (0x80000001u >> (-minus & 31)));

    double sum = 0, term = 1;
    for (int n = 1; n < 30; n++) sum += term, term /= n;
    bits("e", sum);
    float s = 0;
    for (int n = 1; n <= 100000; n++) s += 1.0f / (float)n;
    bits("float harmonic", s);
    return 0;
}
