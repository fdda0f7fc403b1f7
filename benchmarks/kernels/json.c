/* A JSON tokenizer and checker with an explicit stack, on a generated document. */
#include "kernel.h"

#define CAPACITY 60000

static char document[CAPACITY + 64];
static int length;

static void put(const char *s) {
    while (*s && length < CAPACITY) document[length++] = *s++;
}

static void put_number(uint32_t value) {
    char digits[12];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n) document[length++] = digits[--n];
}

static void make_value(uint32_t *seed, int depth) {
    uint32_t kind = next_random(seed) % (depth < 6 ? 8 : 5);
    if (kind == 0) put("null");
    else if (kind == 1) put(next_random(seed) & 1 ? "true" : "false");
    else if (kind == 2) put("-"), put_number(next_random(seed) >> 8), put("."), put_number(next_random(seed) % 1000), put("e-3");
    else if (kind == 3) put_number(next_random(seed));
    else if (kind == 4) put("\"some text with \\\"escapes\\\" and \\u20ac\"");
    else {
        put(kind == 5 ? "[" : "{ ");
        for (uint32_t n = next_random(seed) % 9, i = 0; i < n && length < CAPACITY - 4000; i++) {
            if (i) put(", ");
            if (kind != 5) put("\"key"), put_number(i), put("\": ");
            make_value(seed, depth + 1);
        }
        put(kind == 5 ? "]" : " }");
    }
}

enum { VALUE, KEY, COLON, COMMA };

static int tokens, strings, depth_reached;
static double total;

static int scan(void) {
    char stack[64];
    int depth = 0, want = VALUE;
    const char *p = document;
    for (;;) {
        switch (*p) {
        case ' ': case '\n': case '\t': p++; continue;
        case 0: return depth == 0 && want == COMMA;
        case '{': case '[':
            if (want != VALUE || depth == 63) return 0;
            stack[++depth] = *p;
            if (depth > depth_reached) depth_reached = depth;
            want = *p++ == '{' ? KEY : VALUE;
            break;
        case '}': case ']':
            if (!depth || stack[depth] != (*p == '}' ? '{' : '[') || want == COLON) return 0;
            depth--, p++, want = COMMA;
            break;
        case ',':
            if (want != COMMA || !depth) return 0;
            want = stack[depth] == '{' ? KEY : VALUE, p++;
            break;
        case ':':
            if (want != COLON) return 0;
            want = VALUE, p++;
            break;
        case '"':
            if (want != VALUE && want != KEY) return 0;
            for (p++; *p != '"'; p++) {
                if ((unsigned char)*p < 32) return 0;
                if (*p == '\\') p++;
            }
            p++, strings++, want = want == KEY ? COLON : COMMA;
            break;
        case 't': case 'f': case 'n':
            if (want != VALUE) return 0;
            while (*p >= 'a' && *p <= 'z') p++;
            want = COMMA;
            break;
        default: {
            if (want != VALUE) return 0;
            int negative = *p == '-', places = 0;
            double value = 0;
            for (p += negative; *p >= '0' && *p <= '9'; p++) value = value * 10 + (*p - '0');
            if (*p == '.')
                for (p++; *p >= '0' && *p <= '9'; p++) value = value * 10 + (*p - '0'), places++;
            if (*p == 'e') {
                for (p += 2; *p >= '0' && *p <= '9'; p++) places += *p - '0';
            }
            while (places-- > 0) value /= 10;
            total += negative ? -value : value;
            want = COMMA;
        }
        }
        tokens++;
    }
}

RUN double run(int n) {
    uint32_t seed = 4711;
    length = tokens = strings = depth_reached = 0, total = 0;
    put("[");
    while (length < CAPACITY - 8000) make_value(&seed, 1), put(",\n");
    put("0]");
    document[length] = 0;
    for (int i = 0; i < n; i++)
        if (!scan()) return -1;
    return total + tokens + strings * 3 + depth_reached;
}
