package dev.uncurl.clustering;

import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Random router logits and permutations for tests. */
public final class LogitSamples {
    private LogitSamples() {}

    public static float[] floats(Random random, int length, double scale) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) (random.nextGaussian() * scale);
        }
        return values;
    }

    public static int[] permutation(Random random, int size) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, size).boxed().toList());
        Collections.shuffle(order, random);
        return order.stream().mapToInt(Integer::intValue).toArray();
    }

    /** H [N, E] with groups of similar columns. */
    public static float[] logits(Random random, int tokens, int experts, int groups) {
        float[] logits = floats(random, tokens * experts, 0.4);
        for (int t = 0; t < tokens; t++) {
            float[] centres = floats(random, groups, 2);
            for (int e = 0; e < experts; e++) {
                logits[t * experts + e] += centres[e % groups];
            }
        }
        return logits;
    }

    /** H [N, E] with no more than so many different columns. */
    public static float[] duplicates(Random random, int tokens, int experts, int distinct) {
        float[] logits = new float[tokens * experts];
        for (int t = 0; t < tokens; t++) {
            float[] values = floats(random, distinct, 1);
            for (int e = 0; e < experts; e++) {
                logits[t * experts + e] = values[e % distinct];
            }
        }
        return logits;
    }

    /** The columns numbered anew: the new column e is the old column {@code permutation[e]}. */
    public static float[] relabelled(float[] logits, int[] permutation) {
        int experts = permutation.length;
        float[] relabelled = new float[logits.length];
        for (int i = 0; i < logits.length; i++) {
            relabelled[i] = logits[i / experts * experts + permutation[i % experts]];
        }
        return relabelled;
    }

    /** H^T H by its definition, for H [N, E] row-major. */
    public static RouterGram gram(float[] logits, int experts) {
        double[] gram = new double[experts * experts];
        for (int offset = 0; offset < logits.length; offset += experts) {
            for (int i = 0; i < experts; i++) {
                for (int j = 0; j < experts; j++) {
                    gram[i * experts + j] += (double) logits[offset + i] * logits[offset + j];
                }
            }
        }
        return new RouterGram(experts, logits.length / experts, gram);
    }

    /** The columns of H in the order of {@link CanonicalGram}. @return [E, N] */
    static double[][] points(float[] logits, CanonicalGram columns) {
        int experts = columns.count();
        double[][] points = new double[experts][logits.length / experts];
        for (int place = 0; place < experts; place++) {
            for (int t = 0; t < points[place].length; t++) {
                points[place][t] = logits[t * experts + columns.expert(place)];
            }
        }
        return points;
    }
}
