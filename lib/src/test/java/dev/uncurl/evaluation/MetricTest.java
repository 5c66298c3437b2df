package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MetricTest {
    @Test
    void accuracyCountsRightAnswersBesideTheLargestClass() {
        Metric metric = Metric.accuracy(new int[] {0, 1, 1, 0}, new int[] {0, 1, 1, 1});
        assertThat(metric.value()).isEqualTo(0.75);
        assertThat(metric.n()).isEqualTo(4);
        assertThat(metric.majorityBaseline()).isEqualTo(0.75);
        assertThat(metric.constantPredictor()).isFalse();
        assertThat(metric.standardError()).isCloseTo(Math.sqrt(0.75 * 0.25 / 3), within(1e-12));
    }

    @Test
    void aModelThatAlwaysAnswersTheSameIsFlagged() {
        assertThat(Metric.accuracy(new int[] {1, 1, 1}, new int[] {0, 1, 1}).constantPredictor())
                .isTrue();
    }

    @Test
    void meanF1IsTheMeanOfOneAgainstTheRest() {
        // class 0: 1 hit, 2 predicted, 1 actual: 2/3; class 1: 1 hit, 1 predicted, 2 actual: 2/3; class 2: right: 1
        Metric metric = Metric.meanF1(new int[] {0, 0, 1, 2}, new int[] {0, 1, 1, 2}, 3);
        assertThat(metric.value()).isCloseTo((2.0 / 3 + 2.0 / 3 + 1) / 3, within(1e-12));
    }

    @Test
    void f1OfTheRightAnswersIsTwiceTheHitsOverPredictedAndActual() {
        int[] predictions = {1, 1, 0, 1, 0};
        int[] labels = {1, 0, 1, 1, 0};
        Metric metric = Metric.f1OfClass(predictions, labels, 1);
        double precision = 2.0 / 3;
        double recall = 2.0 / 3;
        assertThat(metric.value()).isCloseTo(2 * precision * recall / (precision + recall), within(1e-12));
        assertThat(metric.standardError()).isPositive();
        assertThat(Metric.f1OfClass(new int[] {0, 0}, new int[] {0, 0}, 1).value())
                .isZero();
    }

    /** The definition, one example left out at a time. */
    private static double jackknife(int[] predictions, int[] labels, ToDoubleBiFunction<int[], int[]> metric) {
        int n = labels.length;
        double[] values = IntStream.range(0, n)
                .mapToDouble(out -> metric.applyAsDouble(without(predictions, out), without(labels, out)))
                .toArray();
        double mean = Arrays.stream(values).average().orElseThrow();
        return Math.sqrt((n - 1.0)
                / n
                * Arrays.stream(values)
                        .map(value -> (value - mean) * (value - mean))
                        .sum());
    }

    private static int[] without(int[] values, int out) {
        return IntStream.range(0, values.length)
                .filter(i -> i != out)
                .map(i -> values[i])
                .toArray();
    }

    private static double naiveF1(int[] predictions, int[] labels, int of) {
        int hits = 0;
        int wrong = 0;
        for (int i = 0; i < labels.length; i++) {
            hits += predictions[i] == of && labels[i] == of ? 1 : 0;
            wrong += predictions[i] == of != (labels[i] == of) ? 1 : 0;
        }
        return hits == 0 ? 0 : hits / (hits + 0.5 * wrong);
    }

    private static double naiveMeanF1(int[] predictions, int[] labels) {
        return IntStream.concat(Arrays.stream(predictions), Arrays.stream(labels))
                .distinct()
                .mapToDouble(of -> naiveF1(predictions, labels, of))
                .average()
                .orElseThrow();
    }

    @Property(tries = 200)
    void countsGiveTheJackknifeOfTheExamples(
            @ForAll @IntRange(min = 2, max = 40) int n,
            @ForAll @IntRange(min = 2, max = 4) int classes,
            @ForAll long seed) {
        var random = new SplittableRandom(seed);
        int[] predictions = random.ints(n, 0, classes).toArray();
        int[] labels = random.ints(n, 0, classes).toArray();
        Metric mean = Metric.meanF1(predictions, labels, classes);
        assertThat(mean.value()).isCloseTo(naiveMeanF1(predictions, labels), within(1e-12));
        assertThat(mean.standardError())
                .isCloseTo(jackknife(predictions, labels, MetricTest::naiveMeanF1), within(1e-9));
        Metric one = Metric.f1OfClass(predictions, labels, 1);
        assertThat(one.value()).isCloseTo(naiveF1(predictions, labels, 1), within(1e-12));
        assertThat(one.standardError())
                .isCloseTo(jackknife(predictions, labels, (p, l) -> naiveF1(p, l, 1)), within(1e-9));
    }

    @Property(tries = 200)
    void sumsGiveTheStandardErrorsOfTheRows(@ForAll @IntRange(min = 2, max = 60) int n, @ForAll long seed) {
        var random = new SplittableRandom(seed);
        var losses = new LossSums();
        var means = new MeanSums();
        double[] loss = new double[n];
        int[] size = new int[n];
        for (int i = 0; i < n; i++) {
            size[i] = 1 + random.nextInt(300);
            loss[i] = size[i] * (2 + random.nextDouble());
            losses.add(loss[i], size[i]);
            means.add(loss[i]);
        }
        double ratio = Arrays.stream(loss).sum() / Arrays.stream(size).sum();
        double squares = 0;
        double deviations = 0;
        double mean = Arrays.stream(loss).average().orElseThrow();
        for (int i = 0; i < n; i++) {
            squares += Math.pow(loss[i] - ratio * size[i], 2);
            deviations += Math.pow(loss[i] - mean, 2);
        }
        double error = Math.sqrt(squares * n / (n - 1)) / Arrays.stream(size).sum();
        assertThat(losses.perToken("loss").value()).isCloseTo(ratio, within(1e-12));
        assertThat(losses.perToken("loss").standardError()).isCloseTo(error, within(1e-9));
        assertThat(losses.bitsPerByte().name()).isEqualTo("bits_per_byte");
        assertThat(losses.bitsPerByte().value()).isCloseTo(ratio / Math.log(2), within(1e-12));
        assertThat(losses.bitsPerByte().standardError()).isCloseTo(error / Math.log(2), within(1e-9));
        assertThat(means.toMetric("mean").value()).isCloseTo(mean, within(1e-9));
        assertThat(means.toMetric("mean").standardError()).isCloseTo(Math.sqrt(deviations / (n - 1) / n), within(1e-6));
    }

    @Test
    void aTextOfOneBitPerByteHasOneBitPerByte() {
        var sums = new LossSums();
        sums.add(8 * Math.log(2), 8);
        sums.add(3 * Math.log(2), 3);
        assertThat(sums.bitsPerByte().value()).isCloseTo(1, within(1e-15));
        assertThat(sums.bitsPerByte().n()).isEqualTo(11);
        assertThat(sums.bitsPerByte().standardError()).isCloseTo(0, within(1e-8));
    }

    @Test
    void aNormalizedPredictionIsTheMostLikelyPerUnitOfLength() {
        double[] logLikelihoods = {-4, -6, -7};
        assertThat(Metric.prediction(logLikelihoods)).isZero();
        assertThat(Metric.prediction(logLikelihoods, new int[] {2, 6, 7})).isEqualTo(1); // -2, -1, -1: the lower index
        assertThat(Metric.prediction(logLikelihoods, new int[] {2, 3, 9})).isEqualTo(2);
        assertThatThrownBy(() -> Metric.prediction(logLikelihoods, new int[] {2, 0, 9}))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void exactMatchCountsQuestionsWithEveryAnswerRight() {
        boolean[] right = {true, true, true, false, true};
        Metric metric = Metric.exactMatch(right, List.of("a", "b", "a", "b", "c"));
        assertThat(metric.value()).isCloseTo(2.0 / 3, within(1e-12));
        assertThat(metric.n()).isEqualTo(3);
    }

    @Test
    void predictionTiesGoToTheLowerIndex() {
        assertThat(Metric.prediction(new double[] {-2, -1, -1})).isEqualTo(1);
    }

    @Test
    void whatIsNotFiniteIsNoResult() {
        assertThatThrownBy(() -> Metric.prediction(new double[] {Double.NaN, -1}))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("choice 0 is NaN");
        assertThatThrownBy(() -> Metric.lossPerToken("loss_per_token", new double[] {1, Double.NaN}, new int[] {2, 3}))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("loss_per_token is NaN");
        assertThatThrownBy(() -> Metric.lossPerToken("loss_per_token", new double[] {0}, new int[] {0}))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("No token was predicted");
    }

    @Test
    void lossPerTokenWeighsExamplesByTheirTokens() {
        Metric metric = Metric.lossPerToken("loss", new double[] {2, 6}, new int[] {1, 3});
        assertThat(metric.value()).isEqualTo(2);
        assertThat(metric.n()).isEqualTo(4);
        assertThat(metric.standardError()).isZero(); // both examples lose 2 a token
    }

    @Test
    void standardErrorOfTheLossIsThatOfRepeatedSamples() {
        var random = new SplittableRandom(3);
        int repeats = 4000;
        int n = 200;
        double sum = 0;
        double squares = 0;
        double error = 0;
        for (int repeat = 0; repeat < repeats; repeat++) {
            double[] losses = new double[n];
            int[] tokens = new int[n];
            for (int i = 0; i < n; i++) {
                tokens[i] = 1 + random.nextInt(20);
                losses[i] = tokens[i] * (2 + random.nextDouble());
            }
            Metric metric = Metric.lossPerToken("loss", losses, tokens);
            sum += metric.value();
            squares += metric.value() * metric.value();
            error += metric.standardError() / repeats;
        }
        double deviation = Math.sqrt(squares / repeats - Math.pow(sum / repeats, 2));
        assertThat(error).isCloseTo(deviation, within(0.05 * deviation));
    }

    @Test
    void unigramLossIsTheCrossEntropyOfSmoothedCounts() {
        var unigram = new Unigram(new long[] {3, 0, 1}); // smoothed: 4/7, 1/7, 2/7
        assertThat(unigram.loss(new int[] {1, 0, 2, -1}))
                .isCloseTo(-Math.log(4.0 / 7) - Math.log(2.0 / 7), within(1e-12));
    }
}
