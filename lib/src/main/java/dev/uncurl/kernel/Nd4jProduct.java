package dev.uncurl.kernel;

import org.nd4j.linalg.factory.Nd4j;

final class Nd4jProduct implements Product {
    @Override
    public void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c) {
        Nd4j.gemm(a.array(), b.array(), c.array(), transposeA, transposeB, 1.0, beta);
    }
}
