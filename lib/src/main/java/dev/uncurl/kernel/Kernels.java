package dev.uncurl.kernel;

import dev.uncurl.error.Refusal;
import java.util.function.IntConsumer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The numeric primitives of the model, and of merging its experts, on off-heap matrices. An instance has scratch memory of its own and one caller at
 * a time, whom further threads may help.
 */
public interface Kernels extends AutoCloseable {
    /**
     * System property: threads that work on one call of {@link #best()} kernels, the caller among them; 1 when it is not
     * set. In Spark it is to equal spark.task.cpus.
     */
    String THREADS = "uncurl.threads";

    Product product();

    Rows rows();

    Bias bias();

    Normalization normalization();

    Activation activation();

    Attention attention();

    CrossEntropy crossEntropy();

    AdamW adamW();

    LinearAssignment assignment();

    /** Threads that work on one call, the caller among them. */
    default int threads() {
        return 1;
    }

    /**
     * Runs jobs 0 to {@code jobs - 1}, which must not depend on one another, possibly at the same time, and returns when
     * all are done. Jobs may use all kernels but the optimiser's, on matrices of their own.
     */
    default void sideBySide(int jobs, IntConsumer job) {
        for (int index = 0; index < jobs; index++) {
            job.accept(index);
        }
    }

    /** Ends the helping threads. Kernels that nobody holds any more end theirs too. */
    @Override
    default void close() {}

    /** The fastest kernels that this JVM can run on FLOAT arrays, on {@link #THREADS} threads. */
    static Kernels best() {
        return Choice.VECTORS ? new VectorKernels(Choice.threads()) : new Nd4jKernels();
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

        private static int threads() {
            String value = System.getProperty(THREADS, "1");
            int threads = value.matches("[0-9]{1,4}") ? Integer.parseInt(value) : 0;
            if (threads < 1) {
                throw Refusal.usage(
                        "System property " + THREADS + " = " + value,
                        "Give the number of threads of one task, 1 or more.");
            }
            return threads;
        }

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
