package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import java.util.stream.IntStream;

/** Every head of every sequence is a job of its own. */
final class VectorAttention implements Attention {
    private final WorkerPool team;
    private final HeadAttention[] heads;

    VectorAttention(WorkerPool team) {
        this.team = team;
        heads = IntStream.range(0, team.threads())
                .mapToObj(worker -> new HeadAttention())
                .toArray(HeadAttention[]::new);
    }

    @Override
    public void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        var arrays = new HeadAttention.Arrays(shape, output.columns(), qkv, logSumExp, output, null);
        team.run(
                shape.sequences() * shape.heads(),
                (index, worker) -> heads[worker].forward(arrays, index / shape.heads(), index % shape.heads()));
    }

    @Override
    public void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix dOutput, Matrix dQkv) {
        var arrays = new HeadAttention.Arrays(shape, dOutput.columns(), qkv, logSumExp, dOutput, dQkv);
        team.run(
                shape.sequences() * shape.heads(),
                (index, worker) -> heads[worker].backward(arrays, index / shape.heads(), index % shape.heads()));
    }
}
