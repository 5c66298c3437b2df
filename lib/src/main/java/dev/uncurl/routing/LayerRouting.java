package dev.uncurl.routing;

import dev.uncurl.error.UserError;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Summary of one layer's routing on one task: shares, balance, distances between experts.
 *
 * @param layer block of the model, from 0
 * @param choices how often each of the E experts was chosen; with top-k each token makes k
 * @param gram of the router logits of those tokens
 * @param masked the experts that a masked router never chooses; they are excluded from its balance
 * @param zeroed the experts that were dropped, though the router still chooses them; they are excluded from its balance, too
 */
public record LayerRouting(int layer, List<Long> choices, RouterGram gram, Set<Integer> masked, Set<Integer> zeroed) {
    /**
     * @throws UserError (input) if counts and Gram matrix have different numbers of experts, there are no tokens, or a
     * masked expert has tokens
     */
    public LayerRouting {
        choices = List.copyOf(choices);
        masked = Set.copyOf(masked);
        zeroed = Set.copyOf(zeroed);
        if (choices.size() != gram.experts()) {
            throw UserError.input(
                    "Layer " + layer + " has " + gram.experts() + " experts by its Gram matrix, " + choices.size()
                            + " by its statistics",
                    "Dump the router logits again.");
        }
        for (int expert : masked) {
            if (expert >= choices.size() || choices.get(expert) > 0) {
                throw UserError.input(
                        "Layer " + layer + " has tokens of expert " + expert
                                + ", which the model's router never chooses",
                        "Dump the router logits again.");
            }
        }
        if (gram.tokens() == 0 || choices.stream().allMatch(count -> count == 0)) {
            throw UserError.input(
                    "Layer " + layer + " has routed no token", "Run dump-logits for this model and task first.");
        }
    }

    /** A layer in which no expert was dropped. */
    public LayerRouting(int layer, List<Long> choices, RouterGram gram) {
        this(layer, choices, gram, Set.of(), Set.of());
    }

    /** Number of experts that were not dropped: E less the masked and the zeroed ones. */
    public int live() {
        return experts() - masked.size() - zeroed.size();
    }

    /** Whether an expert was not dropped. */
    public boolean isLive(int expert) {
        return !masked.contains(expert) && !zeroed.contains(expert);
    }

    /** The choices of each expert that was not dropped. */
    private long[] liveChoices() {
        return IntStream.range(0, experts())
                .filter(this::isLive)
                .mapToLong(choices::get)
                .toArray();
    }

    /** E. */
    public int experts() {
        return choices.size();
    }

    /** Share of {@code expert} in all choices of the layer. */
    public double share(int expert) {
        return (double) choices.get(expert) / sum();
    }

    /** The E shares. */
    public double[] shares() {
        return IntStream.range(0, experts()).mapToDouble(this::share).toArray();
    }

    /**
     * Choices of the most used expert over the mean: 1 if balanced, E if one expert gets all. Excludes dropped experts; 1 if
     * all choices were theirs.
     */
    public double maxOverMean() {
        long[] own = liveChoices();
        long sum = LongStream.of(own).sum();
        return sum == 0 ? 1 : LongStream.of(own).max().orElseThrow() * (double) live() / sum;
    }

    /**
     * Entropy of the shares over ln E: 1 if balanced, 0 if one expert gets all; 1 for a single expert. Excludes dropped
     * experts; 0 if all choices were theirs.
     */
    public double relativeEntropy() {
        if (live() == 1) {
            return 1;
        }
        double entropy = 0;
        long[] own = liveChoices();
        long sum = LongStream.of(own).sum();
        for (long count : own) {
            double share = (double) count / sum;
            entropy -= share > 0 ? share * Math.log(share) : 0;
        }
        return entropy / Math.log(live());
    }

    /** Experts without tokens, in ascending order, excluding dropped ones. */
    public List<Integer> deadExperts() {
        return IntStream.range(0, experts())
                .filter(expert -> choices.get(expert) == 0 && isLive(expert))
                .boxed()
                .toList();
    }

    /**
     * Root of the mean over tokens of the squared difference of their logits, |h_i - h_j| / sqrt(N), for all pairs [E,
     * E]. It does not grow with N, and adding a constant to all logits of a token does not change it.
     */
    public double[][] distances() {
        double[][] distances = new double[experts()][experts()];
        for (int i = 0; i < experts(); i++) {
            for (int j = 0; j < experts(); j++) {
                distances[i][j] = Math.sqrt(gram.squaredDistance(i, j) / gram.tokens());
            }
        }
        return distances;
    }

    private long sum() {
        return choices.stream().mapToLong(Long::longValue).sum();
    }
}
