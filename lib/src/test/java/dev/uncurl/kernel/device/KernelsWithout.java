package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.MatrixProduct;
import java.lang.reflect.Proxy;

/** Kernels that lack something that they may lack, for comparisons. */
final class KernelsWithout {
    private KernelsWithout() {}

    /** The same kernels, but with products of one group at a time. */
    static Kernels groups(Kernels kernels) {
        MatrixProduct product = changed(MatrixProduct.class, kernels.matrixProduct(), "grouped", null);
        return changed(Kernels.class, kernels, "matrixProduct", product);
    }

    /** The same kernels, but with room for few logits. */
    static Kernels largeLogits(Kernels kernels, long bytes) {
        return changed(Kernels.class, kernels, "logitBytes", bytes);
    }

    /** The same but for one method, which answers {@code answer}. */
    private static <T> T changed(Class<T> type, T all, String changed, Object answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) ->
                        method.getName().equals(changed) ? answer : method.invoke(all, arguments)));
    }
}
