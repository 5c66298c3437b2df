package dev.uncurl.jobs.warehouse;

/** The tables of Uncurl. {@link TableSchemas} creates them from the SQL under schemas/. */
public enum UncurlTable {
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

    /** Name of Uncurl's catalog in Spark. */
    static final String CATALOG = "uncurl";

    private final String id;

    UncurlTable(String id) {
        this.id = id;
    }

    /** Namespace and name within the catalog, as in SQL. */
    public String id() {
        return id;
    }

    /** Name with the catalog before it. */
    public String fullName() {
        return CATALOG + "." + id;
    }

    String namespace() {
        return id.substring(0, id.indexOf('.'));
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
}
