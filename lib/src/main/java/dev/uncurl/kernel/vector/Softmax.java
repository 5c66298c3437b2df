package dev.uncurl.kernel.vector;

import static dev.uncurl.kernel.vector.VectorOps.SPECIES;
import static dev.uncurl.kernel.vector.VectorOps.WIDTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** The softmax of one row of attention scores, but for its division, which follows after the product with the values. */
final class Softmax {
    private final float[] scratch = new float[WIDTH];
    private float largest;

    /**
     * Replaces the first {@code count} scores from {@code at} by exp(score - largest) and the others up to {@code end}
     * by zeros. Returns the sum, which is the divisor that normalizes the row. There must be room for whole vectors.
     */
    float exponentials(float[] scores, int at, int count, int end) {
        int whole = fillUp(scores, at, count, Float.NEGATIVE_INFINITY);
        largest = largest(scores, at, whole);
        float sum = exponentials(scores, at, whole, largest, scratch);
        Arrays.fill(scores, at + count, at + end, 0f);
        return sum;
    }

    /** Replaces scores by exp(score - offset) and returns their sum. */
    private static float exponentials(float[] scores, int at, int whole, float offset, float[] scratch) {
        FloatVector total = FloatVector.zero(SPECIES);
        for (int i = at; i < at + whole; i += WIDTH) {
            FloatVector term =
                    VectorOps.exp(FloatVector.fromArray(SPECIES, scores, i).sub(offset));
            total = total.add(term);
            term.intoArray(scores, i);
        }
        return VectorOps.sum(total, scratch);
    }

    /** The largest score of the last row. */
    float largest() {
        return largest;
    }

    /** Appends {@code value} to {@code count} scores up to a whole number of vectors; returns the padded count. */
    private static int fillUp(float[] scores, int at, int count, float value) {
        int whole = VectorOps.roundUp(count, WIDTH);
        Arrays.fill(scores, at + count, at + whole, value);
        return whole;
    }

    private static float largest(float[] scores, int at, int whole) {
        FloatVector maxima = VectorOps.fill(Float.NEGATIVE_INFINITY);
        for (int i = at; i < at + whole; i += WIDTH) {
            maxima = maxima.max(FloatVector.fromArray(SPECIES, scores, i));
        }
        return VectorOps.max(maxima);
    }
}
