package dev.uncurl.model;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ParameterLayout;

/**
 * One tensor in the flat arrays; a vector is a matrix with one row.
 *
 * @param gradient null in a model for scoring
 */
record Parameter(Matrix value, Matrix gradient) {

    /** The tensors of a model by name. */
    record Source(ParameterLayout layout, FlatMemory values, FlatMemory gradients) {
        Parameter get(String name) {
            var tensor = layout.tensor(name);
            int columns = tensor.shape().get(tensor.shape().size() - 1);
            int rows = (int) (tensor.length() / columns);
            return new Parameter(
                    values.matrix(tensor.offset(), rows, columns),
                    gradients == null ? null : gradients.matrix(tensor.offset(), rows, columns));
        }
    }
}
