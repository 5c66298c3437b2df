package dev.uncurl.collective;

import java.util.Arrays;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Values and divisions of the tests. */
final class Drawn {
    /** Elements before and after a range, which no operation may change. */
    private static final int MARGIN = 3;

    private static final float MARK = 77;

    private Drawn() {}

    /** Values of very different size, so that another order of addition shows. */
    static float[] values(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(6)));
        }
        return values;
    }

    /** [ranks][length] */
    static float[][] values(Random random, int ranks, int length) {
        float[][] values = new float[ranks][];
        Arrays.setAll(values, rank -> values(random, length));
        return values;
    }

    /** Slices of any length, many of them empty. */
    static long[] bounds(Random random, int length, int size) {
        long[] bounds = new long[size + 1];
        for (int i = 1; i < size; i++) {
            bounds[i] = random.nextInt(3) == 0 ? bounds[i - 1] : random.nextInt(length + 1);
        }
        bounds[size] = length;
        Arrays.sort(bounds);
        return bounds;
    }

    /** A range with these values in the middle of a larger array. */
    static FloatRange range(float[] values) {
        var array = Nd4j.valueArrayOf(new long[] {values.length + 2 * MARGIN}, (double) MARK, DataType.FLOAT);
        var range = new FloatRange(array, MARGIN, values.length);
        for (int start = 0; start < values.length; start += FloatRange.WINDOW) {
            int count = range.windowAt(start);
            range.window(start, count).asFloatBuffer().put(values, start, count);
        }
        return range;
    }

    /** The values of a range of {@link #range}, after a look at what is around them. */
    static float[] read(FloatRange range) {
        float[] values = new float[(int) range.length()];
        for (int start = 0; start < values.length; start += FloatRange.WINDOW) {
            int count = range.windowAt(start);
            range.window(start, count).asFloatBuffer().get(values, start, count);
        }
        float[] all = range.array().data().asFloat();
        for (int i = 0; i < all.length; i++) {
            if ((i < MARGIN || i >= all.length - MARGIN) && all[i] != MARK) {
                throw new AssertionError("Element " + i + " outside the range became " + all[i]);
            }
        }
        return values;
    }
}
