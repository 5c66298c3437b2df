package dev.uncurl.kernel.device;

import static dev.uncurl.kernel.device.Launch.WARP;

import dev.uncurl.kernel.Matrix;

/**
 * Sums of columns in two steps: over parts of the rows, so that a tall and narrow matrix keeps the whole device busy, then over
 * the parts. The parts follow from the number of rows alone.
 */
final class ColumnParts {
    private static final int ROWS_OF_PART = 128;
    private static final int MOST_PARTS = 64;
    /** Columns of a block, as in {@code kernels.cu}. */
    private static final int OF_BLOCK = 128;
    /** A block of 8 warps. */
    static final int THREADS = 8 * WARP;

    private final Launch launch;
    private final DeviceScratch scratch;

    ColumnParts(Launch launch, DeviceScratch scratch) {
        this.launch = launch;
        this.scratch = scratch;
    }

    static int parts(int rows) {
        return Math.max(1, Math.min(MOST_PARTS, (rows + ROWS_OF_PART - 1) / ROWS_OF_PART));
    }

    static int rowsOfPart(int rows) {
        int parts = parts(rows);
        return (rows + parts - 1) / parts;
    }

    /** Blocks that the columns are divided into. */
    static int blocks(int columns) {
        return (columns + OF_BLOCK - 1) / OF_BLOCK;
    }

    /** Address for {@code sums} times [parts, C] values. */
    long partial(int rows, int columns, int sums) {
        return scratch.reserve(bytes(rows, columns, sums));
    }

    /** Bytes of {@link #partial}; 0 if there is one part, whose sums are the result. */
    static long bytes(int rows, int columns, int sums) {
        return parts(rows) == 1 ? 0 : (long) sums * parts(rows) * columns * Float.BYTES;
    }

    /** Adds up [parts, C] partial sums. */
    void add(long partial, int rows, Matrix sums) {
        int columns = sums.columns();
        launch.with(partial)
                .writes(sums)
                .with(parts(rows))
                .with(columns)
                .with(parts(rows))
                .run(DeviceFunction.COLUMN_SUMS, blocks(columns), 1, THREADS);
    }
}
