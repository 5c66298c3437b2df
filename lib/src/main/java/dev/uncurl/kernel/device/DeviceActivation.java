package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Activation;
import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.Matrix;

/** {@link Activation} on a device. */
final class DeviceActivation implements Activation {
    private final Launch launch;
    private final Bias bias;

    DeviceActivation(Launch launch, Bias bias) {
        this.launch = launch;
        this.bias = bias;
    }

    @Override
    public void forward(Matrix x, Matrix added, Matrix y) {
        launch.writes(x)
                .with(added)
                .writes(y)
                .with(x.columns())
                .twin(y)
                .rows(DeviceFunction.GELU_FORWARD, x.rows(), x.columns());
    }

    @Override
    public void backward(Matrix x, Matrix dy, Matrix dBias) {
        launch.with(x).writes(dy).with(x.columns()).twin(dy).rows(DeviceFunction.GELU_BACKWARD, x.rows(), x.columns());
        bias.columnSums(dy, dBias);
    }
}
