package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import dev.uncurl.kernel.device.BatchedProduct.Operand;
import dev.uncurl.kernel.device.BatchedProduct.Terms;
import java.io.IOException;
import java.util.Random;

/**
 * What a GPU can do at most, measured by the driver's copy and the library's product of large matrices. A kernel takes at least the
 * time that its bytes, or its operations, take at these rates (the roofline of Williams, Waterman and Patterson, 2009).
 *
 * @param copy bytes per second that are read and written
 * @param exact operations per second of products of 32-bit floats
 * @param rounded of products in the precision that is timed
 */
record Ceilings(double copy, double exact, double rounded) {
    private static final int WARM_UP = 3;
    private static final int TIMED = 10;
    private static final int EXACT_SIZE = 4096;
    private static final int ROUNDED_SIZE = 8192;
    private static final long COPIED = 1L << 31;

    /** Of a GPU. */
    static Ceilings of(CudaDevice device, CudaDevice.Precision precision) {
        return measured(device, NativeLibrary.getInstance("libcuda.so.1"), precision, COPIED, EXACT_SIZE, ROUNDED_SIZE);
    }

    /** Of an emulated one: small. */
    static Ceilings ofStandIn(CudaDevice device) {
        var driver = NativeLibrary.getInstance(
                StandIn.folder().resolve("libcuda.so.1").toString());
        return measured(device, driver, CudaDevice.Precision.FP32, 1 << 20, 64, 64);
    }

    private static Ceilings measured(
            CudaDevice device, NativeLibrary driver, CudaDevice.Precision precision, long copied, int size, int large) {
        double exact = product(device, Terms.EXACT, size);
        double rounded =
                switch (precision) {
                    case FP32 -> exact;
                    case TF32 -> product(device, Terms.ROUNDED, large);
                    case BF16 -> product(device, Terms.BF16, large);
                };
        return new Ceilings(copy(device, driver, copied), exact, rounded);
    }

    private static double copy(CudaDevice device, NativeLibrary driver, long bytes) {
        long source = device.allocate(bytes);
        long target = device.allocate(bytes);
        device.zero(source, bytes);
        var function = driver.getFunction("cuMemcpyDtoD_v2");
        double seconds = seconds(device, () -> {
            int error = function.invokeInt(new Object[] {target, source, bytes});
            if (error != 0) {
                throw new IllegalStateException("cuMemcpyDtoD_v2: error " + error);
            }
        });
        device.free(source);
        device.free(target);
        return 2.0 * bytes / seconds;
    }

    private static double product(CudaDevice device, Terms terms, int size) {
        long elements = (long) size * size;
        long width = terms == Terms.BF16 ? Short.BYTES : Float.BYTES;
        long a = noise(device, elements * width, terms);
        long b = noise(device, elements * width, terms);
        long c = device.allocate(elements * Float.BYTES);
        var product = new BatchedProduct(
                false,
                false,
                size,
                size,
                size,
                1,
                new Operand(a, size, elements),
                new Operand(b, size, elements),
                0,
                new Operand(c, size, elements),
                1,
                terms);
        double seconds = seconds(device, () -> device.multiply(product));
        for (long address : new long[] {a, b, c}) {
            device.free(address);
        }
        return 2.0 * elements * size / seconds;
    }

    /** Numbers as in a model: zeros would need less power, and let a GPU run faster. */
    private static long noise(CudaDevice device, long bytes, Terms terms) {
        long block = Math.min(bytes, 1 << 22);
        long address = device.allocate(bytes);
        var random = new Random(3);
        try (var memory = new Memory(block)) {
            for (long at = 0; at < block; at += 4) {
                int one = Float.floatToIntBits((float) random.nextGaussian());
                int two = Float.floatToIntBits((float) random.nextGaussian());
                memory.setInt(at, terms == Terms.BF16 ? one >>> 16 | two & 0xffff0000 : one);
            }
            for (long at = 0; at < bytes; at += block) {
                device.upload(address + at, memory, Math.min(block, bytes - at));
            }
        }
        return address;
    }

    /** Of one run. */
    private static double seconds(CudaDevice device, Runnable run) {
        for (int i = 0; i < WARM_UP; i++) {
            run.run();
        }
        device.synchronize();
        long start = System.nanoTime();
        for (int i = 0; i < TIMED; i++) {
            run.run();
        }
        device.synchronize();
        return (System.nanoTime() - start) / 1e9 / TIMED;
    }

    /**
     * The least time that operations of a kind can take, as a part of the time that they took; NaN for copies from and to the host,
     * which have another limit.
     *
     * @param kind as {@link MeteredDevice} calls it
     */
    double share(String kind, MeteredDevice.Sum sum) {
        if (kind.equals("upload") || kind.equals("download")) {
            return Double.NaN;
        }
        double products = kind.equals("product, router") ? exact : rounded;
        return Math.max(sum.flops / products, sum.bytes / copy) / sum.seconds;
    }

    /** @param part of the table */
    void print(CudaDevice.Precision precision, String part, CheckTable table) throws IOException {
        System.out.printf(
                "measured ceilings: copy %.0f GB/s, product %.1f TFLOP/s in fp32, %.1f in %s%n",
                copy / 1e9, exact / 1e12, rounded / 1e12, precision);
        table.add(part, "ceiling: copy", copy / 1e9, "GB/s", "");
        table.add(part, "ceiling: product", rounded / 1e12, "TFLOP/s", "");
    }
}
