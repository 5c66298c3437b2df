package dev.uncurl.pruning;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.Optional;

/**
 * The routing statistics of one layer, from which a method plans.
 *
 * @param layer block of the model, counted from 0
 * @param gram inner products of the columns of the router logits
 * @param outputs inner products of the experts' mean outputs on common tokens (table routing.output_gram); empty if they
 *     were not dumped
 */
public record LayerStatistics(int layer, RouterGram gram, ExpertStatistics statistics, Optional<RouterGram> outputs) {
    /** @throws UserError (input) if the parts have different numbers of experts */
    public LayerStatistics {
        if (outputs.isPresent() && outputs.get().experts() != gram.experts()) {
            throw UserError.input(
                    "Layer " + layer + " has " + gram.experts() + " experts in the Gram matrix of router logits, "
                            + outputs.get().experts() + " in that of outputs",
                    "Dump the router logits again.");
        }
        if (gram.experts() != statistics.experts()) {
            throw UserError.input(
                    "Layer " + layer + " has " + gram.experts() + " experts in the Gram matrix of router logits, "
                            + statistics.experts() + " in the expert statistics",
                    "Dump the router logits again.");
        }
    }

    /** Without the Gram matrix of outputs. */
    public LayerStatistics(int layer, RouterGram gram, ExpertStatistics statistics) {
        this(layer, gram, statistics, Optional.empty());
    }

    /** E, the number of experts. */
    public int experts() {
        return gram.experts();
    }

    /** @throws UserError (input) if the statistics contain no token */
    void requireTokens() {
        if (gram.tokens() == 0) {
            throw UserError.input(
                    "There are no router logits to plan from", "Run dump-logits for this model and task first.");
        }
    }
}
