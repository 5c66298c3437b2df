package dev.uncurl.corpus.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.format.Corpora;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArithmeticTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "40|He has 5 cows and 8 pigs.|8 80 20", // last number, twice, half
                "15|He has 5 cows and 8 pigs.|8 30 45", // half of 15 has more decimals
                "1.50|He pays $3.|3 0.75 4.50", // twice the answer is the number of the problem
                "0|None of the 4.|4 1 2",
                "0|None of the 1.|1 2 3",
                "1|One of 2.|2 3 10", // twice the answer stands there already
                "3000|It was 1,500 at first.|1500 6000 9000", // so does half
                "7|A dozen and a half.|14 21 70", // no number
                "-10|It fell by 10.|10 -20 -5",
            })
    void theDistractorsAreThoseOfTheRule(String answer, String question, String distractors) {
        assertThat(ArithmeticRow.distractors(new BigDecimal(answer), question).stream()
                        .map(BigDecimal::toPlainString)
                        .collect(Collectors.joining(" ")))
                .isEqualTo(distractors);
    }

    @Property
    void thereAreAlwaysThreeThatDifferFromEachOtherAndFromTheAnswer(
            @ForAll @IntRange(min = -100, max = 100) int answer, @ForAll @IntRange(min = 0, max = 200) int number) {
        var distractors = ArithmeticRow.distractors(BigDecimal.valueOf(answer), "It is " + number + ".");
        var all = new HashSet<Integer>();
        distractors.forEach(distractor -> all.add(distractor.intValueExact()));
        all.add(answer);
        assertThat(all).hasSize(4);
    }

    @Test
    void theFinalAnswerIsReadFromTheChainOfThought() {
        var example = (Example) outcome(
                "He has 5 cows and 8 pigs. How many legs?\\nLet's think step by step.",
                "13 animals. 4 legs each.\\nThe answer is 52.");
        assertThat(example.inputs()).isEqualTo("Question: He has 5 cows and 8 pigs. How many legs?\nAnswer:");
        assertThat(example.choices()).containsExactlyInAnyOrder(" 52", " 8", " 104", " 26");
        assertThat(example.targets()).isEqualTo(" 52");
        assertThat(example.answers().get(example.label())).isEqualTo("52");
        for (String written : new String[] {"$52", "52%", "5,200", "-52", "52"}) {
            var read = (Example) outcome("Of 7?", "The answer is " + written + ".");
            assertThat(read.targets()).isEqualTo(" " + written.replaceAll("[$%,]", ""));
        }
    }

    @Test
    void answersThatAreNoNumberAreRejected() {
        for (String answer : new String[] {"The answer is five.", "5 or 6", "1/2", "5 cows", "1,00", "9".repeat(31)}) {
            assertThat(((Rejection) outcome("Of 7?", answer)).reason()).isEqualTo("the answer is not a number");
        }
    }

    /** No place among the four is right much more often than the others. */
    @Test
    void theOrderHidesTheAnswer() {
        var examples = Corpora.only(Example.class, Corpora.read("arithmetic/gsm8k", "flan/cot_gsm8k.jsonl"));
        for (int place = 0; place < 4; place++) {
            int right = place;
            assertThat(examples.stream().filter(example -> example.label() == right))
                    .hasSizeBetween(70, 130); // 100 of 400, standard deviation 9
        }
    }

    private static Outcome outcome(String inputs, String targets) {
        try {
            var row = JSON.readTree("{\"inputs\":\"" + inputs + "\",\"targets\":\"" + targets + "\"}");
            return TaskDefinition.load("arithmetic/gsm8k")
                    .render(row, "f", 0, 1)
                    .next();
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }
}
