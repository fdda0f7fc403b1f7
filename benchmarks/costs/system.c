/* Calls of WASI, each function n of one kind; 0 if all succeeded. Descriptor 3 is a directory with a file "file". */
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) int name
WASI(fd_write)(int fd, const void *iovs, int count, int *out);
WASI(path_open)(int fd, int lookup, const char *path, int length, int oflags, long long rights, long long inheriting,
                int flags, int *out);
WASI(fd_close)(int fd);
WASI(fd_readdir)(int fd, void *buffer, int length, long long cookie, int *used);
WASI(clock_time_get)(int clock, long long precision, long long *out);

static char buffer[65536];

static int writes(int n, int length) {
    struct { const char *at; int length; } iov = {buffer, length};
    int failed = 0, done;
    for (int i = 0; i < n; i++) failed |= fd_write(1, &iov, 1, &done) | (done ^ length);
    return failed;
}
__attribute__((export_name("write_byte"))) int write_byte(int n) { return writes(n, 1); }
__attribute__((export_name("write_much"))) int write_much(int n) { return writes(n, sizeof buffer); }

__attribute__((export_name("open_close"))) int open_close(int n) {
    int failed = 0, fd = 0;
    for (int i = 0; i < n; i++) {
        failed |= path_open(3, 0, "file", 4, 0, 2, 0, 0, &fd);
        failed |= fd_close(fd);
    }
    return failed;
}

__attribute__((export_name("open_deep"))) int open_deep(int n) {
    int failed = 0, fd = 0;
    for (int i = 0; i < n; i++) {
        failed |= path_open(3, 0, "a/b/c/file", 10, 0, 2, 0, 0, &fd);
        failed |= fd_close(fd);
    }
    return failed;
}

/* The number of entries, ".." and "." included, read n times. */
__attribute__((export_name("list"))) int list(int n) {
    int entries = 0;
    for (int i = 0; i < n; i++) {
        long long cookie = 0;
        int used;
        do {
            if (fd_readdir(3, buffer, sizeof buffer, cookie, &used)) return -1;
            for (int at = 0; at + 24 <= used;) {
                int length;
                __builtin_memcpy(&length, buffer + at + 16, 4);
                if (at + 24 + length > used) break;
                __builtin_memcpy(&cookie, buffer + at, 8);
                at += 24 + length;
                entries++;
            }
        } while (used == sizeof buffer);
    }
    return entries;
}

__attribute__((export_name("clock"))) int clock(int n) {
    long long now;
    int failed = 0;
    for (int i = 0; i < n; i++) failed |= clock_time_get(1, 1, &now);
    return failed;
}
