package dev.uncurl.kernel;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.factory.Nd4j;

/**
 * OpenBLAS on ND4J's buffers, one thread a call: the longer side of the result is cut into panels, each a call of its
 * own. The panels depend on the shapes alone, since the order of OpenBLAS's sums may depend on a panel's size.
 */
final class VectorProduct implements Product {
    /** A panel is no thinner, or packing the operands takes longer than multiplying them. */
    private static final int THINNEST = 256;
    /** Where two panels are all that a small result with many terms allows. */
    private static final int THINNEST_PAIR = 128;

    private static final int MOST_PANELS = 32;
    /** Multiplications of a panel: some hundred microseconds. */
    private static final long LEAST_WORK = 1L << 23;

    /** Set once per JVM, after ND4J has set what it wants. */
    private static final class SingleThread {
        static {
            Nd4j.getBlasWrapper();
            openblas.blas_set_num_threads(1);
        }

        static void ensure() {}
    }

    private final Team team;

    VectorProduct(Team team) {
        this.team = team;
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
        FloatPointer left = a.pointer();
        FloatPointer right = b.pointer();
        FloatPointer result = c.pointer();
        boolean byRows = c.rows() >= c.columns();
        int length = byRows ? c.rows() : c.columns();
        int panel = panel(length, (long) inner * c.rows() * c.columns());
        team.split(length, panel, (from, to, worker) -> {
            int rows = byRows ? to - from : c.rows();
            int columns = byRows ? c.columns() : to - from;
            long leftAt = !byRows ? 0 : transposeA ? from : (long) from * a.columns();
            long rightAt = byRows ? 0 : transposeB ? (long) from * b.columns() : from;
            multiply(
                    transposeA,
                    transposeB,
                    rows,
                    columns,
                    inner,
                    1f,
                    left.getPointer(leftAt),
                    a.columns(),
                    right.getPointer(rightAt),
                    b.columns(),
                    beta,
                    result.getPointer(byRows ? (long) from * c.columns() : from),
                    c.columns());
        });
    }

    /** Length of a panel, a multiple of 16. */
    private static int panel(int length, long work) {
        int panels = 1;
        while (panels < MOST_PANELS
                && work / (2 * panels) >= LEAST_WORK
                && length / (2 * panels) >= (panels == 1 ? THINNEST_PAIR : THINNEST)) {
            panels *= 2;
        }
        return panels == 1 ? Math.max(length, 1) : ((length + panels - 1) / panels + 15) / 16 * 16;
    }

    /** c = alpha a b + beta c, with leading dimensions, so that a head's columns are used where they stand. */
    static void multiply(
            boolean transposeA,
            boolean transposeB,
            int rows,
            int columns,
            int inner,
            float alpha,
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
                alpha,
                a,
                leadingA,
                b,
                leadingB,
                beta,
                c,
                leadingC);
    }
}
