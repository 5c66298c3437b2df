package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.ArrayList;
import java.util.List;

/**
 * A linear axis whose ticks are multiples of 1, 2 or 5 times a power of ten.
 *
 * @param from first tick
 * @param step between two ticks, above 0
 * @param steps number of steps, at least 1
 */
record Axis(double from, double step, int steps) {
    /**
     * The axis with the most ticks, {@code most} + 1 at most, that covers both values. Equal values get an axis around them.
     *
     * @param most the most steps, at least 2
     */
    static Axis covering(double low, double high, int most) {
        double width = high > low ? high - low : Math.max(Math.abs(low), 1e-9) * 0.1;
        double top = high > low ? high : low + width;
        double power = Math.pow(10, Math.floor(Math.log10(width / most)));
        for (double factor : new double[] {1, 2, 5, 10, 20, 50, 100}) {
            double step = factor * power;
            double first = Math.floor(low / step + 1e-9);
            double last = Math.ceil(top / step - 1e-9);
            if (last - first <= most) {
                return new Axis(first * step, step, (int) Math.max(1, last - first));
            }
        }
        throw new IllegalArgumentException("No axis from " + low + " to " + high);
    }

    double to() {
        return from + steps * step;
    }

    /** Where a value is, as a share of the length of the axis. */
    double share(double value) {
        return (value - from) / (to() - from);
    }

    List<Double> ticks() {
        var ticks = new ArrayList<Double>();
        for (int i = 0; i <= steps; i++) {
            double tick = from + i * step;
            ticks.add(Math.abs(tick) < step * 1e-6 ? 0 : tick);
        }
        return ticks;
    }

    /** A tick with as many decimals as the step has. */
    String label(double tick) {
        return Digits.fixed(tick, (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
    }
}
