package dev.uncurl.kernel.device;

import dev.uncurl.kernel.GroupedProduct;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.device.BatchedProduct.Operand;
import dev.uncurl.kernel.device.BatchedProduct.Terms;

/** {@link MatrixProduct} by the device's library. */
final class DeviceMatrixProduct implements MatrixProduct {
    private final Device device;
    private final Terms terms;
    /** Null, if operands are taken as they are in memory. */
    private final RoundedOperands rounded;

    private final MatrixProduct exact;
    private final GroupedProduct grouped;

    /** @param rounded null for a device that does not take bfloat16 */
    DeviceMatrixProduct(Device device, RoundedOperands rounded, GroupedProduct grouped) {
        this(device, rounded == null ? Terms.ROUNDED : Terms.BF16, rounded, grouped);
    }

    private DeviceMatrixProduct(Device device, Terms terms, RoundedOperands rounded, GroupedProduct grouped) {
        this.device = device;
        this.terms = terms;
        this.rounded = rounded;
        this.grouped = grouped;
        exact = terms == Terms.EXACT ? this : new DeviceMatrixProduct(device, Terms.EXACT, null, null);
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
        if (inner == 0 || c.rows() == 0 || c.columns() == 0) {
            return;
        }
        if (rounded == null) {
            multiply(operand(a), transposeA, operand(b), transposeB, inner, beta, c);
        } else {
            rounded.take(a, b);
            multiply(rounded.left(), transposeA, rounded.right(), transposeB, inner, beta, c);
            rounded.written(c);
        }
    }

    private void multiply(
            Operand a, boolean transposeA, Operand b, boolean transposeB, int inner, float beta, Matrix c) {
        device.multiply(new BatchedProduct(
                transposeA, transposeB, c.rows(), c.columns(), inner, 1, a, b, beta, operand(c), 1, terms));
        DeviceMemory.changed(c);
    }

    @Override
    public MatrixProduct exact() {
        return exact;
    }

    @Override
    public GroupedProduct grouped() {
        return grouped;
    }

    static Operand operand(Matrix matrix) {
        return new Operand(DeviceMemory.addressOfRows(matrix), matrix.leading(), 0);
    }
}
