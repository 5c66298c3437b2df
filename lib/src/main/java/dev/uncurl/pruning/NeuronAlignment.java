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
 * Where the hidden neurons of the members of one cluster go when they are merged: to the positions of the neurons of the
 * reference that they match best ({@link Alignment}).
 *
 * @param inversePermutations for each member in the order of {@link Plan#members}, the new position of each of its neurons
 *     [F]; null for a member whose neurons stay where they are: the reference, one of weight 0, one that fits best unmoved
 */
public record NeuronAlignment(int layer, int cluster, int[][] inversePermutations) implements Serializable {
    /** The neurons of every member stay where they are. */
    static NeuronAlignment none(Plan plan, int layer, int cluster) {
        return new NeuronAlignment(
                layer, cluster, new int[plan.members(layer, cluster).size()][]);
    }

    /**
     * Reads the experts of one cluster and aligns them. Apart from the reference, as many are held at a time as there are
     * threads.
     *
     * @throws dev.uncurl.error.UserError as {@link Alignment}
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
            for (int from = 0; from < others.length; from += aligner.capacity()) {
                int[] some = Arrays.copyOfRange(others, from, Math.min(from + aligner.capacity(), others.length));
                var experts = new ArrayList<Expert>();
                for (int member : some) {
                    experts.add(Expert.read(source, layer, members.get(member).expert()));
                }
                int[][] permutations = aligner.permutations(experts);
                for (int i = 0; i < some.length; i++) {
                    alignment.inversePermutations[some[i]] = inversePermutation(permutations[i]);
                }
            }
        }
        return alignment;
    }

    /** The inverse of a permutation as {@link Alignment#permutations} gives it; null for the identity. */
    static int[] inversePermutation(int[] permutation) {
        int[] inverse = new int[permutation.length];
        boolean moves = false;
        for (int position = 0; position < inverse.length; position++) {
            inverse[permutation[position]] = position;
            moves |= permutation[position] != position;
        }
        return moves ? inverse : null;
    }
}
