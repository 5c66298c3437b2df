package dev.uncurl.model;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.PassShape;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Arrays;
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
        Footprint footprint = footprint(kernels, held, maxTokens);
        if (held.parameters().onHost()) {
            footprint.check(maxTokens);
        } else {
            footprint.checkDevice(kernels.freeBytes() + kernels.scratchHeld(), maxTokens);
        }
        LOG.debug("A model for {} tokens at a time, threads: {}, {}", maxTokens, kernels.threads(), footprint);
        var room = LogitRoom.of(kernels);
        DataType type = held.parameters().type();
        kernels.keepRounded(held.parameters());
        kernels.reserve(shape(held, maxTokens, room));
        arena = Arena.of(kernels, type, elements(config, share, maxTokens, training, room));
        divided = share.isAll()
                ? null
                : new ExpertMemory(kernels, type, config, share, training, footprint.total() - footprint.exchange());
        buffers = new Buffers(config, share, maxTokens, training, room, arena);
    }

    /** What the model takes where these kernels compute. */
    static Footprint footprint(Kernels kernels, HeldModel held, int maxTokens) {
        var footprint = Footprint.of(held.config(), held.share(), maxTokens, held.trains())
                .withState(held.state());
        if (held.parameters().onHost()) {
            return footprint;
        }
        LogitRoom room = LogitRoom.of(kernels);
        return footprint.onDevice(
                kernels.arenaBytes(elements(held.config(), held.share(), maxTokens, held.trains(), room)),
                kernels.arenaBytes(footprint.exchange() / Float.BYTES),
                kernels.scratchBytes(shape(held, maxTokens, room)),
                held.sums());
    }

    private static PassShape shape(HeldModel held, int maxTokens, LogitRoom room) {
        ModelConfig config = held.config();
        boolean local = held.share().isAll();
        int expertRows = config.moeLayers().length == 0
                ? 0
                : local
                        ? Math.multiplyExact(maxTokens, config.moe().topK())
                        : ExpertMemory.balancedRows(config, held.share(), maxTokens);
        return new PassShape(
                maxTokens,
                Math.min(config.sequenceLength(), maxTokens),
                config.width(),
                config.heads(),
                config.feedForward(),
                config.vocabulary(),
                room.rows(maxTokens, config.vocabulary()),
                expertRows,
                held.parameters().length(),
                Math.max(local ? 0 : expertRows, held.trains() ? summedRows(held.parameters()) : 0),
                held.trains(),
                Arrays.stream(config.moeLayers())
                        .mapToObj(layer -> KernelRouting.shape(config.moe(), layer, maxTokens))
                        .toList());
    }

    /** Rows in which gradients are added up over micro-steps: of 1,024 elements, and at most 65,536. */
    private static int summedRows(FlatMemory parameters) {
        return (int) Math.min(1 << 16, (parameters.length() + 1023) / 1024);
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
