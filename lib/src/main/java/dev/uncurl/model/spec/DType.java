package dev.uncurl.model.spec;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Storage type of the values of a tensor. The names are those of safetensors. All arithmetic is on {@code float}.
 * {@link #decode} is exact for every type. {@link #encode} rounds to the nearest value of the type, ties to the value whose last
 * bit is 0 (IEEE 754, roundTiesToEven). A finite value never becomes NaN. A value that is too large for the type becomes
 * infinite, which writers of tensors reject.
 */
public enum DType {
    /** IEEE 754 binary32. */
    F32(Float.BYTES, 24, "float32"),
    /** The upper half of a binary32: the same exponents, 8 significant bits. */
    BF16(Short.BYTES, 8, "bfloat16"),
    /** IEEE 754 binary16: finite values up to 65,504, 11 significant bits. */
    F16(Short.BYTES, 11, "float16");

    /** Number of fraction bits of a binary16. */
    private static final int HALF_FRACTION_BITS = 10;

    /** Position of the fraction of a binary16 in a binary32. */
    private static final int FRACTION_SHIFT = 23 - HALF_FRACTION_BITS;
    /** Difference of the exponents' biases: 127 - 15. */
    private static final int BIAS = 112;
    /** The smallest positive normal binary16, 2^-14. Smaller values are multiples of 2^-24. */
    private static final float HALF_MIN_NORMAL = 0x1p-14f;

    private final int bytes;
    private final int precision;
    private final String torch;

    DType(int bytes, int precision, String torch) {
        this.bytes = bytes;
        this.precision = precision;
        this.torch = torch;
    }

    /** Bytes of one value. */
    public int bytes() {
        return bytes;
    }

    /** Number p of significant bits, with the implicit one. Rounding changes a normal value x by at most 2^-p |x|. */
    public int precision() {
        return precision;
    }

    /** The smallest positive normal value. */
    public float minNormal() {
        return this == F16 ? HALF_MIN_NORMAL : Float.MIN_NORMAL;
    }

    /** The name in {@code torch_dtype} of a config.json. */
    public String torch() {
        return torch;
    }

    /** The name on the command line. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The exact value of a stored bit pattern. NaN and infinities become those of {@code float}.
     *
     * @param bits in the lower half for a 16-bit type
     */
    public float decode(int bits) {
        return switch (this) {
            case F32 -> Float.intBitsToFloat(bits);
            case BF16 -> Float.intBitsToFloat(bits << 16);
            case F16 -> decodeHalf(bits);
        };
    }

    private static float decodeHalf(int bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = bits >> HALF_FRACTION_BITS & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0) {
            float magnitude = fraction * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        int wide = exponent == 0x1f ? 0xff : exponent + BIAS;
        return Float.intBitsToFloat(sign | wide << 23 | fraction << FRACTION_SHIFT);
    }

    /**
     * The bit pattern of the value of this type that is nearest to {@code value}, ties to even. A value that exceeds the
     * largest finite value by half a unit in the last place or more becomes infinite.
     *
     * @param value not NaN
     */
    public int encode(float value) {
        return switch (this) {
            case F32 -> Float.floatToRawIntBits(value);
            case BF16 -> {
                int bits = Float.floatToRawIntBits(value);
                yield bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
            }
            case F16 -> encodeHalf(value);
        };
    }

    private static int encodeHalf(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (Math.abs(value) < HALF_MIN_NORMAL) {
            return sign | (int) Math.rint(Math.abs(value) * 0x1p24); // the product is exact; rint rounds ties to even
        }
        int rounded = magnitude + (1 << FRACTION_SHIFT - 1) - 1 + (magnitude >>> FRACTION_SHIFT & 1);
        return sign | Math.min((rounded >>> FRACTION_SHIFT) - (BIAS << HALF_FRACTION_BITS), 0x7c00);
    }

    /** The value of this type that is nearest to {@code value}, ties to even; see {@link #encode}. */
    public float round(float value) {
        return this == F32 ? value : decode(encode(value));
    }

    /** The {@link #id} of each type that prune can write. */
    public static List<String> writable() {
        return List.of(F32.id(), BF16.id());
    }

    /** @throws UserError (usage) if prune cannot write a type with this name */
    public static DType named(String id) {
        if (!writable().contains(id)) {
            throw UserError.usage("There is no dtype " + id, "Choose one of " + String.join(", ", writable()) + ".");
        }
        return valueOf(id.toUpperCase(Locale.ROOT));
    }

    /** The results of {@link #torch}. */
    public static List<String> torchNames() {
        return Arrays.stream(values()).map(DType::torch).toList();
    }
}
