package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.data;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rows of corpus.examples that tasks with choices give. */
@Tag("slow")
class TaskExamplesTest {
    /** That of the fixture's configuration. */
    private static final Gpt2Tokenizer TOKENIZER = Gpt2Tokenizer.of(1024);

    private static final String OWN =
            """
            name = own/pairs, version = "3", fields = [q, a, b], prompt = "{q}", choices = ["{a}", "{b}"]
            label { field = label, values { "0" = 0, "1" = 1 } }, metrics = [acc, em]
            """;

    @TempDir
    Path folder;

    private Warehouse warehouse;

    @BeforeEach
    void openWarehouse() {
        warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
    }

    private List<Row> examples(String corpus) {
        return warehouse
                .table(UncurlTable.EXAMPLES)
                .where("corpus = '" + corpus + "'")
                .orderBy("task", "split", "example_id")
                .collectAsList();
    }

    private static int[] ids(Row row, String column) {
        return row.<Integer>getList(row.fieldIndex(column)).stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static List<String> choices(Row row) {
        return row.<scala.collection.Seq<Integer>>getList(row.fieldIndex("choices")).stream()
                .map(ids -> TOKENIZER.decode(scala.collection.JavaConverters.seqAsJavaList(ids).stream()
                        .mapToInt(Integer::intValue)
                        .toArray()))
                .toList();
    }

    @Test
    void aMinimalPairFollowsTheEndOfTextAlone() {
        TokenizeFixture.tokenize(
                warehouse, folder, corpus("minimal-pairs", "minimal-pairs", data("minimal-pairs/pairs.jsonl")));
        List<Row> rows = examples("minimal-pairs");
        assertThat(rows).hasSize(360);
        for (Row row : rows) {
            assertThat(ids(row, "prompt_tokens")).containsExactly(TOKENIZER.endOfText());
            assertThat(choices(row)).hasSize(2).allMatch(sentence -> sentence.startsWith(" "));
            String right = choices(row).get(row.<Integer>getAs("label"));
            assertThat(TOKENIZER.decode(ids(row, "target_tokens"))).isEqualTo(right + "<|endoftext|>");
        }
    }

    @Test
    void aRowIsInTheSameSplitAsInFlanSoThatWhatIsHeldOutThereIsHeldOutHere() {
        String file = data("flan/commonsense_qa.jsonl");
        TokenizeFixture.tokenize(
                warehouse,
                folder,
                corpus("flan", "flan", file) + corpus("options/commonsense_qa", "options/commonsense_qa", file));
        Map<Long, String> flan = splits("flan");
        assertThat(flan).hasSize(600).containsValue("validation");
        assertThat(splits("options/commonsense_qa")).isEqualTo(flan);
        Row row = examples("options/commonsense_qa").get(0);
        assertThat(row.<String>getList(row.fieldIndex("answers")).stream()
                        .map(answer -> " " + answer)
                        .toList())
                .isEqualTo(choices(row));
        assertThat(examples("flan").get(0).isNullAt(row.fieldIndex("answers"))).isTrue();
    }

    private Map<Long, String> splits(String corpus) {
        return examples(corpus).stream()
                .collect(Collectors.toMap(row -> row.getAs("source_offset"), row -> row.getAs("split")));
    }

    @Test
    void recordsChoicesBeginWithTheLineEndOfThePromptAndHaveTheirEntities() {
        TokenizeFixture.tokenize(
                warehouse,
                folder,
                corpus("superglue/record", "superglue/record", data("superglue/ReCoRD/train.jsonl")));
        List<Row> rows = examples("superglue/record");
        assertThat(rows).hasSize(3);
        for (Row row : rows) {
            assertThat(TOKENIZER.decode(ids(row, "prompt_tokens")))
                    .endsWith(".")
                    .contains("\n\n  - ");
            List<String> answers = row.getList(row.fieldIndex("answers"));
            assertThat(choices(row)).hasSameSizeAs(answers);
            for (int i = 0; i < answers.size(); i++) {
                assertThat(choices(row).get(i)).startsWith("\n  - ").contains(answers.get(i));
            }
        }
        assertThat(CorpusRun.newest(warehouse, "superglue/record").inputs()).containsEntry("example-form", "2");
    }

    @Test
    void whiteSpaceAndOtherAlphabetsGiveTheRightExampleAndWhatHasNoAnswerIsRejected() throws IOException {
        Path rows = Files.writeString(
                folder.resolve("rows.jsonl"),
                """
                {"q": "Say: ", "a": "yes ", "b": " no", "label": 0}
                {"q": "\u6771\u4eac?\\n", "a": "\u306f\u3044", "b": "na\u00efve \ud83d\ude00", "label": 1}
                {"q": "q", "a": "x", "b": "x", "label": 0}
                {"q": "q", "a": "", "b": "x", "label": 0}
                {"q": "q", "a": " ", "b": "x", "label": 0}
                {"q": "q", "a": "y", "b": "x"}
                """);
        Path task = Files.writeString(folder.resolve("own.conf"), OWN);
        TokenizeFixture.tokenize(
                warehouse, folder, corpus("own/pairs", task.toString(), rows.toString()), "validation-fraction=0");
        List<Row> examples = examples("own/pairs");
        assertThat(examples).hasSize(2);
        assertThat(examples.stream().map(row -> TOKENIZER.decode(ids(row, "prompt_tokens"))))
                .containsExactly("Say:", "\u6771\u4eac?");
        assertThat(choices(examples.get(0))).containsExactly(" yes ", "  no");
        assertThat(choices(examples.get(1))).containsExactly("\n\u306f\u3044", "\nna\u00efve \ud83d\ude00");
        assertThat(TOKENIZER.decode(ids(examples.get(1), "target_tokens")))
                .isEqualTo("\nna\u00efve \ud83d\ude00<|endoftext|>");
        assertThat(
                        warehouse
                                .rows(UncurlTable.REJECTIONS, "corpus", "own/pairs")
                                .select("reason")
                                .collectAsList()
                                .stream()
                                .map(row -> row.getString(0)))
                .containsExactlyInAnyOrder(
                        "a right and a wrong choice are equal", "field a is empty", "a choice is blank", "no label");
    }

    @Test
    void aTasksFileCountsByItsTextWhereverItIs() throws IOException {
        Path rows = Files.writeString(
                folder.resolve("rows.jsonl"), "{\"q\": \"q\", \"a\": \" y\", \"b\": \" x\", \"label\": 0}\n");
        Path task = Files.writeString(folder.resolve("own.conf"), OWN);
        TokenizeFixture.tokenize(warehouse, folder, corpus("mine", task.toString(), rows.toString()));
        CorpusRun run = CorpusRun.newest(warehouse, "mine");
        assertThat(run.inputs()).containsEntry("format", "own/pairs").containsEntry("prompt-version", "3");
        assertThat(run.metrics().stream().map(metric -> metric.label())).containsExactly("acc", "em");
        assertThat(examples("mine").get(0).<String>getAs("task")).isEqualTo("mine/own/pairs");

        Path moved = Files.move(
                task, Files.createDirectory(folder.resolve("elsewhere")).resolve("other.conf"));
        TokenizeFixture.tokenize(warehouse, folder, corpus("mine", moved.toString(), rows.toString()));
        assertThat(CorpusRun.newest(warehouse, "mine").runId()).isEqualTo(run.runId());

        Files.writeString(moved, OWN.replace("{q}", "{q} "));
        assertThatThrownBy(() ->
                        TokenizeFixture.tokenize(warehouse, folder, corpus("mine", moved.toString(), rows.toString())))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("task-file");
        assertThatThrownBy(() -> TokenizeFixture.tokenize(warehouse, folder, corpus("x", "gone.conf", rows.toString())))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("gone.conf");
    }
}
