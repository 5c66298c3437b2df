package dev.uncurl.processor;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.device.Device;
import dev.uncurl.kernel.device.DeviceKernels;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A device as a task's processor, which closes it.
 *
 * @param kind see {@link Processor#kind}
 */
public record DeviceProcessor(Device device, String kind, String reason) implements Processor {
    @Override
    public boolean isHost() {
        return false;
    }

    @Override
    public Kernels kernels(DataType type, int threads) {
        return new DeviceKernels(device);
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public void close() {
        device.close();
    }
}
