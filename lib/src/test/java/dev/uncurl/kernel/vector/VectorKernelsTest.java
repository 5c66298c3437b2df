package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The fused kernels, the same to the bit on one, two and three threads, against plain ND4J operations in double
 * precision, over sizes that do and do not fill vectors.
 */
public class VectorKernelsTest {
    private static final double TOLERANCE = 2e-5;
    private static final List<VectorKernels> SEVERAL = List.of(new VectorKernels(2), new VectorKernels(3));

    /** The same matrices twice: FLOAT for the kernels under test, DOUBLE for the oracle. */
    public static final class Case {
        private final Random random;
        private final DataType type;

        Case(long seed, DataType type) {
            random = new Random(seed);
            this.type = type;
        }

        /** Cut from the middle of a larger array, as parameters are. */
        Matrix matrix(int rows, int columns) {
            double[] values = new double[rows * columns];
            Arrays.setAll(values, i -> (float) random.nextGaussian());
            Matrix matrix = Matrix.of(Nd4j.create(type, 7 + rows * columns), 7, rows, columns);
            matrix.write(values);
            return matrix;
        }

        int[] indices(int count, int bound, boolean withNone) {
            int[] indices = new int[count];
            Arrays.setAll(indices, i -> random.nextInt(bound + (withNone ? 1 : 0)) - (withNone ? 1 : 0));
            return indices;
        }

        double[] values(int count) {
            double[] values = new double[count];
            Arrays.setAll(values, i -> (float) random.nextGaussian());
            return values;
        }
    }

    public static final class Results {
        private double[] all = {};

        void add(Matrix matrix) {
            double[] values = new double[matrix.rows() * matrix.columns()];
            matrix.read(values);
            add(values);
        }

        void add(double[] values) {
            int from = all.length;
            all = Arrays.copyOf(all, from + values.length);
            System.arraycopy(values, 0, all, from, values.length);
        }
    }

    public interface Scenario {
        void run(Kernels kernels, Case given, Results results);
    }

    /** The results of the fused kernels, which are the same to the bit on any number of threads. */
    static double[] fused(long seed, Scenario scenario) {
        var fused = new Results();
        scenario.run(new VectorKernels(), new Case(seed, DataType.FLOAT), fused);
        for (VectorKernels several : SEVERAL) {
            var helped = new Results();
            scenario.run(several, new Case(seed, DataType.FLOAT), helped);
            assertThat(helped.all).as("%d threads", several.threads()).isEqualTo(fused.all);
        }
        return fused.all;
    }

    public static void agree(long seed, Scenario scenario) {
        double[] fused = fused(seed, scenario);
        var plain = new Results();
        scenario.run(new Nd4jKernels(), new Case(seed, DataType.DOUBLE), plain);
        assertThat(fused).hasSameSizeAs(plain.all);
        for (int i = 0; i < fused.length; i++) {
            double tolerance = TOLERANCE * Math.max(1, Math.abs(plain.all[i]));
            assertThat(Math.abs(fused[i] - plain.all[i]))
                    .as("element %d: %s and %s", i, fused[i], plain.all[i])
                    .isLessThan(tolerance);
        }
    }

    @Provide
    Arbitrary<Integer> widths() {
        return Arbitraries.of(1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 65);
    }

    @Property(tries = 60)
    void productsAgree(
            @ForAll @IntRange(min = 1, max = 33) int rows,
            @ForAll("widths") int columns,
            @ForAll("widths") int inner,
            @ForAll boolean transposeA,
            @ForAll boolean transposeB,
            @ForAll boolean accumulate,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix a = transposeA ? given.matrix(inner, rows) : given.matrix(rows, inner);
            Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
            Matrix c = given.matrix(rows, columns);
            kernels.matrixProduct().multiply(a, transposeA, b, transposeB, accumulate ? 1 : 0, c);
            results.add(c);
        });
    }

    /** Large enough to be cut into panels, which need not be of one length. */
    @Property(tries = 12)
    void productsInPanelsAgree(
            @ForAll @IntRange(min = 250, max = 2200) int length,
            @ForAll boolean tall,
            @ForAll boolean transposeA,
            @ForAll boolean transposeB,
            @ForAll long seed) {
        int rows = tall ? length : 480;
        int columns = tall ? 480 : length;
        int inner = 64;
        agree(seed, (kernels, given, results) -> {
            Matrix a = transposeA ? given.matrix(inner, rows) : given.matrix(rows, inner);
            Matrix b = transposeB ? given.matrix(columns, inner) : given.matrix(inner, columns);
            Matrix c = given.matrix(rows, columns);
            kernels.matrixProduct().multiply(a, transposeA, b, transposeB, 0, c);
            results.add(c);
        });
    }

    @Property(tries = 40)
    void movedRowsAgree(
            @ForAll @IntRange(min = 1, max = 20) int rows,
            @ForAll("widths") int columns,
            @ForAll boolean scaled,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix source = given.matrix(9, columns);
            int[] index = given.indices(rows, 9, true);
            double[] scales = scaled ? given.values(rows) : null;
            Matrix gathered = given.matrix(rows, columns);
            kernels.gatherScatter().gather(source, index, scales, gathered);
            results.add(gathered);
            Matrix sum = given.matrix(rows, columns);
            kernels.gatherScatter().gatherAdd(gathered, source, index, scales, sum);
            results.add(sum);
            kernels.gatherScatter().gatherAdd(sum, source, index, scales, sum);
            results.add(sum);
            kernels.gatherScatter().scatterAdd(sum, index, source);
            results.add(source);
            double[] products = new double[rows];
            kernels.gatherScatter().dot(source, index, sum, products);
            results.add(products);
            kernels.gatherScatter().dot(sum, null, sum, products);
            results.add(products);
        });
    }

    @Property(tries = 40)
    void biasesAgree(@ForAll @IntRange(min = 1, max = 20) int rows, @ForAll("widths") int columns, @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix x = given.matrix(rows, columns);
            Matrix bias = given.matrix(1, columns);
            Matrix target = given.matrix(rows, columns);
            kernels.bias().add(x, bias);
            results.add(x);
            kernels.bias().addResidual(target, x, bias, target);
            results.add(target);
            kernels.bias().columnSums(target, bias);
            results.add(bias);
        });
    }

    @Property(tries = 40)
    void normsAgreeForwardAndBackward(
            @ForAll @IntRange(min = 1, max = 20) int rows,
            @ForAll @IntRange(min = 8, max = 70) int columns,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix x = given.matrix(rows, columns);
            Matrix gain = given.matrix(1, columns);
            Matrix bias = given.matrix(1, columns);
            Matrix statistics = given.matrix(rows, 2);
            Matrix y = given.matrix(rows, columns);
            kernels.normalization().forward(x, gain, bias, statistics, y);
            results.add(statistics);
            results.add(y);
            Matrix dy = given.matrix(rows, columns);
            Matrix dx = given.matrix(rows, columns);
            Matrix dGain = given.matrix(1, columns);
            kernels.normalization().backward(x, gain, statistics, dy, dx, dGain, bias);
            results.add(dx);
            results.add(dGain);
            results.add(bias);
        });
    }

    @Property(tries = 40)
    void geluAgreesForwardAndBackward(
            @ForAll @IntRange(min = 1, max = 20) int rows, @ForAll("widths") int columns, @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            Matrix x = given.matrix(rows, columns);
            Matrix bias = given.matrix(1, columns);
            Matrix y = given.matrix(rows, columns);
            kernels.activation().forward(x, bias, y);
            results.add(x);
            results.add(y);
            kernels.activation().backward(x, y, bias);
            results.add(y);
            results.add(bias);
        });
    }

    @Property(tries = 30)
    void attentionAgreesForwardAndBackward(
            @ForAll @IntRange(min = 1, max = 3) int sequences,
            @ForAll @IntRange(min = 1, max = 140) int positions,
            @ForAll @IntRange(min = 1, max = 3) int heads,
            @ForAll @IntRange(min = 1, max = 18) int size,
            @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            int width = heads * size;
            int tokens = sequences * positions;
            var shape = new Attention.Shape(sequences, positions, heads);
            Matrix qkv = given.matrix(tokens, 3 * width);
            Matrix logSumExp = given.matrix(tokens, heads);
            Matrix output = given.matrix(tokens, width);
            kernels.attention().forward(shape, qkv, logSumExp, output);
            results.add(logSumExp);
            results.add(output);
            Matrix dOutput = given.matrix(tokens, width);
            Matrix dQkv = given.matrix(tokens, 3 * width);
            kernels.attention().backward(shape, qkv, logSumExp, output, dOutput, dQkv);
            results.add(dQkv);
        });
    }

    @Property(tries = 40)
    void crossEntropiesAgree(
            @ForAll @IntRange(min = 1, max = 20) int rows,
            @ForAll @IntRange(min = 2, max = 100) int vocabulary,
            @ForAll long seed) {
        for (double scale : new double[] {0, 0.25}) {
            agree(seed, (kernels, given, results) -> {
                Matrix logits = given.matrix(rows, vocabulary);
                int[] targets = given.indices(rows + 2, vocabulary, false);
                double[] logProbabilities = new double[rows + 2];
                kernels.crossEntropy().forward(logits, targets, 2, scale, logProbabilities);
                results.add(logProbabilities);
                if (scale != 0) {
                    results.add(logits);
                }
            });
        }
    }

    @Property(tries = 40)
    void adamStepsAgree(@ForAll @IntRange(min = 1, max = 10_000) int length, @ForAll long seed) {
        agree(seed, (kernels, given, results) -> {
            var coefficients = new AdamW.Coefficients(0.9, 0.95, 1e-8, 0.01, 20, 0.001, 0.5);
            Matrix parameters = given.matrix(1, length);
            Matrix gradient = given.matrix(1, length);
            Matrix first = given.matrix(1, length);
            Matrix second = given.matrix(1, length);
            second.write(Arrays.stream(given.values(length)).map(Math::abs).toArray());
            results.add(new double[] {kernels.adamW().sumOfSquares(gradient)});
            kernels.adamW().update(coefficients, parameters, gradient, first, second);
            results.add(gradient);
            results.add(first);
            results.add(second);
        });
    }
}
