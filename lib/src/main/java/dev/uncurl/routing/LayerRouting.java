package dev.uncurl.routing;

import dev.uncurl.error.Refusal;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What one layer's router did on one task, as people look at it: shares, balance, distances between experts.
 *
 * @param layer block of the model, from 0
 * @param choices how often each of the E experts was chosen; with top-k each token makes k
 * @param gram of the router logits of those tokens
 */
public record LayerRouting(int layer, List<Long> choices, RouterGram gram) {
    /** @throws Refusal (input) when counts and Gram matrix are not of the same experts, or there are no tokens */
    public LayerRouting {
        choices = List.copyOf(choices);
        if (choices.size() != gram.experts()) {
            throw Refusal.input(
                    "Layer " + layer + " has " + gram.experts() + " experts by its Gram matrix, " + choices.size()
                            + " by its statistics",
                    "Dump the router logits again.");
        }
        if (gram.tokens() == 0 || choices.stream().allMatch(count -> count == 0)) {
            throw Refusal.input(
                    "Layer " + layer + " has routed no token", "Run dump-logits for this model and task first.");
        }
    }

    /** E. */
    public int experts() {
        return choices.size();
    }

    /** How often {@code expert} was chosen, of all choices of the layer. */
    public double share(int expert) {
        return (double) choices.get(expert) / sum();
    }

    /** The E shares. */
    public double[] shares() {
        return IntStream.range(0, experts()).mapToDouble(this::share).toArray();
    }

    /** Choices of the busiest expert over the mean of all: 1 is balance, E is one expert for all. */
    public double maxOverMean() {
        return choices.stream().mapToLong(Long::longValue).max().orElseThrow() * (double) experts() / sum();
    }

    /** Entropy of the shares over ln E: 1 is balance, 0 is one expert for all. 1 for a single expert. */
    public double relativeEntropy() {
        if (experts() == 1) {
            return 1;
        }
        double entropy = 0;
        for (double share : shares()) {
            entropy -= share > 0 ? share * Math.log(share) : 0;
        }
        return entropy / Math.log(experts());
    }

    /** Experts that no token was sent to, in ascending order. */
    public List<Integer> deadExperts() {
        return IntStream.range(0, experts())
                .filter(expert -> choices.get(expert) == 0)
                .boxed()
                .toList();
    }

    /**
     * Root of the mean over tokens of the squared difference of their logits, |h_i - h_j| / sqrt(N), for all pairs [E,
     * E]. It does not grow with N and does not change when a token's logits are all shifted.
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
