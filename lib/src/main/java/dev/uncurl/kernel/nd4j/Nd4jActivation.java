package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.Activation;
import dev.uncurl.kernel.Matrix;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** {@link Activation} in plain ND4J operations. ND4J's own PreciseGELU is not used: its gradient fails a gradient check
 * in M2.1. */
final class Nd4jActivation implements Activation {
    private static final double SLOPE = Math.sqrt(2 / Math.PI);
    private static final double CUBIC = 0.044715;

    private static INDArray tanh(INDArray x) {
        return Transforms.tanh(x.mul(x).mul(CUBIC).add(1).mul(x).mul(SLOPE));
    }

    @Override
    public void forward(Matrix x, Matrix bias, Matrix y) {
        x.array().addi(bias.array());
        y.array().assign(tanh(x.array()).add(1).mul(x.array()).mul(0.5));
    }

    @Override
    public void backward(Matrix x, Matrix dy, Matrix dBias) {
        INDArray in = x.array();
        INDArray tanh = tanh(in);
        INDArray inner = in.mul(in).mul(3 * CUBIC).add(1).mul(SLOPE);
        INDArray slope =
                tanh.mul(tanh).rsub(1).mul(in).mul(inner).add(tanh).add(1).mul(0.5);
        dy.array().muli(slope);
        dBias.array().assign(dy.array().sum(true, 0));
    }
}
