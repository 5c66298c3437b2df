package dev.uncurl.pruning;

import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.kernel.KernelChoice;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The new positions of the hidden neurons of the members of one cluster before the merge: the positions of the best matching
 * neurons of the reference ({@link Alignment}).
 *
 * @param inversePermutations for each member in the order of {@link Plan#members}, the new position of each of its neurons
 *     [F]; null for a member whose neurons are not permuted: the reference, a member of weight 0, and one whose best
 *     permutation is the identity
 */
public record NeuronAlignment(int layer, int cluster, int[][] inversePermutations) implements Serializable {
    /** No neuron of any member is permuted. */
    static NeuronAlignment none(Plan plan, int layer, int cluster) {
        return new NeuronAlignment(
                layer, cluster, new int[plan.members(layer, cluster).size()][]);
    }

    /**
     * Reads the experts of one cluster and aligns them. In memory are the reference and, at a time, one expert per thread.
     *
     * @throws dev.uncurl.error.UserError as in {@link Alignment}
     */
    public static NeuronAlignment align(TensorFolder source, Plan plan, PlanApplier.Merge merge) throws IOException {
        int layer = merge.layer();
        int cluster = merge.cluster();
        List<ExpertAssignment> members = plan.members(layer, cluster);
        NeuronAlignment alignment = none(plan, layer, cluster);
        int referenceId = members.stream()
                .filter(ExpertAssignment::isReference)
                .findFirst()
                .orElseThrow()
                .expert();
        int[] others = IntStream.range(0, members.size())
                .filter(m -> members.get(m).weight() > 0 && !members.get(m).isReference())
                .toArray();
        try (var kernels = KernelChoice.best();
                var aligner = new Alignment(kernels, Expert.read(source, layer, referenceId))) {
            for (int from = 0; from < others.length; from += aligner.parallelism()) {
                int[] batch = Arrays.copyOfRange(others, from, Math.min(from + aligner.parallelism(), others.length));
                var experts = new ArrayList<Expert>();
                for (int member : batch) {
                    experts.add(Expert.read(source, layer, members.get(member).expert()));
                }
                int[][] permutations = aligner.permutations(experts);
                for (int i = 0; i < batch.length; i++) {
                    alignment.inversePermutations[batch[i]] = inversePermutation(permutations[i]);
                }
            }
        }
        return alignment;
    }

    /** The inverse of a permutation; null for the identity. */
    static int[] inversePermutation(int[] permutation) {
        int[] inverse = new int[permutation.length];
        boolean isIdentity = true;
        for (int position = 0; position < inverse.length; position++) {
            inverse[permutation[position]] = position;
            isIdentity &= permutation[position] == position;
        }
        return isIdentity ? null : inverse;
    }
}
