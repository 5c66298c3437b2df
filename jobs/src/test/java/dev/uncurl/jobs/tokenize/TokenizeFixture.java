package dev.uncurl.jobs.tokenize;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.cluster.ClusterPlugin;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** One local Spark for all tests of tokenising, a warehouse for each of them, and what they ask of its tables. */
public final class TokenizeFixture {
    private static final Path TEST_DATA = testData();
    private static final SparkSession SPARK = SparkSession.builder()
            .master("local[2]")
            .appName("test")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
            .config(ClusterPlugin.KEY, ClusterPlugin.class.getName())
            .getOrCreate();

    private TokenizeFixture() {}

    private static Path testData() {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.isDirectory(folder.resolve("test-data"))) {
                return folder.resolve("test-data");
            }
        }
        throw new IllegalStateException("test-data is not above the working folder");
    }

    public static String data(String path) {
        return TEST_DATA.resolve(path).toString();
    }

    public static SparkSession spark() {
        return SPARK;
    }

    /** A warehouse in a session of its own. */
    public static Warehouse warehouse(Path folder) {
        SparkSession session = SPARK.newSession();
        SparkSession.setActiveSession(session);
        return Warehouse.open(folder.toString());
    }

    /** Settings over those that the tests have in common. */
    static TokenizeConfig config(Path folder, String corpora, String... settings) {
        String text =
                """
                vocabulary = 1024
                sequence-length = 64
                tail = pad
                block-bytes = 100000
                validation-fraction = 0.05
                max-rejected = 1
                max-damaged-files = 1000
                seed = 3
                duplicates = { within = none, against = [] }
                filter = { minimum-characters = 0, maximum-characters = 2147483647, languages = [], normalization = none
                  tag-languages = false }
                mixtures = {}
                licences = {}
                """
                        + "corpora = [" + corpora + "]\n";
        try {
            Path file = Files.writeString(Files.createTempFile(folder, "tokenize", ".conf"), text);
            return Settings.load(file.toString(), List.of(settings)).bind(TokenizeConfig.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One corpus of a configuration. */
    public static String corpus(String name, String format, String... paths) {
        return "{ name = \"" + name + "\", format = \"" + format + "\", paths = [\"" + String.join("\", \"", paths)
                + "\"], validation-paths = [] }\n";
    }

    static void tokenize(Warehouse warehouse, TokenizeConfig config, int partitions) {
        new Tokenization(warehouse, config, config.maxRejected(), partitions, "tokenize --config test").run(false);
    }

    static void tokenize(Warehouse warehouse, TokenizeConfig config) {
        tokenize(warehouse, config, 100);
    }

    /** Tokenises corpora with settings over those that the tests have in common; the configuration goes to a folder. */
    public static void tokenize(Warehouse warehouse, Path folder, String corpora, String... settings) {
        tokenize(warehouse, config(folder, corpora, settings));
    }

    /** The newest row of corpus.runs. */
    public static Row run(Warehouse warehouse, String corpus) {
        return warehouse
                .rows(UncurlTable.RUNS, "corpus", corpus)
                .orderBy(org.apache.spark.sql.functions.col("finished_at").desc())
                .first();
    }

    public static Map<String, Long> counts(Row run, String column) {
        return run.getJavaMap(run.fieldIndex(column));
    }

    /** sha-256 over a table's rows in the order of their ids, file names without their folders. */
    public static String contentHash(Warehouse warehouse, UncurlTable table) {
        String[] order = table == UncurlTable.SEQUENCES
                ? new String[] {"corpus", "split", "sequence_id"}
                : new String[] {"task", "split", "example_id"};
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            warehouse
                    .table(table)
                    .selectExpr("*")
                    .orderBy(order[0], order[1], order[2])
                    .collectAsList()
                    .forEach(row -> digest.update(row.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8)));
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
