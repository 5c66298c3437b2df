package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** {@link Attention} in plain ND4J operations, one head at a time, on copies of the head's columns. */
final class Nd4jAttention implements Attention {
    /** Columns of one head of one sequence, copied: [T, D/H]. */
    private static INDArray copy(Matrix source, int sequence, int positions, int from, int width) {
        return block(source, sequence, positions, from, width).dup('c');
    }

    private static INDArray block(Matrix source, int sequence, int positions, int from, int width) {
        return rows(source, sequence * positions, positions, from, width);
    }

    private static INDArray rows(Matrix source, int first, int count, int from, int width) {
        INDArray rows = source.rows(first, count).array();
        return Nd4j.create(
                rows.data(), new long[] {count, width}, new long[] {source.columns(), 1}, rows.offset() + from, 'c');
    }

    /**
     * Causal softmax(Q K^T / sqrt(width)) [T, T]; writes the rows' logsumexp to {@code logSumExp} [T, 1] unless null.
     */
    private static INDArray probabilities(INDArray query, INDArray key, INDArray future, INDArray logSumExp) {
        INDArray scores =
                query.mmul(key.transpose()).mul(1 / Math.sqrt(query.size(1))).addi(future);
        INDArray largest = scores.max(true, 1);
        INDArray exponentials = Transforms.exp(scores.sub(largest));
        INDArray sum = exponentials.sum(true, 1);
        if (logSumExp != null) {
            logSumExp.assign(Transforms.log(sum).add(largest));
        }
        return exponentials.div(sum);
    }

    /** The causal mask [T, T]: -1e30 where the column index is larger than the row index, else 0. */
    private static INDArray future(int positions, DataType type) {
        var values = new double[positions][positions];
        for (int row = 0; row < positions; row++) {
            Arrays.fill(values[row], row + 1, positions, -1e30);
        }
        return Nd4j.createFromArray(values).castTo(type);
    }

    @Override
    public void forward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output) {
        int positions = shape.positions();
        int width = output.columns();
        int size = width / shape.heads();
        INDArray future = future(positions, qkv.array().dataType());
        for (int sequence = 0; sequence < shape.sequences(); sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                int from = head * size;
                INDArray query = copy(qkv, sequence, positions, from, size);
                INDArray key = copy(qkv, sequence, positions, width + from, size);
                INDArray value = copy(qkv, sequence, positions, 2 * width + from, size);
                INDArray probabilities =
                        probabilities(query, key, future, block(logSumExp, sequence, positions, head, 1));
                block(output, sequence, positions, from, size).assign(probabilities.mmul(value));
            }
        }
    }

    @Override
    public void forward(Layout layout, Matrix qkv, Matrix output) {
        int width = output.columns();
        int size = width / layout.heads();
        for (Segment segment : layout.segments()) {
            int before = segment.prefixCount();
            int count = segment.count();
            INDArray future = future(before + count, qkv.array().dataType())
                    .get(NDArrayIndex.interval(before, before + count), NDArrayIndex.all())
                    .dup('c');
            for (int from = 0; from < width; from += size) {
                INDArray query = rows(qkv, segment.from(), count, from, size).dup('c');
                INDArray key = seen(qkv, segment, width + from, size);
                INDArray value = seen(qkv, segment, 2 * width + from, size);
                rows(output, segment.from(), count, from, size)
                        .assign(probabilities(query, key, future, null).mmul(value));
            }
        }
    }

    /** Columns of the tokens before a segment and of its own, copied: [prefixCount + count, width]. */
    private static INDArray seen(Matrix source, Segment segment, int from, int width) {
        INDArray own =
                rows(source, segment.from(), segment.count(), from, width).dup('c');
        if (segment.prefixCount() == 0) {
            return own;
        }
        INDArray before = rows(source, segment.prefix(), segment.prefixCount(), from, width);
        return Nd4j.concat(0, before.dup('c'), own);
    }

    @Override
    public void backward(Shape shape, Matrix qkv, Matrix logSumExp, Matrix output, Matrix dOutput, Matrix dQkv) {
        int positions = shape.positions();
        int width = dOutput.columns();
        int size = width / shape.heads();
        double scale = 1 / Math.sqrt(size);
        INDArray future = future(positions, qkv.array().dataType());
        for (int sequence = 0; sequence < shape.sequences(); sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                int from = head * size;
                INDArray query = copy(qkv, sequence, positions, from, size);
                INDArray key = copy(qkv, sequence, positions, width + from, size);
                INDArray value = copy(qkv, sequence, positions, 2 * width + from, size);
                INDArray gradient = copy(dOutput, sequence, positions, from, size);
                INDArray probabilities = probabilities(query, key, future, null);
                INDArray dProbabilities = gradient.mmul(value.transpose());
                INDArray inner = dProbabilities.mul(probabilities).sum(true, 1);
                INDArray dScores = dProbabilities.sub(inner).mul(probabilities).mul(scale);
                block(dQkv, sequence, positions, from, size).assign(dScores.mmul(key));
                block(dQkv, sequence, positions, width + from, size)
                        .assign(dScores.transpose().mmul(query));
                block(dQkv, sequence, positions, 2 * width + from, size)
                        .assign(probabilities.transpose().mmul(gradient));
            }
        }
    }
}
