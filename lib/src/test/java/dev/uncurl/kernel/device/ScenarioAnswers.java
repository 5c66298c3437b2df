package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Matrix;
import java.util.Arrays;

/** What a scenario computed, in order. */
final class ScenarioAnswers {
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
