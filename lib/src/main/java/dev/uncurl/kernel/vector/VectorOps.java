package dev.uncurl.kernel.vector;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Shared operations of the fused loops: loading vectors from and storing them to host buffers (indices in floats), exp
 * and sigmoid.
 *
 * <p>A method should contain one loop with at most one exp or sigmoid: beyond a few dozen vector operations the
 * compiler stops inlining (NodeCountInliningCutoff), and every further operation allocates its result on the heap.
 */
final class VectorOps {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    static final int WIDTH = SPECIES.length();

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    // exp(x) = 2^n exp(r), |r| <= ln(2)/2, with exp(r) = 1 + r + r^2 q(r) and q of degree 4 fitted to the least largest
    // error, 3e-9. Adding MAGIC rounds to the nearest integer and leaves it in the low bits.
    private static final float LOG2_E = 1.44269504f;
    private static final float MAGIC = 12582912f;
    private static final float LN2 = 0.69314718f;
    private static final float LOWEST = -87f;
    private static final float HIGHEST = 87f;
    private static final float Q4 = 1.3814541e-3f;
    private static final float Q3 = 8.3687454e-3f;
    private static final float Q2 = 4.1668391e-2f;
    private static final float Q1 = 1.6666520e-1f;
    private static final float Q0 = 4.9999993e-1f;

    private VectorOps() {}

    static FloatVector load(ByteBuffer source, int index) {
        return FloatVector.fromByteBuffer(SPECIES, source, index << 2, ORDER);
    }

    static void store(FloatVector value, ByteBuffer target, int index) {
        value.intoByteBuffer(target, index << 2, ORDER);
    }

    static float get(ByteBuffer source, int index) {
        return source.getFloat(index << 2);
    }

    static void put(ByteBuffer target, int index, float value) {
        target.putFloat(index << 2, value);
    }

    /** The largest multiple of the vector length that is no more than {@code length}. */
    static int whole(int length) {
        return length - length % WIDTH;
    }

    /** The smallest multiple of {@code unit} that is no less than {@code length}. */
    static int roundUp(int length, int unit) {
        return (length + unit - 1) / unit * unit;
    }

    static FloatVector fill(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    /**
     * Sum of the lanes in a fixed order. reduceLanes(ADD) is not used: its order, and so its last bits, differ between
     * interpreted and compiled code.
     */
    static float sum(FloatVector value, float[] scratch) {
        value.intoArray(scratch, 0);
        for (int half = WIDTH >> 1; half > 0; half >>= 1) {
            for (int i = 0; i < half; i++) {
                scratch[i] += scratch[i + half];
            }
        }
        return scratch[0];
    }

    static float max(FloatVector value) {
        return value.reduceLanes(VectorOperators.MAX);
    }

    /** e^x for x below 88, relative error under 4e-7; under -87 it is e^-87. */
    static FloatVector exp(FloatVector x) {
        FloatVector bounded = x.max(LOWEST);
        FloatVector shifted = bounded.fma(LOG2_E, MAGIC);
        FloatVector rest = shifted.sub(MAGIC).fma(fill(-LN2), bounded);
        FloatVector one = fill(1f);
        FloatVector result = rest.fma(Q4, Q3)
                .fma(rest, fill(Q2))
                .fma(rest, fill(Q1))
                .fma(rest, fill(Q0))
                .fma(rest, one)
                .fma(rest, one);
        var exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return result.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** 1 / (1 + e^-x), given -x. */
    static FloatVector sigmoidOfNegative(FloatVector x) {
        FloatVector one = fill(1f);
        return one.div(exp(x.min(HIGHEST)).add(one));
    }

    static float exp(float x) {
        return (float) Math.exp(x);
    }

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }
}
