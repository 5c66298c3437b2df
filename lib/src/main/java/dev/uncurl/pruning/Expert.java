package dev.uncurl.pruning;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.List;

/**
 * The weights of one feed-forward network x -> gelu(x W1 + b1) W2 + b2, all row-major. The order of its F hidden neurons
 * is without meaning: permuting columns of W1, b1 and rows of W2 alike leaves the function as it is.
 *
 * @param w1 [D, F]
 * @param b1 [F]
 * @param w2 [F, D]
 * @param b2 [D]
 */
public record Expert(float[] w1, float[] b1, float[] w2, float[] b2) {
    public Expert {
        int weights = Math.multiplyExact(b1.length, b2.length);
        if (w1.length != weights || w2.length != weights) {
            throw new IllegalArgumentException("Weights of " + w1.length + " and " + w2.length
                    + " values do not fit F = " + b1.length + ", D = " + b2.length);
        }
    }

    /** Reads one expert, and nothing but its bytes. */
    public static Expert read(ModelFolder model, int layer, int expert) throws IOException {
        String prefix = ParameterLayout.expert(layer, expert);
        float[][] tensors = new float[ParameterLayout.FEED_FORWARD.size()][];
        for (int i = 0; i < tensors.length; i++) {
            String name = prefix + ParameterLayout.FEED_FORWARD.get(i);
            tensors[i] = new float[Math.toIntExact(model.layout().tensor(name).length())];
            model.read(name, tensors[i], 0);
        }
        return new Expert(tensors[0], tensors[1], tensors[2], tensors[3]);
    }

    /** The four tensors in the order of {@link ParameterLayout#FEED_FORWARD}. */
    List<float[]> tensors() {
        return List.of(w1, b1, w2, b2);
    }

    /** F. */
    public int feedForward() {
        return b1.length;
    }

    /** D. */
    public int width() {
        return b2.length;
    }

    /** The same function with hidden neuron {@code permutation[i]} in place i. */
    public Expert permuted(int[] permutation) {
        int hidden = feedForward();
        int width = width();
        float[] columns = new float[w1.length];
        float[] bias = new float[hidden];
        float[] rows = new float[w2.length];
        for (int i = 0; i < hidden; i++) {
            bias[i] = b1[permutation[i]];
            System.arraycopy(w2, permutation[i] * width, rows, i * width, width);
        }
        for (int d = 0; d < width; d++) {
            for (int i = 0; i < hidden; i++) {
                columns[d * hidden + i] = w1[d * hidden + permutation[i]];
            }
        }
        return new Expert(columns, bias, rows, b2);
    }
}
