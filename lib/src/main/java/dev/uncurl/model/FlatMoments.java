package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ElementRange;
import java.io.IOException;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * AdamW's moments of a slice of the flat parameters, in one off-heap array [2 n]: n first moments, then n second moments. As
 * {@link Weights} they are two tensors [n], with the names that PyTorch's AdamW gives them.
 */
public final class FlatMoments implements Weights {
    /** Name of the first moments. */
    public static final String FIRST = "exp_avg";
    /** Name of the second moments. */
    public static final String SECOND = "exp_avg_sq";

    private final INDArray array;

    /** A view of a contiguous array of even length. */
    public FlatMoments(INDArray array) {
        if (array.length() % 2 != 0) {
            throw new IllegalArgumentException("Two moments of each parameter, not " + array.length() + " values");
        }
        this.array = array;
    }

    /** n, the number of parameters in the slice. */
    public long length() {
        return array.length() / 2;
    }

    /** The moments of a range of the slice, as two tensors of the same names. @param range counted from the slice's first moment */
    public Weights part(ElementRange range) {
        if (range.from() < 0 || range.length() < 0 || range.to() > length()) {
            throw new IllegalArgumentException("The moments " + range + " are not among " + length());
        }
        return (name, values) -> read(name, range, values);
    }

    /** Overwrites all moments in place. @param source two tensors of the same names and length */
    public void write(Weights source) throws IOException {
        source.readAll(List.of(FIRST, SECOND), name -> (values, count, at) -> {
            if (at + (long) count > length()) {
                throw new IllegalArgumentException("Tensor " + name + " has more than " + length() + " values");
            }
            part(name, at, count).write(values);
        });
    }

    @Override
    public void read(String name, Values values) throws IOException {
        read(name, new ElementRange(0, length()), values);
    }

    private void read(String name, ElementRange range, Values values) throws IOException {
        int length = Math.toIntExact(range.length());
        var part = new float[Math.min(PART, length)];
        for (int at = 0; at < length; at += part.length) {
            int count = Math.min(part.length, length - at);
            part(name, range.from() + at, count).read(part);
            values.take(part, count, at);
        }
    }

    private Matrix part(String name, long at, int count) {
        if (!name.equals(FIRST) && !name.equals(SECOND)) {
            throw new IllegalArgumentException("The moments are " + FIRST + " and " + SECOND + ", not " + name);
        }
        return Matrix.of(array, (name.equals(FIRST) ? 0 : length()) + at, 1, count);
    }
}
