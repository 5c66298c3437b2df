package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.SchemasTest;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipFile;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What earlier releases wrote, opened by this one. */
@Tag("slow")
public class ReleasesTest {
    /** Unpacks a warehouse of release 0.1.0 and makes its tables those of the folder. */
    public static Cli relocated(Path folder) throws IOException {
        unpack(Path.of("../test-data/releases/0.1.0/warehouse.zip"), folder);
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("maintain --relocate");
        return cli;
    }

    private static void unpack(Path zip, Path folder) throws IOException {
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
            boolean isNew = table == UncurlTable.COMPARISONS || table == UncurlTable.CELLS;
            assertThat(warehouse.table(table).isEmpty()).as(table.id()).isEqualTo(isNew);
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
    }
}
