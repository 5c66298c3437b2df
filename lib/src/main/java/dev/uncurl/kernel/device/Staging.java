package dev.uncurl.kernel.device;

import com.sun.jna.Memory;

/** Copies arrays of the Java heap to and from a device, in pieces, through a block of the host's memory. For one thread. */
final class Staging {
    /** Bytes copied at a time. */
    private static final int PIECE = 4 << 20;

    private final Device device;
    private final Memory host = new Memory(PIECE);
    private float[] floats = {};

    Staging(Device device) {
        this.device = device;
    }

    void upload(long target, float[] source, int count) {
        int most = PIECE / Float.BYTES;
        for (int at = 0; at < count; at += most) {
            int part = Math.min(most, count - at);
            host.write(0, source, at, part);
            device.upload(target + (long) at * Float.BYTES, host, (long) part * Float.BYTES);
        }
    }

    void upload(long target, int[] source, int from, int count) {
        int most = PIECE / Integer.BYTES;
        for (int at = 0; at < count; at += most) {
            int part = Math.min(most, count - at);
            host.write(0, source, from + at, part);
            device.upload(target + (long) at * Integer.BYTES, host, (long) part * Integer.BYTES);
        }
    }

    /** As floats. */
    void upload(long target, double[] source, int count) {
        int most = PIECE / Float.BYTES;
        for (int at = 0; at < count; at += most) {
            int part = Math.min(most, count - at);
            if (floats.length < part) {
                floats = new float[part];
            }
            for (int i = 0; i < part; i++) {
                floats[i] = (float) source[at + i];
            }
            host.write(0, floats, 0, part); // at once: setting a single element is a call into native code
            device.upload(target + (long) at * Float.BYTES, host, (long) part * Float.BYTES);
        }
    }

    void download(long source, float[] target, int count) {
        int most = PIECE / Float.BYTES;
        for (int at = 0; at < count; at += most) {
            int part = Math.min(most, count - at);
            device.download(host, source + (long) at * Float.BYTES, (long) part * Float.BYTES);
            host.read(0, target, at, part);
        }
    }

    void download(long source, int[] target, int count) {
        int most = PIECE / Integer.BYTES;
        for (int at = 0; at < count; at += most) {
            int part = Math.min(most, count - at);
            device.download(host, source + (long) at * Integer.BYTES, (long) part * Integer.BYTES);
            host.read(0, target, at, part);
        }
    }

    void download(long source, double[] target, int from, int count) {
        int most = PIECE / Double.BYTES;
        for (int at = 0; at < count; at += most) {
            int part = Math.min(most, count - at);
            device.download(host, source + (long) at * Double.BYTES, (long) part * Double.BYTES);
            host.read(0, target, from + at, part);
        }
    }
}
