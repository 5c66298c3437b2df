package dev.uncurl.jobs.warehouse;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.contentHash;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.maintain.Relocation;
import dev.uncurl.jobs.maintain.WarehouseRelocation;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.Staging;
import dev.uncurl.jobs.tokenize.Tokenization;
import dev.uncurl.jobs.tokenize.TokenizeConfig;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.tokenize.TokenizeResumeTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A warehouse with a history (text A, then B in its place, then A again), copied, moved, damaged, and with other clocks. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WarehousePlaceTest {
    private Path folder;
    private Path original;
    private TokenizeConfig first;
    private TokenizeConfig second;
    private String hash;

    @BeforeAll
    void tokenizeThreeTimes(@TempDir Path folder) throws IOException {
        this.folder = folder.toRealPath();
        original = this.folder.resolve("original");
        first = config(this.folder, corpus("text", "cc100", text("a", "one two three four. ")));
        second = config(this.folder, corpus("text", "cc100", text("b", "five six seven. ")));
        Warehouse warehouse = warehouse(original);
        tokenize(warehouse, first);
        replace(warehouse, second);
        replace(warehouse, first);
        hash = contentHash(warehouse, UncurlTable.SEQUENCES);
    }

    private String text(String name, String words) throws IOException {
        return Files.writeString(folder.resolve(name + ".txt"), (words.repeat(40) + "\n\n").repeat(20) + name + "\n")
                .toString();
    }

    private static void replace(Warehouse warehouse, TokenizeConfig config) {
        new Tokenization(warehouse, config, 1, 100, "tokenize --config test").run(true);
    }

    private Path copy(String name) throws IOException {
        Path copy = folder.resolve(name);
        FileUtils.copyDirectory(original.toFile(), copy.toFile());
        return copy;
    }

    /** Names and sizes of all files but locks. */
    private static TreeMap<String, Long> files(Path folder) throws IOException {
        var files = new TreeMap<String, Long>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                if (!file.getParent().endsWith("locks")) {
                    files.put(folder.relativize(file).toString(), Files.size(file));
                }
            }
        }
        return files;
    }

    private static List<Object> snapshots(Warehouse warehouse, UncurlTable table) {
        return warehouse
                .spark()
                .sql("SELECT snapshot_id FROM uncurl." + table.id() + ".snapshots ORDER BY committed_at")
                .collectAsList()
                .stream()
                .map(row -> row.get(0))
                .toList();
    }

    /** Rows of every snapshot of a table, oldest first. */
    private static List<Long> history(Warehouse warehouse, UncurlTable table) {
        return snapshots(warehouse, table).stream()
                .map(id -> warehouse
                        .spark()
                        .sql("SELECT * FROM uncurl." + table.id() + " VERSION AS OF " + id)
                        .collectAsList())
                .map(rows -> (long) rows.size())
                .toList();
    }

    /** In a session of its own, as a new process has: Iceberg keeps metadata in memory. */
    private static Cli.Outcome sql(Path warehouse, UncurlTable table) {
        SparkSession.setActiveSession(TokenizeFixture.spark().newSession());
        return new Cli(warehouse).run("sql", "SELECT * FROM " + table.id());
    }

    @Test
    void whatOlderSnapshotsHaveStaysReadableAndWhatNoSnapshotHasGoes() throws IOException {
        Path copy = copy("history");
        WarehouseRelocation.run(copy.toString());
        Warehouse warehouse = warehouse(copy);
        List<Long> rows = history(warehouse, UncurlTable.SEQUENCES);
        assertThat(rows).hasSize(3).doesNotContain(0L);
        assertThat(rows.get(0)).isEqualTo(rows.get(2));
        Path data = copy.resolve("tables/corpus/sequences/data/" + PathName.of("text", "train"));
        String run =
                TokenizeFixture.run(warehouse, "text").<String>getAs("run_id").substring(0, 12);
        Path left = Files.writeString(data.resolve(run + "-left.parquet"), "of a run that died");
        Path other = Files.writeString(data.resolve("0123456789ab-other.parquet"), "of another run");
        replace(warehouse, second);
        replace(warehouse, first);
        assertThat(left).doesNotExist();
        assertThat(other).exists();
        assertThat(history(warehouse, UncurlTable.SEQUENCES)).hasSize(5);
    }

    @Test
    void whereNoHoldKeepsOtherRunsAwayNothingThatMayBeTheirsIsDeleted() throws IOException {
        TokenizeFixture.spark()
                .sparkContext()
                .hadoopConfiguration()
                .set("fs.failing.impl", TokenizeResumeTest.FailingFileSystem.class.getName());
        Path place = folder.resolve("without-holds");
        SparkSession.setActiveSession(TokenizeFixture.spark().newSession());
        Warehouse warehouse = Warehouse.open("failing://" + place);
        tokenize(warehouse, first);
        String run =
                TokenizeFixture.run(warehouse, "text").<String>getAs("run_id").substring(0, 12);
        Path theirs = Files.writeString(
                place.resolve(
                        "tables/corpus/sequences/data/" + PathName.of("text", "train") + "/" + run + "-theirs.parquet"),
                "rows");
        var hadoop = TokenizeFixture.spark().sparkContext().hadoopConfiguration();
        var staged = new Staging(warehouse.stagingFolder("text").toString(), hadoop);
        staged.begin(Map.of("seed", "9"));
        tokenize(warehouse, first);
        assertThatThrownBy(() -> replace(warehouse, second))
                .isInstanceOfSatisfying(
                        UserError.class, refusal -> assertThat(refusal.kind()).isEqualTo(UserError.Kind.CONFLICT))
                .hasMessageContaining("staging");
        assertThat(staged.inputs()).containsEntry("seed", "9");
        staged.discard();
        replace(warehouse, second);
        replace(warehouse, first);
        assertThat(theirs).exists();
        assertThat(history(warehouse, UncurlTable.SEQUENCES)).hasSize(3).doesNotContain(0L);
    }

    @Test
    void aCopyIsRefusedUntilItIsRelocatedAndThenNeverTouchesItsOriginal() throws IOException {
        TreeMap<String, Long> before = files(original);
        Path copy = copy("copy");
        TreeMap<String, Long> copied = files(copy);
        for (String command : List.of("sql", "tokenize")) {
            Cli.Outcome refused = command.equals("sql")
                    ? sql(copy, UncurlTable.RUNS)
                    : new Cli(copy).run("tokenize", "--config", "src/test/resources/tiny/tokenize.conf");
            assertThat(refused.code()).as(refused.err()).isEqualTo(3);
            assertThat(refused.err())
                    .contains("copied or moved")
                    .contains("file:" + original + "/tables/")
                    .contains("jobs/submit maintain --relocate --warehouse " + copy)
                    .doesNotContain("\tat ");
        }
        assertThat(files(copy)).isEqualTo(copied);

        String out = new Cli(copy).succeed("maintain --relocate");
        assertThat(out)
                .contains("Table corpus.sequences: from file:" + original)
                .contains("16 tables");
        Warehouse warehouse = warehouse(copy);
        assertThat(contentHash(warehouse, UncurlTable.SEQUENCES)).isEqualTo(hash);
        assertThat(snapshots(warehouse, UncurlTable.SEQUENCES)).hasSize(3);
        replace(warehouse, second);
        warehouse
                .table(UncurlTable.SEQUENCES)
                .selectExpr("input_file_name()")
                .distinct()
                .collectAsList()
                .forEach(row -> assertThat(row.getString(0)).contains(copy.toString()));
        assertThat(files(original)).isEqualTo(before);
        assertThat(contentHash(warehouse(original), UncurlTable.SEQUENCES)).isEqualTo(hash);
    }

    @Test
    void aRelocationThatWasKilledIsRefusedAndFinishedByTheNext() throws IOException {
        Path moved = copy("moved-half");
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
        assertThat(contentHash(warehouse(moved), UncurlTable.SEQUENCES)).isEqualTo(hash);
    }

    @Test
    void aCopyThatIsNotWholeIsRefusedWithTheFile() throws IOException {
        Path copy = copy("torn");
        Path lost = parquet(copy, UncurlTable.SEQUENCES);
        Files.delete(lost);
        Cli.Outcome outcome = new Cli(copy).run("maintain", "--relocate");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains(lost.getFileName().toString()).contains("not here");
    }

    @Test
    void theSamePlaceInAnotherSpellingIsTheSamePlace() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), original);
        Path relative = Path.of("").toAbsolutePath().relativize(original);
        for (String name : List.of(link + "/", "file://" + original, relative + "/../original")) {
            assertThat(Warehouse.open(name).table(UncurlTable.RUNS).count())
                    .as(name)
                    .isEqualTo(3);
        }
        assertThat(new Cli(link).succeed("maintain --relocate")).contains("nothing to do");
    }

    private static Path parquet(Path warehouse, UncurlTable table) throws IOException {
        String name = Warehouse.open(original(warehouse).toString())
                .spark()
                .sql("SELECT file_path FROM uncurl." + table.id() + ".files ORDER BY record_count DESC")
                .first()
                .getString(0);
        String within = name.substring(name.indexOf("/tables/") + 1);
        return warehouse.resolve(within);
    }

    private static Path original(Path warehouse) {
        return warehouse.resolveSibling("original");
    }

    private static Path newest(Path metadata, String pattern) throws IOException {
        try (Stream<Path> files = Files.list(metadata)) {
            return files.filter(file -> file.getFileName().toString().matches(pattern))
                    .max(java.util.Comparator.comparing(Path::toString))
                    .orElseThrow();
        }
    }

    private static void deleteSum(Path file) throws IOException {
        Files.deleteIfExists(file.resolveSibling("." + file.getFileName() + ".crc"));
    }

    private static void flip(Path file, int place) throws IOException {
        byte[] content = Files.readAllBytes(file);
        content[(place + content.length) % content.length] ^= 4;
        Files.write(file, content);
    }

    /** With Hadoop's sums and without, as after a copy by other means. */
    @Test
    void aDamagedFileOfATableIsNamedWithWhatToDo() throws IOException {
        Path damaged = copy("damaged");
        WarehouseRelocation.run(damaged.toString());
        Path data = parquet(damaged, UncurlTable.SEQUENCES);
        Path metadata = damaged.resolve("tables/corpus/sequences/metadata");
        Path json = newest(metadata, "v\\d+\\.metadata\\.json");
        String text = Files.readString(json);
        String list = text.replaceAll("(?s).*\"manifest-list\":\"file:([^\"]*)\".*", "$1");
        for (Path file : List.of(data, Path.of(list), json)) {
            byte[] whole = Files.readAllBytes(file);
            flip(file, whole.length / 2);
            requireNamed(damaged, file, "flipped with its sum");
            deleteSum(file);
            Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2));
            requireNamed(damaged, file, "truncated");
            if (!file.equals(json)) {
                Files.delete(file);
                requireNamed(damaged, file, "deleted");
            }
            Files.write(file, whole);
            assertThat(sql(damaged, UncurlTable.SEQUENCES).code()).isZero();
        }
        flip(data, -6); // the length of the footer
        requireNamed(damaged, data, "flipped without a sum");
        Path hint = metadata.resolve("version-hint.text");
        deleteSum(hint);
        for (String version : List.of("97", "0")) {
            Files.writeString(hint, version);
            Cli.Outcome outcome = sql(damaged, UncurlTable.SEQUENCES);
            assertThat(outcome.code()).isEqualTo(3);
            assertThat(outcome.err())
                    .contains(hint.toString())
                    .containsIgnoringCase("delete that file")
                    .doesNotContain("\tat ");
        }
        FileUtils.deleteDirectory(metadata.toFile());
        requireNamed(damaged, metadata, "without metadata");
    }

    private static void requireNamed(Path warehouse, Path file, String how) {
        Cli.Outcome outcome = sql(warehouse, UncurlTable.SEQUENCES);
        assertThat(outcome.code())
                .as(how + " " + file + outcome.out() + outcome.err())
                .isEqualTo(3);
        assertThat(outcome.err())
                .as(how)
                .contains(file.toString())
                .contains("Restore")
                .doesNotContain("\tat ");
    }

    @Test
    void aClockBehindTheTablesIsNamedBeforeAnythingIsWritten() throws IOException {
        Path copy = copy("aged");
        WarehouseRelocation.run(copy.toString());
        try (Stream<Path> all = Files.walk(copy)) {
            for (Path json : all.filter(file -> file.toString().endsWith(".metadata.json"))
                    .toList()) {
                String text = Files.readString(json);
                var times = java.util.regex.Pattern.compile("(\"(?:last-updated-ms|timestamp-ms)\":)(\\d+)");
                Files.writeString(
                        json,
                        times.matcher(text)
                                .replaceAll(time -> time.group(1) + (Long.parseLong(time.group(2)) + 86_400_000)));
                deleteSum(json);
            }
        }
        TreeMap<String, Long> before = files(copy);
        Cli.Outcome outcome = new Cli(copy).run("tokenize", "--config", "src/test/resources/tiny/tokenize.conf");
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(3);
        assertThat(outcome.err()).contains("clock").contains("corpus.").doesNotContain("\tat ");
        assertThat(files(copy)).isEqualTo(before);
        assertThat(sql(copy, UncurlTable.RUNS).code()).isZero();
    }

    @Test
    void aTableOfAnEarlierReleaseIsGivenItsColumnsInPlaceByWhoeverComesFirst() throws Exception {
        Path copy = copy("earlier");
        WarehouseRelocation.run(copy.toString());
        Warehouse warehouse = warehouse(copy);
        var table = warehouse.iceberg(UncurlTable.METRICS);
        table.updateSchema().deleteColumn("validation_loss").commit();
        table.updateProperties().remove("write.parquet.compression-codec").commit();
        var opened = Stream.of(1, 2)
                .map(i -> java.util.concurrent.CompletableFuture.supplyAsync(() -> warehouse(copy)))
                .toList();
        for (var open : opened) {
            assertThat(open.get().table(UncurlTable.METRICS).columns())
                    .containsExactly(SchemasTest.columns(UncurlTable.METRICS).toArray(String[]::new));
        }
        var upgraded = warehouse(copy).iceberg(UncurlTable.METRICS);
        assertThat(upgraded.schema().findField("validation_loss").doc()).contains("validation split");
        assertThat(upgraded.properties()).containsEntry("write.parquet.compression-codec", "zstd");

        upgraded.updateSchema().deleteColumn("lr").commit();
        assertThatThrownBy(() -> warehouse(copy))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("training.metrics")
                .hasMessageContaining("column lr is missing")
                .hasMessageContaining("jobs/submit pretrain");
    }

    @Test
    void aRegisteredModelWithoutItsFolderIsSaidToBeGone() throws IOException {
        Path copy = copy("models");
        WarehouseRelocation.run(copy.toString());
        Warehouse warehouse = warehouse(copy);
        RoutingFixture.model(warehouse, "kept", RoutingFixture.config(4, 1), 1);
        RoutingFixture.model(warehouse, "lost", RoutingFixture.config(4, 1), 2);
        FileUtils.deleteDirectory(copy.resolve("models/lost").toFile());
        assertThatThrownBy(() -> new Models(warehouse).open("lost"))
                .hasMessageContaining("is registered, but its folder")
                .hasMessageContaining("is gone");
        assertThatThrownBy(() -> new Models(warehouse).open("never")).hasMessageContaining("Known models: kept.");
        Path again = folder.resolve("models-moved");
        Files.move(copy, again);
        WarehouseRelocation.run(again.toString());
        Row row =
                warehouse(again).rows(UncurlTable.REGISTRY, "model_id", "kept").first();
        assertThat(row.<String>getAs("path")).isEqualTo("file:" + again + "/models/kept");
    }
}
