package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Locale;

/**
 * Off-heap memory of a model in FLOAT, in bytes. JavaCPP limits off-heap memory (system property
 * org.bytedeco.javacpp.maxbytes) but does not count ND4J's arrays, so this class checks the limit.
 *
 * @param parameters the flat array
 * @param gradients a second flat array in training; otherwise 0
 * @param optimizer AdamW's two moments in training; otherwise 0
 * @param arena the matrices of a pass, see {@link Buffers}
 */
record Footprint(long parameters, long gradients, long optimizer, long arena) {

    /** @param maxTokens maximal rows * columns of a batch */
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
     * Checks the memory; must be called before the arena is allocated, but after the other arrays are.
     *
     * @throws UserError (usage) if the total exceeds the limit, or the arena exceeds the free memory of the machine
     */
    void check(int maxTokens) {
        long limit = OffHeap.limit();
        if (limit > 0 && total() > limit) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time needs " + this + ", over the limit of "
                            + megabytes(limit),
                    "Make the batch or micro-batch smaller, or raise UNCURL_OFFHEAP of jobs/submit"
                            + " (-Dorg.bytedeco.javacpp.maxbytes).");
        }
        long free = OffHeap.free();
        if (free > 0 && arena > free) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time needs " + this + "; this machine has "
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
