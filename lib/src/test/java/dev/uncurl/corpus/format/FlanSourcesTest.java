package dev.uncurl.corpus.format;

import static dev.uncurl.corpus.format.Corpora.only;
import static dev.uncurl.corpus.format.Corpora.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The files that FLAN was made from give the examples that FLAN's exports have. */
class FlanSourcesTest {
    private static final String TASK =
            "{\"Definition\":[\"Do.\"],\"Positive Examples\":[{\"input\":\"x\",\"output\":\"y\"}],"
                    + "\"Instances\":[%s]}";
    private static final String GOOD = "{\"id\":\"1\",\"input\":\"a\",\"output\":[\"b\",\"c\"]}";

    @Test
    void chainOfThoughtFilesGiveTheRowsOfTheMixture() {
        var raw = only(Example.class, read("cot", "flan-raw/aqua_train.tsv"));
        assertThat(raw).hasSize(40).allMatch(example -> example.task().equals("cot_aqua"));
        assertThat(texts(read("flan", "flan/cot_aqua.jsonl"))).containsAll(texts(raw));
    }

    @Test
    void tasksOfNaturalInstructionsGiveTheRowsOfTheMixture() {
        String task = "task1729_personachat_generate_next";
        var raw = only(Example.class, read("super-natural-instructions", "flan-raw/" + task + ".json"));
        assertThat(raw).hasSize(20).allMatch(example -> example.task().equals(task));
        assertThat(texts(read("flan", "flan/" + task + ".jsonl"))).containsAll(texts(raw));
    }

    private static HashSet<String> texts(List<? extends Outcome> examples) {
        return examples.stream()
                .map(outcome -> ((Example) outcome).inputs() + ((Example) outcome).targets())
                .collect(Collectors.toCollection(HashSet::new));
    }

    @Test
    void rowsOfOtherThanThreeColumnsAreRejected() {
        var outcomes = Corpora.readText("cot", "q\\nr\ta\tw\n\na\tb\nq\t\tw\na\tb\tc\td\r\nq\ta\tw");
        assertThat(outcomes).hasSize(5);
        assertThat(((Example) outcomes.get(0)).inputs()).isEqualTo("q\nr\nLet's think step by step.");
        assertThat(((Example) outcomes.get(0)).targets()).isEqualTo(" w\nThe answer is a.");
        assertThat(only(Rejection.class, outcomes).stream().map(Rejection::reason))
                .containsExactly("not three columns", "field answer is empty", "not three columns");
    }

    @Test
    void theTaskOfAChainOfThoughtFileIsItsName() {
        assertThat(List.of("hdfs://a/b/aqua_train.tsv", "aqua_train.tsv.gz", "aqua.tsv", "aqua"))
                .allMatch(file -> CotRow.task(file).equals("cot_aqua"));
    }

    @Test
    void anInstanceIsAnExampleWithItsPlace() {
        var example = (Example) instruction(String.format(TASK, GOOD)).get(0);
        assertThat(example.inputs()).isEqualTo("Definition: Do.\nInput: a\nOutput:");
        assertThat(example.targets()).isEqualTo(" b");
        assertThat(example.task()).isEqualTo("task1");
        assertThat(example.offset()).isEqualTo(TASK.indexOf('%'));
    }

    @Test
    void aDefinitionBehindTheInstancesCounts() {
        assertThat(instruction("{\"Instances\":[" + GOOD + "," + GOOD + "],\"Definition\":\"Do.\"}"))
                .extracting(outcome -> ((Example) outcome).inputs())
                .containsOnly("Definition: Do.\nInput: a\nOutput:")
                .hasSize(2);
        assertThat(reasons("{\"Instances\":[" + GOOD + "," + GOOD + "]}"))
                .containsExactly("no field Definition", "no field Definition");
    }

    @Test
    void instancesThatDoNotFitAreRejectedAndTheOthersStay() {
        for (var mistake : List.of(
                List.of("{\"output\":\"b\"}", "no field input"),
                List.of("{\"input\":\"a\",\"output\":[]}", "no field output"),
                List.of("{\"input\":\"\",\"output\":\"b\"}", "field input is empty"),
                List.of("{\"input\":{\"a\":[1]},\"output\":\"b\"}", "field input is not a string"),
                List.of("{\"input\":\"a\",\"output\":[1,\"b\"]}", "field output has an element that is not a string"),
                List.of("{\"input\":\"a\",\"input\":\"a\",\"output\":\"b\"}", "field input occurs twice"),
                List.of("[1,[2]]", "not a JSON object"))) {
            var outcomes = instruction(String.format(TASK, GOOD + "," + mistake.get(0) + ",\n" + GOOD));
            assertThat(only(Example.class, outcomes)).hasSize(2);
            assertThat(((Rejection) outcomes.get(1)).reason()).isEqualTo(mistake.get(1));
        }
    }

    @Test
    void behindAMistakeInTheJsonNothingIsRead() {
        Function<String, List<String>> endings = end -> reasons(String.format(TASK, GOOD + "," + GOOD + end));
        assertThat(endings.apply(",")).containsExactly("malformed JSON");
        assertThat(endings.apply("],\"Instances\":[")).containsExactly("field Instances occurs twice");
        assertThat(endings.apply("],\"Definition\":[\"\"")).containsExactly("field Definition occurs twice");
        assertThat(endings.apply("],\"x\":" + "[".repeat(300)))
                .containsExactly("JSON nested too deep or number too long");
        assertThat(endings.apply("," + "x".repeat(3_000))).containsExactly("malformed JSON");
        assertThat(reasons("")).containsExactly("not a JSON object");
        assertThat(reasons("{}")).containsExactly("no field Instances");
        assertThat(reasons("{\"Definition\":\"a\"} {}")).containsExactly("malformed JSON");
        assertThat(reasons("{\"Definition\":\"a\",\"Instances\":{}}"))
                .containsExactly("field Instances is not an array");
    }

    @Test
    void whatIsBeyondTheCapEndsTheFile() {
        String big = "\"" + "x".repeat(60_000) + "\"";
        for (String task : List.of(
                String.format(TASK, GOOD + ",{\"input\":" + big + "}," + GOOD),
                String.format(TASK, GOOD + ",{" + big + ":1}," + GOOD),
                String.format(TASK, GOOD + "," + "{},".repeat(20_000) + GOOD)
                        .replace("\"Definition\":[\"Do.\"],", ""))) {
            var outcomes = read("super-natural-instructions", "x.json", task.getBytes(StandardCharsets.UTF_8), 20_000);
            assertThat(((Rejection) outcomes.get(outcomes.size() - 1)).reason()).isEqualTo("longer than 20000 bytes");
        }
    }

    private static List<Outcome> instruction(String text) {
        return read(
                "super-natural-instructions",
                "a/task1.json.gz",
                Corpora.gzip(text.getBytes(StandardCharsets.UTF_8)),
                1000);
    }

    private static List<String> reasons(String text) {
        return only(Rejection.class, instruction(text)).stream()
                .map(Rejection::reason)
                .toList();
    }

    @Test
    void aTaskIsReadWhole() {
        var format = CorpusFormat.of("super-natural-instructions");
        assertThat(format.splittable("a.json")).isFalse();
        assertThat(format.promptVersion()).isEqualTo("1.0");
        assertThatThrownBy(() -> format.open(Corpora.HADOOP, "a.json", 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(CorpusFormat.of("cot").splittable("a.tsv")).isTrue();
    }
}
