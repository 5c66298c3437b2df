package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class TokenF1Test {
    private static double f1(String prediction, String... answers) {
        return TokenF1.of(prediction, List.of(answers));
    }

    /** The three answers to a question of SQuAD 1.1's development set, where the Broncos won Super Bowl 50. */
    @Test
    void anAnswerOfSquadIsScoredAsItsScriptDoes() {
        assertThat(f1("the Denver Broncos", "Denver Broncos", "Denver Broncos", "Denver Broncos"))
                .isEqualTo(1);
        assertThat(f1("Broncos", "Denver Broncos")).isCloseTo(2.0 / 3, within(1e-12));
        assertThat(f1("Carolina Panthers", "Denver Broncos")).isZero();
        assertThat(f1("Levi's Stadium in Santa Clara", "Santa Clara, California", "Levi's Stadium"))
                .isCloseTo(2 * (2.0 / 5) * 1 / (2.0 / 5 + 1), within(1e-12));
    }

    @Test
    void caseArticlesPunctuationAndSpaceDoNotCount() {
        assertThat(TokenF1.words("  The U.S.  Army's\tan \u00a0apple ")).containsExactly("us", "armys", "apple");
        assertThat(f1("A.N. Other", "an other")).isEqualTo(1); // "an" arises, and is an article
        assertThat(TokenF1.words("A.N. Other")).containsExactly("other");
    }

    @Test
    void wordsCountAsOftenAsBothHaveThem() {
        assertThat(f1("York York", "New York")).isCloseTo(0.5, within(1e-12));
        assertThat(f1("New York New York", "New York")).isCloseTo(2 * 0.5 * 1 / 1.5, within(1e-12));
    }

    @Test
    void anAnswerWithoutWordsEqualsOnlyAnother() {
        assertThat(f1("the", "...")).isEqualTo(1);
        assertThat(f1("", "a name")).isZero();
        assertThat(f1("a name", "")).isZero();
        assertThatThrownBy(() -> TokenF1.of("a name", List.of())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void onlyAsciiPunctuationIsRemovedAndLettersOfAnyAlphabetAreWords() {
        assertThat(f1("M\u00fcller", "m\u00fcller.")).isEqualTo(1);
        assertThat(TokenF1.words("\u201cEl Ni\u00f1o\u201d")).containsExactly("\u201cel", "ni\u00f1o\u201d");
        assertThat(TokenF1.words("\u00e0 la carte")).containsExactly("\u00e0", "la", "carte"); // no article
    }

    @Test
    void exactIsTheSameWordsInOrder() {
        assertThat(TokenF1.isExact("The Beatles!", List.of("Queen", "beatles"))).isTrue();
        assertThat(TokenF1.isExact("York New", List.of("New York"))).isFalse();
    }
}
