package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.Normalization;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

final class Nd4jNormalization implements Normalization {
    @Override
    public void forward(Matrix x, Matrix gain, Matrix bias, Matrix statistics, Matrix y) {
        INDArray mean = x.array().mean(true, 1);
        INDArray centred = x.array().sub(mean);
        INDArray variance = centred.mul(centred).mean(true, 1);
        INDArray reciprocal = Transforms.sqrt(variance.add(EPSILON)).rdivi(1.0);
        statistics.array().assign(Nd4j.hstack(mean, reciprocal));
        y.array().assign(centred.mul(reciprocal).mul(gain.array()).add(bias.array()));
    }

    @Override
    public void backward(Matrix x, Matrix gain, Matrix statistics, Matrix dy, Matrix dx, Matrix dGain, Matrix dBias) {
        INDArray mean = statistics.array().getColumn(0, true).dup();
        INDArray reciprocal = statistics.array().getColumn(1, true).dup();
        INDArray normalized = x.array().sub(mean).mul(reciprocal);
        INDArray scaled = dy.array().mul(gain.array());
        dGain.array().assign(dy.array().mul(normalized).sum(true, 0));
        dBias.array().assign(dy.array().sum(true, 0));
        INDArray meanScaled = scaled.mean(true, 1);
        INDArray meanProduct = scaled.mul(normalized).mean(true, 1);
        dx.array().addi(scaled.sub(meanScaled).sub(normalized.mul(meanProduct)).mul(reciprocal));
    }
}
