/* A Forth-like interpreter: threaded code whose words are called through a function table. */
#include "kernel.h"

typedef void (*word)(void);

static int32_t data[256], returns[64], memory[4096];
static int32_t *sp, *rp;
static const int32_t *ip;
static int running;

static void literal(void) { *++sp = *ip++; }
static void dup_(void) { sp[1] = sp[0], sp++; }
static void drop(void) { sp--; }
static void swap(void) { int32_t t = sp[0]; sp[0] = sp[-1], sp[-1] = t; }
static void over(void) { sp[1] = sp[-1], sp++; }
static void add(void) { sp[-1] += sp[0], sp--; }
static void subtract(void) { sp[-1] -= sp[0], sp--; }
static void multiply(void) { sp[-1] = (int32_t)((uint32_t)sp[-1] * (uint32_t)sp[0]), sp--; }
static void modulo(void) { sp[-1] = (int32_t)((uint32_t)sp[-1] % (uint32_t)sp[0]), sp--; }
static void xor_(void) { sp[-1] ^= sp[0], sp--; }
static void less(void) { sp[-1] = -(sp[-1] < sp[0]), sp--; }
static void load(void) { sp[0] = memory[sp[0] & 4095]; }
static void store(void) { memory[sp[0] & 4095] = sp[-1], sp -= 2; }
static void branch(void) { ip += *ip; }
static void branch_if_not(void) { ip += *sp-- ? 1 : *ip; }
static void call(void) { *++rp = (int32_t)(ip + 1 - memory), ip = memory + *ip; }
static void leave(void) { ip = memory + *rp--; }
static void halt(void) { running = 0; }

enum { LIT, DUP, DROP, SWAP, OVER, ADD, SUB, MUL, MOD, XOR, LESS, LOAD, STORE, BRANCH, UNLESS, CALL, LEAVE, HALT };

static const word words[] = {
    literal, dup_, drop, swap, over, add, subtract, multiply, modulo, xor_, less, load, store, branch, branch_if_not, call, leave, halt,
};

/* ( n -- hash ): for every i below n, in a loop, hash = step(hash, i), where step is a word at 30. */
static const int32_t program[] = {
    LIT, 1, SWAP,                                          /* hash n */
    DUP, UNLESS, 11,                                       /* while n */
    SWAP, OVER, CALL, 30, SWAP, LIT, 1, SUB, BRANCH, -12,  /* n = n - 1 */
    DROP, HALT,
};
static const int32_t step[] = {
    OVER, LIT, 31, MUL, XOR, SWAP, LIT, 4099, MOD, ADD,    /* (hash i -- hash') */
    DUP, LIT, 1023, MOD, LIT, 2048, ADD,                   /* hash' cell */
    DUP, LOAD, LIT, 7, ADD, OVER, STORE, LOAD, ADD,
    DUP, LIT, 0, LESS, UNLESS, 6, LIT, 0, SWAP, SUB, LEAVE, LEAVE,
};

RUN int run(int n) {
    for (int i = 0; i < 4096; i++) memory[i] = i * 3;
    for (unsigned i = 0; i < sizeof program / sizeof *program; i++) memory[i] = program[i];
    for (unsigned i = 0; i < sizeof step / sizeof *step; i++) memory[30 + i] = step[i];
    sp = data, rp = returns, ip = memory, running = 1;
    *++sp = n;
    while (running) words[*ip++]();
    return *sp;
}
