package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Locale;

/**
 * Bytes that a model in FLOAT takes beside the Java heap. ND4J's arrays are not counted by JavaCPP, which sets the limit
 * (system property org.bytedeco.javacpp.maxbytes), so that this is where it is held.
 *
 * @param parameters the flat array
 * @param gradients another one in training, else 0
 * @param optimizer AdamW's two moments in training, else 0
 * @param arena what a pass writes, see {@link Buffers}
 */
record Footprint(long parameters, long gradients, long optimizer, long arena) {

    /** @param maxTokens the most rows * columns of a batch */
    static Footprint of(ModelConfig config, int maxTokens, boolean training) {
        long parameters = Float.BYTES * ModelSize.parameters(config);
        return new Footprint(
                parameters,
                training ? parameters : 0,
                training ? 2 * parameters : 0,
                SmoeLanguageModel.arenaBytes(config, maxTokens, training));
    }

    long total() {
        return parameters + gradients + optimizer + arena;
    }

    /**
     * Call before the arena is allocated; the other arrays are there already.
     *
     * @throws UserError when all is over the limit, or the arena over the memory that the machine has left
     */
    void check(int maxTokens) {
        long limit = OffHeap.limit();
        if (limit > 0 && total() > limit) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time takes " + this + ", over the limit of "
                            + megabytes(limit),
                    "Make the batch or micro-batch smaller, or raise UNCURL_OFFHEAP of jobs/submit"
                            + " (-Dorg.bytedeco.javacpp.maxbytes).");
        }
        long free = OffHeap.free();
        if (free > 0 && arena > free) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time takes " + this + "; this machine has "
                            + megabytes(free) + " left for the arena",
                    "Make the batch or micro-batch smaller, or run fewer tasks at a time.");
        }
    }

    @Override
    public String toString() {
        return megabytes(total()) + " off the heap (parameters " + megabytes(parameters) + ", gradients "
                + megabytes(gradients) + ", optimiser state " + megabytes(optimizer) + ", arena " + megabytes(arena)
                + ")";
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
