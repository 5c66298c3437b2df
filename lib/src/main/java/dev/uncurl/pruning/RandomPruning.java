package dev.uncurl.pruning;

import dev.uncurl.clustering.Seeds;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/** Keeps K experts, drawn at random without replacement. The result depends only on seed, layer, E and K. */
final class RandomPruning implements PruningMethod {
    @Override
    public int[] assignClusters(LayerStatistics layer, int clusters, long seed) {
        var random = new Random(Seeds.mix(seed, layer.layer()));
        int[] experts = IntStream.range(0, layer.experts()).toArray();
        int[] labels = new int[experts.length];
        Arrays.fill(labels, ExpertAssignment.DROPPED);
        for (int i = 0; i < clusters; i++) {
            int j = i + random.nextInt(experts.length - i);
            labels[experts[j]] = experts[j];
            experts[j] = experts[i];
        }
        return labels;
    }
}
