/* Address space from the operating system: reserve without using, commit (zeroed) from the low end on. */
#ifndef WASMCY_OS_MEMORY_H
#define WASMCY_OS_MEMORY_H
#include <stddef.h>
#include <stdint.h>

/* An image is a file in memory that many mappings show until they write: -1 where the system has none. */
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif
#if defined(__linux__) && defined(MFD_CLOEXEC)
static int wcy_image(const void *bytes, size_t length, size_t size) {
    int file = memfd_create("wasmcy", MFD_CLOEXEC);
    size_t done = 0;
    if (file < 0) return -1;
    if (ftruncate(file, (off_t)size) == 0) {
        while (done < length) {
            ssize_t n = pwrite(file, (const char *)bytes + done, length - done, (off_t)done);
            if (n <= 0) break;
            done += (size_t)n;
        }
        if (done == length) return file;
    }
    close(file);
    return -1;
}
static int wcy_show(void *base, int file, size_t size) {
    return mmap(base, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == base;
}
static void wcy_forget(int file) { if (file >= 0) close(file); }
#else
static int wcy_image(const void *bytes, size_t length, size_t size) {
    (void)bytes; (void)length; (void)size; return -1;
}
static int wcy_show(void *base, int file, size_t size) { (void)base; (void)file; (void)size; return 0; }
static void wcy_forget(int file) { (void)file; }
#endif

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
static void *wcy_reserve(size_t size) { return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS); }
static int wcy_commit(void *base, size_t from, size_t to) {
    return from == to || VirtualAlloc((char *)base + from, to - from, MEM_COMMIT, PAGE_READWRITE) != NULL;
}
static void wcy_release(void *base, size_t size) { (void)size; VirtualFree(base, 0, MEM_RELEASE); }
static double wcy_now(void) {
    LARGE_INTEGER t, f;
    QueryPerformanceCounter(&t);
    QueryPerformanceFrequency(&f);
    return (double)t.QuadPart / (double)f.QuadPart;
}
#elif defined(__EMSCRIPTEN__) || defined(__wasi__)
#include <time.h>
static void *wcy_reserve(size_t size) { (void)size; return NULL; }
static int wcy_commit(void *base, size_t from, size_t to) { (void)base; return from == to; }
static void wcy_release(void *base, size_t size) { (void)base; (void)size; }
static double wcy_now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
#else
#include <sys/mman.h>
#include <time.h>
#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#define WCY_HUGE ((size_t)2 << 20)
/* On a 2 MiB boundary, so that the system can back large memories with large pages. */
static void *wcy_reserve(size_t size) {
    char *p = mmap(NULL, size + WCY_HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;
    if (p == MAP_FAILED) return NULL;
    before = (WCY_HUGE - ((uintptr_t)p & (WCY_HUGE - 1))) & (WCY_HUGE - 1);
    if (before) munmap(p, before);
    if (before != WCY_HUGE) munmap(p + before + size, WCY_HUGE - before);
    return p + before;
}
/* 64 KiB pages of linear memory are whole pages on every system with pages up to that size.
 * Large pages are asked for from 4 MiB on: below, zeroing one would cost more than it saves. */
static int wcy_commit(void *base, size_t from, size_t to) {
    if (from == to) return 1;
    if (mprotect((char *)base + from, to - from, PROT_READ | PROT_WRITE)) return 0;
#ifdef MADV_HUGEPAGE
    if (to >= 2 * WCY_HUGE) madvise(base, to, MADV_HUGEPAGE);
#endif
    return 1;
}
static void wcy_release(void *base, size_t size) { munmap(base, size); }
/* A call stack, of which mostly a few pages are used. It is not the C library's, which keeps what is freed, and with it
 * all pages that were ever used; under a sanitizer it is, which then sees what is beyond it. */
#if !defined(__SANITIZE_ADDRESS__)
#define WCY_OWN_STACKS
#define WCY_STACK_END ((size_t)64 << 10)
static void *wcy_new_stack(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return NULL;
#ifdef MADV_NOHUGEPAGE
    madvise(p, size, MADV_NOHUGEPAGE); /* the first call would zero, and hold, a large page */
#endif
    return p;
}
static void wcy_free_stack(void *base, size_t size) { munmap(base, size); }
/* Keep it for another store, with no more than its lower end in memory. */
static void wcy_clear_stack(void *base, size_t size) {
#ifdef MADV_DONTNEED
    if (size > WCY_STACK_END) madvise((char *)base + WCY_STACK_END, size - WCY_STACK_END, MADV_DONTNEED);
#endif
}
#endif
static double wcy_now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
#endif

#ifndef WCY_OWN_STACKS
#include <stdlib.h>
static void *wcy_new_stack(size_t size) { return malloc(size); }
static void wcy_free_stack(void *base, size_t size) { (void)size; free(base); }
static void wcy_clear_stack(void *base, size_t size) { (void)base; (void)size; }
#endif
#endif
