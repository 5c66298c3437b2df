package dev.uncurl.kernel;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorKernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Selects the fastest {@link Kernels} that this JVM can run. The choice is made and logged once per JVM. */
public final class KernelChoice {
    /**
     * System property: number of threads that run one call of {@link #best()} kernels, including the caller; 1 by
     * default. In Spark, set it to spark.task.cpus.
     */
    public static final String THREADS = "uncurl.threads";

    private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);
    private static final boolean VECTORS = decide();

    private KernelChoice() {}

    /** The fastest kernels for FLOAT arrays, on {@link #THREADS} threads. */
    public static Kernels best() {
        return best(DataType.FLOAT);
    }

    /** The fastest kernels for arrays of this type. */
    public static Kernels best(DataType type) {
        return best(type, threads());
    }

    /** The fastest kernels for arrays of this type, on a number of threads, including the caller's. */
    public static Kernels best(DataType type, int threads) {
        return VECTORS && type == DataType.FLOAT ? new VectorKernels(threads) : new Nd4jKernels();
    }

    /** The value of {@link #THREADS}. */
    public static int threads() {
        String value = System.getProperty(THREADS, "1");
        int threads = value.matches("[0-9]{1,4}") ? Integer.parseInt(value) : 0;
        if (threads < 1) {
            throw UserError.usage(
                    "System property " + THREADS + " = " + value, "Give the number of threads of one task, 1 or more.");
        }
        return threads;
    }

    /** What computes in this JVM; where two of these differ, sums may be rounded in another way. */
    public static String description() {
        String core = BlasCore.inUse(); // before anything else loads it
        return (VECTORS ? "vectors of " + VectorKernels.laneBits() + " bits" : "plain ND4J, no Vector API")
                + ", OpenBLAS " + core;
    }

    /** Whether ND4J keeps its arrays in host memory, where they can be read and written by address. */
    static boolean onHost() {
        return Nd4j.getBackend().getClass().getSimpleName().equals("CpuBackend");
    }

    private static boolean decide() {
        boolean module = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        String backend = Nd4j.getBackend().getClass().getSimpleName();
        boolean host = onHost();
        if (!module && host) {
            LOG.warn("Using plain ND4J kernels, which are several times slower than the fused ones. For the fused"
                    + " kernels, start the JVM with --add-modules jdk.incubator.vector (in Spark:"
                    + " spark.driver.extraJavaOptions and spark.executor.extraJavaOptions)");
        } else if (!host) {
            LOG.info("Using plain ND4J kernels on {}", backend);
        }
        return module && host;
    }
}
