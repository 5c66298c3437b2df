package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ExpertStatisticsTest {
    private static RoutedToken token(int[] experts, float[] gates, float[] logits, float[] norms) {
        return new RoutedToken(7, 0, 1, -1, experts, gates, norms, logits);
    }

    @Test
    void aTokenIsCountedOnceForEachChoice() {
        var sums = new RoutingSums(3);
        sums.add(token(new int[] {2, 0}, new float[] {0.5f, 0.25f}, new float[] {1, 0, 2}, new float[] {4, 6}));
        sums.add(token(new int[] {2, 1}, new float[] {0.75f, 0.125f}, new float[] {0, 0, 0}, new float[] {2, 1}));
        var rows = sums.rows().stream().map(RoutingSums.Expert::statistics).toList();
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
        var nothing = new ExpertStatistics.Row(0, 0, 0, 0, 0, 0, 0, 0);
        assertThat(new RoutingSums(1).rows())
                .extracting(RoutingSums.Expert::statistics)
                .containsExactly(nothing);
        assertThat(ExpertStatistics.of(List.of(nothing)).contribution(0)).isZero();
    }

    @Property(tries = 50)
    void rowsInAnyOrderGiveTheirOwnValuesBack(@ForAll long seed, @ForAll @IntRange(min = 1, max = 9) int experts) {
        var random = new Random(seed);
        var rows = new ArrayList<ExpertStatistics.Row>();
        for (int e = 0; e < experts; e++) {
            long tokens = random.nextInt(4);
            double contribution = tokens == 0 ? 0 : random.nextDouble();
            rows.add(new ExpertStatistics.Row(e, tokens, 0, random.nextDouble(), 0, 0, 0, contribution));
        }
        var shuffled = new ArrayList<>(rows);
        Collections.shuffle(shuffled, random);
        var statistics = ExpertStatistics.of(shuffled);
        assertThat(statistics.experts()).isEqualTo(experts);
        for (var row : rows) {
            assertThat(statistics.choices(row.expert())).isEqualTo(row.tokens());
            assertThat(statistics.gateMass(row.expert())).isEqualTo(row.gateMass());
            assertThat(statistics.contribution(row.expert())).isCloseTo(row.contribution(), within(1e-15));
        }
    }

    @Test
    void missingOrDoubleRowsAreRefused() {
        var row = new ExpertStatistics.Row(1, 0, 0, 0, 0, 0, 0, 0);
        assertThatThrownBy(() -> ExpertStatistics.of(List.of(row))).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> ExpertStatistics.of(List.of(row, row))).isInstanceOf(UserError.class);
    }
}
