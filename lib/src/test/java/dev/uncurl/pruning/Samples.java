package dev.uncurl.pruning;

import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Random experts, permutations and routing evidence for tests. */
final class Samples {
    private Samples() {}

    static float[] floats(Random random, int length, double scale) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) (random.nextGaussian() * scale);
        }
        return values;
    }

    static Expert expert(Random random, int width, int hidden) {
        return new Expert(
                floats(random, width * hidden, 0.5),
                floats(random, hidden, 0.5),
                floats(random, hidden * width, 0.5),
                floats(random, width, 0.5));
    }

    static int[] permutation(Random random, int size) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, size).boxed().toList());
        Collections.shuffle(order, random);
        return order.stream().mapToInt(Integer::intValue).toArray();
    }

    /** H [N, E] with groups of similar columns. */
    static float[] logits(Random random, int tokens, int experts, int groups) {
        float[] logits = floats(random, tokens * experts, 0.4);
        for (int t = 0; t < tokens; t++) {
            float[] centres = floats(random, groups, 2);
            for (int e = 0; e < experts; e++) {
                logits[t * experts + e] += centres[e % groups];
            }
        }
        return logits;
    }

    static RouterGram gram(float[] logits, int experts) {
        var gram = new RouterGram(experts);
        for (int offset = 0; offset < logits.length; offset += experts) {
            gram.add(logits, offset);
        }
        return gram;
    }

    /** Evidence of the logits, each token choosing its highest expert. */
    static LayerEvidence evidence(int layer, float[] logits, int experts) {
        var statistics = new ExpertStatistics(experts);
        for (int offset = 0; offset < logits.length; offset += experts) {
            int best = 0;
            for (int e = 1; e < experts; e++) {
                best = logits[offset + e] > logits[offset + best] ? e : best;
            }
            statistics.add(new int[] {best}, new float[] {0.5f}, new float[] {1}, 0, 1, logits, offset);
        }
        return new LayerEvidence(layer, gram(logits, experts), statistics);
    }
}
