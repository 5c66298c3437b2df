package dev.uncurl.kernel.device;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/** Products of different sizes in one call, which cuBLAS has since CUDA 12.5. Arrays with an element for each group of products. */
final class CuBlasGrouped {
    private static final String FUNCTION = "cublasGemmGroupedBatchedEx";

    private static NativeLibrary bound;

    private CuBlasGrouped() {}

    /** Whether this library has it. */
    static boolean isIn(NativeLibrary library) {
        try {
            library.getFunction(FUNCTION);
            return true;
        } catch (UnsatisfiedLinkError olderThanCuda125) {
            return false;
        }
    }

    /** Must be called before the function. @return whether it can be called */
    static synchronized boolean bind(NativeLibrary library) {
        if (bound != library && isIn(library)) {
            Native.register(CuBlasGrouped.class, library);
            bound = library;
        }
        return bound == library;
    }

    /** @param a addresses in the device's memory of addresses of matrices, as b and c */
    static native int cublasGemmGroupedBatchedEx(
            long handle,
            int[] transposeA,
            int[] transposeB,
            int[] m,
            int[] n,
            int[] k,
            float[] alpha,
            long a,
            int typeA,
            int[] leadingA,
            long b,
            int typeB,
            int[] leadingB,
            float[] beta,
            long c,
            int typeC,
            int[] leadingC,
            int groups,
            int[] sizes,
            int compute);
}
