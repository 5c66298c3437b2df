package dev.uncurl.pruning;

import dev.uncurl.model.Weights;

/**
 * One tensor of a merged expert: sum_m w_m P_m(tensor_m) over the members of its cluster, P_m putting each member's hidden
 * neurons in the places of the reference's. With weights that are not negative and sum to 1 this is a convex combination.
 * It is taken in double in the order in which the members come, and rounded to FLOAT when it is written.
 *
 * <p>Members pass through in parts as they are read: what is held is the sum, 8 bytes a value of the largest tensor, and it
 * serves one tensor after another.
 */
final class WeightedMean {
    private final int neurons;
    private final double[] sum;
    private int run;
    private boolean empty;

    /**
     * @param feedForward F, hidden neurons of an expert
     * @param width D
     */
    WeightedMean(int feedForward, int width) {
        neurons = feedForward;
        sum = new double[Math.multiplyExact(feedForward, width)];
    }

    /**
     * Begins another tensor.
     *
     * @param together values of one neuron that lie side by side: 1 in W1 [D, F] and b1 [F], D in W2 [F, D]; in b2 [D],
     *     which has no neurons, it is of no matter
     */
    void begin(int together) {
        run = together;
        empty = true;
    }

    /**
     * Takes the tensor of one member, whole and in order.
     *
     * @param places for each neuron of the member the place where it goes; null when all stay where they are
     */
    Weights.Values member(double weight, int[] places) {
        boolean first = empty;
        empty = false;
        return (values, count, at) -> {
            if (places == null) {
                add(values, 0, count, at, weight, first);
                return;
            }
            for (int done = 0; done < count; ) {
                int from = at + done;
                if (run == 1) {
                    int neuron = from % neurons;
                    int row = Math.min(count - done, neurons - neuron);
                    scatter(values, done, row, from - neuron, places, neuron, weight, first);
                    done += row;
                } else {
                    int within = from % run;
                    int part = Math.min(count - done, run - within);
                    add(values, done, part, places[from / run] * run + within, weight, first);
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
            float[] values, int from, int count, int row, int[] places, int neuron, double weight, boolean first) {
        for (int i = 0; i < count; i++) {
            int to = row + places[neuron + i];
            double value = weight * values[from + i];
            sum[to] = first ? value : sum[to] + value;
        }
    }

    /** The mean of the members taken, in the first values; what lies after them is of earlier tensors. */
    double[] sum() {
        return sum;
    }
}
