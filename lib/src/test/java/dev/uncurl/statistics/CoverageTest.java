package dev.uncurl.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How often the 95% intervals have the true difference, by simulation: about 95% of the time. */
@Tag("slow")
class CoverageTest {
    private static final int SAMPLES = 400;
    private static final int DRAWS = 799;

    private interface Simulation {
        Interval interval(Random random, long seed);
    }

    private static double coverage(double truth, Simulation simulation) {
        var random = new Random(17);
        int covered = 0;
        for (int s = 0; s < SAMPLES; s++) {
            covered += simulation.interval(random, s).contains(truth) ? 1 : 0;
        }
        return covered / (double) SAMPLES;
    }

    /** Both models right with probability 0.5 + effect of the cluster; the second is better by 0.1 in the mean. */
    private static PairedSample answers(Random random, int clusters, int size, boolean told) {
        int n = clusters * size;
        double[][] values = new double[2][n];
        var names = new String[n];
        for (int c = 0; c < clusters; c++) {
            double effect = 0.6 * (random.nextDouble() - 0.5);
            for (int i = c * size; i < (c + 1) * size; i++) {
                double luck = random.nextDouble();
                values[0][i] = luck < 0.5 ? 1 : 0;
                values[1][i] = luck < 0.6 + effect ? 1 : 0;
                names[i] = told ? "passage " + c : null;
            }
        }
        return PairedSample.of(LongStream.range(0, n).toArray(), names, ones(n), values);
    }

    private static double[] ones(int n) {
        double[] ones = new double[n];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static Interval difference(PairedSample sample, long seed) {
        return Bootstrap.of(sample, List.of(new int[] {0}, new int[] {1}), DRAWS, seed)
                .difference(1, 0);
    }

    @Test
    void independentExamplesAreCovered() {
        assertThat(coverage(0.1, (random, seed) -> difference(answers(random, 200, 1, false), seed)))
                .isBetween(0.92, 0.975);
    }

    @Test
    void examplesOfPassagesAreCoveredOnlyIfPassagesAreResampled() {
        assertThat(coverage(0.1, (random, seed) -> difference(answers(random, 60, 12, true), seed)))
                .isBetween(0.91, 0.975);
        assertThat(coverage(0.1, (random, seed) -> difference(answers(random, 60, 12, false), seed)))
                .isLessThan(0.8);
    }

    /** The mean over seeds of a setting, whose seeds differ by more than the examples do. */
    @Test
    void theMeanOverAllSeedsIsCoveredOnlyByTwoLevels() {
        List<int[]> setting = List.of(new int[] {0, 1, 2, 3, 4, 5, 6, 7});
        assertThat(coverage(0.5, (random, seed) -> Bootstrap.of(seeds(random), setting, DRAWS, seed)
                        .value(0)))
                .isBetween(0.88, 0.975);
        assertThat(coverage(0.5, (random, seed) -> Bootstrap.of(seeds(random), List.of(new int[] {0}), DRAWS, seed)
                        .value(0)))
                .isLessThan(0.6);
    }

    private static PairedSample seeds(Random random) {
        int n = 300;
        double[][] values = new double[8][n];
        for (double[] model : values) {
            double accuracy = 0.5 + 0.1 * random.nextGaussian();
            Arrays.setAll(model, i -> random.nextDouble() < accuracy ? 1 : 0);
        }
        return PairedSample.of(LongStream.range(0, n).toArray(), null, ones(n), values);
    }
}
