/* n calls of a host function, each given the result of the one before. */
__attribute__((import_module("env"), import_name("f"))) int f(int a, int b);
__attribute__((export_name("run"))) int run(int n) {
    int result = 1;
    for (int i = 0; i < n; i++) result = f(result, i);
    return result;
}
