package dev.uncurl.processor;

import dev.uncurl.kernel.Kernels;
import org.nd4j.linalg.api.buffer.DataType;

/** What computes the models of one task: the CPU, or a device with memory of its own. For one thread at a time. */
public interface Processor extends AutoCloseable {
    /** Whether kernels work on ND4J's arrays, so that nothing needs to be copied. */
    boolean isHost();

    /** New kernels, which the caller must close before this. @param threads of the CPU that run one call, including the caller's */
    Kernels kernels(DataType type, int threads);

    /** For messages: {@code CPU}, or the device with its number. */
    String name();

    /** What decides the bits of results: the same for two devices of one kind with the same libraries. */
    String kind();

    /** Why this one was chosen. */
    String reason();

    @Override
    void close();

    /** The CPU, by {@link dev.uncurl.kernel.KernelChoice}. */
    static Processor cpu(String reason) {
        return new CpuProcessor(reason);
    }
}
