package dev.uncurl.jobs;

import dev.uncurl.error.Refusal;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.CreateTable;

/** The tables and views of Uncurl. Their one definition is the SQL under schemas/. */
enum Tables {
    SEQUENCES("corpus.sequences"),
    EXAMPLES("corpus.examples"),
    REJECTIONS("corpus.rejections"),
    DOCUMENTS("corpus.documents"),
    RUNS("corpus.runs"),
    REGISTRY("models.registry"),
    METRICS("training.metrics"),
    LOGITS("routing.logits"),
    EXPERT_STATISTICS("routing.expert_statistics"),
    GRAM("routing.gram"),
    OUTPUT_GRAM("routing.output_gram"),
    ASSIGNMENTS("pruning.assignments"),
    PLANS("pruning.plans"),
    SCORED("evaluation.examples"),
    RESULTS("evaluation.results"),
    LATENCY("evaluation.latency");

    private final String id;

    Tables(String id) {
        this.id = id;
    }

    /** Namespace and name within the catalog, as in SQL. */
    String id() {
        return id;
    }

    private String namespace() {
        return id.substring(0, id.indexOf('.'));
    }

    /** The statement that creates this table, comments of the file aside. */
    String definition() {
        return statement("schemas/" + id + ".sql");
    }

    /**
     * Creates what is missing; the session's current catalog must be Uncurl's.
     *
     * @throws Refusal (input) when a table has other columns than this version gives it
     */
    static void createAll(SparkSession spark) {
        for (Tables table : values()) {
            spark.sql("CREATE NAMESPACE IF NOT EXISTS " + table.namespace());
            if (!spark.catalog().tableExists(Warehouse.CATALOG + "." + table.id)) {
                spark.sql(table.definition());
            } else {
                table.requireColumns(spark);
            }
        }
        for (Views view : Views.values()) {
            String file = "schemas/views/" + view.name().toLowerCase(java.util.Locale.ROOT) + ".sql";
            SqlStatements.split(statement(file)).forEach(spark::sql);
        }
    }

    private void requireColumns(SparkSession spark) {
        List<String> there = List.of(spark.table(Warehouse.CATALOG + "." + id).columns());
        List<String> wanted = columns(spark);
        if (!there.equals(wanted)) {
            var missing = new ArrayList<>(wanted);
            missing.removeAll(there);
            var unknown = new ArrayList<>(there);
            unknown.removeAll(wanted);
            throw Refusal.input(
                    "Table " + id + " of this warehouse was made by another version of Uncurl: columns missing "
                            + missing + ", not known " + unknown,
                    "Use that version, or name a new folder with --warehouse and run the commands again.");
        }
    }

    /** Names of the columns that {@link #definition} gives, in its order. */
    private List<String> columns(SparkSession spark) {
        try {
            var plan = (CreateTable) spark.sessionState().sqlParser().parsePlan(definition());
            return List.of(plan.tableSchema().fieldNames());
        } catch (ParseException e) {
            throw new IllegalStateException("schemas/" + id + ".sql", e);
        }
    }

    /** In the order of their making: a view may stand on those before it. */
    private enum Views {
        DROPPED_EXPERTS,
        LOAD_IMBALANCE,
        EXPERT_PROFILE,
        EXPERT_DISTANCE,
        EXPERT_PAIRS,
        EXPERT_BETWEEN_TASKS,
        TASK_OVERLAP,
        TASK_TOP_EXPERTS,
        MODEL_RESULTS,
        PRUNING_FRONTIER
    }

    private static String statement(String resource) {
        try (InputStream in = Tables.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not in the application jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("--"))
                    .collect(Collectors.joining("\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
