package dev.uncurl.pruning;

import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.TensorSpec;

/**
 * One tensor of a merged expert: sum_m w_m P_m(tensor_m) over the members of its cluster, where P_m moves each member's
 * hidden neurons to the positions of the reference's neurons that they match. With weights that are not negative and sum to
 * 1 this is a convex combination. It is summed in double in the order in which the members come, and rounded to FLOAT when
 * it is written.
 *
 * <p>Members are added in parts as they are read. What is held is the sum, 8 bytes for each value of the largest tensor; it
 * is used for one tensor after another.
 */
final class WeightedMean {
    private final double[] sum;
    private int neurons;
    private int run;
    private boolean empty;

    /** @param length of the largest tensor */
    WeightedMean(long length) {
        sum = new double[Math.toIntExact(length)];
    }

    /** Begins another tensor: forgets the members of the one before. */
    void begin(TensorSpec tensor) {
        neurons = tensor.neurons();
        run = tensor.run();
        empty = true;
    }

    /**
     * Adds the tensor of one member, which must be passed whole and in order.
     *
     * @param inversePermutation for each neuron of the member its position in the sum; null when all stay where they are, or
     *     the tensor has no neurons
     */
    Weights.Values member(double weight, int[] inversePermutation) {
        boolean first = empty;
        empty = false;
        return (values, count, at) -> {
            if (inversePermutation == null) {
                add(values, 0, count, at, weight, first);
                return;
            }
            for (int done = 0; done < count; ) {
                int from = at + done;
                if (run == 1) {
                    int neuron = from % neurons;
                    int row = Math.min(count - done, neurons - neuron);
                    scatter(values, done, row, from - neuron, inversePermutation, neuron, weight, first);
                    done += row;
                } else {
                    int within = from % run;
                    int part = Math.min(count - done, run - within);
                    add(values, done, part, inversePermutation[from / run] * run + within, weight, first);
                    done += part;
                }
            }
        };
    }

    private void add(float[] values, int from, int count, int to, double weight, boolean first) {
        for (int i = 0; i < count; i++) {
            double value = weight * values[from + i];
            sum[to + i] = first ? value : sum[to + i] + value;
        }
    }

    private void scatter(
            float[] values,
            int from,
            int count,
            int row,
            int[] inversePermutation,
            int neuron,
            double weight,
            boolean first) {
        for (int i = 0; i < count; i++) {
            int to = row + inversePermutation[neuron + i];
            double value = weight * values[from + i];
            sum[to] = first ? value : sum[to] + value;
        }
    }

    /** The mean of the members added, in as many values as the tensor has; what follows is of earlier tensors. */
    double[] sum() {
        return sum;
    }
}
