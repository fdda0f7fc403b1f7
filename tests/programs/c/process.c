/* process ARGS... : shows arguments, environment, standard streams, clocks and the exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void at_exit(void) { puts("at exit"); }

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) printf("argument %d: [%s]\n", i, argv[i]);
    for (char **e = environ; *e; e++) printf("variable: %s\n", *e);

    char line[256];
    int n = 0;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        printf("line %d: [%s]\n", ++n, line);
    }

    struct timespec before, after, nap = {0, 20 * 1000 * 1000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&nap, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long long ns = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    printf("slept: %s\n", ns >= 20000000 && ns < 10000000000LL ? "yes" : "no");
    printf("the year: %s\n", time(NULL) > 1700000000 ? "plausible" : "implausible");

    unsigned char noise[16] = {0};
    int different = 0;
    if (getentropy(noise, sizeof noise)) puts("no entropy");
    for (int i = 1; i < 16; i++) different += noise[i] != noise[0];
    printf("random: %s\n", different ? "yes" : "no");

    fprintf(stderr, "to standard error\n");
    printf("%5d|%-8s|%08.3f|%x|%g|%s\n", 42, "left", 3.14159, 0xBEEFu, 1e300, "Grüße");
    atexit(at_exit);
    return argc > 1 ? atoi(argv[1]) : 0;
}
