/* Shortest ways through a grid by Dijkstra's algorithm with a binary heap. */
#include "kernel.h"

#define SIDE 64
#define CELLS (SIDE * SIDE)

struct entry {
    uint32_t distance;
    uint16_t cell, unused;
};

static struct entry heap[CELLS * 4];
static uint32_t distance[CELLS];
static uint8_t cost[CELLS];
static int used;

static NOINLINE void push(uint32_t d, int cell) {
    int at = used++;
    while (at && heap[(at - 1) / 2].distance > d) heap[at] = heap[(at - 1) / 2], at = (at - 1) / 2;
    heap[at].distance = d, heap[at].cell = (uint16_t)cell;
}

static NOINLINE struct entry pop(void) {
    struct entry top = heap[0], moved = heap[--used];
    int at = 0;
    for (;;) {
        int child = at * 2 + 1;
        if (child >= used) break;
        if (child + 1 < used && heap[child + 1].distance < heap[child].distance) child++;
        if (heap[child].distance >= moved.distance) break;
        heap[at] = heap[child], at = child;
    }
    heap[at] = moved;
    return top;
}

static void visit(uint32_t so_far, int cell) {
    uint32_t d = so_far + cost[cell];
    if (d < distance[cell]) distance[cell] = d, push(d, cell);
}

RUN int run(int n) {
    uint32_t seed = 31337, hash = 0;
    for (int r = 0; r < n; r++) {
        for (int i = 0; i < CELLS; i++) cost[i] = (uint8_t)(1 + next_random(&seed) % 9), distance[i] = ~0u;
        used = 0;
        distance[0] = 0, push(0, 0);
        while (used) {
            struct entry e = pop();
            int x = e.cell % SIDE, y = e.cell / SIDE;
            if (e.distance > distance[e.cell]) continue;
            if (x) visit(e.distance, e.cell - 1);
            if (x < SIDE - 1) visit(e.distance, e.cell + 1);
            if (y) visit(e.distance, e.cell - SIDE);
            if (y < SIDE - 1) visit(e.distance, e.cell + SIDE);
        }
        hash = mix(hash, distance[CELLS - 1]);
    }
    return (int)hash;
}
