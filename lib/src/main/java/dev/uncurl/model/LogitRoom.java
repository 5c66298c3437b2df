package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;

/**
 * The memory for logits, of which a head computes a block of positions at a time.
 *
 * @param bytes maximal bytes of a block, unless those of one position are more
 * @param alignment elements of which each row begins at a multiple
 */
record LogitRoom(long bytes, int alignment) {
    /** That of the host's kernels. */
    static final LogitRoom HOST = new LogitRoom(Kernels.LOGIT_BYTES, 1);

    static LogitRoom of(Kernels kernels) {
        return new LogitRoom(kernels.logitBytes(), kernels.logitAlignment());
    }

    /** [P, V] for as many of the tokens as there is room for. */
    Matrix in(Arena arena, int tokens, int vocabulary) {
        return arena.matrix(rows(tokens, vocabulary), vocabulary, leading(vocabulary));
    }

    private long leading(int vocabulary) {
        return ((long) vocabulary + alignment - 1) / alignment * alignment;
    }

    /** P */
    int rows(int tokens, int vocabulary) {
        return (int) Math.min(tokens, Math.max(1, bytes / (Float.BYTES * leading(vocabulary))));
    }
}
