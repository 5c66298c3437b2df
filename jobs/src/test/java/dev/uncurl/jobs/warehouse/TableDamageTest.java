package dev.uncurl.jobs.warehouse;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.tokenize.WarehouseHistory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Messages about tables that cannot be read or written: damaged files, a wrong clock, columns of another release. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("slow")
class TableDamageTest {
    private WarehouseHistory history;

    @BeforeAll
    void makeHistory(@TempDir Path folder) throws IOException {
        history = new WarehouseHistory(folder);
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
        Path damaged = history.relocated("damaged");
        Path data = history.dataFile(damaged);
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
            assertThat(WarehouseHistory.sql(damaged, UncurlTable.SEQUENCES).code())
                    .isZero();
        }
        flip(data, -6); // the length of the footer
        requireNamed(damaged, data, "flipped without a sum");
        Path hint = metadata.resolve("version-hint.text");
        deleteSum(hint);
        for (String version : List.of("97", "0")) {
            Files.writeString(hint, version);
            Cli.Outcome outcome = WarehouseHistory.sql(damaged, UncurlTable.SEQUENCES);
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
        Cli.Outcome outcome = WarehouseHistory.sql(warehouse, UncurlTable.SEQUENCES);
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
        Path copy = history.relocated("aged");
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
        TreeMap<String, Long> before = WarehouseHistory.files(copy);
        Cli.Outcome outcome = new Cli(copy).run("tokenize", "--config", "src/test/resources/tiny/tokenize.conf");
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(3);
        assertThat(outcome.err()).contains("clock").contains("corpus.").doesNotContain("\tat ");
        assertThat(WarehouseHistory.files(copy)).isEqualTo(before);
        assertThat(WarehouseHistory.sql(copy, UncurlTable.RUNS).code()).isZero();
    }

    @Test
    void aTableOfAnEarlierReleaseIsGivenItsColumnsInPlaceByTheFirstOpener() throws Exception {
        Path copy = history.relocated("earlier");
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
}
