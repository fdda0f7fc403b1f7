/* files DIRECTORY : exercises the file system under a directory and reports what it saw. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path, int depth) {
    char *names[64];
    int n = 0;
    DIR *dir = opendir(path);
    if (!dir) {
        printf("cannot list %s: %s\n", path, strerror(errno));
        return;
    }
    for (struct dirent *entry; n < 64 && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) names[n++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) {
        char inner[512];
        struct stat st;
        snprintf(inner, sizeof inner, "%s/%s", path, names[i]);
        if (stat(inner, &st)) printf("cannot stat %s: %s\n", inner, strerror(errno));
        else if (S_ISDIR(st.st_mode)) {
            printf("%*s%s/\n", depth * 2, "", names[i]);
            list(inner, depth + 1);
        } else printf("%*s%s %lld\n", depth * 2, "", names[i], (long long)st.st_size);
        free(names[i]);
    }
}

static void say(const char *what, int result) {
    if (result < 0) printf("%s: %s\n", what, strerror(errno));
    else printf("%s: ok\n", what);
}

int main(int argc, char **argv) {
    if (argc != 2 || chdir(argv[1])) {
        printf("usage: files DIRECTORY\n");
        return 2;
    }
    say("mkdir", mkdir("made", 0777));
    say("mkdir again", mkdir("made", 0777));
    say("mkdir inside", mkdir("made/inner", 0777));

    FILE *file = fopen("made/numbers.txt", "w+");
    if (!file) return 1;
    for (int i = 0; i < 1000; i++) fprintf(file, "%d\n", i * i);
    printf("written: %ld bytes\n", ftell(file));
    fseek(file, 2345, SEEK_SET);
    char line[32];
    printf("at 2345: %s", fgets(line, sizeof line, file));
    fseek(file, -7, SEEK_END);
    printf("at the end: %s", fgets(line, sizeof line, file));
    fclose(file);

    file = fopen("made/numbers.txt", "a");
    if (!file) return 1;
    fputs("appended\n", file);
    fclose(file);

    say("truncate", truncate("made/numbers.txt", 5000));
    say("rename", rename("made/numbers.txt", "made/inner/renamed.txt"));
    say("open what was renamed", open("made/numbers.txt", O_RDONLY));
    say("exclusive", open("made/inner/renamed.txt", O_CREAT | O_EXCL | O_WRONLY, 0666));
    printf("escape: %s\n", open("../../outside", O_RDONLY) < 0 ? "refused" : "succeeded");
    say("rmdir of a full directory", rmdir("made/inner"));
    list(".", 1);
    say("unlink", unlink("made/inner/renamed.txt"));
    say("rmdir", rmdir("made/inner"));
    say("rmdir", rmdir("made"));
    list(".", 1);
    return 0;
}
