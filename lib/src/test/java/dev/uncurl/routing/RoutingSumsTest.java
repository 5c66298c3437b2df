package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RoutingSumsTest {
    private static List<RoutedToken> tokens(Random random, int count, int experts, int topK) {
        var tokens = new ArrayList<RoutedToken>();
        int previous = -1;
        int length = 0;
        int position = 0;
        double scale = Math.pow(10, random.nextInt(6) - 2);
        for (int t = 0; t < count; t++) {
            if (position == length) {
                position = 0;
                length = 1 + random.nextInt(9);
                previous = -1;
            }
            int[] chosen = random.ints(0, experts).distinct().limit(topK).toArray();
            float[] logits = new float[experts];
            for (int e = 0; e < experts; e++) {
                logits[e] = (float) (random.nextGaussian() * scale);
            }
            float[] gates = new float[topK];
            float[] norms = new float[topK];
            for (int i = 0; i < topK; i++) {
                gates[i] = random.nextFloat();
                norms[i] = random.nextFloat() * 30;
            }
            tokens.add(
                    new RoutedToken(random.nextInt(2000), position++, length, previous, chosen, gates, norms, logits));
            previous = chosen[0];
        }
        return tokens;
    }

    private static RoutingSums sum(List<RoutedToken> tokens, int experts) {
        var sums = new RoutingSums(experts);
        tokens.forEach(sums::add);
        return sums;
    }

    private static void assertSame(RoutingSums one, RoutingSums other) {
        assertThat(one.gram()).isEqualTo(other.gram());
        assertThat(one.sequences()).isEqualTo(other.sequences());
        assertThat(one.rows()).usingRecursiveComparison().isEqualTo(other.rows());
    }

    @Property(tries = 40)
    void theBitsAreTheSameForAnyOrderAndGrouping(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 9) int experts,
            @ForAll @IntRange(min = 1, max = 7) int parts)
            throws Exception {
        var random = new Random(seed);
        List<RoutedToken> tokens = tokens(random, random.nextInt(700), experts, 1 + random.nextInt(experts));
        RoutingSums whole = sum(tokens, experts);
        var shuffled = new ArrayList<>(tokens);
        Collections.shuffle(shuffled, random);
        var merged = new RoutingSums(experts);
        for (int part = 0; part < parts; part++) {
            var some = new ArrayList<RoutedToken>();
            for (int t = part; t < shuffled.size(); t += parts) {
                some.add(shuffled.get(t));
            }
            merged.merge(copy(sum(some, experts)));
        }
        assertSame(merged, whole);
    }

    /** As Spark moves it from an executor to the driver. */
    private static RoutingSums copy(RoutingSums sums) throws IOException, ClassNotFoundException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(sums);
        }
        try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (RoutingSums) in.readObject();
        }
    }

    @Property(tries = 40)
    void theGramMatrixIsTheSumOfProductsEachRoundedOnce(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int experts) {
        var random = new Random(seed);
        List<RoutedToken> tokens = tokens(random, 1 + random.nextInt(400), experts, 1);
        RouterGram gram = sum(tokens, experts).gram();
        for (int i = 0; i < experts; i++) {
            for (int j = 0; j < experts; j++) {
                var exact = BigDecimal.ZERO;
                for (RoutedToken token : tokens) {
                    exact = exact.add(new BigDecimal(token.logits()[i]).multiply(new BigDecimal(token.logits()[j])));
                }
                double expected = exact.round(new MathContext(30)).doubleValue();
                double error = tokens.size() * 0x1p-37 + 2 * Math.ulp(expected);
                assertThat(gram.at(i, j)).isCloseTo(expected, within(error));
            }
        }
    }

    @Property(tries = 40)
    void statisticsAreThoseOfThePlainSums(@ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int experts) {
        var random = new Random(seed);
        int topK = 1 + random.nextInt(experts);
        List<RoutedToken> tokens = tokens(random, random.nextInt(300), experts, topK);
        var plain = new NaiveStatistics(experts);
        tokens.forEach(t -> plain.add(t.experts(), t.gates(), t.logits(), t.outputNorms()));
        RoutingSums sums = sum(tokens, experts);
        assertThat(sums.tokens()).isEqualTo(tokens.size());
        assertThat(sums.sequences())
                .isEqualTo(tokens.stream().filter(t -> t.position() == 0).count());
        for (int e = 0; e < experts; e++) {
            int expert = e;
            RoutingSums.Expert row = sums.rows().get(e);
            ExpertStatistics.Row expected = plain.rows().get(e);
            assertThat(row.statistics().tokens()).isEqualTo(expected.tokens());
            assertThat(row.statistics().fraction()).isEqualTo(expected.fraction());
            assertThat(row.statistics().gateMass()).isCloseTo(expected.gateMass(), within(1e-9));
            assertThat(row.statistics().meanProbability()).isCloseTo(expected.meanProbability(), within(1e-9));
            assertThat(row.statistics().meanLogit())
                    .isCloseTo(expected.meanLogit(), within(1e-9 * (1 + Math.abs(expected.meanLogit()))));
            assertThat(row.statistics().outputNorm()).isCloseTo(expected.outputNorm(), within(1e-9));
            List<RoutedToken> own = tokens.stream()
                    .filter(t -> java.util.Arrays.stream(t.experts()).anyMatch(chosen -> chosen == expert))
                    .toList();
            assertThat(row.frequentTokens())
                    .isEqualTo(own.stream().filter(t -> t.tokenId() < 512).count());
            for (int third = 0; third < 3; third++) {
                int wanted = third;
                assertThat(row.thirdTokens()[third])
                        .isEqualTo(own.stream()
                                .filter(t -> Math.floor(3.0 * t.position() / t.sequenceLength()) == wanted)
                                .count());
            }
            assertThat(row.repeatedTokens())
                    .isEqualTo(tokens.stream()
                            .filter(t -> t.experts()[0] == expert && t.previousExpert() == expert)
                            .count());
            assertThat(row.statistics().contribution()).isCloseTo(contribution(own, e), within(1e-12));
            assertThat(row.probabilityDeviation()).isCloseTo(deviation(tokens, e), within(1e-7));
        }
    }

    /** From its definition: what the expert's output adds to the residual stream, on average. */
    private static double contribution(List<RoutedToken> own, int expert) {
        double sum = 0;
        for (RoutedToken token : own) {
            for (int choice = 0; choice < token.experts().length; choice++) {
                if (token.experts()[choice] == expert) {
                    sum += (double) token.gates()[choice] * (double) token.outputNorms()[choice];
                }
            }
        }
        return own.isEmpty() ? 0 : sum / own.size();
    }

    private static double deviation(List<RoutedToken> tokens, int expert) {
        double[] probabilities = tokens.stream()
                .mapToDouble(token -> {
                    double sum = 0;
                    for (float logit : token.logits()) {
                        sum += Math.exp((double) logit - token.logits()[expert]);
                    }
                    return 1 / sum;
                })
                .toArray();
        double mean = java.util.Arrays.stream(probabilities).average().orElse(0);
        return Math.sqrt(java.util.Arrays.stream(probabilities)
                .map(p -> (p - mean) * (p - mean))
                .average()
                .orElse(0));
    }

    @Test
    void aLogitThatIsNoNumberOrTooLargeIsRefusedAndNothingIsAdded() {
        for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, -0x1p17f}) {
            var sums = new RoutingSums(2);
            sums.add(token(1, 2));
            assertThatThrownBy(() -> sums.add(token(3, bad)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("row 1, expert 1");
            assertSame(sums, sum(List.of(token(1, 2)), 2));
        }
        assertThat(sum(List.of(token(0x1.fp16f, 1)), 2).gram().at(0, 0)).isEqualTo(0x1.fp16 * 0x1.fp16);
    }

    @Test
    void aGateOrNormThatIsNoNumberOrTooLargeIsRefusedAndNothingIsAdded() {
        for (float[] bad : new float[][] {{Float.NaN, 1}, {1, Float.POSITIVE_INFINITY}, {2, 0x1p33f}}) {
            var sums = new RoutingSums(2);
            sums.add(token(1, 2));
            var diverged = new RoutedToken(
                    7, 0, 1, -1, new int[] {0}, new float[] {bad[0]}, new float[] {bad[1]}, new float[] {1, 2});
            assertThatThrownBy(() -> sums.add(diverged))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("row 1");
            assertSame(sums, sum(List.of(token(1, 2)), 2));
        }
    }

    private static RoutedToken token(float... logits) {
        return new RoutedToken(7, 0, 1, -1, new int[] {0}, new float[] {1}, new float[] {1}, logits);
    }

    @Test
    void otherNumbersOfExpertsAreRefused() {
        assertThatThrownBy(() -> new RoutingSums(2).merge(new RoutingSums(3))).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RoutingSums(3).add(token(1, 2))).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new RoutedToken(1, 1, 1, -1, new int[1], new float[1], new float[1], new float[1]))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("position 1");
        assertThatThrownBy(() -> new RoutedToken(1, 0, 1, -1, new int[] {1}, new float[1], new float[1], new float[1]))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("expert 1 of 1");
    }
}
