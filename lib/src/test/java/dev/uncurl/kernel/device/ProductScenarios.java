package dev.uncurl.kernel.device;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Products, plain and grouped, also of operands that kernels may keep rounded from one product to the next. */
final class ProductScenarios {
    private ProductScenarios() {}

    static void addTo(Map<String, KernelScenarios.Scenario> all) {
        products(all);
        grouped(all, "grouped products", 4, 8, 5, 0, 1, 17);
        grouped(all, "grouped products, aligned", 24, 40, 5, 0, 1, 17, 16, 131);
        grouped(all, "grouped products of odd widths", 3, 7, 2, 0, 9);
        grouped(all, "grouped products of one group", 4, 8, 0, 6, 0);
        grouped(all, "grouped products of no rows", 4, 8, 0, 0);
        grouped(
                all,
                "grouped products of 50 groups",
                4,
                4,
                IntStream.range(0, 50).map(i -> 1 + i % 3).toArray());
        all.put("product of halves", ProductScenarios::halves);
        all.put("product of kept weights", ProductScenarios::keptWeights);
        all.put("product of changing operands", ProductScenarios::changingOperands);
        RoundedScenarios.addTo(all);
    }

    private static void products(Map<String, KernelScenarios.Scenario> all) {
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
    private static void keptWeights(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers) {
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
    private static void grouped(
            Map<String, KernelScenarios.Scenario> all, String name, int inner, int columns, int... counts) {
        int[] start = new int[counts.length + 1];
        for (int group = 0; group < counts.length; group++) {
            start[group + 1] = start[group] + counts[group];
        }
        int rows = start[counts.length] + 2;
        all.put(name, (kernels, given, answers) -> {
            boolean aligned = name.contains("aligned");
            Matrix x = matrix(given, aligned, rows, inner);
            Matrix y = matrix(given, aligned, rows, columns);
            Matrix dx = matrix(given, aligned, rows, inner);
            List<Matrix> weights = matrices(given, aligned, counts.length, inner, columns);
            List<Matrix> gradients = matrices(given, aligned, counts.length, inner, columns);
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

    private static Matrix matrix(ScenarioInputs given, boolean aligned, int rows, int columns) {
        return aligned ? given.aligned(rows, columns) : given.matrix(rows, columns);
    }

    private static List<Matrix> matrices(ScenarioInputs given, boolean aligned, int count, int rows, int columns) {
        return IntStream.range(0, count)
                .mapToObj(i -> matrix(given, aligned, rows, columns))
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
    private static void halves(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers) {
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
    private static void changingOperands(Kernels kernels, ScenarioInputs given, ScenarioAnswers answers) {
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
}
