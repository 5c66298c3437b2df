package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.Matrix;

final class Nd4jBias implements Bias {
    @Override
    public void add(Matrix x, Matrix bias) {
        x.array().addi(bias.array());
    }

    @Override
    public void addResidual(Matrix residual, Matrix x, Matrix bias, Matrix target) {
        target.array().assign(residual.array().add(x.array()).addi(bias.array()));
    }

    @Override
    public void columnSums(Matrix x, Matrix sums) {
        sums.array().assign(x.array().sum(true, 0));
    }
}
