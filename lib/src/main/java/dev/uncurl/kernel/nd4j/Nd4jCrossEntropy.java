package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.CrossEntropy;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.shape.OneHot;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** {@link CrossEntropy} in plain ND4J operations. Targets are selected by a product with one-hot rows, because reading
 * single elements would fetch them from the device one by one. */
final class Nd4jCrossEntropy implements CrossEntropy {
    @Override
    public void forward(Matrix logits, int[] targets, int first, double scale, double[] logProbabilities) {
        INDArray x = logits.array();
        INDArray oneHot = oneHot(Arrays.copyOfRange(targets, first, first + logits.rows()), x);
        INDArray largest = x.max(true, 1);
        INDArray exponentials = Transforms.exp(x.sub(largest));
        INDArray sum = exponentials.sum(true, 1);
        INDArray logSumExp = Transforms.log(sum).add(largest);
        INDArray picked = x.mul(oneHot).sum(true, 1).sub(logSumExp);
        System.arraycopy(picked.dup('c').data().asDouble(), 0, logProbabilities, first, logits.rows());
        if (scale != 0) {
            x.assign(exponentials.div(sum).sub(oneHot).mul(scale));
        }
    }

    /** [R, V] of the logits' type. */
    private static INDArray oneHot(int[] targets, INDArray logits) {
        return Nd4j.exec(new OneHot(Nd4j.createFromArray(targets), (int) logits.size(1), -1, 1, 0, logits.dataType()))[
                0];
    }
}
