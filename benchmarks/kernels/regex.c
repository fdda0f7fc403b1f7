/* A backtracking regular expression matcher (. * + ? ^ $ and classes), searching a text. */
#include "kernel.h"

#define LENGTH 4000

static char text[LENGTH + 1];

static int in_class(const char **pattern, char c) {
    const char *p = *pattern + 1;
    int negated = *p == '^', found = 0;
    if (negated) p++;
    do {
        if (p[1] == '-' && p[2] != ']') {
            if (c >= p[0] && c <= p[2]) found = 1;
            p += 3;
        } else if (*p++ == c) found = 1;
    } while (*p != ']');
    *pattern = p + 1;
    return found != negated;
}

/* Whether c matches the pattern's first item; moves the pattern past it. */
static int one(const char **pattern, char c) {
    if (**pattern == '[') return in_class(pattern, c) && c;
    char wanted = *(*pattern)++;
    return c && (wanted == '.' || wanted == c);
}

static const char *match(const char *pattern, const char *at) {
    while (*pattern) {
        if (*pattern == '$' && !pattern[1]) return *at ? 0 : at;
        const char *rest = pattern;
        int first = one(&rest, *at);
        if (*rest == '*' || *rest == '+' || *rest == '?') {
            int most = *rest == '?' ? 1 : LENGTH, least = *rest == '+', n = 0;
            const char *item = pattern;
            while (n < most && one(&item, at[n])) item = pattern, n++;
            for (; n >= least; n--) {
                const char *end = match(rest + 1, at + n);
                if (end) return end;
            }
            return 0;
        }
        if (!first) return 0;
        pattern = rest, at++;
    }
    return at;
}

static const char *const patterns[] = {
    "[a-z]+ing", "b[aeiou]+d", "q[^u ]", "[0-9]+-[0-9]+", "e.?e.*z$", " [A-Z][a-z]* [A-Z]", "x+y?z+w", "[^ ]*ab[^ ]*cd",
};

RUN int run(int n) {
    uint32_t seed = 77, hash = 0;
    for (int i = 0; i < LENGTH; i++) {
        uint32_t r = next_random(&seed);
        text[i] = (r & 0x700) == 0 ? ' ' : (r & 0xF800) == 0 ? (char)('0' + r % 10) : (r & 0xF0000) == 0 ? (char)('A' + r % 26)
                                                              : r % 97 == 0 ? '-' : (char)('a' + r % 26);
    }
    for (int i = 200; i + 3 < LENGTH; i += 311) text[i] = 'i', text[i + 1] = 'n', text[i + 2] = 'g';
    for (int r = 0; r < n; r++)
        for (unsigned k = 0; k < sizeof patterns / sizeof *patterns; k++) {
            if (k == 4 && r % 64) continue;
            for (const char *at = text + r % 100; *at;) {
                const char *end = match(patterns[k], at);
                if (end) hash = mix(hash, (uint32_t)(at - text) * 31 + (uint32_t)(end - at));
                at = end && end > at ? end : at + 1;
            }
        }
    return (int)hash;
}
