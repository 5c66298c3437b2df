package dev.uncurl.kernel;

/**
 * The primitives on host memory: loops of the Vector API over ND4J's own buffers, fused where that saves a pass, and
 * OpenBLAS at one thread. FLOAT only.
 */
public final class VectorKernels implements Kernels {
    private final Product product = new VectorProduct();
    private final Rows rows = new VectorRows();
    private final Bias bias = new VectorBias();
    private final Normalization normalization = new VectorNormalization();
    private final Activation activation = new VectorActivation();
    private final Attention attention = new VectorAttention();
    private final CrossEntropy crossEntropy = new VectorCrossEntropy();
    private final AdamW adamW = new VectorAdamW();

    @Override
    public Product product() {
        return product;
    }

    @Override
    public Rows rows() {
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
}
