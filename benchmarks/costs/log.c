/* n calls of a host function that reads a string of 32 bytes from memory. */
__attribute__((import_module("env"), import_name("log"))) void log_text(const char *at, int length);
__attribute__((export_name("run"))) int run(int n) {
    static char text[] = "hello from inside a WebAssembly..";
    for (int i = 0; i < n; i++) {
        text[0] = (char)('a' + i % 26);
        log_text(text, 32);
    }
    return n;
}
