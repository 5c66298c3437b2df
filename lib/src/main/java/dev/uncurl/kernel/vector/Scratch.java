package dev.uncurl.kernel.vector;

/** A short array for each thread of a team, each on cache lines of its own. */
final class Scratch {
    private static final int LINES = 64;

    private Scratch() {}

    static float[][] of(WorkerPool team) {
        return new float[team.threads()][Math.max(VectorOps.WIDTH, LINES)];
    }
}
