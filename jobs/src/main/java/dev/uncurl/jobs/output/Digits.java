package dev.uncurl.jobs.output;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Formats real numbers for people: four decimals where these show the number well, else as many digits as it needs. */
public final class Digits {
    private static final double SMALLEST_PLAIN = 1e-4;
    private static final double FEW_DECIMALS = 1e-2;
    private static final MathContext FOUR_DIGITS = new MathContext(4);
    private static final double WHOLE = 1000;
    private static final double LARGEST_PLAIN = 1e15;

    private Digits() {}

    /** At least three significant digits; {@code NaN} and {@code Infinity} as Java writes them. */
    public static String of(double value) {
        return of(value, Double.toString(value));
    }

    /** As {@link #of(double)}, with the digits that identify a float. */
    public static String of(float value) {
        return of(value, Float.toString(value));
    }

    /** A fixed number of decimals; in scientific notation when a number other than 0 would be shown as 0. */
    public static String fixed(double value, int decimals) {
        boolean vanishes = value != 0 && Math.abs(value) < 0.5 * Math.pow(10, -decimals);
        return vanishes ? String.format(Locale.ROOT, "%.1e", value) : format(value, decimals);
    }

    /** @param shortest the number as Java writes it */
    private static String of(double value, String shortest) {
        double size = Math.abs(value);
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return shortest;
        }
        if (size != 0 && size < SMALLEST_PLAIN || size >= LARGEST_PLAIN) {
            return String.format(Locale.ROOT, "%.4e", value);
        }
        BigDecimal exact = new BigDecimal(shortest).stripTrailingZeros();
        if (size >= WHOLE) {
            return exact.scale() <= 4 ? exact.toPlainString() : format(value, 1);
        }
        if (size == 0 || size >= FEW_DECIMALS || exact.scale() <= 4) {
            return format(value, 4);
        }
        return exact.round(FOUR_DIGITS).toPlainString();
    }

    private static String format(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
