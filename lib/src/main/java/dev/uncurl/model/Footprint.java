package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ExpertShare;
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
 * @param state bytes that training keeps from step to step, otherwise 0: AdamW's two moments of a rank's slices, and the sum of
 *     gradients over micro-steps
 * @param arena bytes of the buffers of a pass, see {@link Buffers}; as those of {@code exchange}, on a device with their copies in
 *     bfloat16, see {@link dev.uncurl.kernel.Kernels#arenaBytes}
 * @param exchange bytes for the rows that experts of this rank get from others, see {@link ExpertMemory}: those of evenly
 *     loaded experts and a quarter more. It grows with what routers send; then the limit is checked again
 * @param scratch bytes that the kernels of a device take themselves, see {@link dev.uncurl.kernel.Kernels#scratchBytes}; on the
 *     host 0
 * @param sums bytes of a device that exchanges of gradients between devices take, see {@link
 *     dev.uncurl.exchange.DeviceExchange#reserve}; otherwise 0
 */
record Footprint(long parameters, long gradients, long state, long arena, long exchange, long scratch, long sums) {

    /**
     * The memory of a model alone, without an optimiser.
     *
     * @param maxTokens largest number of tokens (rows * columns) of a batch
     * @param training whether the model is trained
     */
    static Footprint of(ModelConfig config, int maxTokens, boolean training) {
        return of(config, ExpertShare.ALL, maxTokens, training);
    }

    /** The memory of what one rank holds of a model. */
    static Footprint of(ModelConfig config, ExpertShare share, int maxTokens, boolean training) {
        long parameters = Float.BYTES * ModelSize.parameters(config, share);
        return new Footprint(
                parameters,
                training ? parameters : 0,
                0,
                PassMemory.bytes(config, share, maxTokens, training),
                ExpertMemory.balancedBytes(config, share, maxTokens, training),
                0,
                0);
    }

    Footprint withState(long bytes) {
        return new Footprint(parameters, gradients, bytes, arena, exchange, scratch, sums);
    }

    /** The same with other buffers, with scratch and with room for sums, as a device needs them. */
    Footprint onDevice(long arenaBytes, long exchangeBytes, long scratchBytes, long sumBytes) {
        return new Footprint(parameters, gradients, state, arenaBytes, exchangeBytes, scratchBytes, sumBytes);
    }

    long total() {
        return parameters + gradients + state + arena + exchange + scratch + sums;
    }

    /**
     * Must be called before the arena is allocated, when the other arrays exist.
     *
     * @throws UserError (usage) if the total exceeds the limit, or the arena exceeds the free memory of the machine
     */
    void check(int maxTokens) {
        check(maxTokens, "Make the batch or micro-batch smaller");
    }

    /** As above. @param remedy how it would need less, without a full stop */
    void check(int maxTokens, String remedy) {
        long limit = OffHeap.limit();
        if (limit > 0 && total() > limit) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time needs " + this + ", over the limit of "
                            + megabytes(limit) + process(total()),
                    remedy + ", or raise UNCURL_OFFHEAP of jobs/submit (-Dorg.bytedeco.javacpp.maxbytes).");
        }
        long free = OffHeap.free();
        if (free > 0 && arena + exchange > free) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time needs " + this + "; this machine has "
                            + megabytes(free) + " left for the arena" + process(total()),
                    remedy + ", or run fewer tasks at a time.");
        }
    }

    /**
     * As {@link #check}, for a device: parameters, gradients and the room for sums are there, the rest is to be allocated.
     *
     * @param free bytes that the device has left
     * @throws UserError (usage) if that is too little
     */
    void checkDevice(long free, int maxTokens) {
        if (state + arena + exchange + scratch > free) {
            throw UserError.usage(
                    "A model for " + maxTokens + " tokens at a time needs " + megabytes(total()) + " on the GPU ("
                            + parts() + "); beside parameters" + (sums > 0 ? ", gradients and sums" : " and gradients")
                            + " it has " + megabytes(free) + " left",
                    "Make the batch or micro-batch smaller, train with more ranks or expert-parallel, end other processes"
                            + " that use the GPU (nvidia-smi lists them), or use a GPU with more memory.");
        }
    }

    /**
     * Checks models that are in memory together, before any of their arrays is allocated.
     *
     * @param what they are, for the message
     * @param remedy how there could be fewer of them
     * @throws UserError (usage) if their total exceeds the limit or the free memory of the machine
     */
    static void checkTogether(List<Footprint> models, String what, int maxTokens, String remedy) {
        long total = models.stream().mapToLong(Footprint::total).sum();
        String together = models.size() + " " + what + " in memory together, for " + maxTokens
                + " tokens at a time, need "
                + megabytes(total) + " off the heap ("
                + models.stream().map(model -> megabytes(model.total())).collect(Collectors.joining(", ")) + ")";
        long limit = OffHeap.limit();
        if (limit > 0 && total > limit) {
            throw UserError.usage(
                    together + ", over the limit of " + megabytes(limit) + process(total),
                    remedy + ", make the batch smaller, or raise UNCURL_OFFHEAP of jobs/submit"
                            + " (-Dorg.bytedeco.javacpp.maxbytes).");
        }
        long free = OffHeap.free();
        if (free > 0 && total > free) {
            throw UserError.usage(
                    together + "; this machine has " + megabytes(free) + " left" + process(total),
                    remedy + ", or make the batch smaller.");
        }
    }

    private static String process(long offHeap) {
        return "; with a Java heap of up to " + megabytes(OffHeap.heap()) + " the process takes up to "
                + megabytes(ModelSize.processBytes(offHeap));
    }

    @Override
    public String toString() {
        return megabytes(total()) + " off the heap (" + parts() + ")";
    }

    private String parts() {
        return "parameters " + megabytes(parameters) + ", gradients " + megabytes(gradients) + ", training state "
                + megabytes(state) + ", arena " + megabytes(arena)
                + (exchange > 0 ? ", rows of other ranks " + megabytes(exchange) : "")
                + (scratch > 0 ? ", scratch memory of the kernels " + megabytes(scratch) : "")
                + (sums > 0 ? ", sums over ranks " + megabytes(sums) : "");
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
