package dev.uncurl.kernel.device;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.Set;

/** The functions of cuBLAS that are used here, under its names. They return 0 or a status. */
final class CuBlas {
    /** Elements are 32-bit floats (CUDA_R_32F). */
    static final int FLOAT = 0;

    /** Elements are bfloat16 (CUDA_R_16BF). */
    static final int BF16 = 14;

    /** CUBLAS_COMPUTE_32F and CUBLAS_COMPUTE_32F_FAST_TF32. */
    static final int COMPUTE_FLOAT = 68;

    static final int COMPUTE_TF32 = 77;
    /** CUBLAS_GEMM_DEFAULT */
    static final int DEFAULT_ALGORITHM = -1;

    static final int NOT_INITIALIZED = 1;
    static final int ALLOC_FAILED = 3;
    static final int INVALID_VALUE = 7;
    static final int ARCH_MISMATCH = 8;
    /** The library cannot compute this, or not so. */
    static final int NOT_SUPPORTED = 15;
    /** The GPU could not be reached, a product did not run, or cuBLAS itself failed. */
    static final Set<Integer> DEVICE_FAILED = Set.of(11, 13, 14);

    private static NativeLibrary bound;

    private CuBlas() {}

    /** Must be called before any other function. */
    static synchronized void bind(NativeLibrary library) {
        if (bound != library) { // other threads may be calling its functions
            Native.register(CuBlas.class, library);
            bound = library;
        }
    }

    static native int cublasCreate_v2(long[] handle);

    static native int cublasDestroy_v2(long handle);

    static native int cublasGemmStridedBatchedEx(
            long handle,
            int transposeA,
            int transposeB,
            int m,
            int n,
            int k,
            Pointer alpha,
            long a,
            int typeA,
            int leadingA,
            long strideA,
            long b,
            int typeB,
            int leadingB,
            long strideB,
            Pointer beta,
            long c,
            int typeC,
            int leadingC,
            long strideC,
            int count,
            int compute,
            int algorithm);
}
