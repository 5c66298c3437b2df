package dev.uncurl.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What the fused loops share: vectors from and to host buffers (indices in floats), exp and tanh. */
final class Lanes {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    static final int WIDTH = SPECIES.length();

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    // exp(x) = 2^n exp(r), |r| <= ln(2)/2, by the polynomial of Cephes' expf. Adding MAGIC rounds to the nearest
    // integer and leaves it in the low bits; ln(2) is split in two so that x - n ln(2) keeps its last bits.
    private static final float LOG2_E = 1.44269504f;
    private static final float MAGIC = 12582912f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;

    private Lanes() {}

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

    static FloatVector fill(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    /** The first {@code count} lanes. */
    static VectorMask<Float> firstLanes(int count) {
        return SPECIES.indexInRange(0, count);
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

    /** e^x, relative error under 2e-7; x is held between -87 and 88. */
    static FloatVector exp(FloatVector x) {
        FloatVector held = x.max(-87f).min(88f);
        FloatVector shifted = held.fma(fill(LOG2_E), fill(MAGIC));
        FloatVector power = shifted.sub(MAGIC);
        FloatVector rest = power.fma(fill(-LN2_LOW), power.fma(fill(-LN2_HIGH), held));
        FloatVector polynomial = rest.fma(fill(1.9875691500e-4f), fill(1.3981999507e-3f));
        polynomial = polynomial.fma(rest, fill(8.3334519073e-3f));
        polynomial = polynomial.fma(rest, fill(4.1665795894e-2f));
        polynomial = polynomial.fma(rest, fill(1.6666665459e-1f));
        polynomial = polynomial.fma(rest, fill(5.0000001201e-1f));
        polynomial = polynomial.fma(rest.mul(rest), rest.add(1f));
        var exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return polynomial.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** tanh(x) = 1 - 2 / (e^2x + 1). */
    static FloatVector tanh(FloatVector x) {
        return fill(1f).sub(fill(2f).div(exp(x.add(x)).add(1f)));
    }

    static float exp(float x) {
        return (float) Math.exp(x);
    }

    static float tanh(float x) {
        return (float) (1 - 2 / (Math.exp(2.0 * x) + 1));
    }
}
