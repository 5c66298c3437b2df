package dev.uncurl.processor;

import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import org.nd4j.linalg.api.buffer.DataType;

/** The CPU. */
record CpuProcessor(String reason) implements Processor {
    @Override
    public boolean isHost() {
        return true;
    }

    @Override
    public Kernels kernels(DataType type, int threads) {
        return KernelChoice.best(type, threads);
    }

    @Override
    public String name() {
        return "CPU";
    }

    @Override
    public String kind() {
        return "CPU";
    }

    @Override
    public void close() {
        // kernels are closed by whoever made them
    }
}
