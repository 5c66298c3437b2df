package dev.uncurl.dl4j;

import dev.uncurl.model.BackwardProgress;
import java.util.function.Consumer;

/** What a rank exchanges with the others in each step: gradients, from where its kernels compute them, and parameters, to there. */
interface StepExchange {
    /**
     * Computes this rank's part of the gradients, and replaces those of its slices by the sums over all ranks.
     *
     * @param pass computes them, and calls the argument when those of a block are final, so that they may leave early; may
     *     allocate the arrays that have them
     */
    void sumGradients(Consumer<BackwardProgress> pass);

    /** Sends the slices of the parameters that this rank has updated to all others, and gets theirs. */
    void shareParameters();
}
