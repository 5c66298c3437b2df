package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Attention.Shape;
import dev.uncurl.kernel.Matrix;

/**
 * Attention of whole sequences in tensor cores, tile by tile, without scores in memory: one launch forward and two backward for all
 * heads of all sequences. On a device that takes bfloat16 its tiles are copied from matrices that are rounded so, if heads and
 * matrices begin at multiples of 16 bytes there; else it rounds 32-bit floats to TF32.
 */
final class FusedAttention {
    /** Queries and keys of a tile, and the most columns of a head, as in {@code kernels.cu}. */
    private static final int TILE = 64;

    private static final int THREADS = 128;
    /** Elements in bfloat16 that are copied at once. */
    private static final int CHUNK = 8;

    private final Device device;
    private final Launch launch;
    private final DeviceScratch dots;

    FusedAttention(Device device, Launch launch, DeviceScratch dots) {
        this.device = device;
        this.launch = launch;
        this.dots = dots;
    }

    /** @param width of all heads together */
    boolean takes(Shape shape, int width) {
        return takes(device, shape.heads(), width);
    }

    /** @param width of all heads together */
    static boolean takes(Device device, int heads, int width) {
        return device.rounds() && width / heads <= TILE;
    }

    void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        if (inBf16(shape, qkv, output)) {
            launch.with(DeviceMemory.rounded(qkv))
                    .writes(logSumExp)
                    .writes(output)
                    .twin(output);
            run(DeviceFunction.FUSED_ATTENTION_BF16, shape, output.columns());
        } else {
            launch.with(qkv).writes(logSumExp).writes(output);
            run(DeviceFunction.FUSED_ATTENTION, shape, output.columns());
        }
    }

    /** The gradient of the queries, and sums for each query with which that of keys and values is computed. */
    void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output, Matrix dOutput, Matrix dQkv) {
        long sums = dots.reserve((long) shape.sequences() * shape.positions() * shape.heads() * Float.BYTES);
        int width = dOutput.columns();
        if (inBf16(shape, qkv, output, dOutput, dQkv)) {
            launch.with(DeviceMemory.rounded(qkv))
                    .with(logSumExp)
                    .with(DeviceMemory.rounded(output))
                    .with(DeviceMemory.rounded(dOutput))
                    .writes(dQkv)
                    .twin(dQkv)
                    .with(sums);
            run(DeviceFunction.FUSED_ATTENTION_QUERIES_BF16, shape, width);
            launch.with(DeviceMemory.rounded(qkv))
                    .with(logSumExp)
                    .with(DeviceMemory.rounded(dOutput))
                    .writes(dQkv)
                    .twin(dQkv)
                    .with(sums);
            run(DeviceFunction.FUSED_ATTENTION_KEYS_BF16, shape, width);
        } else {
            launch.with(qkv).with(logSumExp).with(dOutput).writes(dQkv).with(sums);
            run(DeviceFunction.FUSED_ATTENTION_QUERIES, shape, width);
            launch.with(qkv).with(logSumExp).with(dOutput).writes(dQkv).with(sums);
            run(DeviceFunction.FUSED_ATTENTION_KEYS, shape, width);
        }
    }

    private boolean inBf16(Shape shape, Matrix... matrices) {
        boolean chunks = device.takesBf16() && matrices[0].columns() / 3 / shape.heads() % CHUNK == 0;
        for (Matrix matrix : matrices) {
            chunks &= matrix.offset() % CHUNK == 0;
        }
        return chunks;
    }

    private void run(DeviceFunction function, Shape shape, int width) {
        int size = width / shape.heads();
        int tiles = (shape.positions() + TILE - 1) / TILE;
        launch.with(shape.positions())
                .with(shape.heads())
                .with(size)
                .with(1 / Math.sqrt(size))
                .run(function, tiles, shape.sequences() * shape.heads(), THREADS);
    }
}
