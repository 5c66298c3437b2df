package dev.uncurl.statistics;

/** A confidence interval, both ends included. */
public record Interval(double low, double high) {
    public Interval {
        if (!(low <= high)) {
            throw new IllegalArgumentException("An interval from " + low + " to " + high);
        }
    }

    public boolean contains(double value) {
        return low <= value && value <= high;
    }

    /**
     * Non-inferiority, for the interval of a difference from a baseline: whether every value in it is better than worse by the
     * margin. With a two-sided interval of 95% the test's level is 2.5%.
     *
     * @param margin 0 or more, in the unit of the difference
     * @param higherIsBetter true for an accuracy, false for a loss
     */
    public boolean excludesWorseBy(double margin, boolean higherIsBetter) {
        return higherIsBetter ? low > -margin : high < margin;
    }
}
