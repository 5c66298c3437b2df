package dev.uncurl.jobs.warehouse;

import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ComparisonRow;
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

/** The tables of Uncurl. {@link TableSchemas} creates them from the SQL under schemas/. */
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
    COMPARISONS("evaluation.comparisons", ComparisonRow.class),
    LATENCY("evaluation.latency", LatencyRow.class),
    CELLS("sweep.cells", CellRow.class);

    /** Name of Uncurl's catalog in Spark. */
    static final String CATALOG = "uncurl";

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

    /** Name with the catalog before it. */
    public String fullName() {
        return CATALOG + "." + id;
    }

    /** The record of a row. */
    public Class<? extends Record> rowType() {
        return rowType;
    }

    String namespace() {
        return id.substring(0, id.indexOf('.'));
    }

    /** The command that writes the table, for messages. */
    String command() {
        return switch (this) {
            case SEQUENCES, EXAMPLES, REJECTIONS, DOCUMENTS, RUNS -> "tokenize --config FILE";
            case REGISTRY, METRICS -> "pretrain --model ID --config FILE";
            case LOGITS, EXPERT_STATISTICS, GRAM, OUTPUT_GRAM -> "dump-logits --model ID --task TASK";
            case ASSIGNMENTS, PLANS -> "prune --from ID --task TASK";
            case COMPARISONS -> "evaluate --model ID --task TASK --against ID";
            case SCORED, RESULTS -> "evaluate --model ID --task TASK";
            case LATENCY -> "evaluate --model ID --latency";
            case CELLS -> "sweep --config FILE";
        };
    }
}
