/* Planets: a pairwise gravitational simulation in f64, with square roots and divisions. */
#include "kernel.h"

#define BODIES 5

static double x[BODIES], y[BODIES], z[BODIES], vx[BODIES], vy[BODIES], vz[BODIES], mass[BODIES];

static void step(double dt) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double dx = x[i] - x[j], dy = y[i] - y[j], dz = z[i] - z[j];
            double square = dx * dx + dy * dy + dz * dz + 0.01;
            double pull = dt / (square * __builtin_sqrt(square));
            vx[i] -= dx * mass[j] * pull, vy[i] -= dy * mass[j] * pull, vz[i] -= dz * mass[j] * pull;
            vx[j] += dx * mass[i] * pull, vy[j] += dy * mass[i] * pull, vz[j] += dz * mass[i] * pull;
        }
    for (int i = 0; i < BODIES; i++) x[i] += dt * vx[i], y[i] += dt * vy[i], z[i] += dt * vz[i];
}

RUN double run(int n) {
    for (int i = 0; i < BODIES; i++) {
        x[i] = i * 1.7 - 3, y[i] = (i * i % 5) * 1.1 - 2, z[i] = (i * 3 % 4) * 0.9 - 1;
        vx[i] = 0.1 * i - 0.2, vy[i] = 0.3 - 0.1 * i, vz[i] = 0.05 * i;
        mass[i] = 1.0 / (i + 1);
    }
    for (int i = 0; i < n; i++) step(0.001);
    double energy = 0;
    for (int i = 0; i < BODIES; i++) {
        energy += 0.5 * mass[i] * (vx[i] * vx[i] + vy[i] * vy[i] + vz[i] * vz[i]);
        for (int j = i + 1; j < BODIES; j++) {
            double dx = x[i] - x[j], dy = y[i] - y[j], dz = z[i] - z[j];
            energy -= mass[i] * mass[j] / __builtin_sqrt(dx * dx + dy * dy + dz * dz + 0.01);
        }
    }
    return energy;
}
