package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Attention.Shape;
import dev.uncurl.kernel.Matrix;

/**
 * Attention of whole sequences in tensor cores, tile by tile, without scores in memory: one launch forward and two backward for all
 * heads of all sequences.
 */
final class FusedAttention {
    /** Queries and keys of a tile, and the most columns of a head, as in {@code kernels.cu}. */
    private static final int TILE = 64;

    private static final int THREADS = 128;

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
        launch.with(qkv).writes(logSumExp).writes(output);
        run(
                device.takesBf16() ? DeviceFunction.FUSED_ATTENTION_BF16 : DeviceFunction.FUSED_ATTENTION,
                shape,
                output.columns());
    }

    void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv) {
        long sums = dots.reserve((long) shape.sequences() * shape.positions() * shape.heads() * Float.BYTES);
        boolean bf16 = device.takesBf16();
        launch.with(qkv).with(logSumExp).with(dOutput).writes(dQkv).with(sums);
        run(
                bf16 ? DeviceFunction.FUSED_ATTENTION_QUERIES_BF16 : DeviceFunction.FUSED_ATTENTION_QUERIES,
                shape,
                dOutput.columns());
        launch.with(qkv).with(logSumExp).with(dOutput).writes(dQkv).with(sums);
        run(
                bf16 ? DeviceFunction.FUSED_ATTENTION_KEYS_BF16 : DeviceFunction.FUSED_ATTENTION_KEYS,
                shape,
                dOutput.columns());
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
