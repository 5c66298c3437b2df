package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;

/**
 * Final norm and output head, whose matrix is wte [V, D]. Computes only positions with a target, in blocks of at
 * most as many as {@link Buffers#logits} has rows; each block runs through logits, loss and gradient.
 *
 * <p>Where the rows of the logits are padded, products are of V' columns, with the room between rows: on a device they are several
 * times as fast as those of an odd number. The weights are then the V' rows of the parameters that begin at wte. The logits of those
 * after it are never read, and their gradients are zeros.
 */
final class LanguageModelHead {
    /** Of rows of a block on a device. */
    private static final int MULTIPLE = 64;

    private final Kernels kernels;
    private final LayerNorm norm;
    private final Parameter embedding;
    private final int context;
    private final int[] position;
    private final int[] target;
    private final double[] logProbability;
    private int predicted;

    /** @param context the model's sequence length, at most {@code maxTokens} */
    LanguageModelHead(Kernels kernels, Parameter.Source source, int context, int maxTokens) {
        this.kernels = kernels;
        norm = new LayerNorm(kernels, source, "ln_f.");
        embedding = source.get("wte.weight");
        this.context = context;
        position = new int[maxTokens];
        target = new int[maxTokens];
        logProbability = new double[maxTokens];
    }

    /**
     * Cross-entropy of the predicted positions of the batch, divided by {@code all}.
     *
     * @param all predicted positions of all ranks, of whose mean cross-entropy this is a part; at least those of the batch
     * @param withGradient whether to write the gradients of the head: wte (overwritten) and of the final stream,
     *     {@code buffers.dStream}
     */
    double forward(TokenBatch batch, int all, Buffers buffers, boolean withGradient) {
        predicted = 0;
        for (int i = 0; i < batch.size(); i++) {
            if (batch.targets()[i] != TokenBatch.NONE) {
                position[predicted] = i;
                target[predicted++] = batch.targets()[i];
            }
        }
        if (predicted == 0) {
            if (withGradient) {
                buffers.dStream.first(batch.size()).zero();
                embedding.gradient().zero();
                norm.zeroGradients();
            }
            return 0;
        }
        Matrix rows = buffers.predicted.first(predicted);
        Matrix normed = buffers.predictedNormed.first(predicted);
        Matrix statistics = buffers.predictedStatistics.first(predicted);
        kernels.gatherScatter().gather(buffers.output.first(batch.size()), position, null, rows);
        norm.forward(rows, statistics, normed);
        // the gradient of the normed rows; dAttended is unused until the blocks' backward passes
        Matrix dNormed = withGradient ? buffers.dAttended.first(predicted) : null;
        double sum = 0;
        int most = blockRows(predicted, buffers.logits.rows());
        for (int from = 0; from < predicted; from += most) {
            int count = Math.min(most, predicted - from);
            Matrix logits = buffers.logits.first(count);
            Matrix wide = wide(logits);
            Matrix weights = weights(wide);
            kernels.matrixProduct().multiply(normed.rows(from, count), false, weights, true, 0, wide);
            kernels.crossEntropy().forward(logits, target, from, withGradient ? 1.0 / all : 0, logProbability);
            if (withGradient) {
                kernels.matrixProduct()
                        .multiply(
                                logits, true, normed.rows(from, count), false, from == 0 ? 0 : 1, embedding.gradient());
                kernels.matrixProduct().multiply(wide, false, weights, false, 0, dNormed.rows(from, count));
            }
            for (int i = from; i < from + count; i++) {
                sum -= logProbability[i];
            }
        }
        if (withGradient) {
            backward(batch, buffers, rows, statistics, dNormed);
        }
        return sum / all;
    }

    /**
     * log p of each target at its row of the stream after the last block.
     *
     * @param rows [M], any number of times, in any order
     * @param targets [M]
     * @param tokens rows of the stream
     */
    double[] logProbabilities(int[] rows, int[] targets, int tokens, Buffers buffers) {
        predicted = 0;
        double[] result = new double[rows.length];
        Matrix stream = buffers.output.first(tokens);
        // where a row's bits depend on the others of its block, blocks must not depend on the size of the buffers
        int most = kernels.matrixProduct().rowsAreIndependent()
                ? evenly(rows.length, buffers.logits.rows())
                : Math.min(context, buffers.logits.rows());
        for (int from = 0; from < rows.length; from += most) {
            int count = Math.min(most, rows.length - from);
            Matrix taken = buffers.predicted.first(count);
            Matrix normed = buffers.predictedNormed.first(count);
            Matrix logits = buffers.logits.first(count);
            kernels.gatherScatter().gather(stream, Arrays.copyOfRange(rows, from, from + count), null, taken);
            norm.forward(taken, buffers.predictedStatistics.first(count), normed);
            Matrix wide = wide(logits);
            kernels.matrixProduct().multiply(normed, false, weights(wide), true, 0, wide);
            kernels.crossEntropy().forward(logits, targets, from, 0, result);
        }
        return result;
    }

    /** [P, V'] if the parameters have so many rows from wte on; else the logits themselves. */
    private Matrix wide(Matrix logits) {
        Matrix wte = embedding.value();
        long end = wte.offset() + (long) logits.leading() * wte.columns();
        return end > wte.memory().length() ? logits : logits.withRoom();
    }

    /** [V', D] for logits [P, V'] */
    private Matrix weights(Matrix wide) {
        Matrix wte = embedding.value();
        return wide.columns() == wte.rows() ? wte : wte.memory().matrix(wte.offset(), wide.columns(), wte.columns());
    }

    /** In training. On a device the products of a short last block would be slow for their size. */
    private int blockRows(int rows, int most) {
        if (kernels.logitAlignment() == 1) {
            return most;
        }
        return Math.min(most, (evenly(rows, most) + MULTIPLE - 1) / MULTIPLE * MULTIPLE);
    }

    /** Rows of a block if all have about the same number: a short one would not keep several threads busy. */
    private static int evenly(int rows, int most) {
        int blocks = Math.max(1, (rows + most - 1) / most);
        return Math.max(1, (rows + blocks - 1) / blocks);
    }

    private void backward(TokenBatch batch, Buffers buffers, Matrix rows, Matrix statistics, Matrix dNormed) {
        Matrix dStream = buffers.dStream.first(batch.size());
        dStream.zero();
        Matrix dRows = buffers.dNormed.first(predicted);
        dRows.zero();
        norm.backward(rows, statistics, dNormed, dRows);
        kernels.gatherScatter().scatterAdd(dRows, position, dStream);
    }

    /** Number of predicted positions of the last batch. */
    int predicted() {
        return predicted;
    }

    void targetLogProbabilities(float[] result) {
        for (int i = 0; i < predicted; i++) {
            result[position[i]] = (float) logProbability[i];
        }
    }
}
