package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.vector.VectorKernelsTest.Case;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

class TermPanelsTest {
    /** Against sums in double precision, the bits are those of every number of threads. */
    @Property(tries = 20)
    void longSumsAgreeForAnyNumberOfThreads(
            @ForAll @IntRange(min = 193, max = 230) int rows,
            @ForAll @IntRange(min = 1, max = 60) int columns,
            @ForAll @IntRange(min = 1030, max = 5000) int inner,
            @ForAll boolean transposeA,
            @ForAll boolean transposeB,
            @ForAll boolean accumulate,
            @ForAll long seed) {
        double[] found = VectorKernelsTest.fused(seed, (kernels, given, results) -> {
            Matrix a = transposeA ? given.matrix(inner, rows) : given.matrix(rows, inner);
            Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
            Matrix c = given.matrix(rows, columns);
            assertThat(TermPanels.parts(rows, inner, columns)).isGreaterThan(1);
            kernels.matrixProduct().multiply(a, transposeA, b, transposeB, accumulate ? 1 : 0, c);
            results.add(c);
        });
        var given = new Case(seed, DataType.DOUBLE);
        Matrix a = transposeA ? given.matrix(inner, rows) : given.matrix(rows, inner);
        Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
        Matrix c = given.matrix(rows, columns);
        ProductErrors.check(a, transposeA, b, transposeB, accumulate ? c : null, columns, found);
    }

    @ParameterizedTest
    @CsvSource({
        "512, 50257, 256, 16", // the gradient of a head's input
        "256, 2048, 256, 4", // that of a matrix of attention, over a batch
        "1024, 2048, 256, 1", // panels of the result are enough
        "256, 1023, 256, 1",
        "2048, 65536, 256, 1" // the partial sums would take much memory
    })
    void smallResultsOfLongSumsAreDivided(int rows, int inner, int columns, int parts) {
        assertThat(TermPanels.parts(rows, inner, columns)).isEqualTo(parts);
    }

    /** The memory of a larger product serves a smaller one, and another shape. */
    @Test
    void aProductHasTheSameBitsAfterOthers() {
        try (var used = new VectorKernels(2)) {
            for (int[] shape : new int[][] {{200, 1100, 30}, {230, 4200, 40}, {40, 2100, 210}, {200, 1100, 30}}) {
                try (var fresh = new VectorKernels(2)) {
                    assertThat(product(used, shape)).isEqualTo(product(fresh, shape));
                }
            }
        }
    }

    /** @param shape rows, terms, columns */
    private static double[] product(VectorKernels kernels, int[] shape) {
        var given = new Case(shape[1], DataType.FLOAT);
        Matrix a = given.matrix(shape[1], shape[0]);
        Matrix b = given.matrix(shape[1], shape[2]);
        Matrix c = given.matrix(shape[0], shape[2]);
        kernels.matrixProduct().multiply(a, true, b, false, 0, c);
        return ProductErrors.values(c);
    }
}
