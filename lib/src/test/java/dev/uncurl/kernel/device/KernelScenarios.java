package dev.uncurl.kernel.device;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;

/** Every operation of {@link Kernels} at sizes that do and do not fill warps, blocks and parts, from one row to many. */
final class KernelScenarios {
    /** One call or a few, whose results are recorded. */
    interface Scenario {
        void run(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers);
    }

    /** Rows and columns: a single element, odd widths, a warp and one more, several parts of rows, more columns than threads. */
    private static final int[][] SIZES = {
        {1, 1}, {1, 33}, {3, 7}, {5, 64}, {17, 100}, {2, 1025}, {300, 37}, {1500, 3}, {9000, 5}
    };

    private KernelScenarios() {}

    static double[] run(Scenario scenario, Kernels kernels, DataType type) {
        var answers = new ScenarioAnswers();
        try (var given = new ScenarioInputs(kernels, type, 42)) {
            scenario.run(kernels, given, answers);
        }
        return answers.all();
    }

    /** All scenarios by name. */
    static Map<String, Scenario> all() {
        Map<String, Scenario> all = new LinkedHashMap<>();
        ProductScenarios.addTo(all);
        for (int[] size : SIZES) {
            int rows = size[0];
            int columns = size[1];
            String name = " " + rows + " x " + columns;
            all.put(
                    "gather, scatter, dot" + name,
                    (kernels, given, answers) -> moves(kernels, given, answers, rows, columns));
            all.put("bias" + name, (kernels, given, answers) -> biases(kernels, given, answers, rows, columns));
            all.put("gelu" + name, (kernels, given, answers) -> gelu(kernels, given, answers, rows, columns));
            if (columns > 4) {
                all.put("norm" + name, (kernels, given, answers) -> norms(kernels, given, answers, rows, columns));
            }
            if (columns > 1 && rows < 2000) {
                all.put(
                        "cross-entropy" + name,
                        (kernels, given, answers) -> losses(kernels, given, answers, rows, columns));
            }
        }
        all.put("cross-entropy, extreme", KernelScenarios::extremeLosses);
        all.put("cross-entropy 2 x 50257", (kernels, given, answers) -> losses(kernels, given, answers, 2, 50_257));
        for (int vocabulary : new int[] {1, 63, 64, 203}) {
            all.put("head of " + vocabulary, (kernels, given, answers) -> head(kernels, given, answers, vocabulary));
        }
        all.put("no rows", KernelScenarios::noRows);
        attention(all);
        for (int length : new int[] {1, 31, 511, 4099, 70_001}) {
            all.put("adamw " + length, (kernels, given, answers) -> adamW(kernels, given, answers, length));
        }
        return all;
    }

    private static void moves(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int rows, int columns) {
        Matrix source = given.matrix(9, columns);
        int[] index = given.indices(rows, 9, true);
        double[] scales = given.values(rows);
        Matrix gathered = given.matrix(rows, columns);
        kernels.gatherScatter().gather(source, index, null, gathered);
        answers.add(gathered);
        kernels.gatherScatter().gather(source, index, scales, gathered);
        answers.add(gathered);
        Matrix sum = given.matrix(rows, columns);
        kernels.gatherScatter().gatherAdd(gathered, source, index, scales, sum);
        answers.add(sum);
        kernels.gatherScatter().gatherAdd(sum, source, index, null, sum);
        answers.add(sum);
        double[] products = new double[rows];
        kernels.gatherScatter().dot(source, index, sum, products);
        answers.add(products);
        kernels.gatherScatter().dot(sum, null, sum, products);
        answers.add(products);
        kernels.gatherScatter().scatterAdd(sum, index, source);
        answers.add(source);
    }

    private static void biases(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int rows, int columns) {
        Matrix x = given.matrix(rows, columns);
        Matrix bias = given.matrix(1, columns);
        Matrix target = given.matrix(rows, columns);
        kernels.bias().add(x, bias);
        answers.add(x);
        kernels.bias().addResidual(target, x, bias, target);
        answers.add(target);
        kernels.bias().columnSums(target, bias);
        answers.add(bias);
    }

    private static void gelu(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int rows, int columns) {
        Matrix x = given.matrix(rows, columns);
        Matrix bias = given.matrix(1, columns);
        Matrix y = given.matrix(rows, columns);
        kernels.activation().forward(x, bias, y);
        answers.add(x);
        answers.add(y);
        kernels.activation().backward(x, y, bias);
        answers.add(y);
        answers.add(bias);
    }

    private static void norms(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int rows, int columns) {
        Matrix x = given.matrix(rows, columns);
        Matrix gain = given.matrix(1, columns);
        Matrix bias = given.matrix(1, columns);
        Matrix statistics = given.matrix(rows, 2);
        Matrix y = given.matrix(rows, columns);
        kernels.normalization().forward(x, gain, bias, statistics, y);
        answers.add(statistics);
        answers.add(y);
        Matrix dy = given.matrix(rows, columns);
        Matrix dx = given.matrix(rows, columns);
        Matrix dGain = given.matrix(1, columns);
        kernels.normalization().backward(x, gain, statistics, dy, dx, dGain, bias);
        answers.add(dx);
        answers.add(dGain);
        answers.add(bias);
    }

    private static void losses(
            Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int rows, int vocabulary) {
        for (double scale : new double[] {0, 0.25}) {
            Matrix logits = given.logits(rows, vocabulary);
            int[] targets = given.indices(rows + 2, vocabulary, false);
            double[] logProbabilities = new double[rows + 2];
            kernels.crossEntropy().forward(logits, targets, 2, scale, logProbabilities);
            answers.add(logProbabilities);
            if (scale != 0) {
                answers.add(logits);
            }
        }
    }

    /** Logits that are ever larger, or ever smaller, from thread to thread and within one; and some as small as can be. */
    private static void extremeLosses(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers) {
        int columns = 300;
        Matrix logits = given.logits(4, columns);
        double[] values = new double[columns];
        for (int row = 0; row < 4; row++) {
            for (int c = 0; c < columns; c++) {
                double value = (row % 2 == 0 ? c : -c) * (row < 2 ? 0.25 : 1e35);
                values[c] = row == 1 && c % 3 == 1 ? -Float.MAX_VALUE : value;
            }
            logits.rows(row, 1).write(values);
        }
        double[] logProbabilities = new double[4];
        kernels.crossEntropy().forward(logits, new int[] {296, 3, 299, 0}, 0, 0.25, logProbabilities);
        answers.add(logProbabilities);
        answers.add(logits);
    }

    /**
     * Logits, their gradient, and those of the rows and of the embedding; also with the room between rows as further columns, for which
     * there are further rows after the embedding.
     */
    private static void head(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int vocabulary) {
        int rows = 5;
        Matrix x = given.matrix(rows, 12);
        Matrix parameters = given.matrix(vocabulary + 63, 12);
        Matrix embedding = parameters.rows(0, vocabulary);
        Matrix logits = given.logits(rows, vocabulary);
        Matrix wide = logits.withRoom();
        Matrix weights = parameters.rows(0, wide.columns());
        kernels.matrixProduct().multiply(x, false, embedding, true, 0, logits);
        answers.add(logits);
        kernels.matrixProduct().multiply(x, false, weights, true, 0, wide);
        answers.add(logits);
        double[] logProbabilities = new double[rows];
        kernels.crossEntropy().forward(logits, given.indices(rows, vocabulary, false), 0, 0.2, logProbabilities);
        answers.add(logProbabilities);
        answers.add(logits);
        Matrix dEmbedding = given.matrix(vocabulary, 12);
        kernels.matrixProduct().multiply(logits, true, x, false, 1, dEmbedding);
        answers.add(dEmbedding);
        for (Matrix d : new Matrix[] {logits, wide}) {
            kernels.matrixProduct().multiply(d, false, parameters.rows(0, d.columns()), false, 0, x);
            answers.add(x);
        }
        Matrix last = logits.rows(rows - 1, 1);
        kernels.matrixProduct().multiply(last, false, embedding, false, 0, x.first(1));
        answers.add(x.first(1));
    }

    /** As for experts without tokens, and batches without targets. */
    private static void noRows(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers) {
        Matrix empty = given.matrix(0, 6);
        Matrix weights = given.matrix(6, 4);
        Matrix gradient = given.matrix(6, 4);
        kernels.matrixProduct().multiply(empty, false, weights, false, 0, given.matrix(0, 4));
        kernels.matrixProduct().multiply(empty, true, given.matrix(0, 4), false, 1, gradient);
        answers.add(gradient);
        kernels.matrixProduct().multiply(empty, true, given.matrix(0, 4), false, 0, gradient);
        answers.add(gradient);
        int[] none = {-1, -1, -1};
        Matrix target = given.matrix(3, 6);
        kernels.gatherScatter().scatterAdd(given.matrix(3, 6), none, target);
        answers.add(target);
        kernels.gatherScatter().gather(target, none, null, target);
        answers.add(target);
    }

    private static void attention(Map<String, Scenario> all) {
        int[][] shapes = {
            {1, 1, 1, 1},
            {2, 3, 1, 4},
            {1, 33, 2, 5},
            {3, 64, 3, 8},
            {2, 100, 2, 16},
            {1, 300, 1, 3},
            {2, 130, 2, 24},
            {1, 130, 2, 64},
            {1, 40, 1, 72}
        };
        for (int[] shape : shapes) {
            all.put("attention " + Arrays.toString(shape), (kernels, given, answers) -> {
                int width = shape[2] * shape[3];
                int tokens = shape[0] * shape[1];
                var whole = new Attention.Shape(shape[0], shape[1], shape[2]);
                Matrix qkv = given.aligned(tokens, 3 * width);
                Matrix logSumExp = given.aligned(tokens, shape[2]);
                Matrix output = given.aligned(tokens, width);
                kernels.attention().forward(whole, qkv, logSumExp, output);
                answers.add(logSumExp);
                answers.add(output);
                Matrix dOutput = given.aligned(tokens, width);
                Matrix dQkv = given.aligned(tokens, 3 * width);
                kernels.attention().backward(whole, qkv, logSumExp, output, dOutput, dQkv);
                answers.add(dQkv);
            });
        }
        all.put("attention of branches", (kernels, given, answers) -> {
            var segments = List.of(
                    new Attention.Segment(0, 40, 0, 0),
                    new Attention.Segment(40, 7, 0, 40),
                    new Attention.Segment(47, 1, 0, 33),
                    new Attention.Segment(48, 33, 0, 0),
                    new Attention.Segment(81, 5, 48, 2));
            Matrix qkv = given.matrix(86, 3 * 12);
            Matrix output = given.matrix(86, 12);
            kernels.attention().forward(new Attention.Layout(3, segments), qkv, output);
            answers.add(output);
        });
    }

    private static void adamW(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers, int length) {
        var coefficients = new AdamW.Coefficients(0.9, 0.95, 1e-8, 0.01, 20, 0.001, 0.5);
        Matrix parameters = given.matrix(1, length);
        Matrix gradient = given.matrix(1, length);
        Matrix first = given.matrix(1, length);
        Matrix second = given.matrix(1, length);
        second.write(Arrays.stream(given.values(length)).map(Math::abs).toArray());
        answers.add(kernels.adamW().sumOfSquares(gradient) / length);
        kernels.adamW().update(coefficients, parameters, gradient, first, second);
        answers.add(gradient);
        answers.add(first);
        answers.add(second);
        kernels.adamW().step(coefficients, parameters, gradient, first, second);
        answers.add(parameters);
    }
}
