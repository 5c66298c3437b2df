package dev.uncurl.model.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.math.BigDecimal;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DTypeTest {
    private static final int PATTERNS = 1 << 16;

    private static int exponentBits(DType dtype) {
        return dtype == DType.BF16 ? 8 : 5;
    }

    private static int fractionBits(DType dtype) {
        return 15 - exponentBits(dtype);
    }

    /** By the definition of IEEE 754: sign, biased exponent, fraction; in double, which holds each of them exactly. */
    private static double value(DType dtype, int bits) {
        int fractionBits = fractionBits(dtype);
        int bias = (1 << exponentBits(dtype) - 1) - 1;
        int exponent = bits >> fractionBits & (1 << exponentBits(dtype)) - 1;
        double fraction = (bits & (1 << fractionBits) - 1) / Math.pow(2, fractionBits);
        double sign = (bits & 0x8000) == 0 ? 1 : -1;
        if (exponent == (1 << exponentBits(dtype)) - 1) {
            return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
        }
        return exponent == 0
                ? sign * fraction * Math.pow(2, 1 - bias)
                : sign * (1 + fraction) * Math.pow(2, exponent - bias);
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void everyBitPatternHasItsValueAndComesBack(DType dtype) {
        for (int bits = 0; bits < PATTERNS; bits++) {
            double expected = value(dtype, bits);
            float decoded = dtype.decode(bits);
            assertThat(Double.doubleToLongBits(decoded))
                    .as("%s %04x", dtype, bits)
                    .isEqualTo(Double.doubleToLongBits((float) expected))
                    .isEqualTo(Double.doubleToLongBits(expected));
            if (!Double.isNaN(expected)) {
                assertThat(dtype.encode(decoded)).as("%s %04x", dtype, bits).isEqualTo(bits);
            }
        }
    }

    /** Amounts of all finite values, with the pattern of each. */
    private static TreeMap<BigDecimal, Integer> amounts(DType dtype) {
        var amounts = new TreeMap<BigDecimal, Integer>();
        for (int bits = 0; Double.isFinite(value(dtype, bits)); bits++) {
            amounts.put(new BigDecimal(value(dtype, bits)), bits);
        }
        return amounts;
    }

    private static final TreeMap<BigDecimal, Integer> BF16_AMOUNTS = amounts(DType.BF16);
    private static final TreeMap<BigDecimal, Integer> F16_AMOUNTS = amounts(DType.F16);

    /** The nearest of all values, searched for in exact arithmetic; of two, the one with the even pattern. */
    private static int naive(DType dtype, float value) {
        TreeMap<BigDecimal, Integer> amounts = dtype == DType.BF16 ? BF16_AMOUNTS : F16_AMOUNTS;
        int sign = Float.floatToRawIntBits(value) < 0 ? 0x8000 : 0;
        var amount = new BigDecimal(Math.abs((double) value));
        var below = amounts.floorEntry(amount);
        var above = amounts.higherEntry(amount);
        int infinity = amounts.lastEntry().getValue() + 1;
        BigDecimal next = above == null
                ? below.getKey().multiply(BigDecimal.valueOf(2)).subtract(amounts.lowerKey(below.getKey()))
                : above.getKey();
        int upper = above == null ? infinity : above.getValue();
        int nearer = amount.subtract(below.getKey()).compareTo(next.subtract(amount));
        boolean down = nearer < 0 || nearer == 0 && below.getValue() % 2 == 0;
        return sign | (down ? below.getValue() : upper);
    }

    private static void check(DType dtype, float value) {
        if (Float.isFinite(value)) {
            assertThat(dtype.encode(value)).as("%s of %s", dtype, value).isEqualTo(naive(dtype, value));
        }
    }

    /** Any finite float: normal, subnormal, of either sign, beyond the range of the type. */
    @Property(tries = 200)
    void everyFloatRoundsToTheNearestAndTiesToEven(@ForAll long seed) {
        var random = new Random(seed);
        for (DType dtype : new DType[] {DType.BF16, DType.F16}) {
            for (int i = 0; i < 20; i++) {
                check(dtype, Float.intBitsToFloat(random.nextInt()));
                check(dtype, (float) (random.nextGaussian() * Math.pow(2, random.nextInt(60) - 40)));
            }
        }
    }

    /** At, and next to, what lies half-way between neighbours; with the subnormal ones and the step to infinity. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void tiesAndTheirNeighbours(DType dtype) {
        int finite = (dtype == DType.BF16 ? BF16_AMOUNTS : F16_AMOUNTS).size();
        for (int bits = 0; bits < finite; bits += bits < 3000 || bits > finite - 3000 ? 1 : 37) {
            double step = bits + 1 < finite
                    ? value(dtype, bits + 1) - value(dtype, bits)
                    : value(dtype, bits) - value(dtype, bits - 1);
            float tie = (float) (value(dtype, bits) + step / 2);
            for (float near : new float[] {tie, Math.nextUp(tie), Math.nextDown(tie)}) {
                check(dtype, near);
                check(dtype, -near);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsFiniteIsRoundedWithinHalfAUnitAndNeverBecomesNaN(DType dtype) {
        var random = new Random(3);
        for (int i = 0; i < 100_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (Float.isFinite(value)) {
                float rounded = dtype.round(value);
                assertThat(rounded).isNotNaN();
                if (Float.isFinite(rounded)) {
                    double slack = Math.scalb((double) Math.abs(value), -dtype.precision())
                            + Math.scalb((double) dtype.minNormal(), -dtype.precision());
                    assertThat(Math.abs((double) rounded - value)).isLessThanOrEqualTo(slack);
                }
                assertThat(dtype.round(rounded)).isEqualTo(rounded);
            }
        }
        assertThat(dtype.round(-0f)).isEqualTo(-0f);
    }

    @Test
    void onlyTypesThatAreWrittenHaveAName() {
        assertThat(DType.named("bf16")).isEqualTo(DType.BF16);
        assertThatThrownBy(() -> DType.named("bf61"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("There is no dtype bf61")
                .hasMessageContaining("f32, bf16");
    }
}
