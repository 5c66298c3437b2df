package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ModelConfig;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The memory in bytes that a model in 32-bit floats takes outside the Java heap. JavaCPP defines the limit (system
 * property org.bytedeco.javacpp.maxbytes) but does not count the arrays of ND4J, so this class enforces the limit.
 *
 * @param parameters bytes of the parameters
 * @param gradients bytes of the gradients in training, otherwise 0
 * @param optimizer bytes of AdamW's two moments in training, otherwise 0
 * @param arena bytes of the buffers of a pass, see {@link Buffers}
 */
record Footprint(long parameters, long gradients, long optimizer, long arena) {

    /**
     * @param maxTokens largest number of tokens (rows * columns) of a batch
     * @param training whether the model is trained
     */
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
     * Must be called before the arena is allocated, when the other arrays exist.
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

    /**
     * Checks models that are in memory together, before any of their arrays is allocated.
     *
     * @throws UserError (usage) if their total exceeds the limit or the free memory of the machine
     */
    static void checkTogether(List<Footprint> models, int maxTokens) {
        long total = models.stream().mapToLong(Footprint::total).sum();
        String what = models.size() + " models in memory together, for " + maxTokens + " tokens at a time, need "
                + megabytes(total) + " off the heap ("
                + models.stream().map(model -> megabytes(model.total())).collect(Collectors.joining(", ")) + ")";
        long limit = OffHeap.limit();
        if (limit > 0 && total > limit) {
            throw UserError.usage(
                    what + ", over the limit of " + megabytes(limit),
                    "Name fewer models, make the batch smaller, or raise UNCURL_OFFHEAP of jobs/submit"
                            + " (-Dorg.bytedeco.javacpp.maxbytes).");
        }
        long free = OffHeap.free();
        if (free > 0 && total > free) {
            throw UserError.usage(
                    what + "; this machine has " + megabytes(free) + " left",
                    "Name fewer models, or make the batch smaller.");
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
