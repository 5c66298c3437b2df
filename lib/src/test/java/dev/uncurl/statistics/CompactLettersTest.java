package dev.uncurl.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CompactLettersTest {
    /** Subjects on a line, separated where they are further apart than the threshold. */
    private static boolean[][] onALine(double threshold, double... values) {
        var separated = new boolean[values.length][values.length];
        for (int i = 0; i < values.length; i++) {
            for (int j = 0; j < values.length; j++) {
                separated[i][j] = Math.abs(values[i] - values[j]) > threshold;
            }
        }
        return separated;
    }

    @Test
    void groupsThatOverlapShareALetterInTheMiddle() {
        assertThat(CompactLetters.of(onALine(1, 5, 4.4, 3.6, 1))).containsExactly("a", "ab", "b", "c");
        assertThat(CompactLetters.of(onALine(10, 5, 4, 3))).containsExactly("a", "a", "a");
        assertThat(CompactLetters.of(onALine(0.5, 5, 4, 3))).containsExactly("a", "b", "c");
        assertThat(CompactLetters.of(new boolean[0][0])).isEmpty();
    }

    @Test
    void lettersGoOnAfterZ() {
        double[] values = new double[30];
        for (int i = 0; i < 30; i++) {
            values[i] = i;
        }
        assertThat(CompactLetters.of(onALine(0.5, values))).startsWith("a", "b").endsWith("z", "a1", "b1", "c1", "d1");
    }

    @Test
    void aSeparationThatContradictsItselfIsRefused() {
        assertThatThrownBy(() -> CompactLetters.of(new boolean[][] {{false, true}, {false, false}}))
                .hasMessageContaining("1 and 0");
    }

    /** Any pairs may be separated, as happens where intervals differ in width. */
    @Property
    void twoShareALetterIfAndOnlyIfTheyAreNotSeparatedAndNoLetterIsSuperfluous(
            @ForAll @IntRange(min = 1, max = 10) int n,
            @ForAll @DoubleRange(min = 0, max = 1) double density,
            @ForAll long seed) {
        var random = new SplittableRandom(seed);
        var separated = new boolean[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                separated[i][j] = random.nextDouble() < density;
                separated[j][i] = separated[i][j];
            }
        }
        List<Set<String>> letters = CompactLetters.of(separated).stream()
                .map(text -> Set.of(text.split("(?<=.)(?=[a-z])")))
                .collect(Collectors.toCollection(ArrayList::new));
        assertThat(displays(letters, separated)).isTrue();
        for (int i = 0; i < n; i++) {
            for (String letter : letters.get(i)) {
                var fewer = new ArrayList<>(letters);
                fewer.set(
                        i,
                        letters.get(i).stream()
                                .filter(other -> !other.equals(letter))
                                .collect(Collectors.toSet()));
                assertThat(displays(fewer, separated))
                        .as("%s of %d in %s", letter, i, letters)
                        .isFalse();
            }
        }
    }

    /** Every subject has a letter, and two have one in common exactly where they are not separated. */
    private static boolean displays(List<Set<String>> letters, boolean[][] separated) {
        for (int i = 0; i < separated.length; i++) {
            for (int j = 0; j < separated.length; j++) {
                boolean common = letters.get(i).stream().anyMatch(letters.get(j)::contains);
                if (common == separated[i][j]) {
                    return false;
                }
            }
        }
        return true;
    }
}
