package dev.uncurl.kernel.device;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.BranchedBatch;
import dev.uncurl.model.Loss;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;

/** A small model in training on given kernels, with AdamW as the trainer does it: parameters never leave their memory. */
final class ModelRun implements AutoCloseable {
    static final int ROWS = 3;
    static final int COLUMNS = 37;
    static final int STEPS = 20;
    private static final int PADDING = 5;

    private final ModelConfig config;
    private final Kernels kernels;
    private final FlatMemory parameters;
    private final FlatMemory gradients;
    private final FlatMemory first;
    private final FlatMemory second;
    private final SmoeLanguageModel model;

    ModelRun(Kernels kernels, ModelConfig config) {
        this.config = config;
        this.kernels = kernels;
        float[] values = initial(config);
        parameters = kernels.allocate(DataType.FLOAT, values.length);
        gradients = kernels.allocate(DataType.FLOAT, values.length);
        first = kernels.allocate(DataType.FLOAT, values.length);
        second = kernels.allocate(DataType.FLOAT, values.length);
        whole(parameters).write(values);
        model = SmoeLanguageModel.forTraining(kernels, config, parameters, gradients, ROWS * COLUMNS);
    }

    /** A dense model, and ones with each kind of router. */
    static Map<String, ModelConfig> configs() {
        var all = new LinkedHashMap<String, ModelConfig>();
        all.put("dense", small(new MoeConfig(0, 1, 2, false, 0.03, 0.02, 0)));
        all.put("top-1 of 8", new ModelConfig(4, 64, 4, 256, 503, 48, new MoeConfig(8, 1, 2, false, 0.01, 0.001, 0)));
        all.put("top-2 of 5, capacity 1", small(new MoeConfig(5, 2, 1, true, 0.03, 0.02, 1)));
        var mapped = new MoeLayer(2, List.of(0, 1, 1, 0, 1));
        all.put(
                "mapped",
                small(new MoeConfig(5, 1, 2, false, 0.03, 0.02, 0)).withMoeLayers(new TreeMap<>(Map.of(1, mapped))));
        var zeroed = new MoeLayer(2, List.of(-2, 0, -2, 1, -2));
        all.put(
                "zeroed",
                small(new MoeConfig(5, 2, 2, true, 0.03, 0.02, 0)).withMoeLayers(new TreeMap<>(Map.of(1, zeroed))));
        return all;
    }

    private static ModelConfig small(MoeConfig moe) {
        return new ModelConfig(2, 48, 3, 100, 203, 40, moe);
    }

    private static float[] initial(ModelConfig config) {
        var layout = ParameterLayout.of(config);
        var random = new Random(1);
        var values = new float[(int) layout.length()];
        for (var tensor : layout.tensors()) {
            double mean = tensor.name().contains("ln_") && tensor.name().endsWith("weight") ? 1 : 0;
            for (int i = 0; i < tensor.length(); i++) {
                values[(int) tensor.offset() + i] = (float) (mean + 0.08 * random.nextGaussian());
            }
        }
        return values;
    }

    static TokenBatch batch(ModelConfig config, long seed) {
        var random = new Random(seed);
        int[] tokens = new int[ROWS * COLUMNS];
        int[] targets = new int[ROWS * COLUMNS];
        for (int i = 0; i < tokens.length; i++) {
            boolean real = i % COLUMNS < COLUMNS - seed % PADDING;
            tokens[i] = real ? random.nextInt(config.vocabulary()) : -1;
            targets[i] = real ? (tokens[i] * 7 + 3) % config.vocabulary() : -1;
        }
        return new TokenBatch(tokens, targets, ROWS, COLUMNS);
    }

    private static Matrix whole(FlatMemory memory) {
        return memory.matrix(0, 1, (int) memory.length());
    }

    private static double[] read(FlatMemory memory) {
        double[] values = new double[(int) memory.length()];
        whole(memory).read(values);
        return values;
    }

    /** Those of {@link #passes}, then losses of training steps, and the parameters after these. */
    Map<String, double[]> answers() {
        Map<String, double[]> answers = passes();
        double[] losses = new double[STEPS];
        for (int step = 0; step < STEPS; step++) {
            losses[step] = step(step);
        }
        answers.put("losses of steps", losses);
        answers.put("parameters", read(parameters));
        return answers;
    }

    /** Loss and gradient of a batch, and what scoring passes give. */
    Map<String, double[]> passes() {
        var answers = new LinkedHashMap<String, double[]>();
        Loss loss = model.forwardBackward(batch(config, 4));
        answers.put("loss", new double[] {loss.crossEntropy(), loss.balance(), loss.z(), loss.total()});
        answers.put("gradient", read(gradients));
        answers.put("expert outputs", outputs());
        answers.put("branches", model.logProbabilities(branches()));
        return answers;
    }

    private double[] outputs() {
        var sums = new ArrayList<Double>();
        model.forward(batch(config, 6), (layer, expert, sum) -> {
            for (double value : sum) {
                sums.add(value);
            }
        });
        return sums.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static BranchedBatch branches() {
        return new BranchedBatch(
                new int[] {1, 2, 3, 4, 5, 6, 7, 8},
                List.of(
                        new BranchedBatch.Segment(0, 3, 0, 0),
                        new BranchedBatch.Segment(3, 2, 0, 3),
                        new BranchedBatch.Segment(5, 1, 0, 2),
                        new BranchedBatch.Segment(6, 2, 0, 0)),
                new int[] {2, 4, 2, 5, 7, 0},
                new int[] {4, 9, 10, 11, 12, 2});
    }

    /** Loss before the step. */
    double step(int step) {
        double loss = model.forwardBackward(batch(config, 100 + step)).total();
        double norm = Math.sqrt(kernels.adamW().sumOfSquares(whole(gradients)));
        double rate = 1e-3;
        for (var tensor : ParameterLayout.of(config).tensors()) {
            int length = (int) tensor.length();
            long at = tensor.offset();
            var coefficients = new AdamW.Coefficients(
                    0.9,
                    0.999,
                    1e-8,
                    rate / (1 - Math.pow(0.9, step + 1)),
                    1 / (1 - Math.pow(0.999, step + 1)),
                    tensor.decays() ? rate * 0.1 : 0,
                    norm > 1 ? 1 / norm : 1);
            kernels.adamW()
                    .step(
                            coefficients,
                            parameters.matrix(at, 1, length),
                            gradients.matrix(at, 1, length),
                            first.matrix(at, 1, length),
                            second.matrix(at, 1, length));
        }
        return loss;
    }

    /** What a trainer reports of a step's routing: tokens of each expert, and dropped assignments. */
    int[] routed() {
        return Arrays.stream(config.moeLayers())
                .flatMap(layer -> IntStream.concat(
                        Arrays.stream(model.expertTokens(layer)),
                        IntStream.of(model.routing(layer).droppedAssignments())))
                .toArray();
    }

    /** All of them, as they are now. */
    double[] parameters() {
        return read(parameters);
    }

    @Override
    public void close() {
        model.close();
        for (FlatMemory memory : List.of(parameters, gradients, first, second)) {
            memory.close();
        }
    }
}
