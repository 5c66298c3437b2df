package dev.uncurl.kernel.vector;

/** Allocates a short array for each thread of a pool, on separate cache lines. */
final class Scratch {
    private static final int LINES = 64;

    private Scratch() {}

    static float[][] of(WorkerPool pool) {
        return new float[pool.threads()][Math.max(VectorOps.WIDTH, LINES)];
    }
}
