package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values computed by hand from the definition of SQuAD's F1. */
class TokenF1Test {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Barack Obama    | Barack Obama         | 1",
                "Barack Obama    | Obama                | 0.6666666666666666",
                "the U.S. Senate | us senate            | 1",
                "New York        | York City            | 0.5",
                "a b c d         | d c                  | 0.8",
                "x x y           | x y y                | 0.6666666666666666",
                "Paris           | London               | 0",
                "the             | a                    | 1",
                "the             | Paris                | 0",
                "Zoë             | zoë                  | 1",
                "theory          | the theory           | 1"
            })
    void isTheHarmonicMeanOfPrecisionAndRecallOfWords(String answer, String right, double expected) {
        assertThat(TokenF1.of(answer, right)).isCloseTo(expected, within(1e-15));
        assertThat(TokenF1.of(right, answer)).isCloseTo(expected, within(1e-15));
    }

    @Test
    void theBestOfSeveralRightAnswersCounts() {
        assertThat(TokenF1.best("Obama", List.of("Joe Biden", "Barack Obama", "President Barack Obama")))
                .isCloseTo(2.0 / 3, within(1e-15));
    }
}
