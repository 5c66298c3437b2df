package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares each operand in bfloat16 with the matrix of floats that it is a copy of, before it is multiplied. For the emulated GPU,
 * whose memory is the host's.
 */
final class CheckedOperands extends MeteredDevice {
    private final List<DeviceMemory> memories = new ArrayList<>();
    private long checked;
    private long wrong;

    CheckedOperands(Device device) {
        super(device);
    }

    /** Kernels of whose memory the operands are. */
    Kernels kernels() {
        var kernels = new DeviceKernels(this);
        return (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, (proxy, method, arguments) -> {
                    Object answer = method.invoke(kernels, arguments);
                    if (answer instanceof FlatMemory) {
                        memories.add((DeviceMemory) answer);
                    }
                    return answer;
                });
    }

    /** Operands that have been compared. */
    long checked() {
        return checked;
    }

    /** Operands of which an element is not that of the matrix, rounded. */
    long wrong() {
        return wrong;
    }

    @Override
    public void multiply(BatchedProduct product) {
        check(product);
        super.multiply(product);
    }

    @Override
    public boolean multiplyTogether(List<BatchedProduct> products, long addresses) {
        products.forEach(this::check);
        return super.multiplyTogether(products, addresses);
    }

    private void check(BatchedProduct p) {
        if (p.terms() == BatchedProduct.Terms.BF16) {
            check(p.a(), p.transposeA() ? p.inner() : p.rows(), p.transposeA() ? p.rows() : p.inner());
            check(p.b(), p.transposeB() ? p.columns() : p.inner(), p.transposeB() ? p.inner() : p.columns());
        }
    }

    private void check(BatchedProduct.Operand operand, int rows, int columns) {
        long source = source(operand.address());
        boolean right = true;
        for (int row = 0; row < rows; row++) {
            long at = (long) row * operand.leading();
            float[] floats = new Pointer(source + at * Float.BYTES).getFloatArray(0, columns);
            short[] copies = new Pointer(operand.address() + at * Short.BYTES).getShortArray(0, columns);
            for (int c = 0; c < columns; c++) {
                right &= Float.intBitsToFloat(copies[c] << 16) == RoundedProducts.rounded(floats[c]);
            }
        }
        checked++;
        wrong += right ? 0 : 1;
    }

    /** Address of the float of which the element at an address is a copy. */
    private long source(long copy) {
        for (DeviceMemory memory : memories) {
            Matrix whole = memory.matrix(0, 1, (int) memory.length());
            long element = (copy - DeviceMemory.target(whole)) / Short.BYTES;
            if (DeviceMemory.target(whole) != 0 && element >= 0 && element < memory.length()) {
                return DeviceMemory.address(memory, element);
            }
        }
        throw new IllegalStateException("An operand that is no copy of a memory");
    }
}
