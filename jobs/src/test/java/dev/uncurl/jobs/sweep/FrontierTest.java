package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.sweep.Frontier.Point;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class FrontierTest {
    @Property(tries = 200)
    void aPlanIsInPlayUnlessASmallerOneIsBetterBeyondTheInterval(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 12) int plans) {
        var random = new Random(seed);
        double[][] values = new double[plans][];
        var points = new ArrayList<Point>();
        for (int i = 0; i < plans; i++) {
            values[i] = new double[] {1 + random.nextInt(4), 2 + random.nextInt(20) / 10.0, random.nextInt(3) / 10.0};
            points.add(new Point("plan " + i, (int) values[i][0], values[i][1], values[i][2]));
        }
        Set<String> expected = new HashSet<>();
        for (int i = 0; i < plans; i++) {
            boolean out = false;
            for (int j = 0; j < plans; j++) {
                double error = Math.sqrt(values[i][2] * values[i][2] + values[j][2] * values[j][2]);
                boolean better = values[i][1] > values[j][1] + 1.96 * error;
                out |= values[j][0] <= values[i][0] && better;
            }
            if (!out) {
                expected.add("plan " + i);
            }
        }
        assertThat(Frontier.inPlay(points)).isEqualTo(expected).isNotEmpty();
    }

    @Test
    void withoutErrorsItIsTheParetoFrontierWithItsTies() {
        assertThat(Frontier.inPlay(List.of(
                        new Point("small", 2, 3.0, 0),
                        new Point("tied", 2, 3.0, 0),
                        new Point("larger and worse", 4, 3.1, 0),
                        new Point("larger and better", 4, 2.9, 0),
                        new Point("worse", 2, 3.2, 0))))
                .containsExactlyInAnyOrder("small", "tied", "larger and better");
    }

    @Test
    void whatIsWithinTheIntervalOfTheBestStays() {
        assertThat(Frontier.inPlay(List.of(
                        new Point("best", 2, 3.0, 0.1), new Point("near", 2, 3.2, 0.1), new Point("far", 2, 3.5, 0.1))))
                .containsExactlyInAnyOrder("best", "near");
    }
}
