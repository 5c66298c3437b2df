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
 * The kernels as plain ND4J operations, in FLOAT or DOUBLE. They are the oracle of {@link VectorKernels}, and they run
 * on backends whose memory the host cannot access: values are copied to and from the host as small arrays, never as
 * single elements or addresses of an arena. Written for readability, not speed.
 */
public final class Nd4jKernels implements Kernels {
    @Override
    public MatrixProduct matrixProduct() {
        return new Nd4jMatrixProduct();
    }

    @Override
    public GatherScatter gatherScatter() {
        return new Nd4jGatherScatter();
    }

    @Override
    public Bias bias() {
        return new Nd4jBias();
    }

    @Override
    public Normalization normalization() {
        return new Nd4jNormalization();
    }

    @Override
    public Activation activation() {
        return new Nd4jActivation();
    }

    @Override
    public Attention attention() {
        return new Nd4jAttention();
    }

    @Override
    public CrossEntropy crossEntropy() {
        return new Nd4jCrossEntropy();
    }

    @Override
    public AdamW adamW() {
        return new Nd4jAdamW();
    }

    @Override
    public LinearAssignment assignment() {
        return PlainAssignment::maximize;
    }
}
