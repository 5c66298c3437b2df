package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cluster.ClusterPlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameWriterV2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.functions;

/**
 * A folder with tables and models, and the Spark session whose catalog has its tables. Subfolders: {@code tables/}
 * (Iceberg), {@code models/} (one folder per model), {@code checkpoints/} (one folder per model in training), {@code
 * staging/}, {@code cards/}, {@code locks/}. With {@code spark.sql.catalog.uncurl} set, the tables are in that catalog (Hive,
 * Glue, REST) instead; the models stay in the folder.
 */
public final class Warehouse {
    private static final String CATALOG_KEY = "spark.sql.catalog." + UncurlTable.CATALOG;

    private final SparkSession spark;
    private final Path root;

    private Warehouse(SparkSession spark, Path root) {
        this.spark = spark;
        this.root = root;
    }

    /**
     * Opens a warehouse, and creates its tables when they are missing.
     *
     * @throws UserError (input) when the folder cannot be used, was copied or moved, or has tables of another release
     */
    public static Warehouse open(String folder) {
        Warehouse warehouse = at(folder);
        warehouse.places().ifPresent(TablePlaces::require);
        TableSchemas.createAll(warehouse.spark);
        return warehouse;
    }

    /** A warehouse whose tables are neither checked nor created. */
    public static Warehouse at(String folder) {
        SparkSession spark = session();
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

    /** The session of this application; a new one has the plugin by which ranks find each other. */
    private static SparkSession session() {
        SparkSession.Builder builder = SparkSession.builder().appName("uncurl");
        if (SparkSession.getDefaultSession().isEmpty()) {
            builder.config(ClusterPlugin.KEY, ClusterPlugin.beside(new SparkConf().get(ClusterPlugin.KEY, "")));
        }
        return builder.getOrCreate();
    }

    private static String location(Path root) {
        return new Path(root, "tables").toString();
    }

    /** This session, or a new one of the same Spark application if this one is used for another warehouse. */
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
        spark.catalog().setCurrentCatalog(UncurlTable.CATALOG);
    }

    /** Where the tables are; empty for a catalog that chooses the places itself. */
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
            throw new UncheckedIOException("opening the file system of " + root, e);
        }
    }

    /** Bytes that can still be written to the file system of the folder. */
    public long freeBytes() {
        try {
            return canLock()
                    ? java.nio.file.Path.of(root.toUri()).toFile().getUsableSpace()
                    : files().getStatus(root).getRemaining();
        } catch (IOException e) {
            throw new UncheckedIOException("asking for the free space of " + root, e);
        }
    }

    /** Parent of all model folders. */
    Path models() {
        return new Path(root, "models");
    }

    /** Whether a path is in the folder of the warehouse. */
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

    /** Folder of the finished parts of a run on a corpus until it is committed. */
    public Path stagingFolder(String corpus) {
        return new Path(new Path(root, "staging"), PathName.of(corpus));
    }

    /** Folder of the finished blocks of evaluations of a model on a task and split until they are committed. */
    public Path scoringFolder(String modelId, String task, String split) {
        return new Path(new Path(root, "staging"), PathName.of("evaluation", modelId, task, split));
    }

    /** The dataset card of a corpus. */
    public Path card(String corpus) {
        return new Path(new Path(new Path(root, "cards"), PathName.of(corpus)), "README.md");
    }

    public Dataset<Row> table(UncurlTable table) {
        return spark.table(table.fullName());
    }

    /** A table in Iceberg's API, for commits of data files that are already written. */
    public org.apache.iceberg.Table iceberg(UncurlTable table) {
        try {
            return org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark, table.fullName());
        } catch (org.apache.spark.sql.catalyst.parser.ParseException e) {
            throw new IllegalStateException("The name " + table.fullName() + " cannot be parsed", e);
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    /** The newest metadata of a table; null when there is no such table. */
    private TableMetadata metadata(UncurlTable table) {
        Optional<TablePlaces> places = places();
        return places.isPresent()
                ? places.get().metadata(table)
                : ((HasTableOperations) iceberg(table)).operations().current();
    }

    /** Rows of a table in which the named columns have the given values: {@code column, value, column, value, ...}. */
    public Dataset<Row> rows(UncurlTable table, Object... columnsAndValues) {
        return table(table).where(matching(columnsAndValues));
    }

    /**
     * Replaces the rows that match, in one commit: readers see either the old rows or the new ones. The columns must be
     * partition columns of the table.
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

    /** Adds rows to a table, in one commit. */
    void append(UncurlTable table, Dataset<Row> rows) {
        try {
            writer(table, rows).append();
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    private DataFrameWriterV2<Row> writer(UncurlTable table, Dataset<Row> rows) {
        Column[] columns =
                Arrays.stream(table(table).columns()).map(functions::col).toArray(Column[]::new);
        return rows.select(columns).writeTo(table.fullName());
    }

    private static IllegalStateException missing(NoSuchTableException e) {
        return new IllegalStateException("A table that was there when the warehouse was opened is gone", e);
    }

    private static Column matching(Object... columnsAndValues) {
        Column all = null;
        for (int i = 0; i < columnsAndValues.length; i += 2) {
            Column next = functions.col((String) columnsAndValues[i]).equalTo(columnsAndValues[i + 1]);
            all = all == null ? next : all.and(next);
        }
        return all;
    }

    /** Sets the description of the following jobs in Spark's user interface. */
    public void describe(String job) {
        spark.sparkContext().setJobDescription(job);
    }

    /**
     * Locks an output against other runs on this warehouse; see {@link OutputLock}.
     *
     * @param output its kind, and the names that distinguish it from others of the kind
     * @throws UserError (conflict) when another run has locked it, (input) when the clock is behind the tables
     */
    public OutputLock lock(String... output) {
        TableClock.require(this::metadata);
        return lockWithoutClock(output);
    }

    /** As {@link #lock}, for work that does not commit to the tables while they are as they are now. */
    public OutputLock lockWithoutClock(String... output) {
        return canLock() ? OutputLock.take(java.nio.file.Path.of(root.toUri()), output) : OutputLock.NONE;
    }

    /** Whether {@link #lock} excludes other runs: on a local file system. */
    public boolean canLock() {
        return "file".equals(root.toUri().getScheme());
    }
}
