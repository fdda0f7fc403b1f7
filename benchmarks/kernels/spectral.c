/* Power iteration on an infinite matrix whose entries are computed, not stored: f64 and integers. */
#include "kernel.h"

#define N 100

static double u[N], v[N], w[N];

static NOINLINE double entry(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static void times(const double *in, double *out, int transposed) {
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int j = 0; j < N; j++) sum += (transposed ? entry(j, i) : entry(i, j)) * in[j];
        out[i] = sum;
    }
}

RUN double run(int n) {
    for (int i = 0; i < N; i++) u[i] = 1;
    for (int k = 0; k < n; k++) {
        times(u, w, 0), times(w, v, 1);
        double most = 0;
        for (int i = 0; i < N; i++) most = v[i] > most ? v[i] : most;
        for (int i = 0; i < N; i++) u[i] = v[i] / most;
    }
    double product = 0, norm = 0;
    times(u, w, 0), times(w, v, 1);
    for (int i = 0; i < N; i++) product += u[i] * v[i], norm += u[i] * u[i];
    return __builtin_sqrt(product / norm);
}
