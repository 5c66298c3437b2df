package dev.uncurl.jobs.maintain;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.contentHash;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.tokenize.WarehouseHistory;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.TablePlaces;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Warehouses that were copied or moved. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("slow")
class RelocationTest {
    private WarehouseHistory history;

    @BeforeAll
    void makeHistory(@TempDir Path folder) throws IOException {
        history = new WarehouseHistory(folder);
    }

    @Test
    void aCopyIsRefusedUntilItIsRelocatedAndThenNeverTouchesItsOriginal() throws IOException {
        TreeMap<String, Long> before = WarehouseHistory.files(history.original());
        Path copy = history.copy("copy");
        TreeMap<String, Long> copied = WarehouseHistory.files(copy);
        for (String command : List.of("sql", "tokenize")) {
            Cli.Outcome refused = command.equals("sql")
                    ? WarehouseHistory.sql(copy, UncurlTable.RUNS)
                    : new Cli(copy).run("tokenize", "--config", "src/test/resources/tiny/tokenize.conf");
            assertThat(refused.code()).as(refused.err()).isEqualTo(3);
            assertThat(refused.err())
                    .contains("copied or moved")
                    .contains("file:" + history.original() + "/tables/")
                    .contains("jobs/submit maintain --relocate --warehouse " + copy)
                    .doesNotContain("\tat ");
        }
        assertThat(WarehouseHistory.files(copy)).isEqualTo(copied);

        String out = new Cli(copy).succeed("maintain --relocate");
        assertThat(out)
                .contains("Table corpus.sequences: from file:" + history.original())
                .contains(UncurlTable.values().length + " tables");
        Warehouse warehouse = warehouse(copy);
        assertThat(contentHash(warehouse, UncurlTable.SEQUENCES)).isEqualTo(history.hash());
        assertThat(WarehouseHistory.snapshots(warehouse, UncurlTable.SEQUENCES)).hasSize(3);
        history.replaceWithSecond(warehouse);
        warehouse
                .table(UncurlTable.SEQUENCES)
                .selectExpr("input_file_name()")
                .distinct()
                .collectAsList()
                .forEach(row -> assertThat(row.getString(0)).contains(copy.toString()));
        assertThat(WarehouseHistory.files(history.original())).isEqualTo(before);
        assertThat(contentHash(warehouse(history.original()), UncurlTable.SEQUENCES))
                .isEqualTo(history.hash());
    }

    @Test
    void aRelocationThatWasKilledIsRefusedAndFinishedByTheNext() throws IOException {
        Path moved = history.copy("moved-half");
        var hadoop = TokenizeFixture.spark().sparkContext().hadoopConfiguration();
        Warehouse warehouse = Warehouse.at(moved.toString());
        TablePlaces places = warehouse.places().orElseThrow();
        Files.createFile(Path.of(places.unfinished().toUri()));
        for (UncurlTable table : UncurlTable.values()) {
            new Relocation(table, places.metadata(table), places.folder(table), hadoop).run();
        }
        assertThatThrownBy(() -> warehouse(moved))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not finished")
                .hasMessageContaining("--relocate");
        WarehouseRelocation.run(moved.toString());
        assertThat(contentHash(warehouse(moved), UncurlTable.SEQUENCES)).isEqualTo(history.hash());
    }

    @Test
    void aCopyThatIsNotWholeIsRefusedWithTheFile() throws IOException {
        Path copy = history.copy("torn");
        Path lost = history.dataFile(copy);
        Files.delete(lost);
        Cli.Outcome outcome = new Cli(copy).run("maintain", "--relocate");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains(lost.getFileName().toString()).contains("not here");
    }

    @Test
    void theSamePlaceInAnotherSpellingIsTheSamePlace() throws IOException {
        Path link = Files.createSymbolicLink(history.folder().resolve("link"), history.original());
        Path relative = Path.of("").toAbsolutePath().relativize(history.original());
        for (String name : List.of(link + "/", "file://" + history.original(), relative + "/../original")) {
            assertThat(Warehouse.open(name).table(UncurlTable.RUNS).count())
                    .as(name)
                    .isEqualTo(3);
        }
        assertThat(new Cli(link).succeed("maintain --relocate")).contains("nothing to do");
    }

    @Test
    void aRegisteredModelWithoutItsFolderIsReportedAsGone() throws IOException {
        Path copy = history.relocated("models");
        Warehouse warehouse = warehouse(copy);
        RoutingFixture.model(warehouse, "kept", RoutingFixture.config(4, 1), 1);
        RoutingFixture.model(warehouse, "lost", RoutingFixture.config(4, 1), 2);
        FileUtils.deleteDirectory(copy.resolve("models/lost").toFile());
        assertThatThrownBy(() -> new Models(warehouse).open("lost"))
                .hasMessageContaining("is registered, but its folder")
                .hasMessageContaining("is gone");
        assertThatThrownBy(() -> new Models(warehouse).open("never")).hasMessageContaining("Known models: kept.");
        Path again = history.folder().resolve("models-moved");
        Files.move(copy, again);
        new Cli(again).succeed("maintain --relocate");
        Row row =
                warehouse(again).rows(UncurlTable.REGISTRY, "model_id", "kept").first();
        assertThat(row.<String>getAs("path")).isEqualTo("file:" + again + "/models/kept");
    }
}
