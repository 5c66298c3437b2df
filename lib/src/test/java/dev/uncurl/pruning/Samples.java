package dev.uncurl.pruning;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.NaiveStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Random experts, permutations and routing evidence for tests. */
final class Samples {
    private Samples() {}

    static float[] floats(Random random, int length, double scale) {
        return LogitSamples.floats(random, length, scale);
    }

    static Expert expert(Random random, int width, int hidden) {
        return new Expert(
                floats(random, width * hidden, 0.5),
                floats(random, hidden, 0.5),
                floats(random, hidden * width, 0.5),
                floats(random, width, 0.5));
    }

    static int[] permutation(Random random, int size) {
        return LogitSamples.permutation(random, size);
    }

    /** The neuron of {@code expert} for each one of the reference. */
    static int[] alignment(Expert reference, Expert expert) {
        try (Kernels kernels = KernelChoice.best();
                var alignment = new Alignment(kernels, reference)) {
            return alignment.permutations(List.of(expert))[0];
        }
    }

    /** H [N, E] with groups of similar columns. */
    static float[] logits(Random random, int tokens, int experts, int groups) {
        return LogitSamples.logits(random, tokens, experts, groups);
    }

    static RouterGram gram(float[] logits, int experts) {
        return LogitSamples.gram(logits, experts);
    }

    /** Evidence of the logits, each token choosing its highest expert; they stand for the experts' outputs as well. */
    static LayerStatistics evidence(int layer, float[] logits, int experts) {
        var statistics = new NaiveStatistics(experts);
        for (int offset = 0; offset < logits.length; offset += experts) {
            int best = 0;
            for (int e = 1; e < experts; e++) {
                best = logits[offset + e] > logits[offset + best] ? e : best;
            }
            float[] row = Arrays.copyOfRange(logits, offset, offset + experts);
            statistics.add(new int[] {best}, new float[] {0.5f}, row, new float[] {1});
        }
        var gram = gram(logits, experts);
        return new LayerStatistics(layer, gram, statistics.statistics(), Optional.of(gram));
    }

    /** Statistics of experts that were chosen so often, with other numbers to match. */
    static ExpertStatistics statistics(long tokens, long... choices) {
        var rows = new ArrayList<ExpertStatistics.Row>();
        for (int e = 0; e < choices.length; e++) {
            rows.add(new ExpertStatistics.Row(e, choices[e], 0, choices[e] * 0.5, 0, 0, 1, 0.5));
        }
        return ExpertStatistics.of(rows);
    }

    /** Evidence of everything, in which no two experts are used alike: nothing is settled by number. */
    static LayerStatistics complete(int layer, float[] logits, float[] outputs, int[] usage) {
        int experts = usage.length;
        var rows = new ArrayList<ExpertStatistics.Row>();
        long tokens = 0;
        for (int e = 0; e < experts; e++) {
            int u = usage[e];
            tokens += 3 + u;
            rows.add(new ExpertStatistics.Row(e, 3 + u, 0, 1 + (7 * u) % 31 + u * 0.001, 0, 0, 1, (11 * u) % 37 + 0.5));
        }
        return new LayerStatistics(
                layer, gram(logits, experts), ExpertStatistics.of(rows), Optional.of(gram(outputs, experts)));
    }

    static LayerStatistics complete(int layer, long seed, int experts) {
        var random = new Random(seed);
        return complete(
                layer, logits(random, 40, experts, 4), logits(random, 10, experts, 3), permutation(random, experts));
    }
}
