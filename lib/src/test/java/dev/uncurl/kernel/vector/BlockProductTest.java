package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Equal to the bit to sums that are added term by term with fused multiplications. */
class BlockProductTest {
    @Property(tries = 60)
    void blocksHaveTheBitsOfPlainSums(
            @ForAll @IntRange(max = 80) int terms, @ForAll @IntRange(max = 7) int offset, @ForAll long seed) {
        int columns = BlockProduct.COLUMNS + offset;
        int stride = terms + offset;
        float[] a = numbers(seed, offset + BlockProduct.ROWS * stride);
        float[] b = numbers(seed + 1, offset + (terms + 1) * columns);
        float[] c = numbers(seed + 2, offset + (BlockProduct.ROWS + 1) * columns);
        float[] expected = c.clone();
        for (int i = 0; i < BlockProduct.ROWS; i++) {
            for (int j = 0; j < BlockProduct.COLUMNS; j++) {
                int at = offset + i * columns + j;
                float sum = 0;
                for (int t = 0; t < terms; t++) {
                    sum = Math.fma(a[offset + i * stride + t], b[offset + t * columns + j], sum);
                }
                expected[at] = sum;
            }
        }
        BlockProduct.multiply(terms, a, offset, stride, b, offset, columns, c, offset, columns);
        assertThat(c).isEqualTo(expected);
    }

    private static float[] numbers(long seed, int count) {
        var random = new Random(seed);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }
}
