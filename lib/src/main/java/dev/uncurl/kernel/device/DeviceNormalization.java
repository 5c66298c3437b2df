package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.Normalization;

/** {@link Normalization} on a device. */
final class DeviceNormalization implements Normalization {
    /** Of the forward pass: a warp for each row. */
    private static final int THREADS = 256;

    private static final int ROWS_OF_BLOCK = THREADS / Launch.WARP;

    private final Launch launch;
    private final ColumnParts parts;

    DeviceNormalization(Launch launch, ColumnParts parts) {
        this.launch = launch;
        this.parts = parts;
    }

    @Override
    public void forward(Matrix x, Matrix gain, Matrix bias, Matrix statistics, Matrix y) {
        launch.with(x)
                .with(gain)
                .with(bias)
                .writes(statistics)
                .writes(y)
                .with(x.rows())
                .with(x.columns())
                .with(EPSILON)
                .twin(y)
                .run(DeviceFunction.NORM_FORWARD, (x.rows() + ROWS_OF_BLOCK - 1) / ROWS_OF_BLOCK, 1, THREADS);
    }

    @Override
    public void backward(Matrix x, Matrix gain, Matrix statistics, Matrix dy, Matrix dx, Matrix dGain, Matrix dBias) {
        int rows = x.rows();
        int columns = x.columns();
        launch.with(x)
                .with(gain)
                .with(statistics)
                .with(dy)
                .writes(dx)
                .with(columns)
                .twin(dx)
                .rows(DeviceFunction.NORM_BACKWARD, rows, columns);
        DeviceMemory.changed(dGain);
        DeviceMemory.changed(dBias);
        int count = ColumnParts.parts(rows);
        long gains = count == 1 ? DeviceMemory.address(dGain) : parts.partial(rows, columns, 2);
        long biases = count == 1 ? DeviceMemory.address(dBias) : gains + (long) count * columns * Float.BYTES;
        launch.with(x)
                .with(statistics)
                .with(dy)
                .with(gains)
                .with(biases)
                .with(rows)
                .with(columns)
                .with(ColumnParts.rowsOfPart(rows))
                .run(DeviceFunction.NORM_BACKWARD_PARAMETERS, ColumnParts.blocks(columns), count, ColumnParts.THREADS);
        if (count > 1) {
            parts.add(gains, rows, dGain);
            parts.add(biases, rows, dBias);
        }
    }
}
