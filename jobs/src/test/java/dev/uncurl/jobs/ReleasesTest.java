package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.TrainingCheckpoint;
import dev.uncurl.config.CheckpointConfig;
import dev.uncurl.jobs.train.Checkpoints;
import dev.uncurl.jobs.train.TrainingRound;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.SchemasTest;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What earlier releases wrote, opened by this one. */
class ReleasesTest {
    static void unpack(Path zip, Path folder) throws IOException {
        try (var archive = new ZipFile(zip.toFile())) {
            for (var entry : archive.stream().toList()) {
                Path file = folder.resolve(entry.getName()).normalize();
                assertThat(file).startsWithRaw(folder);
                Files.createDirectories(file.getParent());
                try (var in = archive.getInputStream(entry)) {
                    Files.copy(in, file);
                }
            }
        }
    }

    @Test
    void aWarehouseOfRelease010OpensWithAllRowsModelsAndCheckpoints(@TempDir Path folder) throws IOException {
        unpack(Path.of("../test-data/releases/0.1.0/warehouse.zip"), folder);
        var cli = new Cli(folder.resolve("warehouse"));
        Cli.Outcome refused = cli.run("sql", "SELECT 1");
        assertThat(refused.code()).isEqualTo(3);
        assertThat(refused.err())
                .contains("/tmp/uncurl-0.1.0/warehouse/tables/")
                .contains("jobs/submit maintain --relocate --warehouse " + cli.folder());
        assertThat(cli.succeed("maintain --relocate")).contains("16 tables");
        assertThat(cli.succeed("maintain --relocate")).contains("nothing to do");

        Warehouse warehouse = cli.open();
        for (UncurlTable table : UncurlTable.values()) {
            assertThat(warehouse.table(table).columns())
                    .as(table.id())
                    .containsExactly(SchemasTest.columns(table).toArray(String[]::new));
            assertThat(warehouse.table(table).collectAsList()).as(table.id()).isNotEmpty();
        }
        assertThat(warehouse.table(UncurlTable.SEQUENCES).count()).isEqualTo(84);
        assertThat(warehouse.table(UncurlTable.EXAMPLES).count()).isEqualTo(16);

        for (Row row : warehouse.table(UncurlTable.REGISTRY).collectAsList()) {
            ModelFolder model = new Models(warehouse).open(row.getAs("model_id"));
            model.verify();
            assertThat(row.<String>getAs("path")).isEqualTo(model.dir().toString());
            assertThat(row.<String>getAs("manifest_sha256")).isEqualTo(model.manifestSha256());
            assertThat(WeightArray.of(model)).hasSize(Math.toIntExact(row.<Long>getAs("parameters")));
        }
        assertThat(cli.succeed("verify --model pruned")).contains("copied bit for bit");
        resume(warehouse);
    }

    private static void resume(Warehouse warehouse) throws IOException {
        var step = new org.apache.hadoop.fs.Path(warehouse.checkpointFolder("base"), "step-8");
        ModelFolder model = TrainingCheckpoint.open(warehouse.files(), step).model();
        Map<String, String> inputs = model.manifest().lineage().inputs();
        Checkpoints.State state = new Checkpoints(warehouse, "base", new CheckpointConfig(4, 1, true))
                .resume(inputs)
                .orElseThrow();
        assertThat(state.last().step()).isEqualTo(8);
        assertThat(WeightArray.of(model.config(), state.parameters())).isEqualTo(WeightArray.of(model));
        for (float value : WeightArray.of(model.config(), state.second())) {
            assertThat(value).isNotNegative();
        }
        assertThat(WeightArray.of(model.config(), state.first())).hasSameSizeAs(WeightArray.of(model));
        assertThat(state.history()).extracting(TrainingRound::step).isEqualTo(List.of(2, 4, 6, 8));
    }
}
