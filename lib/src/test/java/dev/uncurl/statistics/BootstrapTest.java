package dev.uncurl.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.statistics.NaiveBootstrap.Example;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ForkJoinPool;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BootstrapTest {
    /** Examples with losses per token of some models; a third of them in clusters of about three. */
    private static List<Example> examples(int n, int models, long seed) {
        var random = new Random(seed);
        var examples = new ArrayList<Example>();
        for (int i = 0; i < n; i++) {
            int tokens = 1 + random.nextInt(9);
            double[] values = new double[models];
            for (int m = 0; m < models; m++) {
                values[m] = tokens * (2 + 0.1 * m + 0.5 * random.nextGaussian());
            }
            String cluster = random.nextInt(3) == 0 ? "passage " + random.nextInt(1 + n / 9) : null;
            examples.add(new Example(10L * i + random.nextInt(10), cluster, tokens, values));
        }
        return examples;
    }

    private static PairedSample sample(List<Example> examples) {
        int models = examples.get(0).values().length;
        double[][] values = new double[models][examples.size()];
        for (int i = 0; i < examples.size(); i++) {
            for (int m = 0; m < models; m++) {
                values[m][i] = examples.get(i).values()[m];
            }
        }
        return PairedSample.of(
                examples.stream().mapToLong(Example::id).toArray(),
                examples.stream().map(Example::cluster).toArray(String[]::new),
                examples.stream().mapToDouble(Example::weight).toArray(),
                values);
    }

    private static PairedSample of01(int[]... models) {
        int n = models[0].length;
        double[][] values = Arrays.stream(models)
                .map(right -> Arrays.stream(right).asDoubleStream().toArray())
                .toArray(double[][]::new);
        double[] weights = new double[n];
        Arrays.fill(weights, 1);
        return PairedSample.of(java.util.stream.LongStream.range(0, n).toArray(), null, weights, values);
    }

    private static Replicates replicates(PairedSample sample, int draws, long seed) {
        List<int[]> each = java.util.stream.IntStream.range(0, sample.models())
                .mapToObj(model -> new int[] {model})
                .toList();
        return Bootstrap.of(sample, each, draws, seed);
    }

    @Test
    void theNumbersAreThoseOfSplitMix64() {
        var random = new CounterRandom(7, 3);
        var javas = new SplittableRandom(random.start());
        for (int i = 0; i < 1000; i++) {
            assertThat(random.at(i)).isEqualTo(javas.nextLong());
        }
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++) {
            counts[random.below(7, i)]++;
        }
        assertThat(Arrays.stream(counts).boxed()).allMatch(count -> Math.abs(count - 10_000) < 500);
    }

    @Property(tries = 30)
    void intervalsAreThoseOfListsOfDrawnExamples(@ForAll @IntRange(min = 2, max = 40) int n, @ForAll long seed) {
        List<Example> examples = examples(n, 3, seed);
        Replicates replicates = replicates(sample(examples), 199, seed);
        for (int other = 0; other < 2; other++) {
            double[] naive = NaiveBootstrap.differences(examples, 2, other, 199, seed);
            Interval interval = replicates.difference(2, other);
            assertThat(interval.low()).isCloseTo(naive[4], within(1e-9));
            assertThat(interval.high()).isCloseTo(naive[194], within(1e-9));
        }
    }

    @Property(tries = 20)
    void orderOfExamplesAndThreadsChangeNoBit(@ForAll @IntRange(min = 2, max = 200) int n, @ForAll long seed)
            throws Exception {
        List<Example> examples = examples(n, 3, seed);
        Replicates one = replicates(sample(examples), 300, 5);
        var shuffled = new ArrayList<>(examples);
        Collections.shuffle(shuffled, new Random(seed));
        var pool = new ForkJoinPool(1);
        Replicates other =
                pool.submit(() -> replicates(sample(shuffled), 300, 5)).get();
        pool.shutdown();
        for (int model = 0; model < 3; model++) {
            assertThat(one.values(model)).isEqualTo(other.values(model));
        }
        assertThat(one.difference(0, 1)).isEqualTo(other.difference(0, 1));
    }

    /** All 4^4 resamples of four examples, each equally likely. */
    @Test
    void replicatesHaveTheDistributionOfAllResamples() {
        int[] one = {1, 0, 1, 1};
        int[] two = {0, 0, 1, 0};
        var exact = new HashMap<Double, Double>();
        for (int resample = 0; resample < 256; resample++) {
            double sum = 0;
            for (int i = 0, rest = resample; i < 4; i++, rest /= 4) {
                sum += one[rest % 4] - two[rest % 4];
            }
            exact.merge(sum / 4, 1.0 / 256, Double::sum);
        }
        int draws = 100_000;
        double[] differences = replicates(of01(one, two), draws, 1).differences(0, 1);
        exact.forEach((value, probability) -> {
            double share = Arrays.stream(differences).filter(d -> d == value).count() / (double) draws;
            double error = Math.sqrt(probability * (1 - probability) / draws);
            assertThat(share).as("share of " + value).isCloseTo(probability, within(5 * error));
        });
    }

    @Property(tries = 50)
    void theStandardErrorWithoutClustersIsThatOfAMean(@ForAll @IntRange(min = 2, max = 60) int n, @ForAll long seed) {
        var random = new Random(seed);
        int[] one = random.ints(n, 0, 2).toArray();
        int[] two = random.ints(n, 0, 2).toArray();
        double[] differences = new double[n];
        Arrays.setAll(differences, i -> one[i] - two[i]);
        PairedSample sample = of01(one, two);
        assertThat(sample.standardError(0, 1)).isCloseTo(NaiveBootstrap.standardError(differences), within(1e-12));
        assertThat(sample.difference(new int[] {0}, new int[] {1}))
                .isCloseTo(sample.value(0) - sample.value(1), within(1e-12));
    }

    /** Copies of an example in its cluster are no evidence: the error is that of the examples without their copies. */
    @Test
    void copiesInAClusterDoNotMakeTheErrorSmaller() {
        var random = new Random(3);
        var once = new ArrayList<Example>();
        var fourTimes = new ArrayList<Example>();
        for (int i = 0; i < 50; i++) {
            double[] values = {random.nextInt(2), random.nextInt(2)};
            once.add(new Example(i, null, 1, values));
            for (int copy = 0; copy < 4; copy++) {
                fourTimes.add(new Example(4L * i + copy, "passage " + i, 1, values));
            }
        }
        assertThat(sample(fourTimes).standardError(0, 1)).isCloseTo(sample(once).standardError(0, 1), within(1e-12));
        assertThat(sample(fourTimes).units()).isEqualTo(50);
        assertThat(sample(fourTimes).examples()).isEqualTo(200);
        assertThat(replicates(sample(fourTimes), 500, 1).difference(0, 1))
                .isEqualTo(replicates(sample(once), 500, 1).difference(0, 1));
    }

    @Test
    void theStandardErrorIsAboutTheDeviationOfTheReplicates() {
        PairedSample sample = sample(examples(400, 2, 8));
        double deviation = replicates(sample, 4000, 2).standardError(0, 1);
        assertThat(sample.standardError(0, 1)).isCloseTo(deviation, within(0.06 * deviation));
    }

    @Test
    void identicalModelsDifferByExactlyNothing() {
        List<Example> examples = new ArrayList<>();
        examples(30, 1, 4)
                .forEach(example ->
                        examples.add(new Example(example.id(), example.cluster(), example.weight(), new double[] {
                            example.values()[0], example.values()[0]
                        })));
        assertThat(replicates(sample(examples), 100, 1).difference(0, 1)).isEqualTo(new Interval(0, 0));
        assertThat(sample(examples).standardError(0, 1)).isZero();
    }

    /** With examples that all agree, only the seeds vary: by the variance of a mean of S independent seeds, s^2 / S. */
    @Test
    void theLevelOfSeedsHasTheVarianceOfTheirMean() {
        double[] seeds = {0.50, 0.56, 0.71};
        double[][] values = new double[4][20];
        for (int m = 0; m < 3; m++) {
            Arrays.fill(values[m], seeds[m]);
        }
        double[] weights = new double[20];
        Arrays.fill(weights, 1);
        PairedSample sample =
                PairedSample.of(java.util.stream.LongStream.range(0, 20).toArray(), null, weights, values);
        Replicates replicates = Bootstrap.of(sample, List.of(new int[] {0, 1, 2}, new int[] {3}), 40_000, 1);
        double expected = NaiveBootstrap.standardError(seeds);
        assertThat(replicates.standardError(0, 1)).isCloseTo(expected, within(0.02 * expected));
        assertThat(sample.value(0, 1, 2)).isCloseTo(0.59, within(1e-12));
        // two of three seeds with replacement: all means of pairs occur
        assertThat(Arrays.stream(replicates.values(0))
                        .map(v -> Math.round(v * 1e6))
                        .distinct()
                        .count())
                .isEqualTo(6);
    }

    @Test
    void whatCannotBeASampleIsRefused() {
        double[] one = {1, 1};
        double[][] values = {{1, 0}};
        assertThatThrownBy(() -> PairedSample.of(new long[] {4, 4}, null, one, values))
                .hasMessageContaining("Example 4 occurs twice");
        assertThatThrownBy(() -> PairedSample.of(new long[] {4, 5}, null, new double[2], values))
                .hasMessageContaining("No unit has a weight");
        assertThatThrownBy(() -> PairedSample.of(new long[] {4, 5}, null, new double[] {1, Double.NaN}, values))
                .hasMessageContaining("NaN");
        PairedSample sample = PairedSample.of(new long[] {4, 5}, null, one, values);
        assertThatThrownBy(() -> Bootstrap.of(sample, List.of(new int[] {1}), 100, 1))
                .hasMessageContaining("[1]");
        assertThatThrownBy(() -> Bootstrap.of(sample, List.of(new int[] {0}), 20, 1))
                .hasMessageContaining("too few");
    }
}
