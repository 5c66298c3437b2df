package dev.uncurl.statistics;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Paired percentile bootstrap. In each draw, U of the U units of a sample are drawn with replacement, the same for all models,
 * so that the difference of any two subjects has its own replicates from one pass. A draw's random numbers are a function of
 * seed and draw: the same sample gives the same bits for any number of threads.
 *
 * <p>A subject of several models (a setting that was run with several seeds) is resampled on two levels: S - 1 of its S
 * models with replacement, then the units, which all models share. Drawing S - 1 makes the variance of the replicates' mean
 * that of the mean of S independent seeds, s^2 / S, where drawing S would make it smaller by (S - 1) / S (Rao and Wu,
 * "Resampling inference with complex survey data", 1988).
 */
public final class Bootstrap {
    /** Draws of the intervals that are reported. */
    public static final int DRAWS = 10_000;

    private static final int CHUNK = 64;

    private final PairedSample sample;
    private final List<int[]> subjects;
    private final long seed;
    /** Subjects x draws: numerators of the scores. */
    private final double[][] sums;
    /** Draws: denominators of the scores. */
    private final double[] weights;

    private Bootstrap(PairedSample sample, List<int[]> subjects, int draws, long seed) {
        this.sample = sample;
        this.subjects = subjects;
        this.seed = seed;
        this.sums = new double[subjects.size()][draws];
        this.weights = new double[draws];
    }

    /**
     * Draws the replicates of all subjects; memory is 8 bytes x subjects x draws.
     *
     * @param subjects the models of each subject, indices into the sample; the order matters only where a subject has several
     */
    public static Replicates of(PairedSample sample, List<int[]> subjects, int draws, long seed) {
        sample.require(subjects);
        var bootstrap = new Bootstrap(sample, subjects, draws, seed);
        IntStream.rangeClosed(0, (draws - 1) / CHUNK)
                .parallel()
                .forEach(chunk -> bootstrap.fill(chunk * CHUNK, Math.min(draws, (chunk + 1) * CHUNK)));
        return new Replicates(bootstrap.sums, bootstrap.weights);
    }

    private void fill(int from, int to) {
        int[] counts = new int[sample.units()];
        double[] totals = new double[sample.models()];
        for (int draw = from; draw < to; draw++) {
            count(counts, draw);
            weights[draw] = total(counts, totals);
            for (int s = 0; s < subjects.size(); s++) {
                sums[s][draw] = score(totals, s, draw);
            }
        }
    }

    /** How often each unit is drawn. */
    private void count(int[] counts, int draw) {
        Arrays.fill(counts, 0);
        var random = new CounterRandom(seed, draw);
        for (int i = 0; i < counts.length; i++) {
            counts[random.below(counts.length, i)]++;
        }
    }

    /** Sums the drawn units, in the order of units. Returns the sum of their weights. */
    private double total(int[] counts, double[] totals) {
        Arrays.fill(totals, 0);
        double weight = 0;
        for (int u = 0; u < counts.length; u++) {
            double count = counts[u];
            if (count > 0) {
                weight += count * sample.weight(u);
                double[] unit = sample.sums(u);
                for (int m = 0; m < totals.length; m++) {
                    totals[m] += count * unit[m];
                }
            }
        }
        return weight;
    }

    private double score(double[] totals, int subject, int draw) {
        int[] models = subjects.get(subject);
        if (models.length == 1) {
            return totals[models[0]];
        }
        // streams of units are 0 and more, those of seeds less than 0
        var random = new CounterRandom(seed, -1L - subject - (long) draw * subjects.size());
        double sum = 0;
        for (int i = 0; i < models.length - 1; i++) {
            sum += totals[models[random.below(models.length, i)]];
        }
        return sum / (models.length - 1);
    }
}
