package dev.uncurl.pruning;

import dev.uncurl.clustering.Seeds;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/** Keeps K experts drawn by number without replacement; depends on seed, layer, E and K alone. */
final class RandomPruning implements PruningMethod {
    @Override
    public int[] assignClusters(LayerStatistics evidence, int keep, long seed) {
        var random = new Random(Seeds.mix(seed, evidence.layer()));
        int[] experts = IntStream.range(0, evidence.experts()).toArray();
        int[] labels = new int[experts.length];
        Arrays.fill(labels, ExpertAssignment.DROPPED);
        for (int i = 0; i < keep; i++) {
            int j = i + random.nextInt(experts.length - i);
            labels[experts[j]] = experts[j];
            experts[j] = experts[i];
        }
        return labels;
    }
}
