package dev.uncurl.corpus.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.format.Corpora;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of FLAN with options, in the forms that FLAN has. The expectations are written by hand. */
class OptionsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void theOptionsAreCutOffAndTheTargetNamesTheRightOne() {
        Example example =
                example("Question: Which sinks?\n\nOPTIONS:\n- wood\n- an iron anchor\n- cork", "an iron anchor");
        assertThat(example.inputs()).isEqualTo("Question: Which sinks?\nAnswer:");
        assertThat(example.choices()).containsExactly(" wood", " an iron anchor", " cork");
        assertThat(example.answers()).containsExactly("wood", "an iron anchor", "cork");
        assertThat(example.label()).isEqualTo(1);
        assertThat(example.rightChoices()).containsExactly(1);
        assertThat(example.targets()).isEqualTo(" an iron anchor");
        assertThat(example.task()).isEqualTo("options/commonsense_qa");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "(A) one/(B) two|(B)|1",
                "(A) one/(B) two|B|1",
                "(A) one/(B) two|two|1",
                "(a) one/(b) two|(b)|1",
                "(A). one/(B). two|(B).|1",
                "(A)one/(B)two|A|0",
                "[a] one/[b] two|[b]|1",
                "A. one/B. two|A.|0",
                "A) one/B) two|A)|0",
                "- one/- two|two|1",
                "-  one  /- two |one|0",
                "(A) one/(B) two|It is so.#The answer is (B).|1",
                "(A) .5/(B) 0.25|The answer is .5.|0",
                "- one/- U.S.|So it is.#The answer is U.S.|1",
                "- one/- two|The answer is one. No.#The answer is two.|1"
            })
    void lettersAndChainsOfThoughtNameAnOption(String options, String target, int label) {
        Example example = example("Which?\nOptions:\n" + options.replace('/', '\n'), target.replace('#', '\n'));
        assertThat(example.label()).isEqualTo(label);
        assertThat(example.choices()).hasSize(2).allMatch(choice -> choice.equals(" " + choice.strip()));
    }

    @Test
    void whatAsksForAChainOfThoughtIsNoPartOfTheQuestion() {
        assertThat(example("Which?\nOptions:\n- one\n- two\nLet's think step by step.", "one")
                        .inputs())
                .isEqualTo("Which?\nAnswer:");
    }

    @Test
    void theQuestionMayFollowTheOptionsButNotSurroundThem() {
        assertThat(example("OPTIONS:\n- one\n- two\n\nWhich?", "one").inputs()).isEqualTo("Which?\nAnswer:");
        assertThat(reason("Which?\nOPTIONS:\n- one\n- two\nor three", "one")).isEqualTo("text after the options");
        assertThat(reason("OPTIONS:\n- one\n- two", "one")).isEqualTo("no question");
    }

    @Test
    void theLastBlockCounts() {
        assertThat(example("a\nOPTIONS:\n- x\n- y\n\nb\nOPTIONS:\n- one\n- two", "one")
                        .inputs())
                .isEqualTo("a\nOPTIONS:\n- x\n- y\n\nb\nAnswer:");
    }

    @Test
    void equalOptionsAreOneChoice() {
        Example example = example("Sum?\nOptions:\n(A) 5\n(B) 6\n(C) 5\n(D) 7", "The answer is (C).");
        assertThat(example.choices()).containsExactly(" 5", " 6", " 7");
        assertThat(example.label()).isZero();
        assertThat(reason("Sum?\nOptions:\n- 5\n- 5", "5")).isEqualTo("fewer than two options");
    }

    @Test
    void rowsThatDoNotFitAreRejectedWithAReason() {
        assertThat(reason("Which?", "one")).isEqualTo("no line OPTIONS:");
        assertThat(reason("Which?\nOPTIONS:\n- one\n- two", "three")).isEqualTo("the target is not among the options");
        assertThat(reason("Which?\nOPTIONS:\n- one\n- two", "B")).isEqualTo("the target is not among the options");
        assertThat(reason("Which?\nOPTIONS:\n- one\n-\n- two", "one")).isEqualTo("an option is empty");
        assertThat(reason("Which?\nOPTIONS:\n(A)\n(B) two", "B")).isEqualTo("an option is empty");
        assertThat(reason("Which?\nOPTIONS:\n- one", "one")).isEqualTo("fewer than two options");
        assertThat(reason("Which?\nOPTIONS:", "one")).isEqualTo("the target is not among the options");
        assertThat(reason("Which?\nOPTIONS:\n(A) B\n(B) A", "B")).isEqualTo("the target names two options");
        assertThat(reason("Which?\nOPTIONS:\n(A) one\n(C) two", "A")).isEqualTo("text after the options");
    }

    @Test
    void theSplitIsThatOfTheRowInFlan() throws IOException {
        for (String file : List.of("flan/commonsense_qa.jsonl", "flan/social_i_qa.jsonl")) {
            var flan = Corpora.only(Example.class, Corpora.read("flan", file));
            var options = Corpora.only(
                    Example.class, Corpora.read(file.replace("flan", "options").replace(".jsonl", ""), file));
            assertThat(options.stream().map(Example::splitText))
                    .isEqualTo(flan.stream().map(Example::splitText).toList());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "options/commonsense_qa,flan/commonsense_qa.jsonl,600",
        "options/social_i_qa,flan/social_i_qa.jsonl,600",
        "options/winogrande,flan/winogrande.jsonl,600",
        "options/aqua,flan/cot_aqua.jsonl,400",
        "options/ai2_arc_easy,options/ai2_arc_easy.jsonl,300",
        "options/piqa,options/piqa.jsonl,300",
        "arithmetic/gsm8k,flan/cot_gsm8k.jsonl,400",
        "minimal-pairs,minimal-pairs/pairs.jsonl,360"
    })
    void everyRowOfTheTestDataIsAnExample(String task, String file, int rows) throws IOException {
        assertThat(Files.readAllLines(Path.of(Corpora.DATA + file))).hasSize(rows);
        List<Outcome> outcomes = Corpora.read(task, file);
        assertThat(Corpora.only(Rejection.class, outcomes)).isEmpty();
        var examples = Corpora.only(Example.class, outcomes);
        assertThat(examples).hasSize(rows).allMatch(example -> example.choices().size() >= 2);
        assertThat(examples).allMatch(example -> !example.inputs().toLowerCase().contains("options:"));
    }

    private static Example example(String inputs, String targets) {
        Outcome outcome = outcome(inputs, targets);
        assertThat(outcome).isInstanceOf(Example.class);
        return (Example) outcome;
    }

    private static String reason(String inputs, String targets) {
        return ((Rejection) outcome(inputs, targets)).reason();
    }

    private static Outcome outcome(String inputs, String targets) {
        ObjectNode row = JSON.createObjectNode().put("inputs", inputs).put("targets", targets);
        return TaskDefinition.load("options/commonsense_qa")
                .render(row, "f", 0, 1)
                .next();
    }
}
