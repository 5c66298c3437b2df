package dev.uncurl.model;

import java.io.IOException;
import java.util.List;
import java.util.function.Function;

/**
 * The tensors of a model by name. Their values are in a folder, in memory, or computed on read. A tensor is read in parts of
 * bounded size, so that no reader needs an array for a whole tensor or model.
 */
@FunctionalInterface
public interface Weights {
    /** Maximal number of elements of a part; small enough that a part and values computed from it fit in a core's cache. */
    int PART = 1 << 15;

    /** Receives the values of a tensor in order, in parts. */
    @FunctionalInterface
    interface Values {
        /**
         * @param values the part, in the first {@code count} elements; the array is reused for the next part
         * @param at index of its first value in the tensor, row-major
         */
        void take(float[] values, int count, int at) throws IOException;
    }

    /**
     * Reads all values of a tensor, row-major, in order.
     *
     * @throws IllegalArgumentException if the model has no tensor of this name
     */
    void read(String tensor, Values values) throws IOException;

    /**
     * Reads several tensors in this order. A folder opens a file once for consecutive tensors of the same file.
     *
     * @param values gives the receiver of each tensor's values, by name
     */
    default void readAll(List<String> tensors, Function<String, Values> values) throws IOException {
        for (String tensor : tensors) {
            read(tensor, values.apply(tensor));
        }
    }
}
