package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Tasks from file to result: those of conf/task that are no SuperGLUE, and one of a user's own. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaskMetricsTest {
    private static final int VOCABULARY = 900;

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void tokenizeTasks(@TempDir Path folder) throws IOException {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.model(
                warehouse,
                "base",
                new ModelConfig(2, 16, 2, 32, VOCABULARY, 256, new MoeConfig(3, 1, 2, false, 0.01, 0.001)),
                1,
                Gpt2Tokenizer.of(VOCABULARY).fingerprint());
        Path rows = Files.writeString(
                folder.resolve("rows.jsonl"),
                """
                {"stem": "The sky is", "options": ["blue", "square", "loud"], "answer": 0}
                {"stem": "Two and two are", "options": ["four", "five"], "answer": 0}
                """);
        Path task = Files.writeString(
                folder.resolve("own.conf"),
                """
                name = own/stems, version = "1", fields = [stem], lists = [options]
                prompt = "{stem}", choices = [" {options}"], label { field = answer }, metrics = [acc]
                """);
        Path config = Files.writeString(
                folder.resolve("tokenize.conf"),
                """
                include classpath("conf/tokenize/defaults.conf")
                corpora = [
                  { name = superglue/record, format = superglue/record, validation-paths = []
                    paths = [${uncurl.home}"/test-data/superglue/ReCoRD/train.jsonl"] }
                  { name = stems, format = "%s", paths = ["%s"], validation-paths = [] }
                ]
                """
                        .formatted(task, rows));
        for (String name : List.of("tokenize/tasks", "tokenize/flan-tasks", config.toString())) {
            cli.succeed("tokenize --set validation-fraction=1 --set vocabulary=" + VOCABULARY + " --config " + name);
        }
    }

    private List<String> metrics(String task) {
        return warehouse
                .rows(UncurlTable.RESULTS, "model_id", "base", "task", task)
                .select("metric")
                .orderBy("metric")
                .collectAsList()
                .stream()
                .map(row -> row.getString(0))
                .toList();
    }

    @Test
    void eachTaskHasItsMetrics() {
        var tasks = List.of("options/ai2_arc_easy", "options/winogrande", "options/piqa", "arithmetic/gsm8k", "stems");
        for (String task : tasks) {
            cli.succeed("evaluate --model base --limit 40 --task " + task);
            assertThat(metrics(task)).as(task).contains("acc", "loss_per_token", "target_loss_per_token");
        }
        cli.succeed("evaluate --model base --task superglue/record");
        assertThat(metrics("superglue/record")).contains("em", "f1", "acc");
    }

    /** Of a model with random weights: about a half of the pairs, since their order does not tell the right one. */
    @Test
    void aModelThatKnowsNothingIsRightInAboutHalfOfTheMinimalPairs() {
        cli.succeed("evaluate --model base --task minimal-pairs");
        var row = warehouse
                .rows(UncurlTable.RESULTS, "model_id", "base", "task", "minimal-pairs", "metric", "acc")
                .first();
        assertThat(row.<Long>getAs("n")).isEqualTo(360);
        assertThat(row.<Double>getAs("value")).isBetween(0.25, 0.75);
        assertThat(row.<Double>getAs("majority_baseline")).isLessThan(0.6);
    }
}
