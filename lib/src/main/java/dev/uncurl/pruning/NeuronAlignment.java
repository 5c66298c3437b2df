package dev.uncurl.pruning;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.kernel.KernelChoice;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where the hidden neurons of the members of one cluster go when they are merged: to the neurons of the reference that they
 * are like ({@link Alignment}).
 *
 * @param places for each member in the order of {@link Plan#members}, for each of its neurons the place [F]; null for a
 *     member that is taken as it is: the reference, one that weighs nothing, one that fits best as it is
 */
public record NeuronAlignment(int layer, int cluster, int[][] places) implements Serializable {
    /** Every member as it is. */
    static NeuronAlignment none(Plan plan, int layer, int cluster) {
        return new NeuronAlignment(
                layer, cluster, new int[plan.members(layer, cluster).size()][]);
    }

    /**
     * Reads the experts of one cluster, beside the reference as many at a time as there are threads, and aligns them.
     *
     * @throws dev.uncurl.error.UserError as {@link Alignment}
     */
    public static NeuronAlignment align(ModelFolder source, Plan plan, PlanApplier.Merge merge) throws IOException {
        int layer = merge.layer();
        int cluster = merge.cluster();
        List<ExpertAssignment> members = plan.members(layer, cluster);
        NeuronAlignment placement = none(plan, layer, cluster);
        int referenceId = members.stream()
                .filter(ExpertAssignment::isReference)
                .findFirst()
                .orElseThrow()
                .expert();
        int[] others = IntStream.range(0, members.size())
                .filter(m -> members.get(m).weight() > 0 && !members.get(m).isReference())
                .toArray();
        try (var kernels = KernelChoice.best();
                var alignment = new Alignment(kernels, Expert.read(source, layer, referenceId))) {
            for (int from = 0; from < others.length; from += alignment.sideBySide()) {
                int[] some = Arrays.copyOfRange(others, from, Math.min(from + alignment.sideBySide(), others.length));
                var experts = new ArrayList<Expert>();
                for (int member : some) {
                    experts.add(Expert.read(source, layer, members.get(member).expert()));
                }
                int[][] permutations = alignment.permutations(experts);
                for (int i = 0; i < some.length; i++) {
                    placement.places[some[i]] = places(permutations[i]);
                }
            }
        }
        return placement;
    }

    /** The inverse of a permutation as {@link Expert#permuted} takes it; null for the identity. */
    static int[] places(int[] permutation) {
        int[] places = new int[permutation.length];
        boolean moves = false;
        for (int place = 0; place < places.length; place++) {
            places[permutation[place]] = place;
            moves |= permutation[place] != place;
        }
        return moves ? places : null;
    }
}
