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
    private final MatrixProduct exact;
    private final GroupedProduct grouped;

    /** @param terms of products that need not be exact */
    DeviceMatrixProduct(Device device, Terms terms, GroupedProduct grouped) {
        this.device = device;
        this.terms = terms;
        this.grouped = grouped;
        exact = terms == Terms.EXACT ? this : new DeviceMatrixProduct(device, Terms.EXACT, null);
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
        device.multiply(new BatchedProduct(
                transposeA,
                transposeB,
                c.rows(),
                c.columns(),
                inner,
                1,
                operand(a, terms),
                operand(b, terms),
                beta,
                operand(c),
                1,
                terms));
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

    /** What is multiplied: in bfloat16 the matrix's copy, else itself. */
    static Operand operand(Matrix matrix, Terms terms) {
        return terms == Terms.BF16 ? new Operand(DeviceMemory.rounded(matrix), matrix.leading(), 0) : operand(matrix);
    }

    static Operand operand(Matrix matrix) {
        return new Operand(DeviceMemory.addressOfRows(matrix), matrix.leading(), 0);
    }
}
