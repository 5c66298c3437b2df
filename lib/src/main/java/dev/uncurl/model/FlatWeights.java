package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One value per parameter of a model (the parameters, or a moment of the optimiser), in one off-heap ND4J array. Values are read
 * and written in parts of {@link Weights#PART} elements.
 */
public final class FlatWeights implements Weights {
    private final ParameterLayout layout;
    private final INDArray array;
    private final long offset;

    private FlatWeights(ParameterLayout layout, INDArray array, long offset) {
        this.layout = layout;
        this.array = array;
        this.offset = offset;
    }

    /**
     * A view of a contiguous array.
     *
     * @param offset in {@code array} of the first tensor's first element
     */
    public static FlatWeights of(ParameterLayout layout, INDArray array, long offset) {
        if (offset < 0 || offset + layout.length() > array.length()) {
            throw new IllegalArgumentException("The model has " + layout.length() + " parameters, the array "
                    + array.length() + " elements, of which " + offset + " come before the first tensor");
        }
        return new FlatWeights(layout, array, offset);
    }

    /** A copy of all tensors in a new FLOAT array [1, parameters], in the order of the layout. */
    public static INDArray load(ParameterLayout layout, Weights source) throws IOException {
        INDArray array;
        try (var outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            array = Nd4j.createUninitialized(DataType.FLOAT, 1, layout.length());
        }
        try {
            of(layout, array, 0).write(source);
            return array;
        } catch (IOException | RuntimeException e) {
            array.close();
            throw e;
        }
    }

    /** A checksum of values of a contiguous FLOAT array, to the bit. */
    public static long checksum(INDArray array, ElementRange range) {
        var part = new float[PART];
        long sum = 0;
        for (long from = range.from(); from < range.to(); from += PART) {
            int count = (int) Math.min(PART, range.to() - from);
            Matrix.of(array, from, 1, count).read(part);
            for (int i = 0; i < count; i++) {
                sum = 31 * sum + Float.floatToRawIntBits(part[i]);
            }
        }
        return sum;
    }

    /** Overwrites every tensor in place. */
    public void write(Weights source) throws IOException {
        var names = layout.tensors().stream().map(ParameterLayout.Tensor::name).toList();
        source.readAll(names, name -> {
            var tensor = layout.tensor(name);
            return (values, count, at) -> {
                if (at + (long) count > tensor.length()) {
                    throw new IllegalArgumentException(
                            "Tensor " + name + " has more than " + tensor.length() + " values");
                }
                part(tensor, at, count).write(values);
            };
        });
    }

    @Override
    public void read(String name, Values values) throws IOException {
        var tensor = layout.tensor(name);
        int length = Math.toIntExact(tensor.length());
        var part = new float[Math.min(PART, length)];
        for (int at = 0; at < length; at += part.length) {
            int count = Math.min(part.length, length - at);
            part(tensor, at, count).read(part);
            values.take(part, count, at);
        }
    }

    private Matrix part(ParameterLayout.Tensor tensor, long at, int count) {
        return Matrix.of(array, offset + tensor.offset() + at, 1, count);
    }
}
