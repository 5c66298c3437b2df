package dev.uncurl.kernel.vector;

import dev.uncurl.kernel.Activation;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.CrossEntropy;
import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.LinearAssignment;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.Normalization;
import java.util.function.IntConsumer;

/**
 * The kernels on host memory, FLOAT only: Vector API loops over ND4J's buffers, fused where that saves a pass, and
 * OpenBLAS, on a fixed number of threads. Work is divided by shapes alone, so results do not depend on the number of
 * threads, to the bit. {@link Nd4jKernels} are the reference; VectorKernelsTest compares the two.
 */
public final class VectorKernels implements Kernels {
    private final WorkerPool pool;
    private final MatrixProduct matrixProduct;
    private final GatherScatter gatherScatter;
    private final Bias bias;
    private final Normalization normalization;
    private final Activation activation;
    private final Attention attention;
    private final CrossEntropy crossEntropy;
    private final AdamW adamW;
    private final LinearAssignment assignment;

    /** Width of the vectors of loops, in bits. */
    public static int laneBits() {
        return VectorOps.SPECIES.vectorBitSize();
    }

    /** Kernels that run on the calling thread. */
    public VectorKernels() {
        this(1);
    }

    /** @param threads number of threads that run one call, including the caller */
    public VectorKernels(int threads) {
        pool = new WorkerPool(threads);
        matrixProduct = new VectorMatrixProduct(pool);
        gatherScatter = new VectorGatherScatter(pool);
        bias = new VectorBias(pool);
        normalization = new VectorNormalization(pool);
        activation = new VectorActivation(pool);
        attention = new VectorAttention(pool);
        crossEntropy = new VectorCrossEntropy(pool);
        adamW = new VectorAdamW(pool);
        assignment = new VectorAssignment();
    }

    @Override
    public MatrixProduct matrixProduct() {
        return matrixProduct;
    }

    @Override
    public GatherScatter gatherScatter() {
        return gatherScatter;
    }

    @Override
    public Bias bias() {
        return bias;
    }

    @Override
    public Normalization normalization() {
        return normalization;
    }

    @Override
    public Activation activation() {
        return activation;
    }

    @Override
    public Attention attention() {
        return attention;
    }

    @Override
    public CrossEntropy crossEntropy() {
        return crossEntropy;
    }

    @Override
    public AdamW adamW() {
        return adamW;
    }

    @Override
    public LinearAssignment assignment() {
        return assignment;
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    @Override
    public void parallelFor(int jobs, IntConsumer job) {
        pool.run(jobs, (index, worker) -> job.accept(index));
    }

    @Override
    public void close() {
        pool.close();
    }
}
