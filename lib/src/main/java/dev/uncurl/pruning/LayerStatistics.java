package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.Optional;

/**
 * What a method may know of one layer when it plans.
 *
 * @param layer block of the model, counted from 0
 * @param gram inner products of the columns of the router logits
 * @param outputs inner products of the experts' mean outputs on common tokens (table routing.output_gram), where they
 *     were dumped
 */
public record LayerStatistics(int layer, RouterGram gram, ExpertStatistics statistics, Optional<RouterGram> outputs) {
    /** @throws UserError (input) when the parts are of different numbers of experts */
    public LayerStatistics {
        if (outputs.isPresent() && outputs.get().experts() != gram.experts()) {
            throw UserError.input(
                    "Layer " + layer + " has " + gram.experts() + " experts by its Gram matrix, "
                            + outputs.get().experts() + " by the one of their outputs",
                    "Dump the router logits again.");
        }
        if (gram.experts() != statistics.experts()) {
            throw UserError.input(
                    "Layer " + layer + " has " + gram.experts() + " experts by its Gram matrix, " + statistics.experts()
                            + " by its statistics",
                    "Dump the router logits again.");
        }
    }

    /** Without outputs. */
    public LayerStatistics(int layer, RouterGram gram, ExpertStatistics statistics) {
        this(layer, gram, statistics, Optional.empty());
    }

    /** E. */
    public int experts() {
        return gram.experts();
    }

    /** @throws UserError (input) when no token was seen */
    void requireTokens() {
        if (gram.tokens() == 0) {
            throw UserError.input(
                    "There are no router logits to plan from", "Run dump-logits for this model and task first.");
        }
    }
}
