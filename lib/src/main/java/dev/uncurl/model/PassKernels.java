package dev.uncurl.model;

import dev.uncurl.kernel.Activation;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.CrossEntropy;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.GroupedProduct;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.LinearAssignment;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.Normalization;
import dev.uncurl.kernel.PassShape;
import dev.uncurl.kernel.Routing;
import java.util.function.IntConsumer;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The kernels of a model. For passes whose result may not depend on the batch, to the bit, the products are those that
 * compute each row on its own ({@link MatrixProduct#multiplyRows}); all other operations of a forward pass do so anyway.
 */
final class PassKernels implements Kernels {
    /** Products of a forward pass, each row on its own. */
    private static final class RowProduct implements MatrixProduct {
        private final MatrixProduct product;
        private final RowProduct exact;

        RowProduct(MatrixProduct product) {
            this.product = product;
            exact = product.exact() == product ? this : new RowProduct(product.exact());
        }

        @Override
        public void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c) {
            if (transposeA || beta != 0) {
                throw new IllegalArgumentException("Only the products of a forward pass can be computed row by row");
            }
            product.multiplyRows(a, b, transposeB, c);
        }

        @Override
        public void multiplyRows(Matrix a, Matrix b, boolean transposeB, Matrix c) {
            product.multiplyRows(a, b, transposeB, c);
        }

        @Override
        public MatrixProduct exact() {
            return exact;
        }

        /** Null where rows are independent: the bits of grouped products may depend on the groups. */
        @Override
        public GroupedProduct grouped() {
            return product.rowsAreIndependent() ? null : product.grouped();
        }

        @Override
        public boolean rowsAreIndependent() {
            return product.rowsAreIndependent();
        }
    }

    private final Kernels kernels;
    private final MatrixProduct rowProduct;
    private boolean byRows;

    PassKernels(Kernels kernels) {
        this.kernels = kernels;
        rowProduct = new RowProduct(kernels.matrixProduct());
    }

    /** To be called before a pass. @param rows whether its rows are to be independent of each other */
    void byRows(boolean rows) {
        byRows = rows;
    }

    @Override
    public MatrixProduct matrixProduct() {
        return byRows ? rowProduct : kernels.matrixProduct();
    }

    @Override
    public GatherScatter gatherScatter() {
        return kernels.gatherScatter();
    }

    @Override
    public Bias bias() {
        return kernels.bias();
    }

    @Override
    public Normalization normalization() {
        return kernels.normalization();
    }

    @Override
    public Activation activation() {
        return kernels.activation();
    }

    @Override
    public Attention attention() {
        return kernels.attention();
    }

    @Override
    public CrossEntropy crossEntropy() {
        return kernels.crossEntropy();
    }

    @Override
    public AdamW adamW() {
        return kernels.adamW();
    }

    @Override
    public LinearAssignment assignment() {
        return kernels.assignment();
    }

    @Override
    public FlatMemory allocate(DataType type, long elements) {
        return kernels.allocate(type, elements);
    }

    @Override
    public FlatMemory scratch(DataType type, long elements) {
        return kernels.scratch(type, elements);
    }

    @Override
    public long freeBytes() {
        return kernels.freeBytes();
    }

    @Override
    public long arenaBytes(long elements) {
        return kernels.arenaBytes(elements);
    }

    @Override
    public void keepRounded(FlatMemory weights) {
        kernels.keepRounded(weights);
    }

    @Override
    public long scratchBytes(PassShape shape) {
        return kernels.scratchBytes(shape);
    }

    @Override
    public long scratchHeld() {
        return kernels.scratchHeld();
    }

    @Override
    public void reserve(PassShape shape) {
        kernels.reserve(shape);
    }

    @Override
    public long logitBytes() {
        return kernels.logitBytes();
    }

    @Override
    public int logitAlignment() {
        return kernels.logitAlignment();
    }

    @Override
    public Routing routing(Routing.Shape shape) {
        return kernels.routing(shape);
    }

    @Override
    public int threads() {
        return kernels.threads();
    }

    @Override
    public void parallelFor(int jobs, IntConsumer job) {
        kernels.parallelFor(jobs, job);
    }

    @Override
    public void close() {
        kernels.close();
    }
}
