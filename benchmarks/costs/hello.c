/* A WASI program without a C library: one write to standard output. */
struct span {
    const char *at;
    int length;
};
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write")))
int fd_write(int fd, const struct span *spans, int n, int *written);
__attribute__((export_name("_start"))) void start(void) {
    static const char text[] = "hello, world\n";
    const struct span span = {text, sizeof text - 1};
    int written;
    fd_write(1, &span, 1, &written);
}
