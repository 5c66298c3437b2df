package dev.uncurl.pruning;

import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.TensorSpec;
import java.util.Collection;

/**
 * Computes one tensor of a merged expert: sum_m w_m P_m(tensor_m) over the members m of its cluster. P_m permutes the hidden
 * neurons of member m to the positions of the matching neurons of the reference. The weights are not negative and sum to 1.
 * The sum is computed in double, in the order of the members, and rounded to FLOAT when it is written.
 *
 * <p>Members are added in parts while they are read. Only the sum is in memory: 8 bytes for each value of the largest tensor.
 * It is reused for the next tensor.
 */
final class WeightedMean {
    private final double[] sum;
    private int neurons;
    private int run;
    private boolean empty;

    /** @param length number of values of the largest tensor */
    WeightedMean(long length) {
        sum = new double[Math.toIntExact(length)];
    }

    /** Room for the largest expert tensor among these. */
    static WeightedMean ofLargest(Collection<TensorSpec> tensors) {
        return new WeightedMean(tensors.stream()
                .filter(tensor -> tensor.role().isExpert())
                .mapToLong(TensorSpec::length)
                .max()
                .orElse(0));
    }

    /** Starts the next tensor. */
    void begin(TensorSpec tensor) {
        neurons = tensor.neurons();
        run = tensor.run();
        empty = true;
    }

    /**
     * Adds the tensor of one member. All of its values must be passed to the result, in order.
     *
     * @param inversePermutation for each neuron of the member its position in the sum; null if no neuron is permuted or the
     *     tensor has no neurons
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

    /** The weighted mean, in as many elements as the tensor has; further elements are of earlier tensors. */
    double[] sum() {
        return sum;
    }
}
