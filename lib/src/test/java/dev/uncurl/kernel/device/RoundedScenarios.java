package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.util.Map;

/** Products of matrices that have been operands before, and that other kernels have written since. */
final class RoundedScenarios {
    private static final int ROWS = 70;
    private static final int COLUMNS = 300;

    private RoundedScenarios() {}

    /** Writes all elements of a matrix. */
    private interface Writer {
        void write(Kernels kernels, ScenarioInputs given, Matrix target);
    }

    static void addTo(Map<String, KernelScenarios.Scenario> all) {
        written(all, "norm", (kernels, given, y) -> {
            Matrix statistics = given.matrix(ROWS, 2);
            kernels.normalization().forward(like(given), row(given), row(given), statistics, y);
        });
        written(all, "norm backward", (kernels, given, dx) -> {
            Matrix x = like(given);
            Matrix gain = row(given);
            Matrix statistics = given.matrix(ROWS, 2);
            kernels.normalization().forward(x, gain, row(given), statistics, like(given));
            kernels.normalization().backward(x, gain, statistics, like(given), dx, row(given), row(given));
        });
        written(all, "gelu", (kernels, given, y) -> kernels.activation().forward(like(given), row(given), y));
        written(all, "gelu, added bias", (kernels, given, x) -> kernels.activation()
                .forward(x, row(given), like(given)));
        written(all, "gelu backward", (kernels, given, dy) -> kernels.activation()
                .backward(like(given), dy, row(given)));
        written(all, "bias", (kernels, given, x) -> kernels.bias().add(x, row(given)));
        written(all, "residual", (kernels, given, target) -> kernels.bias()
                .addResidual(like(given), like(given), row(given), target));
        written(all, "gather", (kernels, given, target) -> kernels.gatherScatter()
                .gather(like(given), given.indices(ROWS, ROWS, true), given.values(ROWS), target));
        written(all, "gather, added", (kernels, given, target) -> kernels.gatherScatter()
                .gatherAdd(target, like(given), given.indices(ROWS, ROWS, true), null, target));
        written(all, "scatter", (kernels, given, target) -> kernels.gatherScatter()
                .scatterAdd(like(given), given.indices(ROWS, ROWS, false), target));
        written(all, "cross-entropy", (kernels, given, logits) -> kernels.crossEntropy()
                .forward(logits, given.indices(ROWS, COLUMNS, false), 0, 2, new double[ROWS]));
        written(all, "cross-entropy without gradient", (kernels, given, logits) -> kernels.crossEntropy()
                .forward(logits, given.indices(ROWS, COLUMNS, false), 0, 0, new double[ROWS]));
    }

    private static Matrix like(ScenarioInputs given) {
        return given.matrix(ROWS, COLUMNS);
    }

    private static Matrix row(ScenarioInputs given) {
        return given.matrix(1, COLUMNS);
    }

    private static void written(Map<String, KernelScenarios.Scenario> all, String name, Writer writer) {
        all.put("rounded: " + name, (kernels, given, answers) -> {
            Matrix operand = name.startsWith("cross-entropy") ? given.logits(ROWS, COLUMNS) : like(given);
            Matrix other = given.matrix(COLUMNS, 9);
            Matrix product = given.matrix(ROWS, 9);
            kernels.matrixProduct().multiply(operand, false, other, false, 0, product);
            writer.write(kernels, given, operand);
            kernels.matrixProduct().multiply(operand, false, other, false, 0, product);
            answers.add(product);
        });
    }
}
