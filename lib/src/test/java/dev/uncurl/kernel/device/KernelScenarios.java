package dev.uncurl.kernel.device;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;

/** Every operation of {@link Kernels} at sizes that do and do not fill warps, blocks and parts, from one row to many. */
final class KernelScenarios {
    /** One call or a few, whose results are recorded. */
    interface Scenario {
        void run(Kernels kernels, Inputs given, Answers answers);
    }

    /** Rows and columns: a single element, odd widths, a warp and one more, several parts of rows, more columns than threads. */
    private static final int[][] SIZES = {
        {1, 1}, {1, 33}, {3, 7}, {5, 64}, {17, 100}, {2, 1025}, {300, 37}, {1500, 3}, {9000, 5}
    };

    private KernelScenarios() {}

    /** Random matrices in the memory of the kernels, the same for the same seed. */
    static final class Inputs implements AutoCloseable {
        private final Kernels kernels;
        private final DataType type;
        private final Random random;
        private final List<FlatMemory> memories = new ArrayList<>();

        Inputs(Kernels kernels, DataType type, long seed) {
            this.kernels = kernels;
            this.type = type;
            random = new Random(seed);
        }

        /** Cut from the middle of a larger array, as parameters are. */
        Matrix matrix(int rows, int columns) {
            FlatMemory memory = kernels.allocate(type, 7 + (long) rows * columns);
            memories.add(memory);
            Matrix matrix = memory.matrix(7, rows, columns);
            if (rows > 0) {
                matrix.write(values(rows * columns));
            }
            return matrix;
        }

        /** As above, with padding as the kernels want it of logits. What is in the padding is not a number. */
        Matrix logits(int rows, int columns) {
            int alignment = kernels.logitAlignment();
            if (alignment == 1) {
                return matrix(rows, columns);
            }
            int leading = (columns + alignment - 1) / alignment * alignment;
            FlatMemory memory = kernels.allocate(type, alignment + (long) rows * leading);
            memories.add(memory);
            double[] nothing = new double[(int) memory.length()];
            Arrays.fill(nothing, Double.NaN);
            memory.matrix(0, 1, nothing.length).write(nothing);
            Matrix matrix = Matrix.padded(memory, alignment, rows, columns, leading);
            double[] values = values(rows * columns);
            for (int row = 0; row < rows; row++) {
                matrix.rows(row, 1).write(Arrays.copyOfRange(values, row * columns, (row + 1) * columns));
            }
            return matrix;
        }

        double[] values(int count) {
            double[] values = new double[count];
            Arrays.setAll(values, i -> (float) random.nextGaussian());
            return values;
        }

        /** From 0 to {@code bound - 1}, with -1 among them if wanted. */
        int[] indices(int count, int bound, boolean withNone) {
            int[] indices = new int[count];
            Arrays.setAll(indices, i -> random.nextInt(bound + (withNone ? 1 : 0)) - (withNone ? 1 : 0));
            return indices;
        }

        @Override
        public void close() {
            memories.forEach(FlatMemory::close);
        }
    }

    /** What a scenario computed, in order. */
    static final class Answers {
        private double[] all = {};

        void add(Matrix matrix) {
            if (matrix.isPadded()) {
                for (int row = 0; row < matrix.rows(); row++) {
                    add(matrix.rows(row, 1));
                }
                return;
            }
            double[] values = new double[matrix.rows() * matrix.columns()];
            matrix.read(values);
            add(values);
        }

        void add(double... values) {
            int from = all.length;
            all = Arrays.copyOf(all, from + values.length);
            System.arraycopy(values, 0, all, from, values.length);
        }

        double[] all() {
            return all;
        }
    }

    /** The same kernels, but with products of one group at a time. */
    static Kernels withoutGroups(Kernels kernels) {
        MatrixProduct product = changed(MatrixProduct.class, kernels.matrixProduct(), "grouped", null);
        return changed(Kernels.class, kernels, "matrixProduct", product);
    }

    /** The same kernels, but they keep no weights rounded. */
    static Kernels withoutKeptWeights(Kernels kernels) {
        return changed(Kernels.class, kernels, "keepRounded", null);
    }

    /** The same but for one method, which answers {@code answer}. */
    private static <T> T changed(Class<T> type, T all, String changed, Object answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) ->
                        method.getName().equals(changed) ? answer : method.invoke(all, arguments)));
    }

    static double[] run(Scenario scenario, Kernels kernels, DataType type) {
        var answers = new Answers();
        try (var given = new Inputs(kernels, type, 42)) {
            scenario.run(kernels, given, answers);
        }
        return answers.all();
    }

    /** All scenarios by name. */
    static Map<String, Scenario> all() {
        Map<String, Scenario> all = new LinkedHashMap<>();
        products(all);
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
        all.put("cross-entropy 2 x 50257", (kernels, given, answers) -> losses(kernels, given, answers, 2, 50_257));
        for (int vocabulary : new int[] {1, 63, 64, 203}) {
            all.put("head of " + vocabulary, (kernels, given, answers) -> head(kernels, given, answers, vocabulary));
        }
        grouped(all, "grouped products", 4, 8, 5, 0, 1, 17);
        grouped(all, "grouped products of odd widths", 3, 7, 2, 0, 9);
        grouped(all, "grouped products of one group", 4, 8, 0, 6, 0);
        grouped(all, "grouped products of no rows", 4, 8, 0, 0);
        grouped(
                all,
                "grouped products of 50 groups",
                4,
                4,
                IntStream.range(0, 50).map(i -> 1 + i % 3).toArray());
        all.put("product of halves", KernelScenarios::halves);
        all.put("product of kept weights", KernelScenarios::keptWeights);
        all.put("product of changing operands", KernelScenarios::changingOperands);
        all.put("no rows", KernelScenarios::noRows);
        attention(all);
        for (int length : new int[] {1, 31, 511, 4099, 70_001}) {
            all.put("adamw " + length, (kernels, given, answers) -> adamW(kernels, given, answers, length));
        }
        return all;
    }

    private static void products(Map<String, Scenario> all) {
        int[][] shapes = {{1, 1, 1}, {1, 9, 5}, {7, 1, 3}, {5, 6, 1}, {33, 17, 65}, {64, 40, 31}, {2, 3, 300}};
        for (int[] shape : shapes) {
            for (int bits = 0; bits < 8; bits++) {
                boolean transposeA = (bits & 1) > 0;
                boolean transposeB = (bits & 2) > 0;
                float beta = (bits & 4) > 0 ? 1 : 0;
                String name = "product " + shape[0] + " x " + shape[1] + " x " + shape[2] + (transposeA ? " a^T" : "")
                        + (transposeB ? " b^T" : "") + (beta > 0 ? " added" : "");
                all.put(name, (kernels, given, answers) -> {
                    Matrix a = transposeA ? given.matrix(shape[2], shape[0]) : given.matrix(shape[0], shape[2]);
                    Matrix b = transposeB ? given.matrix(shape[1], shape[2]) : given.matrix(shape[2], shape[1]);
                    Matrix c = given.matrix(shape[0], shape[1]);
                    kernels.matrixProduct().multiply(a, transposeA, b, transposeB, beta, c);
                    answers.add(c);
                });
            }
        }
    }

    /** Weights are multiplied again after each way in which they may change, in part and as a whole; and some at odd places. */
    private static void keptWeights(Kernels kernels, Inputs given, Answers answers) {
        Matrix part = given.matrix(8 * 9 + 2 * 8192, 1); // from element 7 on
        FlatMemory weights = part.memory();
        kernels.keepRounded(weights);
        Matrix w = weights.matrix(8, 8, 16);
        Matrix odd = weights.matrix(136, 8, 7);
        Matrix last = weights.matrix(weights.length() / 8 * 8 - 64, 8, 8);
        Matrix x = given.matrix(5, 8);
        Matrix[] results = {given.matrix(5, 16), given.matrix(5, 7), given.matrix(5, 8)};
        Runnable multiply = () -> {
            int i = 0;
            for (Matrix each : new Matrix[] {w, odd, last}) {
                kernels.matrixProduct().multiply(x, false, each, false, 0, results[i]);
                answers.add(results[i++]);
            }
        };
        multiply.run();
        multiply.run();
        Matrix gradient = given.matrix(1, part.rows());
        Matrix first = given.matrix(1, part.rows());
        Matrix second = given.matrix(1, part.rows());
        second.write(new double[part.rows()]);
        var coefficients = new AdamW.Coefficients(0.9, 0.99, 1e-3, 0.1, 1.5, 0.01, 0.5);
        int count = 100;
        kernels.adamW()
                .step(
                        coefficients,
                        weights.matrix(7, 1, count),
                        gradient.memory().matrix(7, 1, count),
                        first.memory().matrix(7, 1, count),
                        second.memory().matrix(7, 1, count));
        multiply.run();
        weights.matrix(9, 1, 3).write(given.values(3));
        weights.matrix(200, 1, 2).zero();
        kernels.adamW()
                .step(
                        coefficients,
                        weights.matrix(7 + count, 1, part.rows() - count),
                        gradient.memory().matrix(7 + count, 1, part.rows() - count),
                        first.memory().matrix(7 + count, 1, part.rows() - count),
                        second.memory().matrix(7 + count, 1, part.rows() - count));
        multiply.run();
        kernels.matrixProduct().multiply(x, true, x, false, 0, last);
        multiply.run();
        kernels.matrixProduct().exact().multiply(x, true, x, false, 1, last);
        multiply.run();
        w.zero();
        multiply.run();
    }

    /** Products of all three kinds of an expert's. @param counts rows of each group, beyond which there are two more */
    private static void grouped(Map<String, Scenario> all, String name, int inner, int columns, int... counts) {
        int[] start = new int[counts.length + 1];
        for (int group = 0; group < counts.length; group++) {
            start[group + 1] = start[group] + counts[group];
        }
        int rows = start[counts.length] + 2;
        all.put(name, (kernels, given, answers) -> {
            Matrix x = given.matrix(rows, inner);
            Matrix y = given.matrix(rows, columns);
            Matrix dx = given.matrix(rows, inner);
            List<Matrix> weights = matrices(given, counts.length, inner, columns);
            List<Matrix> gradients = matrices(given, counts.length, inner, columns);
            var grouped = kernels.matrixProduct().grouped();
            if (grouped == null) {
                oneByOne(kernels.matrixProduct(), start, x, weights, y, gradients, dx);
            } else {
                grouped.rows(start, x, weights, false, y);
                grouped.sums(start, x, y, gradients);
                grouped.rows(start, y, weights, true, dx);
            }
            answers.add(y);
            gradients.forEach(answers::add);
            answers.add(dx);
        });
    }

    private static List<Matrix> matrices(Inputs given, int count, int rows, int columns) {
        return IntStream.range(0, count)
                .mapToObj(i -> given.matrix(rows, columns))
                .toList();
    }

    private static void oneByOne(
            MatrixProduct product,
            int[] start,
            Matrix x,
            List<Matrix> weights,
            Matrix y,
            List<Matrix> gradients,
            Matrix dx) {
        for (int group = 0; group < weights.size(); group++) {
            int from = start[group];
            int count = start[group + 1] - from;
            Matrix ofX = x.rows(from, count);
            Matrix ofY = y.rows(from, count);
            if (count > 0) {
                product.multiply(ofX, false, weights.get(group), false, 0, ofY);
                product.multiply(ofY, false, weights.get(group), true, 0, dx.rows(from, count));
            }
            product.multiply(ofX, true, ofY, false, 0, gradients.get(group));
        }
    }

    /** Numbers halfway between two of 8 significant bits, and beside them. */
    private static void halves(Kernels kernels, Inputs given, Answers answers) {
        int count = 600;
        double[] values = new double[count];
        Arrays.setAll(values, i -> (i % 2 == 0 ? 1 : -1) * (1 + i / 512.0 + (i % 3 - 1) / 65536.0));
        Matrix x = given.matrix(count, 1);
        x.write(values);
        Matrix one = given.matrix(1, 1);
        one.write(new double[] {1});
        Matrix y = given.matrix(count, 1);
        kernels.matrixProduct().multiply(x, false, one, false, 0, y);
        answers.add(y);
    }

    /** Matrices are multiplied again after each way in which they can change, and beside themselves. */
    private static void changingOperands(Kernels kernels, Inputs given, Answers answers) {
        Matrix a = given.matrix(9, 5);
        Matrix b = given.matrix(5, 7);
        Matrix c = given.matrix(9, 7);
        Matrix bias = given.matrix(1, 7);
        Runnable multiply = () -> {
            kernels.matrixProduct().multiply(a, false, b, false, 0, c);
            answers.add(c);
        };
        multiply.run();
        multiply.run();
        kernels.bias().add(b, bias);
        multiply.run();
        b.write(given.values(5 * 7));
        multiply.run();
        kernels.matrixProduct().multiply(a, true, c, false, 0, b);
        multiply.run();
        kernels.matrixProduct().multiply(a.rows(0, 1), true, bias, false, 1, b);
        multiply.run();
        Matrix square = given.matrix(7, 7);
        kernels.matrixProduct().multiply(c, true, c, false, 0, square);
        answers.add(square);
        kernels.matrixProduct().multiply(a.rows(2, 3), false, b, false, 0, c.rows(4, 3));
        answers.add(c);
        kernels.matrixProduct().exact().multiply(a, true, c, false, 0, b);
        multiply.run();
        b.zero();
        multiply.run();
    }

    private static void moves(Kernels kernels, Inputs given, Answers answers, int rows, int columns) {
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

    private static void biases(Kernels kernels, Inputs given, Answers answers, int rows, int columns) {
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

    private static void gelu(Kernels kernels, Inputs given, Answers answers, int rows, int columns) {
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

    private static void norms(Kernels kernels, Inputs given, Answers answers, int rows, int columns) {
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

    private static void losses(Kernels kernels, Inputs given, Answers answers, int rows, int vocabulary) {
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

    /** Logits, their gradient, and those of the rows and of the embedding. */
    private static void head(Kernels kernels, Inputs given, Answers answers, int vocabulary) {
        int rows = 5;
        Matrix x = given.matrix(rows, 12);
        Matrix embedding = given.matrix(vocabulary, 12);
        Matrix logits = given.logits(rows, vocabulary);
        kernels.matrixProduct().multiply(x, false, embedding, true, 0, logits);
        answers.add(logits);
        double[] logProbabilities = new double[rows];
        kernels.crossEntropy().forward(logits, given.indices(rows, vocabulary, false), 0, 0.2, logProbabilities);
        answers.add(logProbabilities);
        answers.add(logits);
        Matrix dEmbedding = given.matrix(vocabulary, 12);
        kernels.matrixProduct().multiply(logits, true, x, false, 1, dEmbedding);
        answers.add(dEmbedding);
        kernels.matrixProduct().multiply(logits, false, embedding, false, 0, x);
        answers.add(x);
        Matrix last = logits.rows(rows - 1, 1);
        kernels.matrixProduct().multiply(last, false, embedding, false, 0, x.first(1));
        answers.add(x.first(1));
    }

    /** As for experts without tokens, and batches without targets. */
    private static void noRows(Kernels kernels, Inputs given, Answers answers) {
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
            {1, 130, 2, 64},
            {1, 40, 1, 72}
        };
        for (int[] shape : shapes) {
            all.put("attention " + Arrays.toString(shape), (kernels, given, answers) -> {
                int width = shape[2] * shape[3];
                int tokens = shape[0] * shape[1];
                var whole = new Attention.Shape(shape[0], shape[1], shape[2]);
                Matrix qkv = given.matrix(tokens, 3 * width);
                Matrix logSumExp = given.matrix(tokens, shape[2]);
                Matrix output = given.matrix(tokens, width);
                kernels.attention().forward(whole, qkv, logSumExp, output);
                answers.add(logSumExp);
                answers.add(output);
                Matrix dOutput = given.matrix(tokens, width);
                Matrix dQkv = given.matrix(tokens, 3 * width);
                kernels.attention().backward(whole, qkv, logSumExp, dOutput, dQkv);
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

    private static void adamW(Kernels kernels, Inputs given, Answers answers, int length) {
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
