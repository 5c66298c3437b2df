package dev.uncurl.pruning;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The weighted mean of experts, each first aligned to the reference if so wanted: sum_m w_m P_m(expert_m). With weights that are not
 * negative and sum to 1 this is a convex combination, taken in double. Members pass through one at a time, so two
 * experts and the sum are all that is in memory.
 */
public final class ExpertMerge {
    private final Expert reference;
    private final boolean align;
    private final List<double[]> sums = new ArrayList<>();

    /** @param align whether members are aligned to the reference; else they are taken as they are */
    public ExpertMerge(Expert reference, boolean align) {
        this.reference = reference;
        this.align = align;
        for (float[] tensor : reference.tensors()) {
            double[] sum = new double[tensor.length];
            // the neutral element of addition that keeps the sign of a zero
            Arrays.fill(sum, -0.0);
            sums.add(sum);
        }
    }

    /** Adds a member. The reference itself, told by identity, needs no alignment, and weight 0 adds nothing. */
    public void add(Expert member, double weight) {
        if (weight == 0) {
            return;
        }
        boolean asItIs = member == reference || !align;
        Expert aligned = asItIs ? member : member.permuted(Alignment.permutation(reference, member));
        for (int t = 0; t < sums.size(); t++) {
            double[] sum = sums.get(t);
            float[] values = aligned.tensors().get(t);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += weight * values[i];
            }
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
}
