package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.List;
import java.util.SplittableRandom;
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
