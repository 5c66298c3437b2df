package dev.uncurl.kernel.device;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;

/**
 * The functions of cuBLASLt that are used here, under its names; cuBLAS brings it along, and its handle is one of both. Descriptions of
 * a product, of matrices and of preferences are objects of the library, changed by attributes. They return 0 or a status of cuBLAS.
 */
final class CuBlasLt {
    /** Attributes of a product: whether its first and second operand are transposed. */
    static final int TRANSPOSE_A = 3;

    static final int TRANSPOSE_B = 4;

    /** Attributes of a matrix. */
    static final int ROWS = 2;

    static final int COLUMNS = 3;
    static final int LEADING = 4;

    /** Attributes of preferences. Those of alignment, in bytes, follow each other for a, b, c and the result. */
    static final int WORKSPACE = 1;

    static final int ALIGNMENT_A = 5;
    static final int ALIGNMENT_RESULT = 8;

    /** Bytes of an algorithm, with which the answer of the heuristic begins, and of the whole answer. */
    static final int ALGORITHM_BYTES = 64;

    static final int ANSWER_BYTES = 96;

    private static NativeLibrary bound;

    private CuBlasLt() {}

    /** Must be called before any other function. @param library cuBLAS, which depends on cuBLASLt */
    static synchronized void bind(NativeLibrary library) {
        if (bound != library) {
            Native.register(CuBlasLt.class, library);
            bound = library;
        }
    }

    static native int cublasLtMatmulDescCreate(long[] product, int compute, int scaleType);

    static native int cublasLtMatmulDescSetAttribute(long product, int attribute, Pointer value, long bytes);

    static native int cublasLtMatmulDescDestroy(long product);

    static native int cublasLtMatrixLayoutCreate(long[] layout, int type, long rows, long columns, long leading);

    static native int cublasLtMatrixLayoutSetAttribute(long layout, int attribute, Pointer value, long bytes);

    static native int cublasLtMatrixLayoutDestroy(long layout);

    static native int cublasLtMatmulPreferenceCreate(long[] preference);

    static native int cublasLtMatmulPreferenceSetAttribute(long preference, int attribute, Pointer value, long bytes);

    static native int cublasLtMatmulPreferenceDestroy(long preference);

    static native int cublasLtMatmulAlgoGetHeuristic(
            long handle,
            long product,
            long a,
            long b,
            long c,
            long result,
            long preference,
            int requested,
            Pointer answers,
            int[] answered);

    static native int cublasLtMatmul(
            long handle,
            long product,
            Pointer alpha,
            long a,
            long layoutA,
            long b,
            long layoutB,
            Pointer beta,
            long c,
            long layoutC,
            long result,
            long layoutResult,
            Pointer algorithm,
            long workspace,
            long workspaceBytes,
            long stream);
}
