package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Matrix;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/** The operands of a matrix product c = a b, any block of which can be computed separately. */
record Operands(Matrix a, boolean transposeA, Matrix b, boolean transposeB, Matrix c) {
    Operands {
        int inner = transposeA ? a.rows() : a.columns();
        if (inner != (transposeB ? b.columns() : b.rows())
                || c.rows() != (transposeA ? a.columns() : a.rows())
                || c.columns() != (transposeB ? b.rows() : b.columns())) {
            throw new IllegalArgumentException("Product of " + a.rows() + " x " + a.columns() + " and " + b.rows()
                    + " x " + b.columns() + " into " + c.rows() + " x " + c.columns());
        }
    }

    /** Pointers that one thread reuses from block to block. */
    static final class Windows {
        private final Window a = new Window();
        private final Window b = new Window();
        private final Window c = new Window();
    }

    /** The same product with its result elsewhere. */
    Operands into(Matrix other) {
        return new Operands(a, transposeA, b, transposeB, other);
    }

    /** Terms of each sum. */
    int inner() {
        return transposeA ? a.rows() : a.columns();
    }

    /** c = a b + beta c for the given rows, columns and terms; all end indices are exclusive. */
    void multiply(int row, int toRow, int column, int toColumn, int term, int toTerm, float beta, Windows windows) {
        multiply(
                transposeA,
                transposeB,
                toRow - row,
                toColumn - column,
                toTerm - term,
                1f,
                windows.a.to(a.pointer(), transposeA ? at(a, term, row) : at(a, row, term)),
                a.columns(),
                windows.b.to(b.pointer(), transposeB ? at(b, column, term) : at(b, term, column)),
                b.columns(),
                beta,
                windows.c.to(c.pointer(), at(c, row, column)),
                c.columns());
    }

    private static long at(Matrix matrix, int row, int column) {
        return (long) row * matrix.columns() + column;
    }

    /** c = alpha a b + beta c, with leading dimensions, so that a head's columns can be used in place. */
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
