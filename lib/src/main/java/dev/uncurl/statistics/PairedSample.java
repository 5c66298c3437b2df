package dev.uncurl.statistics;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Values of M models on the same examples, summed over units: the examples that depend on each other, such as the questions
 * on one passage, are one unit. A model's score is sum of values / sum of weights: an accuracy with 0, 1 and weights 1, a loss
 * per token with losses and tokens.
 */
public final class PairedSample {
    /** U x M: sum of the values of each model over each unit. */
    private final double[][] sums;

    /** U: sum of the weights over each unit, greater than 0. */
    private final double[] weights;

    private final int examples;

    private PairedSample(double[][] sums, double[] weights, int examples) {
        this.sums = sums;
        this.weights = weights;
        this.examples = examples;
    }

    /**
     * The result does not depend on the order of the examples. Units without weight are left out.
     *
     * @param ids of the examples, distinct
     * @param clusters the unit of each example; null or a null entry: the example is a unit of its own
     * @param exampleWeights 0 or more
     * @param values M x examples
     */
    public static PairedSample of(long[] ids, String[] clusters, double[] exampleWeights, double[][] values) {
        int n = ids.length;
        if (values.length == 0 || exampleWeights.length != n || clusters != null && clusters.length != n) {
            throw new IllegalArgumentException(n + " examples, " + exampleWeights.length + " weights");
        }
        int[] order = order(ids);
        int[] unit = units(order, clusters);
        int units = Arrays.stream(unit).max().orElse(-1) + 1;
        double[][] sums = new double[units][values.length];
        double[] weights = new double[units];
        for (int place = 0; place < n; place++) {
            int example = order[place];
            weights[unit[place]] += requireWeight(exampleWeights[example]);
            for (int m = 0; m < values.length; m++) {
                sums[unit[place]][m] += values[m][example];
            }
        }
        int[] kept = IntStream.range(0, units).filter(u -> weights[u] > 0).toArray();
        if (kept.length == 0) {
            throw new IllegalArgumentException("No unit has a weight");
        }
        return new PairedSample(
                Arrays.stream(kept).mapToObj(u -> sums[u]).toArray(double[][]::new),
                Arrays.stream(kept).mapToDouble(u -> weights[u]).toArray(),
                n);
    }

    private static int[] order(long[] ids) {
        int[] order = IntStream.range(0, ids.length)
                .boxed()
                .sorted(Comparator.comparingLong(example -> ids[example]))
                .mapToInt(Integer::intValue)
                .toArray();
        for (int place = 1; place < order.length; place++) {
            if (ids[order[place]] == ids[order[place - 1]]) {
                throw new IllegalArgumentException("Example " + ids[order[place]] + " occurs twice");
            }
        }
        return order;
    }

    /** The unit of the example at each place, in the order of the first examples of the units. */
    private static int[] units(int[] order, String[] clusters) {
        int[] unit = new int[order.length];
        var known = new HashMap<String, Integer>();
        int next = 0;
        for (int place = 0; place < order.length; place++) {
            String cluster = clusters == null ? null : clusters[order[place]];
            Integer before = cluster == null ? null : known.get(cluster);
            unit[place] = before == null ? next++ : before;
            if (cluster != null) {
                known.put(cluster, unit[place]);
            }
        }
        return unit;
    }

    private static double requireWeight(double weight) {
        if (!(weight >= 0)) {
            throw new IllegalArgumentException("A weight of " + weight);
        }
        return weight;
    }

    public int models() {
        return sums[0].length;
    }

    public int examples() {
        return examples;
    }

    /** Number of units, U. */
    public int units() {
        return weights.length;
    }

    /** Sums of unit u by model; not a copy. */
    double[] sums(int unit) {
        return sums[unit];
    }

    double weight(int unit) {
        return weights[unit];
    }

    /** Mean score of the models of a subject. */
    public double value(int... subject) {
        double sum = 0;
        for (double[] unit : sums) {
            sum += mean(unit, subject);
        }
        return sum / Arrays.stream(weights).sum();
    }

    /** Score of one subject less that of another. */
    public double difference(int[] subject, int[] other) {
        double sum = 0;
        for (double[] unit : sums) {
            sum += mean(unit, subject) - mean(unit, other);
        }
        return sum / Arrays.stream(weights).sum();
    }

    /**
     * Standard error of the difference of two models on these examples, clustered: with d_u the sum of the differences over
     * unit u, w_u its weight and r = sum d / sum w,
     *
     * <p>SE^2 = U / (U - 1) * sum_u (d_u - r w_u)^2 / (sum_u w_u)^2.
     *
     * <p>For an accuracy without clusters this is sd(d) / sqrt(n); with clusters it is the formula of Miller ("Adding error
     * bars to evals", arXiv 2411.00640, section 2.2) times the factor U / (U - 1), which that paper leaves out.
     */
    public double standardError(int model, int other) {
        double total = Arrays.stream(weights).sum();
        double ratio = difference(new int[] {model}, new int[] {other});
        double squares = 0;
        for (int u = 0; u < weights.length; u++) {
            double residual = sums[u][model] - sums[u][other] - ratio * weights[u];
            squares += residual * residual;
        }
        int units = weights.length;
        return units < 2 ? 0 : Math.sqrt(squares * units / (units - 1)) / total;
    }

    private static double mean(double[] values, int[] subject) {
        double sum = 0;
        for (int model : subject) {
            sum += values[model];
        }
        return sum / subject.length;
    }

    /** @throws IllegalArgumentException for a subject without models, or with a model that the sample does not have */
    void require(List<int[]> subjects) {
        for (int[] subject : subjects) {
            if (subject.length == 0 || Arrays.stream(subject).anyMatch(model -> model < 0 || model >= models())) {
                throw new IllegalArgumentException("Subject of models " + Arrays.toString(subject));
            }
        }
    }
}
