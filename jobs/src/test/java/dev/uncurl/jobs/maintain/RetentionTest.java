package dev.uncurl.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.tokenize.WarehouseHistory;
import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.SweptCells;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.iceberg.Table;
import org.apache.iceberg.expressions.Expressions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Retention on a warehouse with every kind of thing that should stay or go. */
@Tag("slow")
class RetentionTest {
    private static final ModelConfig CONFIG = RoutingFixture.config(2, 1);
    private static final String TASK = "odd/name +%=é"; // in paths of data files

    @TempDir
    private Path folder;

    private Cli cli;
    private Warehouse warehouse;

    @BeforeEach
    void open() {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = TokenizeFixture.warehouse(cli.folder());
    }

    /** All rows of all tables but models.registry. */
    private Map<String, List<String>> rows() {
        var all = new TreeMap<String, List<String>>();
        for (UncurlTable table : UncurlTable.values()) {
            if (table != UncurlTable.REGISTRY) {
                all.put(
                        table.id(),
                        warehouse.table(table).toJSON().collectAsList().stream()
                                .sorted()
                                .toList());
            }
        }
        return all;
    }

    private List<String> registered() {
        return warehouse.table(UncurlTable.REGISTRY).select("model_id").collectAsList().stream()
                .map(row -> row.getString(0))
                .sorted()
                .toList();
    }

    private Path place(UncurlTable table) {
        return cli.folder().resolve("tables").resolve(table.id().replace('.', '/'));
    }

    private static List<Path> walk(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().startsWith("."))
                    .toList();
        }
    }

    /** Makes everything older than any guard, the most dangerous case for what should stay. */
    private void age() throws IOException {
        for (Path file : walk(cli.folder())) {
            age(file);
        }
    }

    private static void age(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(10))));
    }

    private static AssignmentRow assignment(int layer, int expert) {
        return new AssignmentRow("plan", "a+b c", "sha", TASK, "uncurl", 4, 2, 1, layer, expert, 0, 0.5, false);
    }

    /** Small files of one partition, in a folder that {@link DataFileWriter} names and in those that Iceberg names. */
    private void smallFiles(int files) throws IOException {
        Table table = warehouse.iceberg(UncurlTable.ASSIGNMENTS);
        for (int i = 0; i < files; i++) {
            try (var out = new DataFileWriter<>(AssignmentRow.class, table, "part-" + i, "a+b c", TASK, "plan")) {
                out.add(assignment(0, i));
                table.newAppend().appendFile(out.end()).commit();
            }
            Records.append(warehouse, UncurlTable.ASSIGNMENTS, List.of(assignment(1, i)));
        }
    }

    /** What a table's metadata needs, asked of Iceberg's own metadata tables. */
    private Set<String> needed(UncurlTable table) {
        var needed = new HashSet<String>(Set.of("version-hint.text"));
        for (String query : List.of(
                "SELECT file_path FROM %s.all_data_files",
                "SELECT path FROM %s.all_manifests",
                "SELECT manifest_list FROM %s.snapshots",
                "SELECT file FROM %s.metadata_log_entries")) {
            warehouse
                    .spark()
                    .sql(String.format(java.util.Locale.ROOT, query, table.fullName()))
                    .collectAsList()
                    .forEach(row -> needed.add(TableFiles.name(row.getString(0))));
        }
        return needed;
    }

    @Test
    void rowsStayFilesAreFewAndWhatNoSnapshotHasGoes() throws IOException {
        smallFiles(9);
        for (int commit = 0; commit < 12; commit++) {
            cells("s", "2026-11-25", 1, "some-model");
        }
        Path young = plant(UncurlTable.ASSIGNMENTS, "data/young.parquet");
        age();
        Files.setLastModifiedTime(young, FileTime.from(Instant.now()));
        Path orphan = plant(UncurlTable.ASSIGNMENTS, "data/a%2Bb +c/orphan.parquet");
        Path manifest = plant(UncurlTable.CELLS, "metadata/orphan-m0.avro");
        age(orphan);
        age(manifest);
        Map<String, List<String>> before = rows();
        TreeMap<String, Long> files = WarehouseHistory.files(cli.folder());

        String dry = cli.succeed("maintain --dry-run --expire-days 0");
        assertThat(dry)
                .contains("Table pruning.assignments: 18 small files to join", "18 manifests to rewrite")
                .contains("17 snapshots to expire, with ", "1 orphans to remove, 6 bytes")
                .contains("Table sweep.cells: 11 snapshots to expire")
                .contains("Nothing was changed");
        assertThat(WarehouseHistory.files(cli.folder())).isEqualTo(files);

        String out = cli.succeed("maintain --expire-days 0");
        assertThat(out)
                .contains("Table pruning.assignments: 18 files joined into 1", "snapshots expired; 2 orphans removed")
                .contains("Table sweep.cells: 11 snapshots expired; 1 orphans removed")
                .containsPattern(
                        "18 tables: [\\d,]+ files, 30 snapshots, [\\d,]+ bytes before, [\\d,]+ files, 2 snapshots,");
        assertThat(rows()).isEqualTo(before);
        assertThat(orphan).doesNotExist();
        assertThat(place(UncurlTable.ASSIGNMENTS).resolve("metadata/v1.metadata.json"))
                .as("beyond the newest 20 versions, and old")
                .doesNotExist();
        assertThat(manifest).doesNotExist();
        assertThat(young).exists();
        for (UncurlTable table : UncurlTable.values()) {
            var there = new HashSet<String>();
            walk(place(table)).forEach(file -> there.add(file.getFileName().toString()));
            there.remove("young.parquet");
            assertThat(there).as(table.id()).isEqualTo(needed(table));
        }

        TreeMap<String, Long> small = WarehouseHistory.files(cli.folder());
        assertThat(cli.succeed("maintain --expire-days 0")).contains("0 models and 0 leftovers");
        assertThat(WarehouseHistory.files(cli.folder()))
                .as("there is nothing left to do")
                .isEqualTo(small);
        assertThat(cli.succeed("maintain --relocate")).contains("nothing to do");
    }

    private Path plant(UncurlTable table, String name) throws IOException {
        Path file = place(table).resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "orphan");
    }

    @Test
    void aStateOfTheLastDaysCanStillBeReadAndAYoungOrphanStays() throws IOException {
        cells("s", "2026-11-25", 1, "some-model");
        cells("s", "2026-11-26", 1, "some-model");
        Path orphan = plant(UncurlTable.CELLS, "data/orphan.parquet");
        TreeMap<String, Long> files = WarehouseHistory.files(cli.folder());
        assertThat(cli.succeed("maintain")).contains("0 models and 0 leftovers");
        assertThat(WarehouseHistory.files(cli.folder())).isEqualTo(files);
        assertThat(orphan).exists();
    }

    private void cells(String sweep, String asOf, int attempts, String... models) {
        SweptCells.write(warehouse, SweptCells.of(sweep, asOf, attempts, models));
    }

    private void models(String... names) {
        for (String name : names) {
            RoutingFixture.model(warehouse, name, CONFIG, 1);
        }
    }

    @Test
    void modelsThatASweepMadeAndNoNewDateNeedsGoAndNoOthers() throws IOException {
        models("base", "by-hand", "found", "old", "old-tuned", "kept", "shared", "half", "half-tuned");
        cells("s", "2026-11-01", 1, "old-tuned", "shared", "base");
        cells("s", "2026-11-01-b", 0, "found");
        cells("s", "2026-11-24", 1, "kept", "half-tuned");
        cells("s", "2026-11-25", 1, "kept", "half-tuned");
        cells("other", "2020-01-01", 0, "shared");
        Map<String, List<String>> before = rows();
        // a run that was killed between row and folder, and one that was killed while it deleted the folder
        warehouse
                .iceberg(UncurlTable.REGISTRY)
                .newDelete()
                .deleteFromRowFilter(Expressions.equal("model_id", "old"))
                .commit();
        Path half = cli.folder().resolve("models/begun");
        Files.createDirectories(half);
        Files.writeString(half.resolve("unfinished"), "");

        String dry = cli.succeed("maintain --nights 2 --dry-run");
        assertThat(dry)
                .contains("Model old: would be deleted", "Model old-tuned: would be deleted")
                .contains("2 models and 1 leftovers of killed runs would be removed");
        assertThat(cli.succeed("maintain --nights 2")).contains("2 models and 1 leftovers");
        List<String> stay = List.of("base", "by-hand", "found", "half", "half-tuned", "kept", "shared");
        assertThat(registered()).isEqualTo(stay);
        try (var folders = Files.list(cli.folder().resolve("models"))) {
            assertThat(folders.map(path -> path.getFileName().toString())).containsExactlyInAnyOrderElementsOf(stay);
        }
        stay.forEach(model -> new Models(warehouse).open(model));
        assertThat(rows()).isEqualTo(before);

        Retention.run(
                warehouse, Retention.Terms.USUAL, "s", cell -> cell.recipe().isPresent());
        assertThat(registered())
                .as("the rule of the sweep keeps what is finetuned, other sweeps keep all of theirs")
                .containsExactly("base", "by-hand", "found", "half", "half-tuned", "shared");
    }

    @Test
    void twoAtOnceAreRefusedAndNumbersThatAreTooSmall() {
        try (var lease = warehouse.lock("maintain")) {
            Cli.Outcome outcome = cli.run("maintain");
            assertThat(outcome.code()).as(outcome.err()).isEqualTo(5);
            assertThat(outcome.err()).contains("Another run is writing maintain");
        }
        assertThat(cli.run("maintain", "--orphan-days", "0").code()).isEqualTo(2);
        assertThat(cli.run("maintain", "--relocate", "--nights", "3").code()).isEqualTo(2);
        assertThatThrownBy(() -> new Retention.Terms(1, 0, 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nights = 0");
    }
}
