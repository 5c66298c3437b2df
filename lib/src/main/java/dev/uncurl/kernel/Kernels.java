package dev.uncurl.kernel;

import java.util.function.IntConsumer;

/**
 * The numeric primitives of the model, and of merging its experts, on off-heap matrices. An instance has scratch memory of its own and one caller at
 * a time, whom further threads may help.
 */
public interface Kernels extends AutoCloseable {
    MatrixProduct product();

    GatherScatter rows();

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
}
