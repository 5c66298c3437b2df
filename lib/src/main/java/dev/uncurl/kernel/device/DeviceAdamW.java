package dev.uncurl.kernel.device;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Matrix;

/** {@link AdamW} on a device. Sums of squares are added in double, in an order that follows from the length alone. */
final class DeviceAdamW implements AdamW {
    private static final int THREADS = 512;
    private static final int MOST_BLOCKS = 1024;

    private final Launch launch;
    private final DeviceScratch partial;
    private final double[] sums = new double[MOST_BLOCKS];

    DeviceAdamW(Launch launch, DeviceScratch partial) {
        this.launch = launch;
        this.partial = partial;
    }

    private static long length(Matrix matrix) {
        return (long) matrix.rows() * matrix.columns();
    }

    static int blocks(long length) {
        return (int) Math.min(MOST_BLOCKS, (length + THREADS - 1) / THREADS);
    }

    @Override
    public double sumOfSquares(Matrix x) {
        long length = length(x);
        int blocks = blocks(length);
        if (blocks == 0) {
            return 0;
        }
        launch.with(x)
                .with(length)
                .with((length + blocks - 1) / blocks)
                .with(partial.reserve((long) blocks * Double.BYTES))
                .run(DeviceFunction.SUM_OF_SQUARES, blocks, 1, THREADS);
        partial.get(sums, 0, blocks);
        double sum = 0;
        for (int i = 0; i < blocks; i++) {
            sum += sums[i];
        }
        return sum;
    }

    @Override
    public void update(Coefficients c, Matrix parameters, Matrix gradient, Matrix first, Matrix second) {
        run(c, parameters, gradient, first, second, false);
    }

    @Override
    public void step(Coefficients c, Matrix parameters, Matrix gradient, Matrix first, Matrix second) {
        run(c, parameters, gradient, first, second, true);
    }

    /** @param apply whether the update is subtracted from the parameters, or becomes the gradient */
    private void run(Coefficients c, Matrix parameters, Matrix gradient, Matrix first, Matrix second, boolean apply) {
        long length = length(parameters);
        DeviceMemory.changed(apply ? parameters : gradient);
        launch.with(parameters)
                .with(gradient)
                .writes(first)
                .writes(second)
                .with(length)
                .with(c.beta1())
                .with(1 - c.beta1())
                .with(c.beta2())
                .with(1 - c.beta2())
                .with(c.epsilon())
                .with(c.stepSize())
                .with(c.secondCorrection())
                .with(c.decay())
                .with(c.gradientScale())
                .with(apply ? 1 : 0)
                .twin(apply ? parameters : null)
                .run(DeviceFunction.ADAM_W, blocks(length), 1, THREADS);
    }
}
