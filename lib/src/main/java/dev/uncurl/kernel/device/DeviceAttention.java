package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.BatchedProduct.Operand;

/**
 * {@link Attention} on a device: {@link FusedAttention} where it is possible, else one sequence or segment at a time, all heads
 * together, by products that write all scores: H R S floats for R queries and S keys. Scores of later positions are computed too,
 * and set to 0.
 */
final class DeviceAttention implements Attention {
    private static final int THREADS = 256;

    private final Device device;
    private final Launch launch;
    private final DeviceScratch scores;
    private final DeviceScratch dScores;
    private final FusedAttention fused;

    DeviceAttention(Device device, Launch launch, DeviceScratch scores, DeviceScratch dScores) {
        this.device = device;
        this.launch = launch;
        this.scores = scores;
        this.dScores = dScores;
        fused = new FusedAttention(device, launch, dScores);
    }

    /** Columns of all heads in [N, 3D] or [N, D]: each head has {@code size}, and a row {@code leading}. */
    private record Heads(int count, int size, int leading) {
        /** From row {@code row} and column {@code column} on. */
        Operand at(Matrix matrix, int row, int column) {
            return new Operand(
                    DeviceMemory.address(matrix) + ((long) row * leading + column) * Float.BYTES, leading, size);
        }
    }

    /** [H, R, S] scores; the operand begins at column {@code column}. */
    private static Operand square(long address, int rows, int columns, int column) {
        return new Operand(address + (long) column * Float.BYTES, columns, (long) rows * columns);
    }

    /** Leaves out a product without terms, as for a segment that nothing comes before. */
    private void multiply(BatchedProduct product) {
        if (product.rows() > 0 && product.columns() > 0 && product.inner() > 0) {
            device.multiply(product);
        }
    }

    /** Products of queries and keys, scaled, become probabilities [H, count, prefixCount + count]. */
    private long probabilities(Segment segment, Heads in, int width, Matrix qkv, Matrix logSumExp, boolean known) {
        int count = segment.count();
        int before = segment.prefixCount();
        int seen = before + count;
        float scale = (float) (1 / Math.sqrt(in.size()));
        long room = scores.reserve((long) in.count() * count * seen * Float.BYTES);
        Operand query = in.at(qkv, segment.from(), 0);
        Operand prefixKey = in.at(qkv, segment.prefix(), width);
        Operand key = in.at(qkv, segment.from(), width);
        int heads = in.count();
        multiply(new BatchedProduct(
                false,
                true,
                count,
                before,
                in.size(),
                scale,
                query,
                prefixKey,
                0,
                square(room, count, seen, 0),
                heads));
        multiply(new BatchedProduct(
                false, true, count, count, in.size(), scale, query, key, 0, square(room, count, seen, before), heads));
        long sums =
                logSumExp == null ? 0 : DeviceMemory.address(logSumExp) + (long) segment.from() * heads * Float.BYTES;
        launch.with(room)
                .with(sums)
                .with(seen)
                .with(before)
                .with(known ? 1 : 0)
                .rows(DeviceFunction.CAUSAL_SOFTMAX, count, heads, seen, THREADS);
        return room;
    }

    private void forward(Segment segment, int heads, Matrix qkv, Matrix logSumExp, Matrix output) {
        DeviceMemory.changed(output);
        int width = output.columns();
        int size = width / heads;
        int count = segment.count();
        int before = segment.prefixCount();
        int seen = before + count;
        var in = new Heads(heads, size, 3 * width);
        var out = new Heads(heads, size, width);
        long room = probabilities(segment, in, width, qkv, logSumExp, false);
        Operand target = out.at(output, segment.from(), 0);
        multiply(new BatchedProduct(
                false,
                false,
                count,
                size,
                before,
                1,
                square(room, count, seen, 0),
                in.at(qkv, segment.prefix(), 2 * width),
                0,
                target,
                heads));
        multiply(new BatchedProduct(
                false,
                false,
                count,
                size,
                count,
                1,
                square(room, count, seen, before),
                in.at(qkv, segment.from(), 2 * width),
                before > 0 ? 1 : 0,
                target,
                heads));
    }

    @Override
    public void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        if (fused.takes(shape, output.columns())) {
            fused.forward(shape, qkv, logSumExp, output);
            return;
        }
        if (logSumExp != null) {
            DeviceMemory.changed(logSumExp);
        }
        for (int sequence = 0; sequence < shape.sequences(); sequence++) {
            forward(sequence(shape, sequence), shape.heads(), qkv, logSumExp, output);
        }
    }

    @Override
    public void forward(Layout layout, Matrix qkv, Matrix output) {
        for (Segment segment : layout.segments()) {
            forward(segment, layout.heads(), qkv, null, output);
        }
    }

    private static Segment sequence(Shape shape, int sequence) {
        return new Segment(sequence * shape.positions(), shape.positions(), 0, 0);
    }

    @Override
    public void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output, Matrix dOutput, Matrix dQkv) {
        if (fused.takes(shape, dOutput.columns())) {
            fused.backward(shape, qkv, logSumExp, output, dOutput, dQkv);
            return;
        }
        for (int sequence = 0; sequence < shape.sequences(); sequence++) {
            backward(sequence(shape, sequence), shape.heads(), qkv, logSumExp, dOutput, dQkv);
        }
    }

    private void backward(Segment sequence, int heads, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv) {
        DeviceMemory.changed(dQkv);
        int width = dOutput.columns();
        int size = width / heads;
        int positions = sequence.count();
        int from = sequence.from();
        var in = new Heads(heads, size, 3 * width);
        Operand dOut = new Heads(heads, size, width).at(dOutput, from, 0);
        long room = probabilities(sequence, in, width, qkv, logSumExp, true);
        long dRoom = dScores.reserve((long) heads * positions * positions * Float.BYTES);
        Operand p = square(room, positions, positions, 0);
        Operand d = square(dRoom, positions, positions, 0);
        multiply(new BatchedProduct(
                true, false, positions, size, positions, 1, p, dOut, 0, in.at(dQkv, from, 2 * width), heads));
        Operand value = in.at(qkv, from, 2 * width);
        multiply(new BatchedProduct(false, true, positions, positions, size, 1, dOut, value, 0, d, heads));
        launch.with(room)
                .with(dRoom)
                .with(positions)
                .with(1 / Math.sqrt(size))
                .rows(DeviceFunction.CAUSAL_SOFTMAX_BACKWARD, positions, heads, positions, THREADS);
        multiply(new BatchedProduct(
                false,
                false,
                positions,
                size,
                positions,
                1,
                d,
                in.at(qkv, from, width),
                0,
                in.at(dQkv, from, 0),
                heads));
        multiply(new BatchedProduct(
                true,
                false,
                positions,
                size,
                positions,
                1,
                d,
                in.at(qkv, from, 0),
                0,
                in.at(dQkv, from, width),
                heads));
    }
}
