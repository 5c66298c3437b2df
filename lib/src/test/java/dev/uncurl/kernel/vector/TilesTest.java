package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorKernelsTest.Case;
import java.util.function.Consumer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class TilesTest {
    /** Over sizes that do and do not fill tiles, on any processor; the terms of a sum fill one to three. */
    @Property(tries = 40)
    void tilesMakeUpTheProduct(
            @ForAll @IntRange(min = 1, max = 150) int rows,
            @ForAll @IntRange(min = 1, max = 150) int columns,
            @ForAll @IntRange(min = 1, max = 1100) int inner,
            @ForAll boolean transposeB,
            @ForAll boolean accumulate,
            @ForAll long seed) {
        float beta = accumulate ? 1 : 0;
        double[] expected =
                product(DataType.DOUBLE, rows, columns, inner, transposeB, seed, operands -> new Nd4jKernels()
                        .matrixProduct()
                        .multiply(operands.a(), false, operands.b(), transposeB, beta, operands.c()));
        // makes OpenBLAS ready
        new VectorKernels();
        Tiles tiles = transposeB ? Tiles.TRANSPOSED : Tiles.PLAIN;
        double[] actual = product(
                DataType.FLOAT,
                rows,
                columns,
                inner,
                transposeB,
                seed,
                operands -> tiles.multiply(operands, 0, rows, 0, columns, beta, new Operands.Windows()));
        // rounding errors of a sum grow with the root of its terms
        assertThat(actual).containsExactly(expected, within(5e-6 * Math.sqrt(inner)));
    }

    private static double[] product(
            DataType type,
            int rows,
            int columns,
            int inner,
            boolean transposeB,
            long seed,
            Consumer<Operands> multiplication) {
        var given = new Case(seed, type);
        Matrix a = given.matrix(rows, inner);
        Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
        Matrix c = given.matrix(rows, columns);
        multiplication.accept(new Operands(a, false, b, transposeB, c));
        return ProductErrors.values(c);
    }

    /** Large enough to be cut into panels and those into tiles. */
    @Property(tries = 12)
    void thinProductsAgreeForAnyNumberOfThreads(
            @ForAll @IntRange(min = 1, max = 60) int rows,
            @ForAll @IntRange(min = 300, max = 1100) int columns,
            @ForAll @IntRange(min = 100, max = 200) int inner,
            @ForAll boolean transposeB,
            @ForAll long seed) {
        double[] found = VectorKernelsTest.fused(seed, (kernels, given, results) -> {
            Matrix a = given.matrix(rows, inner);
            Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
            Matrix c = given.matrix(rows, columns);
            kernels.matrixProduct().multiply(a, false, b, transposeB, 0, c);
            results.add(c);
        });
        var given = new Case(seed, DataType.DOUBLE);
        Matrix a = given.matrix(rows, inner);
        Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
        ProductErrors.check(a, false, b, transposeB, null, columns, found);
    }

    @Test
    void aTileIsNoLargerThanTheKernelsTake() {
        for (Tiles tiles : Tiles.values()) {
            assertThat((long) tiles.rows() * tiles.columns() * tiles.terms()).isLessThanOrEqualTo(1_000_000);
        }
        assertThat(Tiles.TRANSPOSED.rows() * Tiles.TRANSPOSED.columns()).isLessThanOrEqualTo(1200);
    }
}
