package dev.uncurl.pruning;

import dev.uncurl.routing.ExpertStatistics;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Keeps the K experts with the highest scores (of equal scores, the lower id) and drops the others. */
record TopScorePruning(Score score) implements PruningMethod {
    /** The score of an expert, from the statistics of its layer. */
    @FunctionalInterface
    interface Score {
        double of(ExpertStatistics statistics, int expert);
    }

    @Override
    public int[] assignClusters(LayerStatistics layer, int clusters, long seed) {
        layer.requireTokens();
        int[] labels = new int[layer.experts()];
        Arrays.fill(labels, ExpertAssignment.DROPPED);
        for (int e : highest(layer, expert -> score.of(layer.statistics(), expert), clusters)) {
            labels[e] = e;
        }
        return labels;
    }

    /** @return the {@code count} experts with the highest scores, descending; of equal scores, the lower id first */
    static int[] highest(LayerStatistics layer, IntToDoubleFunction score, int count) {
        return IntStream.range(0, layer.experts())
                .boxed()
                .sorted(Comparator.comparingDouble((Integer expert) -> -score.applyAsDouble(expert)))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
