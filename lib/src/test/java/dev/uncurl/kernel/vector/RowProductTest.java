package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Attention.Segment;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** The bits of a row, and of a token's attention, do not depend on what else is computed with it. */
class RowProductTest {
    private static float[] values(Matrix matrix) {
        float[] values = new float[matrix.rows() * matrix.columns()];
        matrix.read(values);
        return values;
    }

    @ParameterizedTest
    @CsvSource({
        "256, 768, false",
        "256, 256, false",
        "1024, 256, false",
        "256, 8, true",
        "256, 1000, true",
        "16, 48, false",
        "17, 5, true",
        "33, 70, false",
        "1, 1, false",
        "64, 4, true"
    })
    void aRowOfAProductHasTheSameBitsWhereverItStands(int inner, int columns, boolean transposed) {
        var given = new VectorKernelsTest.Case(inner + columns, DataType.FLOAT);
        int most = 1003;
        Matrix a = given.matrix(most, inner);
        Matrix b = transposed ? given.matrix(columns, inner) : given.matrix(inner, columns);
        Matrix all = Matrix.allocate(most, columns);
        try (var kernels = new VectorKernels();
                var several = new VectorKernels(3);
                var oracle = new Nd4jKernels()) {
            kernels.matrixProduct().multiplyRows(a, b, transposed, all);
            float[] expected = values(all);
            several.matrixProduct().multiplyRows(a, b, transposed, all);
            assertThat(values(all)).isEqualTo(expected);
            oracle.matrixProduct().multiplyRows(a, b, transposed, all);
            float[] plain = values(all);
            for (int i = 0; i < plain.length; i++) {
                assertThat(expected[i]).isCloseTo(plain[i], within(2e-3f));
            }
            if (!kernels.matrixProduct().rowsAreIndependent()) {
                return; // OpenBLAS's kernels for AVX2 do not allow it
            }
            for (int[] part : new int[][] {
                {0, 1}, {5, 1}, {1, 2}, {7, 3}, {11, 4}, {3, 11}, {9, 12}, {1, 13}, {40, 47}, {500, 95}, {13, 479},
                {2, 481}, {0, 720}, {19, 971}
            }) {
                Matrix c = Matrix.allocate(part[1], columns);
                several.matrixProduct().multiplyRows(a.rows(part[0], part[1]), b, transposed, c);
                boolean same = Arrays.equals(
                        values(c), Arrays.copyOfRange(expected, part[0] * columns, (part[0] + part[1]) * columns));
                assertThat(same).as("%d rows from row %d", part[1], part[0]).isTrue();
            }
        }
    }

    @Property(tries = 30)
    void segmentsAgree(
            @ForAll @IntRange(min = 1, max = 130) int first,
            @ForAll @IntRange(min = 1, max = 60) int second,
            @ForAll @IntRange(min = 1, max = 3) int heads,
            @ForAll @IntRange(min = 1, max = 18) int size,
            @ForAll long seed) {
        VectorKernelsTest.agree(seed, (kernels, given, results) -> {
            int shared = first - first / 3;
            var layout = new Attention.Layout(
                    heads,
                    List.of(
                            new Segment(0, first, 0, 0),
                            new Segment(first, second, 0, shared),
                            new Segment(first + second, 1, 0, first),
                            new Segment(first + second + 1, second, 0, 0)));
            int tokens = first + 2 * second + 1;
            Matrix output = given.matrix(tokens, heads * size);
            kernels.attention().forward(layout, given.matrix(tokens, 3 * heads * size), output);
            results.add(output);
        });
    }

    /** One sequence of 150 tokens, cut at every place, beside another one. */
    @Property(tries = 40)
    void aSequenceInTwoPartsHasTheBitsOfTheWholeOne(
            @ForAll @IntRange(min = 1, max = 149) int cut,
            @ForAll @IntRange(min = 0, max = 70) int other,
            @ForAll long seed) {
        int heads = 2;
        int size = 20;
        int length = 150;
        var given = new VectorKernelsTest.Case(seed, DataType.FLOAT);
        Matrix qkv = given.matrix(length, 3 * heads * size);
        try (var kernels = new VectorKernels()) {
            Matrix whole = Matrix.allocate(length, heads * size);
            kernels.attention().forward(new Attention.Layout(heads, List.of(new Segment(0, length, 0, 0))), qkv, whole);
            Matrix spread = given.matrix(length + other, 3 * heads * size);
            float[] rows = values(spread);
            float[] source = values(qkv);
            int wide = 3 * heads * size;
            System.arraycopy(source, 0, rows, 0, cut * wide);
            System.arraycopy(source, cut * wide, rows, (cut + other) * wide, (length - cut) * wide);
            spread.write(rows);
            var segments = new ArrayList<>(List.of(new Segment(0, cut, 0, 0)));
            if (other > 0) {
                segments.add(new Segment(cut, other, 0, cut / 2));
            }
            segments.add(new Segment(cut + other, length - cut, 0, cut));
            Matrix output = Matrix.allocate(length + other, heads * size);
            kernels.attention().forward(new Attention.Layout(heads, segments), spread, output);
            float[] expected = values(whole);
            float[] actual = values(output);
            int width = heads * size;
            assertThat(Arrays.copyOf(actual, cut * width)).isEqualTo(Arrays.copyOf(expected, cut * width));
            assertThat(Arrays.copyOfRange(actual, (cut + other) * width, actual.length))
                    .isEqualTo(Arrays.copyOfRange(expected, cut * width, expected.length));
        }
    }

    /** What is scored has the attention that was trained. */
    @Property(tries = 20)
    void sequencesAsSegmentsHaveTheBitsOfABatch(
            @ForAll @IntRange(min = 1, max = 70) int positions,
            @ForAll @IntRange(min = 1, max = 40) int size,
            @ForAll long seed) {
        var given = new VectorKernelsTest.Case(seed, DataType.FLOAT);
        Matrix qkv = given.matrix(2 * positions, 6 * size);
        Matrix batch = Matrix.allocate(2 * positions, 2 * size);
        Matrix segments = Matrix.allocate(2 * positions, 2 * size);
        try (var kernels = new VectorKernels()) {
            Matrix logSumExp = Matrix.allocate(2 * positions, 2);
            kernels.attention().forward(new Attention.Shape(2, positions, 2), qkv, logSumExp, batch);
            var layout = new Attention.Layout(
                    2, List.of(new Segment(0, positions, 0, 0), new Segment(positions, positions, 0, 0)));
            kernels.attention().forward(layout, qkv, segments);
        }
        assertThat(values(segments)).isEqualTo(values(batch));
    }

    /** Native memory for each shape in turn would pile up: it took 20 GB within a minute. */
    @Test
    void scratchMemoryIsReusedForOtherShapes() {
        var scratch = new RowPanels.ShapedMemory();
        long address = scratch.shaped(40, 30).pointer().address();
        for (int i = 1; i < 40; i++) {
            Matrix other = scratch.shaped(i, 30);
            assertThat(other.rows() + " x " + other.columns()).isEqualTo(i + " x 30");
            assertThat(other.pointer().address()).isEqualTo(address);
            assertThat(scratch.shaped(30, i).pointer().address()).isEqualTo(address);
        }
        assertThat(scratch.shaped(50, 30).pointer().capacity()).isEqualTo(1500);
    }
}
