package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import java.util.Arrays;
import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@link MatrixProduct} by OpenBLAS on ND4J's buffers, single-threaded within OpenBLAS: the longer side of the result
 * is divided into panels, each a separate call. Panels depend on the shapes alone, since the order of OpenBLAS's sums
 * may depend on the size of a panel.
 *
 * <p>OpenBLAS first copies both operands into its own layout. With few rows, as for one of many experts, copying the
 * weights takes longer than multiplying them. For products of up to a million multiplications, its AVX-512 targets have
 * kernels that use the operands in place; therefore thin products are divided into {@link Tiles} of that size.
 *
 * <p>Small results with long sums are divided by {@link TermPanels} instead.
 *
 * <p>Reference: Nd4jMatrixProduct. Checked by VectorKernelsTest.productsInPanelsAgree, KernelEdgesTest, TilesTest and
 * TermPanelsTest; timed by EngineBench and AssignmentBench.
 */
final class VectorMatrixProduct implements MatrixProduct {
    /** Minimal width of a panel; for each, OpenBLAS copies the other operand anew. */
    private static final int THINNEST = 512;
    /** Minimal width if there are only two panels, for small results with many terms. */
    private static final int THINNEST_PAIR = 128;

    private static final int MOST_PANELS = 32;
    /** Minimal number of multiplications of a panel, a few hundred microseconds. */
    private static final long LEAST_WORK = 1L << 23;

    /** Sets OpenBLAS's threads once per JVM, after ND4J has set its own number. */
    private static final class SingleThread {
        static {
            Nd4j.getBlasWrapper();
            openblas.blas_set_num_threads(1);
        }

        static void ensure() {}
    }

    private final WorkerPool pool;
    private final Operands.Windows[] windows;
    private final RowPanels[] rowPanels;
    private final TermPanels termPanels;

    VectorMatrixProduct(WorkerPool pool) {
        this.pool = pool;
        windows = new Operands.Windows[pool.threads()];
        Arrays.setAll(windows, worker -> new Operands.Windows());
        rowPanels = new RowPanels[pool.threads()];
        Arrays.setAll(rowPanels, worker -> new RowPanels(windows[worker]));
        termPanels = new TermPanels(pool, windows);
        SingleThread.ensure();
    }

    @Override
    public void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c) {
        var operands = new Operands(a, transposeA, b, transposeB, c);
        int inner = operands.inner();
        if (inner == 0 && beta == 0) {
            c.zero();
        }
        if (inner == 0 || c.rows() == 0) {
            return;
        }
        boolean byRows = c.rows() >= c.columns();
        int length = byRows ? c.rows() : c.columns();
        long work = (long) inner * c.rows() * c.columns();
        Tiles tiles = Tiles.of(operands, work);
        int parts = tiles == null ? TermPanels.parts(c.rows(), inner, c.columns()) : 1;
        if (parts > 1) {
            termPanels.multiply(operands, parts, beta);
            return;
        }
        pool.split(length, panel(length, work), (from, to, worker) -> {
            int row = byRows ? from : 0;
            int toRow = byRows ? to : c.rows();
            int column = byRows ? 0 : from;
            int toColumn = byRows ? c.columns() : to;
            if (tiles == null) {
                operands.multiply(row, toRow, column, toColumn, 0, inner, beta, windows[worker]);
            } else {
                tiles.multiply(operands, row, toRow, column, toColumn, beta, windows[worker]);
            }
        });
    }

    @Override
    public void multiplyRows(Matrix a, Matrix b, boolean transposeB, Matrix c) {
        if (!rowsAreIndependent()) {
            multiply(a, false, b, transposeB, 0, c); // faster with few rows; its bits depend on the shapes alone
            return;
        }
        var operands = new Operands(a, false, b, transposeB, c);
        if (operands.inner() == 0) {
            c.zero();
        }
        if (operands.inner() == 0 || c.rows() == 0 || c.columns() == 0) {
            return;
        }
        int panel = RowPanels.length(operands, pool.threads());
        int panels = Math.max(1, c.rows() / panel);
        pool.run(panels, (index, worker) -> {
            int to = index + 1 == panels ? c.rows() : (index + 1) * panel;
            rowPanels[worker].multiply(operands, index * panel, to);
        });
    }

    @Override
    public boolean rowsAreIndependent() {
        return RowPanels.Probe.INDEPENDENT;
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
}
