package dev.uncurl.model;

/** Follows a backward pass, which computes the blocks from the last to the first. Called by the thread that computes. */
@FunctionalInterface
public interface BackwardProgress {
    /** For those who need not know. */
    BackwardProgress NONE = layer -> {};

    /**
     * The gradients of a block and of all after it are final, and those of the final norm. Those of the embeddings are not before the
     * pass is over, as the output head has the same matrix.
     */
    void done(int layer);
}
