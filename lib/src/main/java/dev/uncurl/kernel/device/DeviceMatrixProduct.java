package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.device.BatchedProduct.Operand;

/** {@link MatrixProduct} by the device's library. */
final class DeviceMatrixProduct implements MatrixProduct {
    private final Device device;

    DeviceMatrixProduct(Device device) {
        this.device = device;
    }

    @Override
    public void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c) {
        int inner = transposeA ? a.rows() : a.columns();
        if (inner != (transposeB ? b.columns() : b.rows())
                || c.rows() != (transposeA ? a.columns() : a.rows())
                || c.columns() != (transposeB ? b.rows() : b.columns())) {
            throw new IllegalArgumentException("Product of " + a.rows() + " x " + a.columns() + " and " + b.rows()
                    + " x " + b.columns() + " into " + c.rows() + " x " + c.columns());
        }
        if (inner == 0 && beta == 0) {
            c.zero();
        }
        if (inner > 0 && c.rows() > 0 && c.columns() > 0) {
            device.multiply(new BatchedProduct(
                    transposeA,
                    transposeB,
                    c.rows(),
                    c.columns(),
                    inner,
                    1,
                    operand(a),
                    operand(b),
                    beta,
                    operand(c),
                    1));
        }
    }

    private static Operand operand(Matrix matrix) {
        return new Operand(DeviceMemory.address(matrix), matrix.columns(), 0);
    }
}
