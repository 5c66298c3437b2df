package dev.uncurl.jobs.warehouse;

import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.DocumentRow;
import dev.uncurl.jobs.warehouse.row.ExampleRow;
import dev.uncurl.jobs.warehouse.row.ExpertStatisticsRow;
import dev.uncurl.jobs.warehouse.row.GramRow;
import dev.uncurl.jobs.warehouse.row.LatencyRow;
import dev.uncurl.jobs.warehouse.row.LogitsRow;
import dev.uncurl.jobs.warehouse.row.MetricsRow;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import dev.uncurl.jobs.warehouse.row.RegistryRow;
import dev.uncurl.jobs.warehouse.row.RejectionRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.jobs.warehouse.row.RunRow;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.jobs.warehouse.row.SequenceRow;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.iceberg.Table;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.CreateTable;

/** The tables and views of Uncurl. Their one definition is the SQL under schemas/. */
public enum UncurlTable {
    SEQUENCES("corpus.sequences", SequenceRow.class),
    EXAMPLES("corpus.examples", ExampleRow.class),
    REJECTIONS("corpus.rejections", RejectionRow.class),
    DOCUMENTS("corpus.documents", DocumentRow.class),
    RUNS("corpus.runs", RunRow.class),
    REGISTRY("models.registry", RegistryRow.class),
    METRICS("training.metrics", MetricsRow.class),
    LOGITS("routing.logits", LogitsRow.class),
    EXPERT_STATISTICS("routing.expert_statistics", ExpertStatisticsRow.class),
    GRAM("routing.gram", GramRow.class),
    OUTPUT_GRAM("routing.output_gram", GramRow.class),
    ASSIGNMENTS("pruning.assignments", AssignmentRow.class),
    PLANS("pruning.plans", PlanRow.class),
    SCORED("evaluation.examples", ScoredRow.class),
    RESULTS("evaluation.results", ResultRow.class),
    LATENCY("evaluation.latency", LatencyRow.class);

    private final String id;
    private final Class<? extends Record> rowType;

    UncurlTable(String id, Class<? extends Record> rowType) {
        this.id = id;
        this.rowType = rowType;
    }

    /** Namespace and name within the catalog, as in SQL. */
    public String id() {
        return id;
    }

    /** The record of a row. */
    public Class<? extends Record> rowType() {
        return rowType;
    }

    private String namespace() {
        return id.substring(0, id.indexOf('.'));
    }

    /** The statement that creates this table, comments of the file aside. */
    String definition() {
        return statement("schemas/" + id + ".sql");
    }

    /**
     * Creates what is missing and adds columns to tables of earlier releases; the session's current catalog must be Uncurl's.
     *
     * @throws dev.uncurl.error.UserError (input) when a table differs from its definition by more than columns that may be
     *     null
     */
    public static void createAll(SparkSession spark) {
        for (UncurlTable table : values()) {
            spark.sql("CREATE NAMESPACE IF NOT EXISTS " + table.namespace());
            if (!spark.catalog().tableExists(Warehouse.CATALOG + "." + table.id)) {
                spark.sql(table.definition());
            } else {
                table.upgrade(spark);
            }
        }
        for (Views view : Views.values()) {
            String file = "schemas/views/" + view.name().toLowerCase(java.util.Locale.ROOT) + ".sql";
            SqlStatements.split(statement(file)).forEach(spark::sql);
        }
    }

    /** Brings a table that is there up to its definition. */
    private void upgrade(SparkSession spark) {
        try {
            var plan = (CreateTable) spark.sessionState().sqlParser().parsePlan(definition());
            Map<String, String> properties = scala.collection.JavaConverters.mapAsJavaMap(
                    plan.tableSpec().properties());
            Table table = Spark3Util.loadIcebergTable(spark, Warehouse.CATALOG + "." + id);
            new TableUpgrade(this, plan.tableSchema(), properties).apply(table);
        } catch (ParseException e) {
            throw new IllegalStateException("schemas/" + id + ".sql", e);
        } catch (NoSuchTableException e) {
            throw new IllegalStateException("Table " + id + " is gone", e);
        }
    }

    /** The command whose rows the table has, for messages. */
    String command() {
        return switch (this) {
            case SEQUENCES, EXAMPLES, REJECTIONS, DOCUMENTS, RUNS -> "tokenize --config FILE";
            case REGISTRY, METRICS -> "pretrain --model ID --config FILE";
            case LOGITS, EXPERT_STATISTICS, GRAM, OUTPUT_GRAM -> "dump-logits --model ID --task TASK";
            case ASSIGNMENTS, PLANS -> "prune --from ID --task TASK";
            case SCORED, RESULTS, LATENCY -> "evaluate --model ID --task TASK";
        };
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
        try (InputStream in = UncurlTable.class.getClassLoader().getResourceAsStream(resource)) {
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
