package dev.uncurl.pruning;

import dev.uncurl.routing.ExpertStatistics;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Keeps the K experts of the highest score, ties to the lower id, and drops the others. */
record TopScorePruning(Score score) implements PruningMethod {
    /** What an expert is worth by its statistics. */
    @FunctionalInterface
    interface Score {
        double of(ExpertStatistics statistics, int expert);
    }

    @Override
    public int[] assignClusters(LayerStatistics evidence, int keep, long seed) {
        evidence.requireTokens();
        int[] labels = new int[evidence.experts()];
        Arrays.fill(labels, ExpertAssignment.DROPPED);
        for (int e : highest(evidence, expert -> score.of(evidence.statistics(), expert), keep)) {
            labels[e] = e;
        }
        return labels;
    }

    /** @return {@code count} experts, from the highest score down, of equal ones the lower id first */
    static int[] highest(LayerStatistics evidence, IntToDoubleFunction score, int count) {
        return IntStream.range(0, evidence.experts())
                .boxed()
                .sorted(Comparator.comparingDouble((Integer expert) -> -score.applyAsDouble(expert)))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
