package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each command with its warehouse on S3, killed by {@code kill -9} just before it makes a file that matters, and run again: the
 * warehouse is at the end as if nothing had been killed. Takes minutes, so it is run by name, when {@code mvn -f
 * jobs/s3proxy/pom.xml pre-integration-test} has listed the server's jars:
 * {@code mvn -pl lib,jobs test -Dtest=S3KillsTrial -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class S3KillsTrial {
    private static final String TASK = "superglue/copa";

    private Path folder;
    private SparkSession quietSession;
    private SparkSession roughSession;
    private Cli quiet;
    private Cli rough;
    private S3Server server;

    @Test
    void commandsThatWereKilledEndWithTheStateOfUndisturbedOnes(@TempDir Path temporary) throws Exception {
        folder = temporary;
        try (var started = new S3Server(folder)) {
            server = started;
            SparkSession local = new Cli(folder.resolve("local")).session();
            quietSession = server.session(local, "quiet");
            roughSession = server.session(local, "rough");
            quiet = new Cli(server.warehouse("quiet"));
            rough = new Cli(server.warehouse("rough"));
            tokenizing();
            training();
            dumping();
            pruning();
            evaluating();
            SparkProperties.use(roughSession);
            for (String leftovers : List.of("checkpoints", "staging", "locks")) {
                assertThat(new StoredPipeline(rough).names(leftovers))
                        .as(leftovers)
                        .isEmpty();
            }
            SparkProperties.use(local);
        }
    }

    /** While the rows of its documents are written, and between the commits of two tables. */
    private void tokenizing() throws Exception {
        String tokenize = "tokenize --config " + SmallCorpora.write(folder, 300, 32);
        quietly(tokenize);
        killed("/tables/corpus/sequences/data/", tokenize);
        killed("/tables/corpus/runs/metadata/snap-", tokenize);
        roughly(tokenize);
        assertSameRows(UncurlTable.SEQUENCES, "corpus; split; sequence_id; hash(tokens)");
        assertSameRows(UncurlTable.EXAMPLES, "task; split; example_id; hash(prompt_tokens, target_tokens)");
    }

    /** While a rank writes a checkpoint, just before the manifest that makes it one, and before the model has its row. */
    private void training() throws Exception {
        String pretrain = StoredPipeline.PRETRAIN + "base";
        quietly(pretrain);
        killed("/checkpoints/base/step-8", pretrain);
        killed("/checkpoints/base/step-16[^/]*/manifest", pretrain);
        killed("/tables/models/registry/data/", pretrain);
        roughly(pretrain);
        assertSameRows(UncurlTable.METRICS, "step; tokens; loss; validation_loss; grad_norm; sequences_hash");
        assertSameModel("base");
    }

    /** Before its rows are committed, and before those of the next table are. */
    private void dumping() throws Exception {
        String dump = "dump-logits --model base --task " + TASK + " --tokens 1000";
        quietly(dump);
        killed("/tables/routing/logits/metadata/", dump);
        killed("/tables/routing/gram/metadata/", dump);
        roughly(dump);
        assertSameRows(UncurlTable.LOGITS, "layer; sequence_id; position; token_id; hash(experts, gates, logits)");
        assertSameRows(UncurlTable.GRAM, "task; split; layer; tokens; hash(gram)");
    }

    /** Before a shard, and before the manifest. */
    private void pruning() throws Exception {
        String prune = "prune --from base --task " + TASK + " --method uncurl --experts 2 --model pruned";
        quietly(prune);
        killed("/models/pruned[^/]*/model-00002", prune);
        killed("/models/pruned[^/]*/manifest", prune);
        roughly(prune);
        assertSameModel("pruned");
    }

    /** Before its staged scores are committed, and before the comparisons are. */
    private void evaluating() throws Exception {
        String evaluate = "evaluate --model base --model pruned --task " + TASK + " --against base";
        quietly(evaluate);
        killed("/tables/evaluation/examples/metadata/", evaluate);
        killed("/tables/evaluation/comparisons/metadata/", evaluate);
        roughly(evaluate);
        assertSameRows(UncurlTable.SCORED, "model_id; example_id; log_likelihoods; text_loss");
        assertSameRows(UncurlTable.RESULTS, "model_id; task; metric; value");
        assertSameRows(UncurlTable.COMPARISONS, "subject; against; metric; difference; low; high");
    }

    private void quietly(String command) {
        SparkProperties.use(quietSession);
        quiet.succeed(command);
    }

    private void roughly(String command) {
        SparkProperties.use(roughSession);
        rough.succeed(command);
    }

    private void killed(String before, String command) throws IOException, InterruptedException {
        StallingUncurl.kill(rough, before, command, server.properties("rough"));
        System.out.println("killed before " + before + ": " + command);
    }

    private void assertSameModel(String name) {
        SparkProperties.use(quietSession);
        var expected = new StoredPipeline(quiet).files(name);
        SparkProperties.use(roughSession);
        assertThat(new StoredPipeline(rough).files(name)).as(name).isEqualTo(expected);
    }

    private void assertSameRows(UncurlTable table, String columns) {
        SparkProperties.use(quietSession);
        List<String> expected = StoredRows.of(quiet, table, columns);
        SparkProperties.use(roughSession);
        assertThat(StoredRows.of(rough, table, columns))
                .as(table.id())
                .isNotEmpty()
                .isEqualTo(expected);
    }
}
