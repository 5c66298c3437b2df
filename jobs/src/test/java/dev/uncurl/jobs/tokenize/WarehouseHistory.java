package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.contentHash;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.SparkSession;

/** A warehouse whose corpus was tokenised three times (text A, then B in its place, then A again), and copies of it. */
public final class WarehouseHistory {
    private final Path folder;
    private final Path original;
    private final TokenizeConfig first;
    private final TokenizeConfig second;
    private final String hash;

    /** @param folder of the original and of all copies */
    public WarehouseHistory(Path folder) throws IOException {
        this.folder = folder.toRealPath();
        original = this.folder.resolve("original");
        first = config(this.folder, corpus("text", "cc100", text("a", "one two three four. ")));
        second = config(this.folder, corpus("text", "cc100", text("b", "five six seven. ")));
        Warehouse warehouse = warehouse(original);
        tokenize(warehouse, first);
        replaceWithSecond(warehouse);
        replaceWithFirst(warehouse);
        hash = contentHash(warehouse, UncurlTable.SEQUENCES);
    }

    private String text(String name, String words) throws IOException {
        return Files.writeString(folder.resolve(name + ".txt"), (words.repeat(40) + "\n\n").repeat(20) + name + "\n")
                .toString();
    }

    public Path folder() {
        return folder;
    }

    public Path original() {
        return original;
    }

    TokenizeConfig first() {
        return first;
    }

    /** Hash of the sequences of text A, as {@link TokenizeFixture#contentHash} makes it. */
    public String hash() {
        return hash;
    }

    public void replaceWithFirst(Warehouse warehouse) {
        replace(warehouse, first);
    }

    public void replaceWithSecond(Warehouse warehouse) {
        replace(warehouse, second);
    }

    private static void replace(Warehouse warehouse, TokenizeConfig config) {
        new Tokenization(warehouse, config, 1, 100, "tokenize --config test").run(true);
    }

    /** A copy whose tables still have their files in the original. */
    public Path copy(String name) throws IOException {
        Path copy = folder.resolve(name);
        FileUtils.copyDirectory(original.toFile(), copy.toFile());
        return copy;
    }

    /** A copy with tables of its own. */
    public Path relocated(String name) throws IOException {
        Path copy = copy(name);
        new Cli(copy).succeed("maintain --relocate");
        return copy;
    }

    /** The largest data file of the sequences of a copy. */
    public Path dataFile(Path copy) {
        String name = Warehouse.open(original.toString())
                .spark()
                .sql("SELECT file_path FROM uncurl.corpus.sequences.files ORDER BY record_count DESC")
                .first()
                .getString(0);
        return copy.resolve(name.substring(name.indexOf("/tables/") + 1));
    }

    /** Names and sizes of all files but locks. */
    public static TreeMap<String, Long> files(Path folder) throws IOException {
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

    /** Ids of the snapshots of a table, oldest first. */
    public static List<Object> snapshots(Warehouse warehouse, UncurlTable table) {
        return warehouse
                .spark()
                .sql("SELECT snapshot_id FROM uncurl." + table.id() + ".snapshots ORDER BY committed_at")
                .collectAsList()
                .stream()
                .map(row -> row.get(0))
                .toList();
    }

    /** Rows of every snapshot of a table, oldest first. */
    static List<Long> rowsOfSnapshots(Warehouse warehouse, UncurlTable table) {
        return snapshots(warehouse, table).stream()
                .map(id -> warehouse
                        .spark()
                        .sql("SELECT * FROM uncurl." + table.id() + " VERSION AS OF " + id)
                        .collectAsList())
                .map(rows -> (long) rows.size())
                .toList();
    }

    /** Runs {@code sql} in a session of its own, as a new process does: Iceberg keeps metadata in memory. */
    public static Cli.Outcome sql(Path warehouse, UncurlTable table) {
        SparkSession.setActiveSession(TokenizeFixture.spark().newSession());
        return new Cli(warehouse).run("sql", "SELECT * FROM " + table.id());
    }
}
