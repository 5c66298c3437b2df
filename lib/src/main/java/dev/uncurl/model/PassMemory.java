package dev.uncurl.model;

import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the passes of a model need outside the Java heap, beside its parameters and gradients. Allocated once. */
final class PassMemory implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PassMemory.class);

    final Buffers buffers;
    /** For rows of other ranks; null if this process has all experts. */
    final ExpertMemory divided;

    private final Arena arena;

    /**
     * @param held its parameters decide the kind of memory and of numbers
     * @throws dev.uncurl.error.UserError (usage) if the model and this memory exceed the limit of the process or the machine
     */
    PassMemory(PassKernels kernels, HeldModel held, int maxTokens) {
        ModelConfig config = held.config();
        ExpertShare share = held.share();
        boolean training = held.trains();
        var footprint = Footprint.of(config, share, maxTokens, training).withState(held.state());
        if (held.parameters().onHost()) {
            footprint.check(maxTokens);
        } else {
            long arenaBytes = Float.BYTES * elements(config, share, maxTokens, training, LogitRoom.of(kernels));
            footprint.withArena(arenaBytes).checkDevice(kernels.freeBytes(), maxTokens);
        }
        LOG.debug("A model for {} tokens at a time, threads: {}, {}", maxTokens, kernels.threads(), footprint);
        var room = LogitRoom.of(kernels);
        DataType type = held.parameters().type();
        arena = Arena.of(kernels, type, elements(config, share, maxTokens, training, room));
        divided = share.isAll()
                ? null
                : new ExpertMemory(kernels, type, config, share, training, footprint.total() - footprint.exchange());
        buffers = new Buffers(config, share, maxTokens, training, room, arena);
    }

    private static long elements(
            ModelConfig config, ExpertShare share, int maxTokens, boolean training, LogitRoom room) {
        var measuring = Arena.measuring();
        new Buffers(config, share, maxTokens, training, room, measuring);
        return measuring.elements();
    }

    /** Bytes on the host for a model in FLOAT, without the rows that other ranks send. */
    static long bytes(ModelConfig config, ExpertShare share, int maxTokens, boolean training) {
        return Float.BYTES * elements(config, share, maxTokens, training, LogitRoom.HOST);
    }

    @Override
    public void close() {
        arena.close();
        if (divided != null) {
            divided.close();
        }
    }
}
