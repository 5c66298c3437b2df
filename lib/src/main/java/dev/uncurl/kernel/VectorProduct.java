package dev.uncurl.kernel;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.factory.Nd4j;

/** OpenBLAS on ND4J's buffers. */
final class VectorProduct implements Product {
    /** Set once per JVM, after ND4J has set what it wants: a model runs on the one thread that calls it. */
    private static final class SingleThread {
        static {
            Nd4j.getBlasWrapper();
            openblas.blas_set_num_threads(1);
        }

        static void ensure() {}
    }

    VectorProduct() {
        SingleThread.ensure();
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
        if (inner == 0 || c.rows() == 0) {
            return;
        }
        multiply(
                transposeA,
                transposeB,
                c.rows(),
                c.columns(),
                inner,
                a.pointer(),
                a.columns(),
                b.pointer(),
                b.columns(),
                beta,
                c.pointer(),
                c.columns());
    }

    /** With leading dimensions, so that a head's columns are used where they stand. */
    static void multiply(
            boolean transposeA,
            boolean transposeB,
            int rows,
            int columns,
            int inner,
            FloatPointer a,
            int leadingA,
            FloatPointer b,
            int leadingB,
            float beta,
            FloatPointer c,
            int leadingC) {
        openblas.cblas_sgemm(
                openblas.CblasRowMajor,
                transposeA ? openblas.CblasTrans : openblas.CblasNoTrans,
                transposeB ? openblas.CblasTrans : openblas.CblasNoTrans,
                rows,
                columns,
                inner,
                1f,
                a,
                leadingA,
                b,
                leadingB,
                beta,
                c,
                leadingC);
    }
}
