/* words [-n COUNT] FILE... : the most frequent words of some files, or of standard input. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    int count;
    char text[];
};

static struct word *buckets[1024];
static int n_words;

static void count(const char *text) {
    unsigned hash = 2166136261u;
    for (const char *p = text; *p; p++) hash = (hash ^ (unsigned char)*p) * 16777619u;
    struct word **slot = &buckets[hash % 1024];
    for (struct word *w = *slot; w; w = w->next)
        if (!strcmp(w->text, text)) {
            w->count++;
            return;
        }
    struct word *w = malloc(sizeof *w + strlen(text) + 1);
    if (!w) abort();
    w->next = *slot;
    w->count = 1;
    strcpy(w->text, text);
    *slot = w;
    n_words++;
}

static void read_words(FILE *file) {
    char text[64];
    int length = 0, c;
    do {
        c = getc(file);
        if (c != EOF && isalpha(c)) {
            if (length < 63) text[length++] = (char)tolower(c);
        } else if (length) {
            text[length] = 0;
            count(text);
            length = 0;
        }
    } while (c != EOF);
}

static int by_count(const void *a, const void *b) {
    const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;
    return x->count != y->count ? y->count - x->count : strcmp(x->text, y->text);
}

int main(int argc, char **argv) {
    int shown = 5, first = 1, failed = 0;
    if (argc > 2 && !strcmp(argv[1], "-n")) {
        shown = atoi(argv[2]);
        first = 3;
    }
    if (first == argc) read_words(stdin);
    for (int i = first; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            printf("%s: %s\n", argv[i], strerror(errno));
            failed = 1;
            continue;
        }
        read_words(file);
        fclose(file);
    }
    struct word **all = malloc(sizeof *all * (n_words + 1));
    int n = 0;
    for (int i = 0; i < 1024; i++)
        for (struct word *w = buckets[i]; w; w = w->next) all[n++] = w;
    qsort(all, n, sizeof *all, by_count);
    for (int i = 0; i < n && i < shown; i++) printf("%6d %s\n", all[i]->count, all[i]->text);
    printf("%d words, %.2f%% shown\n", n, n ? 100.0 * (shown < n ? shown : n) / n : 0.0);
    return failed;
}
