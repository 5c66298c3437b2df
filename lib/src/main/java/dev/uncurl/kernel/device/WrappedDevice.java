package dev.uncurl.kernel.device;

import java.util.List;

/** A device with the properties of another one. What it does is left to the subclasses. */
abstract class WrappedDevice implements Device {
    final Device device;

    WrappedDevice(Device device) {
        this.device = device;
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public boolean rounds() {
        return device.rounds();
    }

    @Override
    public boolean takesBf16() {
        return device.takesBf16();
    }

    @Override
    public long libraryBytes() {
        return device.libraryBytes();
    }

    @Override
    public boolean takesTogether(List<BatchedProduct> products) {
        return device.takesTogether(products);
    }

    @Override
    public DeviceLinks links() {
        return device.links();
    }
}
