package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** {@link Attention} of qkv [N, 3D]; {@link HeadAttention} computes one head of one sequence, which is one job, and {@link
 * HeadGradients} its gradients.
 *
 * <p>Reference: Nd4jAttention. Checked by VectorKernelsTest.attentionAgreesForwardAndBackward and
 * KernelEdgesTest.attentionAgreesForHeadsOfWholeVectorsAndFlatScores; timed by EngineBench. */
final class VectorAttention implements Attention {
    private final WorkerPool pool;
    private final HeadAttention[] heads;
    private final HeadGradients[] gradients;

    VectorAttention(WorkerPool pool) {
        this.pool = pool;
        heads = IntStream.range(0, pool.threads())
                .mapToObj(worker -> new HeadAttention())
                .toArray(HeadAttention[]::new);
        gradients = IntStream.range(0, pool.threads())
                .mapToObj(worker -> new HeadGradients())
                .toArray(HeadGradients[]::new);
    }

    @Override
    public void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        var sequences = IntStream.range(0, shape.sequences())
                .mapToObj(sequence -> List.of(new Segment(sequence * shape.positions(), shape.positions(), 0, 0)))
                .toList();
        forward(new HeadAttention.Pass(shape.heads(), qkv, logSumExp, output), sequences);
    }

    @Override
    public void forward(Layout layout, Matrix qkv, Matrix output) {
        forward(new HeadAttention.Pass(layout.heads(), qkv, null, output), runs(layout.segments()));
    }

    private void forward(HeadAttention.Pass pass, List<List<Segment>> runs) {
        pool.run(
                runs.size() * pass.heads(),
                (index, worker) -> heads[worker].forward(pass, runs.get(index / pass.heads()), index % pass.heads()));
    }

    /** Segments with the same tokens before them that follow each other, whose keys and values are then copied once. */
    private static List<List<Segment>> runs(List<Segment> segments) {
        var runs = new ArrayList<List<Segment>>();
        int first = 0;
        for (int i = 1; i <= segments.size(); i++) {
            if (i == segments.size() || !sharesPrefix(segments.get(i), segments.get(first))) {
                runs.add(segments.subList(first, i));
                first = i;
            }
        }
        return runs;
    }

    private static boolean sharesPrefix(Segment one, Segment other) {
        return one.prefixCount() > 0 && one.prefixCount() == other.prefixCount() && one.prefix() == other.prefix();
    }

    @Override
    public void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output, Matrix dOutput, Matrix dQkv) {
        var pass = new HeadGradients.Pass(shape, qkv, logSumExp, dOutput, dQkv);
        pool.run(
                shape.sequences() * shape.heads(),
                (index, worker) -> gradients[worker].backward(pass, index / shape.heads(), index % shape.heads()));
    }
}
