/* The smallest functions worth calling from Python. */
__attribute__((export_name("add"))) int add(int a, int b) { return a + b; }
__attribute__((export_name("nothing"))) void nothing(void) {}
