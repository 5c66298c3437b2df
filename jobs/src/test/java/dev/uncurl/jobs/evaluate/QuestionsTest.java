package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.evaluate.Questions.Question;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Values computed by hand. */
class QuestionsTest {
    private static Question question(long id, int group, List<Integer> right, String... answers) {
        return new Question(id, Optional.of(right), "file", 0, group, Optional.of(List.of(answers)));
    }

    private static final Questions QUESTIONS = new Questions(List.of(
            question(3, 0, List.of(0), "Ann Lee", "Bob"),
            question(5, 0, List.of(1, 2), "Paris", "the Hague", "Hague"),
            question(9, 1, List.of(1), "Lee", "Ann Lee")));

    @Test
    void aQuestionIsMatchedIfAllItsExamplesAre() {
        long[] ids = {3, 5, 9};
        assertThat(QUESTIONS.exactMatch(ids, new int[] {0, 2, 1}).value()).isEqualTo(1);
        assertThat(QUESTIONS.exactMatch(ids, new int[] {0, 0, 1}).value()).isEqualTo(0.5);
        assertThat(QUESTIONS.exactMatch(ids, new int[] {1, 1, 0}).value()).isZero();
    }

    /** As lm-evaluation-harness compares ReCoRD's entities; so do comparisons. */
    @Test
    void aChoiceWithTheWordsOfARightOneMatches() {
        var entities = new Questions(List.of(question(1, 0, List.of(1), "THE Hague!", "Hague", "Hague Court")));
        long[] id = {1};
        for (int choice = 0; choice < 3; choice++) {
            boolean right = choice < 2;
            assertThat(entities.exactMatch(id, new int[] {choice}).value()).isEqualTo(right ? 1 : 0);
            assertThat(QuestionUnits.of(entities, id).right(new int[] {choice})).containsExactly(right);
        }
    }

    @Test
    void tokenF1IsTheMeanOfTheBestF1OfEachPrediction() {
        // 1, then 0, then "Lee" against "Ann Lee": precision 1, recall 1/2
        var metric = QUESTIONS.tokenF1(new long[] {3, 5, 9}, new int[] {0, 0, 0});
        assertThat(metric.value()).isCloseTo((1 + 0 + 2.0 / 3) / 3, within(1e-12));
        // sample deviation of 1, 0, 2/3 is 0.5091751, over the root of 3
        assertThat(metric.standardError()).isCloseTo(0.2939724, within(1e-6));
        assertThat(metric.n()).isEqualTo(3);
    }
}
