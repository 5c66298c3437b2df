package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.Unfinished;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cluster.ClusterPlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.expressions.Expression;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;

/**
 * A folder with tables and models, and the Spark session whose catalog has its tables. Subfolders: {@code tables/}
 * (Iceberg), {@code models/} (one folder per model), {@code checkpoints/} (one folder per model in training), {@code
 * staging/}, {@code cards/}, {@code locks/}. With {@code spark.sql.catalog.uncurl} set, the tables are in that catalog (Hive,
 * Glue, REST) instead; the models stay in the folder.
 */
public final class Warehouse {
    private static final String SCHEDULER = "spark.scheduler.mode";

    private final SparkSession spark;
    private final Path root;
    private final Set<OutputLease> leases = ConcurrentHashMap.newKeySet();
    private final TableCommits commits;

    private Warehouse(SparkSession spark, Path root) {
        this.spark = spark;
        this.root = root;
        this.commits = new TableCommits(spark, this::requireLeases);
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
            var warehouse = new Warehouse(SessionCatalog.session(spark, SessionCatalog.location(root)), root);
            SessionCatalog.use(warehouse.spark, root);
            return warehouse;
        } catch (IOException e) {
            throw UserError.input(
                    "The warehouse " + folder + " cannot be used: " + e.getMessage(),
                    "Name a folder that can be written with --warehouse.",
                    e);
        }
    }

    /** The session of this application. A new one has the plugin by which ranks find each other, and pools for work side by side. */
    private static SparkSession session() {
        SparkSession.Builder builder = SparkSession.builder().appName("uncurl");
        if (SparkSession.getDefaultSession().isEmpty()) {
            var conf = new SparkConf();
            builder.config(ClusterPlugin.KEY, ClusterPlugin.beside(conf.get(ClusterPlugin.KEY, "")));
            builder.config(SCHEDULER, conf.get(SCHEDULER, "FAIR"));
        }
        return builder.getOrCreate();
    }

    /** Where the tables are; empty for a catalog that chooses the places itself. */
    public Optional<TablePlaces> places() {
        return SessionCatalog.isHadoop(spark)
                ? Optional.of(new TablePlaces(
                        root, SessionCatalog.place(spark), context().hadoopConfiguration()))
                : Optional.empty();
    }

    public SparkSession spark() {
        return spark;
    }

    /** Runs a statement that may use the views of schemas/views. */
    public Dataset<Row> sql(String statement) {
        return sql(statement, Map.of());
    }

    /** Runs a statement with named parameters that may use the views of schemas/views. */
    public Dataset<Row> sql(String statement, Map<String, Object> parameters) {
        SessionViews.create(spark, statement);
        return spark.sql(statement, parameters);
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
            return Location.isLocal(root)
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

    /** Folder of a model that is to be written; {@link Models} opens one that exists. */
    public Path modelFolder(String modelId) {
        return new Path(models(), PathName.plain("model", modelId));
    }

    /** Folder of a model whose row in models.registry has this path: its name counts, the warehouse may have been moved. */
    public Path modelFolder(String modelId, String registered) {
        String name = new Path(registered).getName();
        return Unfinished.isAttempt(name) && Unfinished.name(name).equals(modelId)
                ? new Path(models(), name)
                : modelFolder(modelId);
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
        return commits.load(table);
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
        commits.replace(table, rows, condition);
    }

    /** Adds rows, in one commit, if there are none that match. @return false if there are, also if another run adds them now */
    boolean addIfNone(UncurlTable table, Dataset<Row> rows, Object... columnsAndValues) {
        return commits.addIfNone(table, rows, matching(columnsAndValues));
    }

    /**
     * Replaces the rows that match by data files, in one commit.
     *
     * @param rows a condition on partition columns
     * @param property with its value, added to the snapshot's summary
     * @throws UserError (conflict) when another run changes such rows now, or has taken over from this run
     */
    public void replaceFiles(UncurlTable table, List<DataFile> files, Expression rows, String property, String value) {
        commits.replaceFiles(table, files, rows, property, value);
    }

    /** Adds rows to a table, in one commit. */
    void append(UncurlTable table, Dataset<Row> rows) {
        commits.append(table, rows);
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
     * Takes the lease of an output, which excludes other runs on this warehouse; see {@link OutputLease}.
     *
     * @param output its kind, and the names that distinguish it from others of the kind
     * @throws UserError (conflict) when another run has it, (input) when the clock is behind the tables
     */
    public OutputLease lock(String... output) {
        TableClock.require(this::metadata);
        return lockWithoutClock(output);
    }

    /** As {@link #lock}, for work that does not commit to the tables while they are as they are now. */
    public OutputLease lockWithoutClock(String... output) {
        OutputLease lease = OutputLease.take(files(), new Path(root, "locks"), OutputLease.Terms.USUAL, output);
        leases.removeIf(OutputLease::isClosed);
        leases.add(lease);
        return lease;
    }

    /**
     * Requires, before a commit, that this run still has all its leases.
     *
     * @throws UserError (conflict) when another run has taken over, because this one was paused for too long
     */
    public void requireLeases() {
        leases.removeIf(OutputLease::isClosed);
        leases.forEach(OutputLease::require);
    }
}
