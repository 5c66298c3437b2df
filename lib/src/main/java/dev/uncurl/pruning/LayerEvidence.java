package dev.uncurl.pruning;

import dev.uncurl.error.Refusal;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;

/**
 * What a method may know of one layer when it plans.
 *
 * @param layer block of the model, counted from 0
 */
public record LayerEvidence(int layer, RouterGram gram, ExpertStatistics statistics) {
    public LayerEvidence {
        if (gram.experts() != statistics.experts()) {
            throw Refusal.input(
                    "Layer " + layer + " has " + gram.experts() + " experts by its Gram matrix, " + statistics.experts()
                            + " by its statistics",
                    "Dump the router logits again.");
        }
    }

    /** E. */
    public int experts() {
        return gram.experts();
    }

    /** @throws Refusal (input) when no token was seen */
    void requireTokens() {
        if (gram.tokens() == 0) {
            throw Refusal.input(
                    "Layer " + layer + " has no router logits to plan from",
                    "Run dump-logits for this model and task first.");
        }
    }
}
