package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.uncurl.kernel.Matrix;

/** Collects the arguments of a function of {@code kernels.cu} and launches it. For one thread; used again and again. */
final class Launch {
    static final int WARP = 32;
    /** Threads of a block that computes a row: few enough that several blocks share a multiprocessor. */
    private static final int ROW_THREADS = 256;

    private static final int MOST_ARGUMENTS = 16;

    private final Device device;
    private final Memory values = new Memory(MOST_ARGUMENTS * Long.BYTES);
    private final Memory pointers = new Memory(MOST_ARGUMENTS * Long.BYTES);
    private int count;

    Launch(Device device) {
        this.device = device;
        for (int i = 0; i < MOST_ARGUMENTS; i++) {
            pointers.setLong((long) i * Long.BYTES, Pointer.nativeValue(values) + (long) i * Long.BYTES);
        }
    }

    /** The address of the matrix; null for null. */
    Launch with(Matrix matrix) {
        return with(DeviceMemory.address(matrix));
    }

    Launch with(long value) {
        values.setLong((long) count++ * Long.BYTES, value);
        return this;
    }

    Launch with(int value) {
        values.setInt((long) count++ * Long.BYTES, value);
        return this;
    }

    /** As a float. */
    Launch with(double value) {
        values.setFloat((long) count++ * Long.BYTES, (float) value);
        return this;
    }

    /** Does nothing for an empty grid. */
    void run(DeviceFunction function, int gridX, int gridY, int threads) {
        count = 0;
        if (gridX > 0 && gridY > 0) {
            device.launch(function, gridX, gridY, threads, pointers);
        }
    }

    /** A block for each row. */
    void rows(DeviceFunction function, int rows, int columns) {
        rows(function, rows, 1, columns, ROW_THREADS);
    }

    /** {@code layers} times a block for each row, of at most {@code most} threads. */
    void rows(DeviceFunction function, int rows, int layers, int columns, int most) {
        run(function, rows, layers, Math.min(most, Math.max(1, (columns + WARP - 1) / WARP) * WARP));
    }
}
