package dev.uncurl.kernel;

import java.util.function.IntConsumer;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The numeric operations of the model and of merging its experts, on matrices outside the Java heap. An instance owns scratch memory
 * and must be called by one thread at a time; it may run a call on further threads.
 */
public interface Kernels extends AutoCloseable {
    /** {@link #logitBytes()} of the host's kernels: 512 positions of GPT-2's vocabulary; products of fewer rows take longer for each. */
    long LOGIT_BYTES = 100L << 20;

    MatrixProduct matrixProduct();

    GatherScatter gatherScatter();

    Bias bias();

    Normalization normalization();

    Activation activation();

    Attention attention();

    CrossEntropy crossEntropy();

    AdamW adamW();

    LinearAssignment assignment();

    /** A new flat array of zeros in the memory that these kernels work on. The caller must close it. */
    default FlatMemory allocate(DataType type, long elements) {
        return FlatMemory.allocate(type, elements);
    }

    /** Like {@link #allocate}, but the values are undefined, so that no time is spent on memory that is never used. */
    default FlatMemory scratch(DataType type, long elements) {
        return FlatMemory.scratch(type, elements);
    }

    /** Bytes that {@link #scratch} takes for so many floats: on a device also for a copy that its products may need of them. */
    default long arenaBytes(long elements) {
        return Float.BYTES * elements;
    }

    /** Bytes that {@link #allocate} can still give on a device; on the host, whose limits are elsewhere, the largest number. */
    default long freeBytes() {
        return Long.MAX_VALUE;
    }

    /**
     * Says that these are weights, which many products use between two changes: kernels that round the operands of products may then
     * keep the rounded weights.
     */
    default void keepRounded(FlatMemory weights) {}

    /** Bytes of their memory that these kernels take beside the matrices of such a pass, with rounded weights; on the host 0. */
    default long scratchBytes(PassShape shape) {
        return 0;
    }

    /** Bytes of scratch memory that they have already. */
    default long scratchHeld() {
        return 0;
    }

    /** Takes what {@link #scratchBytes} has said, but for routing and rounded weights. Passes then take no more. */
    default void reserve(PassShape shape) {}

    /** Bytes of logits that are computed at a time: few enough for a processor's caches, enough to fill a device. */
    default long logitBytes() {
        return LOGIT_BYTES;
    }

    /**
     * Elements of which every row of logits begins at a multiple, so that products of logits are fast; 1: rows follow each
     * other. If it is more than 1, {@link MatrixProduct} and {@link CrossEntropy} take padded matrices.
     */
    default int logitAlignment() {
        return 1;
    }

    /**
     * Routing in the memory of these kernels, if that is not the host's. The caller must close it.
     *
     * @return null if tokens are to be routed on the host
     */
    default Routing routing(Routing.Shape shape) {
        return null;
    }

    /** Number of threads that run one call, including the caller. */
    default int threads() {
        return 1;
    }

    /**
     * Runs jobs 0 to {@code jobs - 1}, possibly in parallel, and returns when all have finished. Jobs must be
     * independent. They may use all kernels except {@link #adamW()}, each on its own matrices.
     */
    default void parallelFor(int jobs, IntConsumer job) {
        for (int index = 0; index < jobs; index++) {
            job.accept(index);
        }
    }

    /** Stops the worker threads. They also stop when the instance is garbage-collected. */
    @Override
    default void close() {}
}
