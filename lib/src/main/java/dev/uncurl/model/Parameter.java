package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ParameterLayout;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One tensor in the flat arrays; a vector is a matrix with one row.
 *
 * @param gradient null in a model for scoring
 */
record Parameter(Matrix value, Matrix gradient) {

    /** The tensors of a model by name. */
    record Source(ParameterLayout layout, INDArray values, INDArray gradients) {
        Parameter get(String name) {
            var tensor = layout.tensor(name);
            int columns = tensor.shape().get(tensor.shape().size() - 1);
            int rows = (int) (tensor.length() / columns);
            return new Parameter(
                    Matrix.of(values, tensor.offset(), rows, columns),
                    gradients == null ? null : Matrix.of(gradients, tensor.offset(), rows, columns));
        }
    }
}
