package dev.uncurl.kernel.nd4j;

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
import dev.uncurl.kernel.vector.VectorKernels;

/**
 * The primitives as plain ND4J operations: the oracle of {@link VectorKernels}, in FLOAT or DOUBLE, and the road to
 * backends whose memory the host cannot see: values come from and go to the host as small arrays of their own, never as
 * single elements or addresses of an arena. Written to be read, not to be fast.
 */
public final class Nd4jKernels implements Kernels {
    private final MatrixProduct product = new Nd4jMatrixProduct();
    private final GatherScatter rows = new Nd4jGatherScatter();
    private final Bias bias = new Nd4jBias();
    private final Normalization normalization = new Nd4jNormalization();
    private final Activation activation = new Nd4jActivation();
    private final Attention attention = new Nd4jAttention();
    private final CrossEntropy crossEntropy = new Nd4jCrossEntropy();
    private final AdamW adamW = new Nd4jAdamW();

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
        return PlainAssignment::maximize;
    }
}
