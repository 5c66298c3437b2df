package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.WIDTH;
import static dev.uncurl.kernel.vector.VectorOps.fill;
import static dev.uncurl.kernel.vector.VectorOps.get;
import static dev.uncurl.kernel.vector.VectorOps.load;
import static dev.uncurl.kernel.vector.VectorOps.put;
import static dev.uncurl.kernel.vector.VectorOps.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/** The softmax of one row of attention scores, in two steps, so that the product with the values can come between. */
final class Softmax {
    private final float[] scratch = new float[WIDTH];
    private float largest;

    /**
     * Replaces the first {@code count} scores from {@code at} by exp(score - largest) and the others up to {@code end}
     * by zeros. Returns the sum, which is the divisor that normalizes the row. There must be room for whole vectors.
     */
    float exponentials(ByteBuffer values, int at, int count, int end) {
        int whole = fillUp(values, at, count, Float.NEGATIVE_INFINITY);
        largest = largest(values, at, whole);
        float sum = exponentials(values, at, whole, largest, scratch);
        clear(values, at + count, at + end);
        return sum;
    }

    /** Replaces values by exp(value - offset) and returns their sum. */
    private static float exponentials(ByteBuffer values, int at, int whole, float offset, float[] scratch) {
        FloatVector total = FloatVector.zero(VectorOps.SPECIES);
        for (int i = at; i < at + whole; i += WIDTH) {
            FloatVector term = VectorOps.exp(load(values, i).sub(offset));
            total = total.add(term);
            store(term, values, i);
        }
        return VectorOps.sum(total, scratch);
    }

    /** The largest score of the last row. */
    float largest() {
        return largest;
    }

    static void divide(ByteBuffer values, int at, int length, float divisor) {
        float factor = 1 / divisor;
        int whole = VectorOps.whole(length);
        for (int i = at; i < at + whole; i += WIDTH) {
            store(load(values, i).mul(factor), values, i);
        }
        for (int i = at + whole; i < at + length; i++) {
            put(values, i, get(values, i) * factor);
        }
    }

    /** Appends {@code value} to {@code count} values up to a whole number of vectors; returns the padded count. */
    static int fillUp(ByteBuffer values, int at, int count, float value) {
        int whole = (count + WIDTH - 1) / WIDTH * WIDTH;
        for (int i = at + count; i < at + whole; i++) {
            put(values, i, value);
        }
        return whole;
    }

    static void clear(ByteBuffer values, int from, int to) {
        for (int i = from; i < to; i++) {
            put(values, i, 0f);
        }
    }

    private static float largest(ByteBuffer values, int at, int whole) {
        FloatVector maxima = fill(Float.NEGATIVE_INFINITY);
        for (int i = at; i < at + whole; i += WIDTH) {
            maxima = maxima.max(load(values, i));
        }
        return VectorOps.max(maxima);
    }
}
