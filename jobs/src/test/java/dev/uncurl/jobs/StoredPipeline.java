package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;

/** What must hold of a warehouse wherever it is stored. */
final class StoredPipeline {
    static final String PRETRAIN =
            "pretrain --config src/test/resources/tiny/pretrain.conf --set corpora=[cc100] --model ";

    private static final String TASK = "superglue/copa";
    private static final ModelConfig CONFIG =
            new ModelConfig(3, 4, 2, 8, 11, 6, new MoeConfig(3, 2, 2, true, 0.01, 0.001, 1.25));

    private final Cli cli;

    StoredPipeline(Cli cli) {
        this.cli = cli;
    }

    /** Every kind of command, once; model {@code base} is trained. */
    void run(Path folder) throws IOException {
        Path corpora = SmallCorpora.write(folder, 300, 32);
        cli.succeed("tokenize --config " + corpora);
        cli.succeed(PRETRAIN + "base");
        cli.succeed("dump-logits --model base --task " + TASK + " --tokens 1000");
        cli.succeed("prune --from base --task " + TASK + " --method uncurl --experts 2 --model pruned");
        cli.succeed("verify --model pruned");
        cli.succeed("evaluate --model base --model pruned --task " + TASK + " --against base");
        assertThat(cli.succeed("sql", "SELECT count(DISTINCT model_id) AS models FROM evaluation.results"))
                .contains("2");
        assertThat(cli.succeed("tokenize --config " + corpora)).contains("Corpus cc100 is there already");
        assertThat(cli.succeed(PRETRAIN + "base")).contains("Model base is there already");
        assertThat(files("base")).isNotEmpty();
        assertThat(names("checkpoints")).isEmpty();
        assertThat(names("staging")).isEmpty();
        assertThat(names("locks")).isEmpty();
    }

    Map<String, Manifest.Entry> files(String model) {
        return new Models(cli.open()).open(model).manifest().files();
    }

    /** Names in a folder of the warehouse; none if it does not exist. */
    List<String> names(String folder) throws IOException {
        var path = new org.apache.hadoop.fs.Path(cli.place(), folder);
        FileSystem files = path.getFileSystem(SparkSession.active()
                .sparkContext()
                .hadoopConfiguration()); // opening the warehouse looks at all tables
        FileStatus[] all = files.exists(path) ? files.listStatus(path) : new FileStatus[0];
        return Arrays.stream(all).map(status -> status.getPath().getName()).toList();
    }

    /** Every table has one snapshot then, with the rows that it had. */
    void maintenanceLeavesEveryRow() {
        Warehouse warehouse = cli.open();
        List<String> before = rows(warehouse);
        assertThat(cli.succeed("maintain --expire-days 0"))
                .containsPattern("Table models.registry: \\d+ snapshots expired")
                .contains("0 models and 0 leftovers of killed runs removed");
        assertThat(rows(warehouse)).isEqualTo(before);
        for (UncurlTable table : UncurlTable.values()) {
            assertThat(warehouse.iceberg(table).snapshots()).as(table.id()).hasSizeLessThan(2);
        }
        cli.succeed("verify --model pruned");
    }

    /** The rows of all tables, by one query: planning takes longer than reading. */
    private static List<String> rows(Warehouse warehouse) {
        return Arrays.stream(UncurlTable.values())
                .map(table -> warehouse
                        .table(table)
                        .select(functions.concat_ws(
                                " ", functions.lit(table.id()), functions.to_json(functions.struct("*")))))
                .reduce(Dataset::union)
                .orElseThrow()
                .collectAsList()
                .stream()
                .map(row -> row.getString(0))
                .sorted()
                .toList();
    }

    /** A command that meets another run ends with code 5 and leaves everything as it is. */
    void anOutputThatAnotherRunWritesIsRefused() throws IOException {
        try (var lease = cli.open().lock("model", "taken")) {
            List<String> before = names("models");
            Cli.Outcome outcome = cli.run((PRETRAIN + "taken").split(" "));
            assertThat(outcome.code()).as(outcome.err()).isEqualTo(5);
            assertThat(outcome.err()).contains("Another run is writing model taken");
            assertThat(names("models")).isEqualTo(before);
        }
    }

    /** Without the lease, which would let only one begin. */
    void ofTwoThatFinishOneModelAtOneMomentOneWins() throws Exception {
        Warehouse warehouse = cli.open();
        SparkSession session = warehouse.spark();
        var start = new CyclicBarrier(2);
        var threads = Executors.newFixedThreadPool(2);
        try {
            var writers = new ArrayList<Future<Boolean>>();
            for (int seed : new int[] {1, 2}) {
                writers.add(threads.submit(() -> {
                    SparkSession.setActiveSession(session);
                    start.await();
                    return makes(warehouse, seed);
                }));
            }
            assertThat(List.of(writers.get(0).get(), writers.get(1).get())).containsExactlyInAnyOrder(true, false);
        } finally {
            threads.shutdownNow();
        }
        ModelFolder model = new Models(warehouse).open("contested");
        model.verify();
        assertThat(names("models").stream().filter(name -> name.contains("contested")))
                .hasSize(1);
        assertThat(warehouse.rows(UncurlTable.REGISTRY, "model_id", "contested").count())
                .isEqualTo(1);
    }

    private static boolean makes(Warehouse warehouse, int seed) throws IOException {
        var lineage = Lineage.here(null, "initialize", Map.of("seed", "" + seed), "a test", "none");
        try {
            ModelFolder model = ModelFolder.write(
                    warehouse.files(),
                    warehouse.modelFolder("contested"),
                    CONFIG,
                    ModelInitialization.of(CONFIG, seed),
                    lineage);
            new Models(warehouse).registerNew("contested", model);
            return true;
        } catch (UserError e) {
            assertThat(e.kind()).as(e.getMessage()).isEqualTo(UserError.Kind.CONFLICT);
            return false;
        }
    }

    /** Who looks for a model that is not there learns which ones are. */
    void aModelThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> new Models(cli.open()).open("nowhere"))
                .hasMessageContaining("There is no model nowhere");
    }
}
