package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import dev.uncurl.kernel.device.BatchedProduct.Operand;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;

/**
 * Products of operands in bfloat16 by cuBLASLt, with algorithms that are chosen once for all products of about the same size. cuBLAS
 * chooses for each size that it has not seen before, which takes it some 0.1 ms; experts have such sizes in every batch, so that a
 * GPU would wait for the choices. The algorithm depends on the sizes of a product and its matrices alone.
 */
final class Bf16Products {
    /** Bytes that addresses, and rows of matrices, are multiples of. */
    private static final int ALIGNMENT = 16;

    private static final int FINE = 16;
    private static final int COARSE = 128;

    /** What an algorithm is chosen for. Sizes are rounded up. */
    private record Kind(
            boolean transposeA,
            boolean transposeB,
            int rows,
            int columns,
            int inner,
            boolean added,
            int leadingA,
            int leadingB,
            int leadingC) {
        static Kind of(BatchedProduct p) {
            return new Kind(
                    p.transposeA(),
                    p.transposeB(),
                    up(p.rows()),
                    up(p.columns()),
                    up(p.inner()),
                    p.beta() != 0,
                    p.a().leading(),
                    p.b().leading(),
                    p.c().leading());
        }

        private static int up(int size) {
            int step = size <= COARSE ? FINE : COARSE;
            return (size + step - 1) / step * step;
        }
    }

    private final long handle;
    /** Throws for a call that has failed: what it was to do, and its status. */
    private final ObjIntConsumer<String> failure;

    private final long workspaceBytes;
    private final Memory factors = new Memory(2 * Float.BYTES);
    private final Memory value = new Memory(Long.BYTES);
    private final Memory answer = new Memory(CuBlasLt.ANSWER_BYTES);
    private final Map<Kind, Optional<Memory>> algorithms = new HashMap<>();
    private final long product;
    private final long preference;
    /** As the library sees the matrices, column by column: b^T, a^T and c^T. */
    private final long left;

    private final long right;
    private final long result;

    /**
     * @param handle of cuBLAS
     * @param workspaceBytes that an algorithm may use
     * @param failure throws the exception for a call that failed, given what the call was to do and its status
     */
    Bf16Products(long handle, long workspaceBytes, ObjIntConsumer<String> failure) {
        this.handle = handle;
        this.workspaceBytes = workspaceBytes;
        this.failure = failure;
        long[] out = new long[1];
        check(CuBlasLt.cublasLtMatmulDescCreate(out, CuBlas.COMPUTE_FLOAT, CuBlas.FLOAT), "describe a product");
        product = out[0];
        check(CuBlasLt.cublasLtMatmulPreferenceCreate(out), "describe preferences");
        preference = out[0];
        prefer(CuBlasLt.WORKSPACE, workspaceBytes, Long.BYTES);
        for (int of = CuBlasLt.ALIGNMENT_A; of <= CuBlasLt.ALIGNMENT_RESULT; of++) {
            prefer(of, ALIGNMENT, Integer.BYTES);
        }
        left = layout(CuBlas.BF16);
        right = layout(CuBlas.BF16);
        result = layout(CuBlas.FLOAT);
    }

    private void prefer(int attribute, long preferred, int bytes) {
        value.setLong(0, preferred); // the lower bytes come first
        check(CuBlasLt.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes), "set a preference");
    }

    private long layout(int type) {
        long[] out = new long[1];
        check(CuBlasLt.cublasLtMatrixLayoutCreate(out, type, 1, 1, 1), "describe a matrix");
        return out[0];
    }

    private void check(int status, String what) {
        if (status != 0) {
            failure.accept(what, status);
        }
    }

    /** Whether {@link #multiply} may be asked for it. */
    static boolean takes(BatchedProduct p) {
        return p.count() == 1
                && isAligned(p.a(), Short.BYTES)
                && isAligned(p.b(), Short.BYTES)
                && isAligned(p.c(), Float.BYTES);
    }

    private static boolean isAligned(Operand operand, int bytes) {
        return operand.address() % ALIGNMENT == 0 && (long) operand.leading() * bytes % ALIGNMENT == 0;
    }

    /**
     * @param workspace address of the workspace
     * @return false if the library has no algorithm for it, and nothing has been computed
     */
    boolean multiply(BatchedProduct p, long workspace) {
        var algorithm = algorithms.computeIfAbsent(Kind.of(p), kind -> choose(p, kind));
        if (algorithm.isEmpty()) {
            return false;
        }
        describe(p, p.rows(), p.columns(), p.inner());
        factors.setFloat(0, p.alpha());
        factors.setFloat(Float.BYTES, p.beta());
        int status = CuBlasLt.cublasLtMatmul(
                handle,
                product,
                factors,
                p.b().address(),
                left,
                p.a().address(),
                right,
                factors.share(Float.BYTES),
                p.c().address(),
                result,
                p.c().address(),
                result,
                algorithm.get(),
                workspace,
                workspaceBytes,
                0);
        if (status == CuBlas.NOT_SUPPORTED || status == CuBlas.INVALID_VALUE) {
            return false; // what was chosen for the size that is rounded up does not do for this one
        }
        check(status, "a product " + p.rows() + " x " + p.columns() + " x " + p.inner());
        return true;
    }

    private Optional<Memory> choose(BatchedProduct p, Kind kind) {
        describe(p, kind.rows(), kind.columns(), kind.inner());
        int[] answered = new int[1];
        int status = CuBlasLt.cublasLtMatmulAlgoGetHeuristic(
                handle, product, left, right, result, result, preference, 1, answer, answered);
        if (status == CuBlas.NOT_SUPPORTED || (status == 0 && answered[0] == 0)) {
            return Optional.empty();
        }
        check(status, "choose an algorithm for a product");
        var algorithm = new Memory(CuBlasLt.ALGORITHM_BYTES);
        algorithm.write(0, answer.getByteArray(0, CuBlasLt.ALGORITHM_BYTES), 0, CuBlasLt.ALGORITHM_BYTES);
        return Optional.of(algorithm);
    }

    private void describe(BatchedProduct p, int rows, int columns, int inner) {
        transpose(CuBlasLt.TRANSPOSE_A, p.transposeB());
        transpose(CuBlasLt.TRANSPOSE_B, p.transposeA());
        matrix(left, p.transposeB() ? inner : columns, p.transposeB() ? columns : inner, p.b());
        matrix(right, p.transposeA() ? rows : inner, p.transposeA() ? inner : rows, p.a());
        matrix(result, columns, rows, p.c());
    }

    private void transpose(int which, boolean transposed) {
        value.setLong(0, transposed ? 1 : 0);
        check(CuBlasLt.cublasLtMatmulDescSetAttribute(product, which, value, Integer.BYTES), "describe a product");
    }

    private void matrix(long layout, int rows, int columns, Operand operand) {
        set(layout, CuBlasLt.ROWS, rows);
        set(layout, CuBlasLt.COLUMNS, columns);
        set(layout, CuBlasLt.LEADING, Math.max(rows, operand.leading()));
    }

    private void set(long layout, int attribute, long number) {
        value.setLong(0, number);
        check(CuBlasLt.cublasLtMatrixLayoutSetAttribute(layout, attribute, value, Long.BYTES), "describe a matrix");
    }

    /** To be called once, before the handle is destroyed. @return the first status that is not 0, or 0 */
    int close() {
        return IntStream.of(
                        CuBlasLt.cublasLtMatrixLayoutDestroy(left),
                        CuBlasLt.cublasLtMatrixLayoutDestroy(right),
                        CuBlasLt.cublasLtMatrixLayoutDestroy(result),
                        CuBlasLt.cublasLtMatmulPreferenceDestroy(preference),
                        CuBlasLt.cublasLtMatmulDescDestroy(product))
                .filter(status -> status != 0)
                .findFirst()
                .orElse(0);
    }
}
