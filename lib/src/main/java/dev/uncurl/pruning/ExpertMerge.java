package dev.uncurl.pruning;

import dev.uncurl.error.Refusal;
import dev.uncurl.kernel.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The weighted mean of experts, each first aligned to the reference if so wanted: sum_m w_m P_m(expert_m). With weights
 * that are not negative and sum to 1 this is a convex combination, taken in double in the order in which the members are
 * added, on one thread as on many. Members pass through, as many at a time as there are threads: on the heap there are the
 * reference, those members and the sum in double (8 bytes a weight); off the heap what {@link Alignment} takes.
 */
public final class ExpertMerge implements AutoCloseable {
    private final Expert reference;
    private final Kernels kernels;
    private final Alignment alignment;
    private final int[] asItIs;
    private final List<double[]> sums = new ArrayList<>();

    /**
     * @param align whether members are aligned to the reference; else they are taken as they are
     * @throws Refusal as {@link Alignment}
     */
    public ExpertMerge(Expert reference, boolean align) {
        this.reference = reference;
        asItIs = IntStream.range(0, reference.feedForward()).toArray();
        kernels = Kernels.best();
        try {
            alignment = align ? new Alignment(kernels, reference) : null;
        } catch (RuntimeException e) {
            kernels.close();
            throw e;
        }
        for (float[] tensor : reference.tensors()) {
            double[] sum = new double[tensor.length];
            // the neutral element of addition that keeps the sign of a zero
            Arrays.fill(sum, -0.0);
            sums.add(sum);
        }
    }

    /** Members that should be added at a time. */
    public int sideBySide() {
        return kernels.threads();
    }

    /** Adds one member. */
    public void add(Expert member, double weight) {
        add(List.of(member), new double[] {weight});
    }

    /**
     * Adds members, at most {@link #sideBySide}, in order. The reference itself, told by identity, needs no alignment, and
     * weight 0 adds nothing.
     */
    public void add(List<Expert> members, double[] weights) {
        List<Integer> toAlign = IntStream.range(0, members.size())
                .filter(m -> alignment != null && weights[m] != 0 && members.get(m) != reference)
                .boxed()
                .toList();
        int[][] orders = new int[members.size()][];
        Arrays.fill(orders, asItIs);
        if (!toAlign.isEmpty()) {
            int[][] found =
                    alignment.permutations(toAlign.stream().map(members::get).toList());
            for (int i = 0; i < found.length; i++) {
                orders[toAlign.get(i)] = found[i];
            }
        }
        for (int m = 0; m < orders.length; m++) {
            if (weights[m] != 0) {
                addPermuted(members.get(m), orders[m], weights[m]);
            }
        }
    }

    private void addPermuted(Expert member, int[] order, double weight) {
        int hidden = member.feedForward();
        int width = member.width();
        for (int d = 0; d < width; d++) {
            addGathered(sums.get(0), member.w1(), d * hidden, order, weight);
        }
        addGathered(sums.get(1), member.b1(), 0, order, weight);
        for (int i = 0; i < hidden; i++) {
            add(sums.get(2), i * width, member.w2(), order[i] * width, width, weight);
        }
        add(sums.get(3), 0, member.b2(), 0, width, weight);
    }

    private static void addGathered(double[] sum, float[] values, int at, int[] order, double weight) {
        for (int i = 0; i < order.length; i++) {
            sum[at + i] += weight * values[at + order[i]];
        }
    }

    private static void add(double[] sum, int to, float[] values, int from, int count, double weight) {
        for (int i = 0; i < count; i++) {
            sum[to + i] += weight * values[from + i];
        }
    }

    /** The mean of what was added. */
    public Expert merged() {
        float[][] tensors = new float[sums.size()][];
        for (int t = 0; t < tensors.length; t++) {
            double[] sum = sums.get(t);
            tensors[t] = new float[sum.length];
            for (int i = 0; i < sum.length; i++) {
                tensors[t][i] = (float) sum[i];
            }
        }
        return new Expert(tensors[0], tensors[1], tensors[2], tensors[3]);
    }

    /** Gives the alignment's memory back and ends its threads. */
    @Override
    public void close() {
        if (alignment != null) {
            alignment.close();
        }
        kernels.close();
    }
}
