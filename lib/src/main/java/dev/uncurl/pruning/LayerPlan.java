package dev.uncurl.pruning;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** From a decision (labels, or who stays) to the rows of a plan. */
final class LayerPlan {
    private LayerPlan() {}

    /**
     * Every expert goes into its cluster, with a weight proportional to its activation count; uniform where a cluster
     * was never activated. The reference is the most activated member, ties to the lower id.
     */
    static List<Assignment> merging(LayerEvidence evidence, int[] labels) {
        int experts = evidence.experts();
        int[] clusters = canonical(labels);
        int count = Arrays.stream(clusters).max().orElseThrow() + 1;
        long[] activations = new long[count];
        int[] sizes = new int[count];
        int[] references = new int[count];
        Arrays.fill(references, -1);
        for (int e = 0; e < experts; e++) {
            int cluster = clusters[e];
            long choices = evidence.statistics().choices(e);
            activations[cluster] += choices;
            sizes[cluster]++;
            int reference = references[cluster];
            if (reference < 0 || choices > evidence.statistics().choices(reference)) {
                references[cluster] = e;
            }
        }
        var rows = new ArrayList<Assignment>(experts);
        for (int e = 0; e < experts; e++) {
            int cluster = clusters[e];
            double weight = activations[cluster] == 0
                    ? 1.0 / sizes[cluster]
                    : (double) evidence.statistics().choices(e) / activations[cluster];
            rows.add(new Assignment(evidence.layer(), e, cluster, weight, references[cluster] == e));
        }
        return rows;
    }

    /** Survivors become clusters of their own, the others are dropped. */
    static List<Assignment> keeping(LayerEvidence evidence, IntPredicate survives) {
        int next = 0;
        var rows = new ArrayList<Assignment>(evidence.experts());
        for (int e = 0; e < evidence.experts(); e++) {
            boolean stays = survives.test(e);
            rows.add(new Assignment(evidence.layer(), e, stays ? next++ : Assignment.DROPPED, stays ? 1 : 0, stays));
        }
        return rows;
    }

    /** The same clusters numbered 0, 1, ... in the order of their lowest members. */
    static int[] canonical(int[] labels) {
        var order = IntStream.of(labels).boxed().distinct().collect(Collectors.toList());
        return IntStream.of(labels).map(order::indexOf).toArray();
    }
}
