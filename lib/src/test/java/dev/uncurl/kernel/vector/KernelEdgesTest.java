package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorKernelsTest.agree;
import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Matrix;
import java.util.Arrays;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

/** The kernels against their oracle where sizes are zero, one or large, and values far from zero. */
class KernelEdgesTest {
    @Provide
    Arbitrary<Double> scales() {
        return Arbitraries.of(0.0, 1e-6, 1.0, 10.0, 60.0);
    }

    private static Matrix scaled(VectorKernelsTest.Case given, double scale, int rows, int columns) {
        Matrix matrix = given.matrix(rows, columns);
        double[] values = new double[rows * columns];
        matrix.read(values);
        matrix.write(Arrays.stream(values).map(value -> (float) (scale * value)).toArray());
        return matrix;
    }

    /** An expert without tokens: its products have no rows, or nothing to sum. */
    @Test
    void productsOfNothingAreZerosOrLeaveTheSumAlone() {
        for (boolean transposed : new boolean[] {false, true}) {
            for (float beta : new float[] {0, 1}) {
                agree(3, (kernels, given, results) -> {
                    Matrix a = transposed ? given.matrix(0, 5) : given.matrix(5, 0);
                    Matrix c = given.matrix(5, 7);
                    kernels.matrixProduct().multiply(a, transposed, given.matrix(0, 7), false, beta, c);
                    results.add(c);
                    Matrix none = given.matrix(0, 7);
                    kernels.matrixProduct().multiply(given.matrix(0, 5), false, given.matrix(5, 7), false, beta, none);
                    results.add(none);
                });
            }
        }
    }

    @Test
    void rowsOfAnEmptyDispatchMoveNothing() {
        agree(4, (kernels, given, results) -> {
            Matrix tokens = given.matrix(6, 17);
            Matrix none = given.matrix(0, 17);
            kernels.gatherScatter().gather(tokens, new int[] {}, null, none);
            kernels.gatherScatter().gather(tokens, new int[6], new double[6], none);
            kernels.gatherScatter().scatterAdd(none, new int[] {}, tokens);
            kernels.gatherScatter().dot(none, null, none, new double[] {});
            results.add(tokens);
            int[] dropped = {-1, -1, -1, -1, -1, -1};
            Matrix output = given.matrix(6, 17);
            kernels.gatherScatter().gatherAdd(tokens, none, dropped, new double[6], output);
            results.add(output);
            kernels.gatherScatter().gather(none, dropped, null, output);
            results.add(output);
        });
    }

    @Property(tries = 30)
    void expertsOfAnySizeAgreeSliceBySlice(
            @ForAll @IntRange(min = 1, max = 9) int experts,
            @ForAll @IntRange(min = 1, max = 20) int width,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            int[] counts = Arrays.stream(given.indices(experts, 6, true))
                    .map(count -> Math.max(0, count))
                    .toArray();
            int slots = IntStream.of(counts).sum();
            Matrix in = given.matrix(slots, width);
            Matrix out = given.matrix(slots, 3);
            int from = 0;
            for (int count : counts) {
                Matrix weight = given.matrix(width, 3);
                kernels.matrixProduct().multiply(in.rows(from, count), false, weight, false, 0, out.rows(from, count));
                kernels.matrixProduct().multiply(in.rows(from, count), true, out.rows(from, count), false, 0, weight);
                results.add(weight);
                from += count;
            }
            results.add(out);
        });
    }

    @Property(tries = 30)
    void geluAgreesFarFromZero(
            @ForAll("scales") double scale, @ForAll @IntRange(min = 1, max = 40) int columns, @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix x = scaled(given, scale, 3, columns);
            Matrix bias = given.matrix(1, columns);
            Matrix y = given.matrix(3, columns);
            kernels.activation().forward(x, bias, y);
            results.add(y);
            kernels.activation().backward(x, y, bias);
            results.add(y);
        });
    }

    @Property(tries = 30)
    void crossEntropiesAgreeForSharpAndFlatLogitsAndWideVocabularies(
            @ForAll("scales") double scale, @ForAll @IntRange(min = 2, max = 3000) int vocabulary, @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix logits = scaled(given, scale, 3, vocabulary);
            double[] logProbabilities = new double[3];
            kernels.crossEntropy().forward(logits, given.indices(3, vocabulary, false), 0, 1.0 / 3, logProbabilities);
            results.add(logProbabilities);
            results.add(logits);
        });
    }

    @Property(tries = 20)
    void attentionAgreesForHeadsOfWholeVectorsAndFlatScores(
            @ForAll("scales") double scale,
            @ForAll @IntRange(min = 1, max = 70) int positions,
            @ForAll("sizes") int size,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            var shape = new Attention.Shape(2, positions, 2);
            Matrix qkv = scaled(given, Math.min(scale, 1), 2 * positions, 6 * size);
            Matrix logSumExp = given.matrix(2 * positions, 2);
            Matrix output = given.matrix(2 * positions, 2 * size);
            kernels.attention().forward(shape, qkv, logSumExp, output);
            results.add(output);
            Matrix dQkv = given.matrix(2 * positions, 6 * size);
            kernels.attention().backward(shape, qkv, logSumExp, output, given.matrix(2 * positions, 2 * size), dQkv);
            results.add(dQkv);
        });
    }

    @Provide
    Arbitrary<Integer> sizes() {
        return Arbitraries.of(1, 16, 31, 32, 33, 64);
    }

    /** One column: the deviation is that of epsilon alone, and no gradient passes. */
    @Property(tries = 20)
    void normsAgreeForShiftedRowsAndFewColumns(
            @ForAll @IntRange(min = 1, max = 9) int rows,
            @ForAll @IntRange(min = 1, max = 9) int columns,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix x = given.matrix(rows, columns);
            double[] values = new double[rows * columns];
            // columns far apart, so that no deviation is lost in rounding
            Arrays.setAll(values, i -> (i % columns) * (1 + i / columns) + 5);
            x.write(values);
            Matrix gain = given.matrix(1, columns);
            Matrix bias = given.matrix(1, columns);
            Matrix statistics = given.matrix(rows, 2);
            Matrix y = given.matrix(rows, columns);
            kernels.normalization().forward(x, gain, bias, statistics, y);
            results.add(y);
            Matrix dx = given.matrix(rows, columns);
            Matrix dGain = given.matrix(1, columns);
            kernels.normalization().backward(x, gain, statistics, y, dx, dGain, bias);
            results.add(dx);
            results.add(dGain);
            results.add(bias);
        });
    }

    @Property(tries = 20)
    void adamStepsAgreeFromEmptyMomentsAndForTinyGradients(
            @ForAll @IntRange(min = 1, max = 70) int length, @ForAll("scales") double scale, @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            var first = new AdamW.Coefficients(0.9, 0.95, 1e-8, 0.01 / 0.1, 1 / 0.05, 0.001, 1);
            Matrix parameters = given.matrix(1, length);
            Matrix gradient = scaled(given, scale, 1, length);
            Matrix m = scaled(given, 0, 1, length);
            Matrix v = scaled(given, 0, 1, length);
            kernels.adamW().update(first, parameters, gradient, m, v);
            results.add(gradient);
            results.add(m);
            results.add(v);
        });
    }

    @Test
    void aMatrixReadsBackWhatWasWrittenOnTheHostAndOffIt() {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            var given = new VectorKernelsTest.Case(5, type);
            Matrix matrix = given.matrix(3, 5);
            double[] values = given.values(15);
            matrix.write(values);
            double[] read = new double[15];
            matrix.read(read);
            assertThat(read).isEqualTo(values);
            if (type == DataType.FLOAT) {
                matrix.bytes();
                Arrays.fill(read, 0);
                matrix.read(read);
                assertThat(read).isEqualTo(values);
            }
            matrix.zero();
            matrix.read(read);
            assertThat(read).containsOnly(0);
        }
    }
}
