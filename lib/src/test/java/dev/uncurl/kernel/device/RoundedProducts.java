package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import java.lang.reflect.Proxy;
import org.nd4j.linalg.factory.Nd4j;

/** Plain kernels in double precision, but for the operands of products, which have 8 significant bits: the oracle of bfloat16. */
final class RoundedProducts implements MatrixProduct {
    private final MatrixProduct plain;

    private RoundedProducts(MatrixProduct plain) {
        this.plain = plain;
    }

    static Kernels kernels() {
        var plain = new Nd4jKernels();
        var product = new RoundedProducts(plain.matrixProduct());
        return (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, arguments) ->
                        method.getName().equals("matrixProduct") ? product : method.invoke(plain, arguments));
    }

    /** The nearest number of 8 significant bits, halves to the even one. */
    static double rounded(double x) {
        double unit = 65536.0 * Math.ulp((float) x);
        return Math.rint(x / unit) * unit;
    }

    private static Matrix rounded(Matrix matrix) {
        double[] values = new double[matrix.rows() * matrix.columns()];
        matrix.read(values);
        for (int i = 0; i < values.length; i++) {
            values[i] = rounded(values[i]);
        }
        Matrix copy =
                Matrix.of(Nd4j.create(matrix.memory().type(), values.length + 1L), 0, matrix.rows(), matrix.columns());
        copy.write(values);
        return copy;
    }

    @Override
    public void multiply(Matrix a, boolean transposeA, Matrix b, boolean transposeB, float beta, Matrix c) {
        plain.multiply(rounded(a), transposeA, rounded(b), transposeB, beta, c);
    }

    @Override
    public MatrixProduct exact() {
        return plain;
    }
}
