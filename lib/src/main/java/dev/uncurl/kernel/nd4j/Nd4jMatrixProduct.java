package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import org.nd4j.linalg.factory.Nd4j;

final class Nd4jMatrixProduct implements MatrixProduct {
    @Override
    public void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c) {
        boolean nothing = c.rows() == 0 || c.columns() == 0 || (transposeA ? a.rows() : a.columns()) == 0;
        if (!nothing) {
            Nd4j.gemm(a.array(), b.array(), c.array(), transposeA, transposeB, 1.0, beta);
        } else if (beta == 0) {
            c.zero();
        }
    }
}
