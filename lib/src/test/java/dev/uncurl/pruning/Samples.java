package dev.uncurl.pruning;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.NeuronAxis;
import dev.uncurl.model.spec.TensorRole;
import dev.uncurl.model.spec.TensorSpec;
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
        return expert(
                floats(random, width * hidden, 0.5),
                floats(random, hidden, 0.5),
                floats(random, hidden * width, 0.5),
                floats(random, width, 0.5));
    }

    /** An expert of GPT-2: W1 [D, F], b1 [F], W2 [F, D], b2 [D]. */
    static Expert expert(float[]... tensors) {
        int hidden = tensors[1].length;
        int width = tensors[3].length;
        return new Expert(List.of(
                part("w1", TensorRole.EXPERT_UP, NeuronAxis.COLUMNS, tensors[0], width, hidden),
                part("b1", TensorRole.EXPERT_UP_BIAS, NeuronAxis.ROWS, tensors[1], hidden),
                part("w2", TensorRole.EXPERT_DOWN, NeuronAxis.ROWS, tensors[2], hidden, width),
                part("b2", TensorRole.EXPERT_DOWN_BIAS, NeuronAxis.NONE, tensors[3], width)));
    }

    private static Expert.Part part(String name, TensorRole role, NeuronAxis axis, float[] values, Integer... shape) {
        return new Expert.Part(new TensorSpec(name, List.of(shape), role, 0, 0, axis, DType.F32), values);
    }

    /** The same function with hidden neuron {@code permutation[i]} in position i. */
    static Expert permuted(Expert expert, int[] permutation) {
        var parts = new ArrayList<Expert.Part>();
        for (Expert.Part part : expert.parts()) {
            float[] values = part.values().clone();
            int columns = part.tensor().shape().get(part.tensor().shape().size() - 1);
            boolean matrix = part.tensor().shape().size() == 2;
            for (int at = 0; at < values.length; at++) {
                int row = at / columns;
                int column = at % columns;
                if (part.tensor().neuronAxis() == NeuronAxis.COLUMNS || part.hasNeurons() && !matrix) {
                    column = permutation[column];
                } else if (part.hasNeurons()) {
                    row = permutation[row];
                }
                values[at] = part.values()[row * columns + column];
            }
            parts.add(new Expert.Part(part.tensor(), values));
        }
        return new Expert(parts);
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
