package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ExpertStatisticsTest {
    @Test
    void aTokenIsCountedOnceForEachChoice() {
        var statistics = new ExpertStatistics(3);
        statistics.add(new int[] {2, 0}, new float[] {0.5f, 0.25f}, new float[] {1, 0, 2}, new float[] {4, 6});
        statistics.add(new int[] {2, 1}, new float[] {0.75f, 0.125f}, new float[] {0, 0, 0}, new float[] {2, 1});
        var rows = statistics.rows();
        assertThat(rows).extracting(ExpertStatistics.Row::tokens).containsExactly(1L, 1L, 2L);
        assertThat(rows).extracting(ExpertStatistics.Row::fraction).containsExactly(0.25, 0.25, 0.5);
        assertThat(rows).extracting(ExpertStatistics.Row::gateMass).containsExactly(0.25, 0.125, 1.25);
        assertThat(rows).extracting(ExpertStatistics.Row::meanLogit).containsExactly(0.5, 0.0, 1.0);
        assertThat(rows).extracting(ExpertStatistics.Row::outputNorm).containsExactly(6.0, 1.0, 3.0);
        assertThat(rows).extracting(ExpertStatistics.Row::contribution).containsExactly(1.5, 0.125, 1.75);
        double first = Math.E / (Math.E + 1 + Math.exp(2));
        assertThat(rows.get(0).meanProbability()).isCloseTo((first + 1 / 3.0) / 2, within(1e-12));
    }

    @Test
    void noTokensGiveZerosRatherThanNaN() {
        assertThat(new ExpertStatistics(1).rows()).containsExactly(new ExpertStatistics.Row(0, 0, 0, 0, 0, 0, 0, 0));
    }

    @Property(tries = 50)
    void nothingIsLostInMergingAndRowsLeadBackToTheSums(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int topK, @ForAll @IntRange(max = 30) int tokens) {
        var random = new Random(seed);
        var whole = new ExpertStatistics(5);
        var left = new ExpertStatistics(5);
        var right = new ExpertStatistics(5);
        for (int t = 0; t < tokens; t++) {
            int[] experts = random.ints(0, 5).distinct().limit(topK).toArray();
            float[] gates = new float[topK];
            float[] norms = new float[topK];
            float[] logits = new float[5];
            for (int i = 0; i < topK; i++) {
                gates[i] = random.nextFloat();
                norms[i] = random.nextFloat();
            }
            for (int e = 0; e < 5; e++) {
                logits[e] = (float) random.nextGaussian();
            }
            whole.add(experts, gates, logits, norms);
            (t < tokens / 2 ? left : right).add(experts, gates, logits, norms);
        }
        left.merge(right);
        assertThat(left.tokens()).isEqualTo(tokens);
        assertThat(whole.rows().stream().mapToLong(ExpertStatistics.Row::tokens).sum())
                .isEqualTo((long) tokens * topK);
        var restored = ExpertStatistics.of(tokens, whole.rows());
        for (int e = 0; e < 5; e++) {
            assertThat(left.choices(e)).isEqualTo(whole.choices(e)).isEqualTo(restored.choices(e));
            assertThat(left.gateMass(e)).isCloseTo(whole.gateMass(e), within(1e-9));
            var expected = whole.rows().get(e);
            for (var row : List.of(left.rows().get(e), restored.rows().get(e))) {
                assertThat(row.fraction()).isCloseTo(expected.fraction(), within(1e-12));
                assertThat(row.meanProbability()).isCloseTo(expected.meanProbability(), within(1e-9));
                assertThat(row.meanLogit()).isCloseTo(expected.meanLogit(), within(1e-9));
                assertThat(row.outputNorm()).isCloseTo(expected.outputNorm(), within(1e-9));
                assertThat(row.contribution()).isCloseTo(expected.contribution(), within(1e-9));
            }
        }
    }

    @Test
    void missingOrDoubleRowsAndOtherSizesAreRefused() {
        var row = new ExpertStatistics.Row(1, 0, 0, 0, 0, 0, 0, 0);
        assertThatThrownBy(() -> ExpertStatistics.of(0, List.of(row))).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> ExpertStatistics.of(0, List.of(row, row))).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new ExpertStatistics(2).merge(new ExpertStatistics(3)))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> new ExpertStatistics(1)
                        .add(new int[] {0}, new float[] {1}, new float[] {Float.NaN}, new float[] {1}))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("row 0, expert 0");
    }
}
