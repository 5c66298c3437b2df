package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import java.util.stream.IntStream;

/** {@link Attention} of qkv [N, 3D] with OpenBLAS products and Vector API softmax; {@link HeadAttention} computes one head
 * of one sequence, which is one job.
 *
 * <p>Reference: Nd4jAttention. Checked by VectorKernelsTest.attentionAgreesForwardAndBackward and
 * KernelEdgesTest.attentionAgreesForHeadsOfWholeVectorsAndFlatScores; timed by EngineBench. */
final class VectorAttention implements Attention {
    private final WorkerPool pool;
    private final HeadAttention[] heads;
    private final SegmentAttention[] segments;

    VectorAttention(WorkerPool pool) {
        this.pool = pool;
        heads = IntStream.range(0, pool.threads())
                .mapToObj(worker -> new HeadAttention())
                .toArray(HeadAttention[]::new);
        segments = IntStream.range(0, pool.threads())
                .mapToObj(worker -> new SegmentAttention())
                .toArray(SegmentAttention[]::new);
    }

    @Override
    public void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        var arrays = new HeadAttention.Arrays(shape, output.columns(), qkv, logSumExp, output, null);
        pool.run(
                shape.sequences() * shape.heads(),
                (index, worker) -> heads[worker].forward(arrays, index / shape.heads(), index % shape.heads()));
    }

    @Override
    public void forward(Layout layout, Matrix qkv, Matrix output) {
        int count = layout.heads();
        pool.run(
                layout.segments().size() * count,
                (index, worker) -> segments[worker].forward(
                        layout.segments().get(index / count), count, index % count, qkv, output));
    }

    @Override
    public void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv) {
        var arrays = new HeadAttention.Arrays(shape, dOutput.columns(), qkv, logSumExp, dOutput, dQkv);
        pool.run(
                shape.sequences() * shape.heads(),
                (index, worker) -> heads[worker].backward(arrays, index / shape.heads(), index % shape.heads()));
    }
}
