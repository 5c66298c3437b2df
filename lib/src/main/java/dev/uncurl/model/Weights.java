package dev.uncurl.model;

import java.io.IOException;
import java.util.List;
import java.util.function.Function;

/**
 * The tensors of a model by name, wherever their values are: in a folder, in memory, or computed when they are read. A
 * tensor is read in parts of bounded size, so that no reader needs an array as long as the model or a tensor.
 */
@FunctionalInterface
public interface Weights {
    /** Elements of a part, at most; together with what is computed from them they stay in a core's cache. */
    int PART = 1 << 15;

    /** Takes the values of a tensor in order, a part at a time. */
    @FunctionalInterface
    interface Values {
        /**
         * @param values the part, in the first {@code count} elements; the array is used again for the next one
         * @param at index of its first value in the tensor, row-major
         */
        void take(float[] values, int count, int at) throws IOException;
    }

    /**
     * Gives all values of a tensor, row-major, in order.
     *
     * @throws IllegalArgumentException when the model has no tensor of that name
     */
    void read(String tensor, Values values) throws IOException;

    /**
     * Reads several tensors in the order given. A folder opens each of its files once for neighbours in one file.
     *
     * @param values takes the values of the tensor with this name
     */
    default void readAll(List<String> tensors, Function<String, Values> values) throws IOException {
        for (String tensor : tensors) {
            read(tensor, values.apply(tensor));
        }
    }
}
