package dev.uncurl.machine;

import dev.uncurl.kernel.BlasCore;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.io.Serializable;

/**
 * How fast a process multiplies matrices. OpenBLAS's kernels for an old processor are several times slower than those for the one
 * there is, and all ranks of training wait for the slowest.
 *
 * @param blasCore for which OpenBLAS computes, such as SkylakeX
 * @param gigaflops billions of operations on 32-bit floats per second and thread, counting a multiplication and an addition as two
 */
public record ProductSpeed(String blasCore, double gigaflops) implements Serializable {
    /** A feed-forward layer of width 512 on 512 tokens: a few milliseconds, 4 MB. */
    private static final int ROWS = 512;

    private static final int TERMS = 512;
    private static final int COLUMNS = 1024;
    private static final long OPERATIONS = 2L * ROWS * TERMS * COLUMNS;

    private static final long LEAST_NANOS = 100_000_000;
    private static final int LEAST_PRODUCTS = 5;

    public ProductSpeed {
        if (!(gigaflops > 0) || Double.isInfinite(gigaflops)) {
            throw new IllegalArgumentException(gigaflops + " GFLOP/s");
        }
    }

    /**
     * Of this process: the fastest of the products of a tenth of a second, so that other work on the machine counts less.
     *
     * @throws dev.uncurl.error.UserError (usage) for a number of threads that cannot be
     */
    public static ProductSpeed here() {
        int threads = KernelChoice.threads();
        Matrix a = filled(ROWS, TERMS);
        Matrix b = filled(TERMS, COLUMNS);
        Matrix c = Matrix.allocate(ROWS, COLUMNS);
        long best = Long.MAX_VALUE;
        try (Kernels kernels = KernelChoice.best()) {
            long end = System.nanoTime() + LEAST_NANOS;
            for (int i = 0; i <= LEAST_PRODUCTS || System.nanoTime() < end; i++) {
                long start = System.nanoTime();
                kernels.matrixProduct().multiply(a, false, b, false, 0, c);
                // the first loads code and touches memory
                best = i == 0 ? best : Math.min(best, Math.max(1, System.nanoTime() - start));
            }
        }
        return new ProductSpeed(BlasCore.inUse(), (double) OPERATIONS / best / threads);
    }

    private static Matrix filled(int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = 1f / (1 + i % 97);
        }
        Matrix matrix = Matrix.allocate(rows, columns);
        matrix.write(values);
        return matrix;
    }
}
