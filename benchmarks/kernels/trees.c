/* Binary trees built and torn down through a first-fit allocator: calls, pointers, recursion. */
#include "kernel.h"

#define HEAP (1 << 20)

struct block {
    uint32_t size;
    struct block *next;
};
struct tree {
    struct tree *left, *right;
    uint32_t value;
};

static _Alignas(8) unsigned char heap[HEAP];
static struct block *free_list;

static NOINLINE void *allocate(uint32_t size) {
    size = (size + sizeof(struct block) + 7) & ~7u;
    for (struct block **slot = &free_list; *slot; slot = &(*slot)->next) {
        struct block *b = *slot;
        if (b->size < size) continue;
        if (b->size - size >= 16) {
            struct block *rest = (struct block *)((unsigned char *)b + size);
            rest->size = b->size - size, rest->next = b->next;
            b->size = size, *slot = rest;
        } else *slot = b->next;
        return b + 1;
    }
    return 0;
}

static NOINLINE void release(void *p) {
    struct block *b = (struct block *)p - 1;
    b->next = free_list, free_list = b;
}

static struct tree *grow(int depth, uint32_t value) {
    struct tree *t = allocate(sizeof *t);
    if (!t) __builtin_trap();
    t->value = value;
    t->left = depth ? grow(depth - 1, value * 2) : 0;
    t->right = depth ? grow(depth - 1, value * 2 + 1) : 0;
    return t;
}

static uint32_t fell(struct tree *t) {
    uint32_t sum = t->value;
    if (t->left) sum = sum * 31 + fell(t->left);
    if (t->right) sum = sum * 17 + fell(t->right);
    release(t);
    return sum;
}

RUN int run(int n) {
    uint32_t hash = 0;
    free_list = (struct block *)heap;
    free_list->size = HEAP, free_list->next = 0;
    struct tree *keeps = grow(8, 1);
    for (int i = 0; i < n; i++) {
        struct tree *a = grow(10, (uint32_t)i), *b = grow(4 + i % 6, (uint32_t)i * 3);
        hash = mix(hash, fell(a)), hash = mix(hash, fell(b));
    }
    return (int)mix(hash, fell(keeps));
}
