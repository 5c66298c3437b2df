package dev.uncurl.kernel;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The numeric primitives of the model on off-heap matrices. An instance has scratch memory of its own and belongs to one
 * thread; parallelism comes from running several models at once.
 */
public interface Kernels {
    Product product();

    Rows rows();

    Bias bias();

    Normalization normalization();

    Activation activation();

    Attention attention();

    CrossEntropy crossEntropy();

    AdamW adamW();

    /** The fastest kernels that this JVM can run on FLOAT arrays. */
    static Kernels best() {
        return Choice.VECTORS ? new VectorKernels() : new Nd4jKernels();
    }

    /** The fastest kernels for arrays of this type. */
    static Kernels best(DataType type) {
        return type == DataType.FLOAT ? best() : new Nd4jKernels();
    }

    /** Decided, and said, once per JVM. */
    final class Choice {
        private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);
        private static final boolean VECTORS = decide();

        private Choice() {}

        private static boolean decide() {
            boolean module =
                    ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
            String backend = Nd4j.getBackend().getClass().getSimpleName();
            boolean host = backend.equals("CpuBackend");
            if (!module && host) {
                LOG.warn("Plain ND4J kernels, several times slower: start the JVM with"
                        + " --add-modules jdk.incubator.vector (in Spark: spark.driver.extraJavaOptions and"
                        + " spark.executor.extraJavaOptions) for the fused ones");
            } else if (!host) {
                LOG.info("Plain ND4J kernels on {}", backend);
            }
            return module && host;
        }
    }
}
