package dev.uncurl.kernel;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

final class Nd4jCrossEntropy implements CrossEntropy {
    @Override
    public void forward(Matrix logits, int[] targets, int first, double scale, double[] logProbabilities) {
        INDArray x = logits.array();
        INDArray largest = x.max(true, 1);
        INDArray exponentials = Transforms.exp(x.sub(largest));
        INDArray sum = exponentials.sum(true, 1);
        INDArray logSumExp = Transforms.log(sum).add(largest);
        for (int row = 0; row < logits.rows(); row++) {
            logProbabilities[first + row] = x.getDouble(row, targets[first + row]) - logSumExp.getDouble(row, 0);
        }
        if (scale == 0) {
            return;
        }
        x.assign(exponentials.div(sum).mul(scale));
        for (int row = 0; row < logits.rows(); row++) {
            int target = targets[first + row];
            x.putScalar(row, target, x.getDouble(row, target) - scale);
        }
    }
}
