package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.uncurl.kernel.Matrix;
import java.util.ArrayList;
import java.util.List;

/** Collects the arguments of a function of {@code kernels.cu} and launches it. For one thread; used again and again. */
final class Launch {
    static final int WARP = 32;
    /** Threads of a block that computes a row: few enough that several blocks share a multiprocessor. */
    private static final int ROW_THREADS = 256;

    private static final int MOST_ARGUMENTS = 16;

    /** Where functions are queued. */
    interface Queue {
        /** As {@link Device#launch}. */
        void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments);
    }

    private final Queue queue;
    private final Memory values = new Memory(MOST_ARGUMENTS * Long.BYTES);
    private final Memory pointers = new Memory(MOST_ARGUMENTS * Long.BYTES);
    private int count;
    /** Place of an argument that has memory of its own; -1 for none. */
    private int large = -1;
    /** Matrices of which the function writes the copies in bfloat16 too. */
    private final List<Matrix> rounded = new ArrayList<>();

    Launch(Device device) {
        this((Queue) device::launch);
    }

    Launch(Queue queue) {
        this.queue = queue;
        for (int i = 0; i < MOST_ARGUMENTS; i++) {
            pointTo(i, values.share((long) i * Long.BYTES));
        }
    }

    private void pointTo(int argument, Pointer value) {
        pointers.setLong((long) argument * Long.BYTES, Pointer.nativeValue(value));
    }

    /** A structure, at most one in a launch. */
    Launch with(Memory structure) {
        large = count++;
        pointTo(large, structure);
        return this;
    }

    /** The address of a matrix that the function reads and does not write; null for null. */
    Launch with(Matrix matrix) {
        return with(DeviceMemory.address(matrix));
    }

    /** The address of a matrix that the function writes, whose copy in bfloat16 is then no longer right; null for null. */
    Launch writes(Matrix matrix) {
        if (matrix != null) {
            DeviceMemory.changed(matrix);
        }
        return with(matrix);
    }

    /**
     * The address of the copy in bfloat16 of a matrix of {@link #writes}, of which the function writes every element rounded too: it
     * is right after the launch. 0 for a matrix without a copy, and for null.
     */
    Launch twin(Matrix matrix) {
        if (matrix != null) {
            rounded.add(matrix);
        }
        return with(DeviceMemory.target(matrix));
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
            queue.launch(function, gridX, gridY, threads, pointers);
            rounded.forEach(DeviceMemory::written);
        }
        rounded.clear();
        if (large >= 0) {
            pointTo(large, values.share((long) large * Long.BYTES));
            large = -1;
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
