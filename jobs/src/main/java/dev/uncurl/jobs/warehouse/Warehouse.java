package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameWriterV2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.functions;

/**
 * The Spark session with Uncurl's catalog, and the folders beside its tables: {@code tables/} (Iceberg), {@code models/}
 * (one folder a model), {@code checkpoints/} (one folder a model in training), {@code locks/}. Whoever sets {@code spark.sql.catalog.uncurl} brings an own catalog (Hive, Glue,
 * REST); the models stay in the folder.
 */
public final class Warehouse {
    public static final String CATALOG = "uncurl";
    private static final String CATALOG_KEY = "spark.sql.catalog." + CATALOG;

    private final SparkSession spark;
    private final Path root;

    private Warehouse(SparkSession spark, Path root) {
        this.spark = spark;
        this.root = root;
    }

    public static Warehouse open(String folder) {
        Warehouse warehouse = at(folder);
        warehouse.places().ifPresent(TablePlaces::require);
        UncurlTable.createAll(warehouse.spark);
        return warehouse;
    }

    /** The warehouse without a look at its tables. */
    public static Warehouse at(String folder) {
        SparkSession spark = SparkSession.builder().appName("uncurl").getOrCreate();
        LocalFiles.use(spark.sparkContext().hadoopConfiguration());
        try {
            FileSystem files =
                    new Path(folder).getFileSystem(spark.sparkContext().hadoopConfiguration());
            Path root = files.makeQualified(new Path(folder));
            if (files.exists(root) && !files.getFileStatus(root).isDirectory()) {
                throw UserError.input("The warehouse " + root + " is a file", "Name a folder with --warehouse.");
            }
            files.mkdirs(root);
            root = new Path(Location.of(root.toString(), spark.sparkContext().hadoopConfiguration()));
            var warehouse = new Warehouse(session(spark, location(root)), root);
            warehouse.useCatalog();
            return warehouse;
        } catch (IOException e) {
            throw UserError.input(
                    "The warehouse " + folder + " cannot be used: " + e.getMessage(),
                    "Name a folder that can be written with --warehouse.",
                    e);
        }
    }

    private static String location(Path root) {
        return new Path(root, "tables").toString();
    }

    /** This session, or a new one on the same Spark if it has its tables elsewhere. */
    private static SparkSession session(SparkSession spark, String location) {
        boolean elsewhere = "hadoop".equals(spark.conf().get(CATALOG_KEY + ".type", ""))
                && !location.equals(spark.conf().get(CATALOG_KEY + ".warehouse", ""));
        SparkSession session = elsewhere ? spark.newSession() : spark;
        SparkSession.setActiveSession(session);
        SparkSession.setDefaultSession(session);
        return session;
    }

    private void useCatalog() {
        spark.conf().set("spark.sql.session.timeZone", "UTC");
        if (!spark.conf().contains(CATALOG_KEY)) {
            spark.conf().set(CATALOG_KEY, "org.apache.iceberg.spark.SparkCatalog");
            spark.conf().set(CATALOG_KEY + ".type", "hadoop");
            spark.conf().set(CATALOG_KEY + ".warehouse", location(root));
        }
        spark.catalog().setCurrentCatalog(CATALOG);
    }

    /** Where the tables are; nothing with a catalog that places them itself. */
    public Optional<TablePlaces> places() {
        if (!"hadoop".equals(spark.conf().get(CATALOG_KEY + ".type", ""))) {
            return Optional.empty();
        }
        Path tables = new Path(spark.conf().get(CATALOG_KEY + ".warehouse"));
        return Optional.of(new TablePlaces(root, tables, context().hadoopConfiguration()));
    }

    public SparkSession spark() {
        return spark;
    }

    public JavaSparkContext context() {
        return JavaSparkContext.fromSparkContext(spark.sparkContext());
    }

    public FileSystem files() {
        try {
            return root.getFileSystem(spark.sparkContext().hadoopConfiguration());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Bytes that can still be written to the file system of the folder. */
    public long freeBytes() {
        try {
            return canHold()
                    ? java.nio.file.Path.of(root.toUri()).toFile().getUsableSpace()
                    : files().getStatus(root).getRemaining();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Folder of the models' folders. */
    Path models() {
        return new Path(root, "models");
    }

    /** Whether a place is in the folder of the warehouse. */
    boolean contains(Path place) {
        return Location.isWithin(
                root.toString(), Location.of(place.toString(), context().hadoopConfiguration()));
    }

    /** Folder of a model, whether it exists or not. */
    public Path modelFolder(String modelId) {
        return new Path(models(), PathName.plain("model", modelId));
    }

    /** Folder of the checkpoints of a model in training. */
    public Path checkpointFolder(String modelId) {
        return new Path(new Path(root, "checkpoints"), PathName.plain("model", modelId));
    }

    /** Folder in which the finished parts of a run on a corpus wait for its commit. */
    public Path stagingFolder(String corpus) {
        return new Path(new Path(root, "staging"), PathName.of(corpus));
    }

    /** The page about a corpus. */
    public Path card(String corpus) {
        return new Path(new Path(new Path(root, "cards"), PathName.of(corpus)), "README.md");
    }

    public Dataset<Row> table(UncurlTable table) {
        return spark.table(CATALOG + "." + table.id());
    }

    /** A table as Iceberg has it, for commits that move no rows. */
    public org.apache.iceberg.Table iceberg(UncurlTable table) {
        try {
            return org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark, CATALOG + "." + table.id());
        } catch (org.apache.spark.sql.catalyst.parser.ParseException e) {
            throw new IllegalStateException(e);
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    /** Rows of a table in which the named columns have the given values: {@code column, value, column, value, ...}. */
    public Dataset<Row> rows(UncurlTable table, Object... columnsAndValues) {
        return table(table).where(matching(columnsAndValues));
    }

    /**
     * Puts rows in place of those that match, in one commit: readers see the old ones or the new ones. The columns must
     * be partition columns of the table.
     */
    public void replace(UncurlTable table, Dataset<Row> rows, Object... columnsAndValues) {
        replaceWhere(table, rows, matching(columnsAndValues));
    }

    /** As {@link #replace}, with any condition on partition columns. */
    public void replaceWhere(UncurlTable table, Dataset<Row> rows, Column condition) {
        try {
            writer(table, rows).overwrite(condition);
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    /** Adds rows in one commit. */
    public void append(UncurlTable table, Dataset<Row> rows) {
        try {
            writer(table, rows).append();
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    private DataFrameWriterV2<Row> writer(UncurlTable table, Dataset<Row> rows) {
        Column[] columns =
                Arrays.stream(table(table).columns()).map(functions::col).toArray(Column[]::new);
        return rows.select(columns).writeTo(CATALOG + "." + table.id());
    }

    private static IllegalStateException missing(NoSuchTableException e) {
        return new IllegalStateException("A table that was made when the warehouse was opened is gone", e);
    }

    private static Column matching(Object... columnsAndValues) {
        Column all = null;
        for (int i = 0; i < columnsAndValues.length; i += 2) {
            Column next = functions.col((String) columnsAndValues[i]).equalTo(columnsAndValues[i + 1]);
            all = all == null ? next : all.and(next);
        }
        return all;
    }

    /** What Spark's user interface shows for the jobs that follow. */
    public void describe(String job) {
        spark.sparkContext().setJobDescription(job);
    }

    /** A held output; closing it lets the next run have it. */
    public interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Holds an output against other runs on this warehouse. On a local file system the operating system frees the hold
     * of a process that dies. On others there is no hold: there Iceberg's commits and the one rename of a model folder
     * let one of two runs win whole.
     *
     * @param output what kind it is of, and the names that tell it from others of the kind
     * @throws UserError (conflict) when another run holds it, (input) when the clock is behind the tables
     */
    public Hold hold(String... output) {
        TableClock.require(this);
        return lock(output);
    }

    /** As {@link #hold}, for work that commits nothing to the tables as they are. */
    public Hold lock(String... output) {
        if (!canHold()) {
            return () -> {};
        }
        java.nio.file.Path file =
                java.nio.file.Path.of(root.toUri()).resolve("locks").resolve(PathName.of(output));
        try {
            Files.createDirectories(file.getParent());
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw UserError.conflict(
                        "Another run is writing " + String.join(" ", output) + " (lock " + file + ")",
                        "Wait for it, or name another output or --warehouse.");
            }
            return () -> release(channel);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether {@link #hold} keeps other runs away: on a local file system. */
    public boolean canHold() {
        return "file".equals(root.toUri().getScheme());
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // held by another thread of this process
        }
    }

    private static void release(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
