package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.device.BatchedProduct.Terms;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * A GPU's matrix products, by cuBLAS. It stores matrices column by column, so it is asked for the transpose: c^T = b^T a^T. The
 * GPU's context must be that of the calling thread.
 */
final class CudaProducts {
    private final String name;
    private final CudaDevice.Precision precision;
    private final Function<String, DeviceFailedException> failure;
    private final long handle;
    private final Memory factors = new Memory(2 * Float.BYTES);
    /** Null in other precisions. */
    private final Bf16Products bf16;
    /** Terms of products that the library refuses to compute together; all of them, if it is too old for that. */
    private final Set<Terms> refused;

    /**
     * @param library cuBLAS, to which {@link CuBlas} is bound
     * @param name of the GPU
     * @param memory what of its memory is free, for messages
     * @param workspaceBytes that products in bfloat16 get
     * @param failure notes that the GPU has failed, and how
     * @throws UserError (usage) if cuBLAS does not start
     */
    CudaProducts(
            NativeLibrary library,
            String name,
            CudaDevice.Precision precision,
            String memory,
            long workspaceBytes,
            Function<String, DeviceFailedException> failure) {
        this.name = name;
        this.precision = precision;
        this.failure = failure;
        refused = CuBlasGrouped.bind(library) ? EnumSet.noneOf(Terms.class) : EnumSet.allOf(Terms.class);
        long[] out = new long[1];
        int status = CuBlas.cublasCreate_v2(out);
        if (status == CuBlas.NOT_INITIALIZED || status == CuBlas.ALLOC_FAILED || status == CuBlas.ARCH_MISMATCH) {
            throw UserError.usage(
                    name + ": cuBLAS does not start (status " + status + "), " + memory,
                    "If the memory is used by other processes (nvidia-smi lists them), wait or use another GPU; else install"
                            + " the cuBLAS that belongs to the driver's CUDA.");
        }
        check(status, "cublasCreate");
        handle = out[0];
        if (precision == CudaDevice.Precision.BF16) {
            CuBlasLt.bind(library);
            bf16 = new Bf16Products(handle, workspaceBytes, (what, failed) -> check(failed, what));
        } else {
            bf16 = null;
        }
    }

    private static int type(Terms terms) {
        return terms == Terms.BF16 ? CuBlas.BF16 : CuBlas.FLOAT;
    }

    private int compute(Terms terms) {
        return terms == Terms.ROUNDED ? precision.compute() : CuBlas.COMPUTE_FLOAT;
    }

    /** @see Device#multiply */
    void multiply(BatchedProduct p) {
        int type = type(p.terms());
        factors.setFloat(0, p.alpha());
        factors.setFloat(Float.BYTES, p.beta());
        check(
                CuBlas.cublasGemmStridedBatchedEx(
                        handle,
                        p.transposeB() ? 1 : 0,
                        p.transposeA() ? 1 : 0,
                        p.columns(),
                        p.rows(),
                        p.inner(),
                        factors,
                        p.b().address(),
                        type,
                        p.b().leading(),
                        p.b().stride(),
                        p.a().address(),
                        type,
                        p.a().leading(),
                        p.a().stride(),
                        factors.share(Float.BYTES),
                        p.c().address(),
                        CuBlas.FLOAT,
                        p.c().leading(),
                        p.c().stride(),
                        p.count(),
                        compute(p.terms()),
                        CuBlas.DEFAULT_ALGORITHM),
                "a product " + p.rows() + " x " + p.columns() + " x " + p.inner());
    }

    /** Operands that tensor cores read together must be at multiples of 16 bytes. @see Device#takesTogether */
    boolean takesTogether(List<BatchedProduct> products) {
        Terms terms = products.get(0).terms();
        if (terms == Terms.BF16) {
            return products.stream().allMatch(Bf16Products::takes);
        }
        boolean anywhere = terms == Terms.EXACT || precision == CudaDevice.Precision.FP32;
        return !refused.contains(terms) && (anywhere || products.stream().allMatch(CudaProducts::isAligned));
    }

    private static boolean isAligned(BatchedProduct p) {
        return (p.a().address() | p.b().address() | p.c().address()) % 16 == 0;
    }

    /** @see Device#multiplyTogether */
    boolean multiplyTogether(List<BatchedProduct> products, long memory) {
        Terms terms = products.get(0).terms();
        if (terms == Terms.BF16) {
            for (BatchedProduct product : products) {
                if (!bf16.multiply(product, memory)) {
                    multiply(product);
                }
            }
            return true;
        }
        int status = ProductGroup.of(products).multiply(handle, memory, compute(terms));
        if (status == CuBlas.NOT_SUPPORTED) {
            refused.add(terms);
            return false;
        }
        check(status, products.size() + " products together");
        return true;
    }

    private void check(int status, String what) {
        if (CuBlas.DEVICE_FAILED.contains(status)) {
            throw failure.apply(what + ": cuBLAS status " + status);
        }
        if (status != 0) {
            throw new IllegalStateException(name + " failed: " + what + ": cuBLAS status " + status);
        }
    }

    /** To be called once, when nothing is to be multiplied any more. @return a status for {@link #checkClosed} */
    int close() {
        int status = bf16 == null ? 0 : bf16.close();
        int destroyed = CuBlas.cublasDestroy_v2(handle);
        return status == 0 ? destroyed : status;
    }

    void checkClosed(int status) {
        check(status, "close cuBLAS");
    }
}
