package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.Matrix;

/** {@link Bias} on a device. */
final class DeviceBias implements Bias {
    private final Launch launch;
    private final ColumnParts parts;

    DeviceBias(Launch launch, ColumnParts parts) {
        this.launch = launch;
        this.parts = parts;
    }

    @Override
    public void add(Matrix x, Matrix bias) {
        addResidual(null, x, bias, x);
    }

    @Override
    public void addResidual(Matrix residual, Matrix x, Matrix bias, Matrix target) {
        launch.with(residual)
                .with(x)
                .with(bias)
                .writes(target)
                .with(x.columns())
                .twin(residual == null ? target : null)
                .rows(DeviceFunction.ADD_BIAS, x.rows(), x.columns());
    }

    @Override
    public void columnSums(Matrix x, Matrix sums) {
        DeviceMemory.changed(sums);
        int rows = x.rows();
        int columns = x.columns();
        boolean whole = ColumnParts.parts(rows) == 1;
        long partial = whole ? DeviceMemory.address(sums) : parts.partial(rows, columns, 1);
        launch.with(x)
                .with(partial)
                .with(rows)
                .with(columns)
                .with(ColumnParts.rowsOfPart(rows))
                .run(
                        DeviceFunction.COLUMN_SUMS,
                        ColumnParts.blocks(columns),
                        ColumnParts.parts(rows),
                        ColumnParts.THREADS);
        if (!whole) {
            parts.add(partial, rows, sums);
        }
    }
}
