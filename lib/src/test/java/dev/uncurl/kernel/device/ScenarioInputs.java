package dev.uncurl.kernel.device;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;

/** Random matrices in the memory of the kernels, the same for the same seed. */
final class ScenarioInputs implements AutoCloseable {
    private final Kernels kernels;
    private final DataType type;
    private final Random random;
    private final List<FlatMemory> memories = new ArrayList<>();

    ScenarioInputs(Kernels kernels, DataType type, long seed) {
        this.kernels = kernels;
        this.type = type;
        random = new Random(seed);
    }

    /** Cut from the middle of a larger array, as parameters are. */
    Matrix matrix(int rows, int columns) {
        return cut(kernels.allocate(type, 7 + (long) rows * columns), 7, rows, columns);
    }

    /** As activations are: at a multiple of 64 bytes of memory for scratch. */
    Matrix aligned(int rows, int columns) {
        return cut(kernels.scratch(type, 16 + (long) rows * columns), 16, rows, columns);
    }

    private Matrix cut(FlatMemory memory, int offset, int rows, int columns) {
        memories.add(memory);
        Matrix matrix = memory.matrix(offset, rows, columns);
        if (rows > 0) {
            matrix.write(values(rows * columns));
        }
        return matrix;
    }

    /** As above, with padding as the kernels want it of logits. What is in the padding is not a number. */
    Matrix logits(int rows, int columns) {
        int alignment = kernels.logitAlignment();
        if (alignment == 1) {
            return matrix(rows, columns);
        }
        int leading = (columns + alignment - 1) / alignment * alignment;
        FlatMemory memory = kernels.allocate(type, alignment + (long) rows * leading);
        memories.add(memory);
        double[] nothing = new double[(int) memory.length()];
        Arrays.fill(nothing, Double.NaN);
        memory.matrix(0, 1, nothing.length).write(nothing);
        Matrix matrix = Matrix.padded(memory, alignment, rows, columns, leading);
        double[] values = values(rows * columns);
        for (int row = 0; row < rows; row++) {
            matrix.rows(row, 1).write(Arrays.copyOfRange(values, row * columns, (row + 1) * columns));
        }
        return matrix;
    }

    double[] values(int count) {
        double[] values = new double[count];
        Arrays.setAll(values, i -> (float) random.nextGaussian());
        return values;
    }

    /** From 0 to {@code bound - 1}, with -1 among them if wanted. */
    int[] indices(int count, int bound, boolean withNone) {
        int[] indices = new int[count];
        Arrays.setAll(indices, i -> random.nextInt(bound + (withNone ? 1 : 0)) - (withNone ? 1 : 0));
        return indices;
    }

    @Override
    public void close() {
        memories.forEach(FlatMemory::close);
    }
}
