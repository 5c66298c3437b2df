package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.ClusterProcess;
import dev.uncurl.jobs.SmallCorpora;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Training, and scoring with divided experts, on a cluster of two executors, each a process of its own with one rank. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClusterTrainingTest {
    private static final String PRETRAIN = "pretrain --config src/test/resources/tiny/pretrain.conf"
            + " --set corpora=[cc100] --set model.moe.top-k=2 --set model.moe.capacity-factor=1.1"
            + " --set train.checkpoint.every=10 --set train.tokens=5000";

    private static final String LONGER = "pretrain --config src/test/resources/tiny/pretrain.conf --set corpora=[cc100]"
            + " --set model.moe.top-k=2 --set model.moe.capacity-factor=1.1 --set train.tokens=60000"
            + " --set train.checkpoint.every=20 --set train.validation.every=0 --set train.restarts=20"
            + " --set train.expert-parallel=2 --model ";

    /** So large that a stage of the cluster lasts a while after its first file. */
    private static final String UNTRAINED = "pretrain --untrained --config src/test/resources/tiny/pretrain.conf"
            + " --set corpora=[cc100] --set model.layers=4 --set model.width=64 --set model.feed-forward=256 --model ";

    private static final String DUMP = "dump-logits --expert-parallel 2 --task superglue/copa --model ";
    private static final String EVALUATE = "evaluate --expert-parallel 2 --task superglue/copa --split train --model ";

    private Path folder;
    private Cli cli;

    @BeforeAll
    void tokenize(@TempDir Path temporary) throws IOException {
        folder = temporary;
        cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config " + SmallCorpora.write(folder, 300, 32));
    }

    @Test
    void anErrorThatTheUserCanRemedyEndsTheRunWithItsMessageAndCode() throws Exception {
        try (var process = new ClusterProcess(
                folder.resolve("failing"), cli, PRETRAIN + " --model none", "-Duncurl.threads=none")) {
            assertThat(process.ended(2))
                    .contains("System property uncurl.threads = none")
                    .doesNotContain("internal error");
        }
    }

    /**
     * Ranks that are executors, and divide the experts, make the model that ranks make which are threads, though an executor is
     * killed after the first of its checkpoints, and another one takes its place. Then they dump and evaluate another model, and an
     * executor is killed when the first rows are there.
     */
    @Test
    void ranksOfAClusterMakeTheModelAndTheRowsOfThreadsEvenIfOneIsKilled() throws Exception {
        cli.succeed(LONGER + "undisturbed");
        for (String model : List.of("threads", "cluster")) {
            cli.succeed(UNTRAINED + model);
        }
        cli.succeed(DUMP + "threads");
        cli.succeed(EVALUATE + "threads");
        String steps = Stream.of(LONGER + "disturbed", DUMP + "cluster", EVALUATE + "cluster")
                .map(line -> "\"" + line + "\"")
                .collect(Collectors.joining(", "));
        Path demo = Files.writeString(folder.resolve("steps.conf"), "steps = [" + steps + "], queries = []");
        try (var process = new ClusterProcess(folder.resolve("cluster"), cli, "demo --verbose --config " + demo)) {
            killAfterCheckpoint(process, folder.resolve("warehouse/checkpoints/disturbed/step-20"));
            while (process.isAlive() && !hasLogits(cli.folder())) {
                Thread.sleep(10);
            }
            process.killExecutor();
            assertThat(process.ended(0))
                    .contains("train disturbed: a rank was lost", "Starting again from step ", "restart 1 of 20")
                    .containsPattern(
                            "dump: a rank was lost .*\\. Starting again from the beginning of the stage, restart 1 of 20");
        }
        assertThat(files(cli, "disturbed")).isEqualTo(files(cli, "undisturbed"));
        assertThat(metrics(cli, "disturbed")).hasSizeGreaterThan(100).isEqualTo(metrics(cli, "undisturbed"));
        assertSameRows(cli, UncurlTable.LOGITS, "layer", "sequence_id", "position", "token_id", "logits");
        assertSameRows(cli, UncurlTable.SCORED, "example_id", "log_likelihoods");
    }

    private static void killAfterCheckpoint(ClusterProcess process, Path checkpoint)
            throws IOException, InterruptedException {
        while (process.isAlive() && !Files.exists(checkpoint)) {
            Thread.sleep(20);
        }
        // between two stages nothing is lost with an executor: then the next one goes, when there has been time to
        // replace it
        for (int tick = 0; process.isAlive() && !process.said().contains("a rank was lost"); tick++) {
            if (tick % 20 == 0) {
                process.killExecutor();
            }
            Thread.sleep(500);
        }
    }

    /** Whether the first data file of the cluster's dump is there. */
    private static boolean hasLogits(Path warehouse) throws IOException {
        try (Stream<Path> files = Files.walk(warehouse)) {
            return files.map(file -> warehouse.relativize(file).toString())
                    .anyMatch(file -> file.contains("logits") && file.contains("cluster") && file.endsWith(".parquet"));
        } catch (UncheckedIOException e) {
            return false; // a file has gone meanwhile
        }
    }

    /** Rows of both models, which are equal apart from rounding: the batches are others. @param columns a key, and numbers at last */
    private static void assertSameRows(Cli cli, UncurlTable table, String... columns) {
        List<Row> expected = rows(cli, table, "threads", columns);
        List<Row> rows = rows(cli, table, "cluster", columns);
        assertThat(rows).hasSameSizeAs(expected).hasSizeGreaterThan(100);
        int last = columns.length - 1;
        for (int i = 0; i < rows.size(); i++) {
            for (int column = 0; column < last; column++) {
                assertThat(rows.get(i).get(column)).isEqualTo(expected.get(i).get(column));
            }
            List<Number> numbers = rows.get(i).getList(last);
            for (int one = 0; one < numbers.size(); one++) {
                assertThat(numbers.get(one).doubleValue())
                        .isCloseTo(
                                expected.get(i).<Number>getList(last).get(one).doubleValue(), within(1e-4));
            }
        }
    }

    private static List<Row> rows(Cli cli, UncurlTable table, String model, String... columns) {
        Column[] key =
                Stream.of(columns).limit(columns.length - 1).map(functions::col).toArray(Column[]::new);
        return cli.open()
                .rows(table, "model_id", model)
                .selectExpr(columns)
                .orderBy(key)
                .collectAsList();
    }

    private static Map<String, Manifest.Entry> files(Cli cli, String model) {
        return new Models(cli.open()).open(model).manifest().files();
    }

    private static List<Row> metrics(Cli cli, String model) {
        return cli.open()
                .rows(UncurlTable.METRICS, "run_id", model)
                .select("step", "tokens", "loss", "validation_loss", "grad_norm", "layers", "sequences_hash")
                .orderBy("step")
                .collectAsList();
    }
}
