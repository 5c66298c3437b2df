package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.Safetensors;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A name stands for the model and the data that it was registered or dumped with, and for nothing else. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MeasuredModelTest {
    private static final ModelConfig CONFIG = RoutingFixture.config(3, 1);
    private static final String TASK = "superglue/boolq";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void makeModels(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.task(warehouse, TASK, 8, 1);
        RoutingFixture.task(warehouse, "superglue/cb", 8, 2);
        RoutingFixture.model(warehouse, "base", CONFIG, 1);
    }

    private Path folder(String model) {
        return cli.folder().resolve("models").resolve(model);
    }

    private void assertRefused(String line, String... parts) {
        Cli.Outcome outcome = cli.run(line.split(" "));
        assertThat(outcome.code()).as(line).isEqualTo(3);
        assertThat(outcome.err()).as(line).contains(parts);
    }

    @Test
    void anotherModelInTheFolderIsNeverTakenForTheOneThatWasRegistered() throws IOException {
        RoutingFixture.model(warehouse, "own", CONFIG, 2);
        RoutingFixture.model(warehouse, "foreign", CONFIG, 3);
        RoutingFixture.dump(warehouse, "own", TASK, 0);
        FileUtils.deleteDirectory(folder("own").toFile());
        FileUtils.copyDirectory(folder("foreign").toFile(), folder("own").toFile());
        for (String line : List.of(
                "evaluate --split train --model own --task " + TASK,
                "dump-logits --model own --task " + TASK,
                "prune --from own --method frequency --experts 2 --plan-only --task " + TASK,
                "verify --model own",
                "report routing --model own --task " + TASK + " --out "
                        + cli.folder().resolve("r.html"))) {
            assertRefused(line, "is not the model that was registered as own");
        }
        FileUtils.copyDirectory(folder("foreign").toFile(), folder("stranger").toFile());
        assertRefused("evaluate --model stranger --task " + TASK, "stranger is not in models.registry");
        Path manifest = folder("foreign").resolve("manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("pretrain", "finetune"));
        assertRefused("verify --model foreign", "is not the model that was registered as foreign");
        assertThat(warehouse.rows(UncurlTable.RESULTS, "model_id", "own").isEmpty())
                .isTrue();
    }

    @Test
    void aWeightThatIsNotFiniteIsNeitherScoredNorDumpedNorMerged() throws IOException {
        RoutingFixture.model(warehouse, "poisoned", CONFIG, 4);
        RoutingFixture.dump(warehouse, "poisoned", TASK, 0);
        poison("poisoned", "h.1.moe.experts.2.c_proj.bias", 5);
        RoutingFixture.dump(warehouse, "base", TASK, 0);
        // the dump is not what is tested: it stays that of the model
        String sha256 = new Models(warehouse).open("poisoned").manifestSha256();
        warehouse.sql("UPDATE routing.gram SET manifest_sha256 = '" + sha256 + "' WHERE model_id = 'poisoned'");
        for (String line : List.of(
                "evaluate --split train --model poisoned --task " + TASK,
                "dump-logits --model poisoned --task superglue/cb",
                "prune --from poisoned --method uncurl --weights uniform --align off --experts 1 --model merged --task "
                        + TASK,
                "prune --from poisoned --method frequency --experts 3 --model merged --task " + TASK,
                "verify --model poisoned")) {
            assertRefused(line, "tensor h.1.moe.experts.2.c_proj.bias of shape [16] has the value NaN at index 5");
        }
        assertThat(folder("merged")).doesNotExist();
        assertThat(warehouse.rows(UncurlTable.SCORED, "model_id", "poisoned").isEmpty())
                .isTrue();
    }

    /** Puts a NaN into a model and makes manifest and registry those of the model as it is then. */
    private void poison(String id, String tensor, int index) throws IOException {
        String name = "model-00001-of-00005.safetensors";
        Path shard = folder(id).resolve(name);
        Safetensors file = Safetensors.open(warehouse.files(), new org.apache.hadoop.fs.Path(shard.toUri()));
        byte[] content = Files.readAllBytes(shard);
        ByteBuffer.wrap(content)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat((int) file.tensor(tensor).begin() + 4 * index, Float.NaN);
        Files.write(shard, content);
        Path manifest = folder(id).resolve("manifest.json");
        var json = (ObjectNode) new ObjectMapper().readTree(Files.readAllBytes(manifest));
        var entry = (ObjectNode) json.path("files").path(name);
        entry.put("sha256", DigestUtils.sha256Hex(content)).remove("tensors");
        Files.writeString(manifest, json.toString());
        new Models(warehouse).register(id, ModelFolder.open(warehouse.files(), warehouse.modelFolder(id)));
    }

    @Test
    void aDumpOfATaskThatWasTokenisedAgainServesNothing() {
        RoutingFixture.dump(warehouse, "base", "superglue/cb", 0);
        String prune = "prune --from base --method frequency --experts 2 --plan-only --task superglue/cb";
        String report = "report routing --model base --task superglue/cb --out "
                + cli.folder().resolve("s.html");
        cli.succeed(prune);
        assertThat(cli.succeed(report)).doesNotContain("tokenised again");
        RoutingFixture.append(
                warehouse,
                UncurlTable.RUNS,
                List.of(Map.of(
                        "run_id",
                        "fedcba9876543210",
                        "corpus",
                        "superglue/cb",
                        "tokenizer",
                        "random",
                        "vocabulary",
                        900,
                        "sequence_length",
                        RoutingFixture.CONTEXT)));
        String[] said = {"superglue/cb@0123456789ab", "tokenised again, as superglue/cb@fedcba987654", "Run dump-logits"
        };
        assertRefused(prune, said);
        assertRefused("verify --model base --task superglue/cb", said);
        assertThat(cli.succeed(report)).contains("superglue/cb@0123456789ab", "as superglue/cb@fedcba987654");
        cli.succeed("dump-logits --model base --task superglue/cb");
        cli.succeed(prune);
        cli.succeed("verify --model base --task superglue/cb");
    }

    @Test
    void aReportJoinsOnlyWhatIsOfTheSameDataAndSetting() throws IOException {
        ModelFolder parent = RoutingFixture.model(warehouse, "parent", CONFIG, 6);
        for (long seed : new long[] {7, 8}) {
            String id = "tuned" + seed;
            var lineage = Lineage.here(
                    "parent", "finetune", Map.of("tokenizer", "random", "parent", parent.manifestSha256()), "t", "t");
            new Models(warehouse)
                    .register(
                            id,
                            ModelFolder.write(
                                    warehouse.files(),
                                    warehouse.modelFolder(id),
                                    CONFIG,
                                    ModelInitialization.of(CONFIG, seed),
                                    lineage));
        }
        String line = "evaluate --split train --task " + TASK + " --model ";
        String report = "report --split train --task " + TASK;
        cli.succeed(line + "tuned7 --latency --latency-batch 1 --latency-repeats 2");
        cli.succeed(line + "tuned8 --latency --latency-batch 1 --latency-repeats 2");
        cli.succeed(line + "parent --limit 3");
        List<Row> rows = frontier();
        assertThat(rows).hasSize(2).allMatch(row -> row.getAs("loss_before") == null);
        assertThat(cli.succeed(report))
                .contains("do not compare")
                .contains(TASK + "@0123456789ab first 3")
                .contains("No times")
                .contains("evaluate --latency --model tuned7 --model tuned8")
                .doesNotContain("ms_per_batch");
        cli.succeed(line + "parent");
        cli.succeed("evaluate --latency --latency-batch 1,2 --latency-repeats 2 --model tuned8 --model tuned7");
        assertThat(frontier()).hasSize(2).allMatch(row -> row.getAs("loss_before") != null);
        assertThat(cli.succeed(report))
                .doesNotContain("do not compare")
                .doesNotContain("No times")
                .contains("ms_per_batch: median time of a batch of 2 sequences of 24 tokens in 1 process");
        cli.succeed(line + "tuned8 --limit 2");
        assertThat(cli.succeed(report).lines().filter(text -> text.startsWith("Data: ")))
                .hasSize(2);
        FileUtils.deleteDirectory(folder("tuned8").toFile());
        FileUtils.copyDirectory(folder("base").toFile(), folder("tuned8").toFile());
        assertRefused(report, "is not the model that was registered as tuned8");
    }

    private List<Row> frontier() {
        return warehouse
                .sql("SELECT * FROM pruning_frontier WHERE task = '" + TASK + "' AND split = 'train'")
                .collectAsList();
    }
}
