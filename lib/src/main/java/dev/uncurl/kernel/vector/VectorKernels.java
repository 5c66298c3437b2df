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
 * The primitives on host memory: loops of the Vector API over ND4J's own buffers, fused where that saves a pass, and
 * OpenBLAS, on a set number of threads. How the work is cut depends on shapes alone, so the bits of a result do not
 * depend on that number. FLOAT only.
 */
public final class VectorKernels implements Kernels {
    private final WorkerPool team;
    private final MatrixProduct product;
    private final GatherScatter rows;
    private final Bias bias;
    private final Normalization normalization;
    private final Activation activation;
    private final Attention attention;
    private final CrossEntropy crossEntropy;
    private final AdamW adamW;
    private final LinearAssignment assignment;

    /** On the thread that calls. */
    public VectorKernels() {
        this(1);
    }

    /** @param threads that work on one call, the caller among them */
    public VectorKernels(int threads) {
        team = new WorkerPool(threads);
        product = new VectorMatrixProduct(team);
        rows = new VectorGatherScatter(team);
        bias = new VectorBias(team);
        normalization = new VectorNormalization(team);
        activation = new VectorActivation(team);
        attention = new VectorAttention(team);
        crossEntropy = new VectorCrossEntropy(team);
        adamW = new VectorAdamW(team);
        assignment = new VectorAssignment();
    }

    @Override
    public MatrixProduct product() {
        return product;
    }

    @Override
    public GatherScatter rows() {
        return rows;
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
        return team.threads();
    }

    @Override
    public void sideBySide(int jobs, IntConsumer job) {
        team.run(jobs, (index, worker) -> job.accept(index));
    }

    @Override
    public void close() {
        team.close();
    }
}
