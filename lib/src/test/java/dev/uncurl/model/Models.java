package dev.uncurl.model;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Small models and batches for the tests. */
final class Models {
    static final int VOCABULARY = 23;

    private Models() {}

    static ModelConfig config(int experts, int topK, boolean renormalize) {
        return config(experts, topK, renormalize, 0);
    }

    static ModelConfig config(int experts, int topK, boolean renormalize, double capacityFactor) {
        return config(new MoeConfig(experts, topK, 2, renormalize, 0.03, 0.02, capacityFactor));
    }

    static ModelConfig config(MoeConfig moe) {
        return new ModelConfig(2, 12, 3, 20, VOCABULARY, 9, moe);
    }

    /** Every block has experts, and its own of them. */
    static ModelConfig byLayer(int topK, boolean renormalize, double capacityFactor, MoeLayer first, MoeLayer second) {
        var moe = new MoeConfig(5, topK, 1, renormalize, 0.03, 0.02, capacityFactor);
        return config(moe).withMoeLayers(new TreeMap<>(Map.of(0, first, 1, second)));
    }

    /** Five router rows in block 1 that lead to two experts. */
    static ModelConfig mapped(int topK, boolean renormalize, double capacityFactor) {
        var layer = new MoeLayer(2, List.of(0, 1, 1, 0, 1));
        return config(5, topK, renormalize, capacityFactor).withMoeLayers(new TreeMap<>(Map.of(1, layer)));
    }

    /** Five router rows in block 1, of which two lead to experts of their own. */
    static ModelConfig masked(int topK, boolean renormalize, double capacityFactor) {
        var layer = new MoeLayer(2, List.of(-1, 0, -1, 1, -1));
        return config(5, topK, renormalize, capacityFactor).withMoeLayers(new TreeMap<>(Map.of(1, layer)));
    }

    /** Five router rows in block 1, of which two lead to experts of their own and the others are chosen in vain. */
    static ModelConfig zeroed(int topK, boolean renormalize, double capacityFactor) {
        var layer = new MoeLayer(2, List.of(-2, 0, -2, 1, -2));
        return config(5, topK, renormalize, capacityFactor).withMoeLayers(new TreeMap<>(Map.of(1, layer)));
    }

    /** The same with other weights of balance loss and z-loss. */
    static ModelConfig weighted(ModelConfig config, double balanceLoss, double zLoss) {
        MoeConfig moe = config.moe();
        return config(new MoeConfig(
                moe.experts(),
                moe.topK(),
                moe.every(),
                moe.renormalize(),
                balanceLoss,
                zLoss,
                moe.capacityFactor(),
                moe.byLayer()));
    }

    static ModelConfig dense() {
        return config(0, 1, false);
    }

    /** Every parameter random and large enough to matter, biases and norms too. */
    static double[] parameters(ModelConfig config, long seed) {
        var random = new Random(seed);
        var layout = ParameterLayout.of(config);
        var values = new double[(int) layout.length()];
        for (var tensor : layout.tensors()) {
            double mean = tensor.name().contains("ln_") && tensor.name().endsWith("weight") ? 1 : 0;
            for (int i = 0; i < tensor.length(); i++) {
                values[(int) tensor.offset() + i] = (float) (mean + 0.3 * random.nextGaussian());
            }
        }
        return values;
    }

    static INDArray array(double[] values, DataType type) {
        return Nd4j.createFromArray(values).castTo(type);
    }

    /** Rows of different lengths, some targets left out. */
    static TokenBatch batch(int rows, int columns, long seed) {
        var random = new Random(seed);
        int[] tokens = new int[rows * columns];
        int[] targets = new int[rows * columns];
        for (int row = 0; row < rows; row++) {
            int length = row == 0 ? columns : 1 + random.nextInt(columns);
            for (int column = 0; column < columns; column++) {
                int at = row * columns + column;
                tokens[at] = column < length ? random.nextInt(VOCABULARY) : -1;
                targets[at] = column < length && random.nextInt(4) > 0 ? random.nextInt(VOCABULARY) : -1;
            }
        }
        return new TokenBatch(tokens, targets, rows, columns);
    }

    static double[] read(INDArray array) {
        return array.dup().data().asDouble();
    }

    /** What a training pass with the best kernels gives; {@code dropped} counts choices over all blocks. */
    record Trained(Loss loss, float[] logProbabilities, double[] gradients, int dropped) {}

    static Trained train(ModelConfig config, double[] parameters, TokenBatch batch) {
        INDArray values = array(parameters, DataType.FLOAT);
        INDArray gradients = values.ulike().assign(Double.NaN);
        try (var model = SmoeLanguageModel.forTraining(config, values, gradients, 80)) {
            Loss loss = model.forwardBackward(batch);
            int dropped = IntStream.of(config.moeLayers())
                    .map(layer -> model.routing(layer).droppedAssignments())
                    .sum();
            return new Trained(loss, model.targetLogProbabilities(), read(gradients), dropped);
        }
    }

    /** The parent's values for a model of some of the experts of block 1, all router rows kept. */
    static double[] kept(ModelConfig parent, double[] source, ModelConfig config) {
        double[] target = new double[(int) ParameterLayout.of(config).length()];
        int[] expertOfRow = config.moe().layer(1).expertOfRow();
        for (var tensor : ParameterLayout.of(config).tensors()) {
            String name = tensor.name();
            for (int row = 0; row < expertOfRow.length; row++) {
                String own = ParameterLayout.expert(1, expertOfRow[row]);
                if (tensor.name().startsWith(own)) {
                    name = ParameterLayout.expert(1, row) + tensor.name().substring(own.length());
                }
            }
            var there = ParameterLayout.of(parent).tensor(name);
            System.arraycopy(source, (int) there.offset(), target, (int) tensor.offset(), (int) tensor.length());
        }
        return target;
    }
}
