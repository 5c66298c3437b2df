package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.RecordMapper;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.model.SmoeLanguageModel;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * Scores a model on a task's examples, or on the packed sequences of corpora ({@code cc100+mc4}), and writes
 * evaluation.examples and evaluation.results. For corpora, also scores a unigram model of their training tokens, as a
 * baseline.
 */
public final class Evaluation {
    /** Size of a scoring batch, in sequences of full length. */
    private static final int BATCH = 8;

    private final Warehouse warehouse;

    public Evaluation(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Evaluates a registered model; see {@link #evaluate(ScoredModel, List, String, int)}. */
    public List<ResultRow> evaluate(String modelId, List<String> names, String split, int limit) {
        return evaluate(ScoredModel.registered(warehouse, modelId), names, split, limit);
    }

    /**
     * Evaluates a model, or reads the results if the same model was evaluated on the same examples before.
     *
     * @param names one task, or corpora; see {@link ScoringInputs}
     * @param limit the most examples or sequences over all names, the first ones; 0 for all
     * @return the metrics, ordered by name
     */
    public List<ResultRow> evaluate(ScoredModel model, List<String> names, String split, int limit) {
        var inputs =
                ScoringInputs.of(warehouse, names, split, limit, model.config().sequenceLength());
        inputs.runs().forEach(run -> run.requireTokenizer(model.tokenizer(), model.id()));
        var key = new Key(model.id(), inputs.label(), split, model.sha256(), inputs.data(), inputs.promptVersion());
        Dataset<Row> results = key.rows(warehouse, UncurlTable.RESULTS)
                .where(col("examples_cut").isNotNull()); // null in rows of releases that gave metrics other names
        if (!results.isEmpty()) {
            System.out.println("Results of " + key + " are there already: reused.");
            return Records.read(results.orderBy("metric"), ResultRow.class);
        }
        try (var lock = warehouse.lock("evaluation", model.id(), inputs.label())) {
            warehouse.describe("evaluate " + key);
            List<ScoredRow> scored = scored(key, model, inputs);
            return writeResults(key, inputs, new EvaluationMetrics(warehouse, inputs, split).of(scored));
        }
    }

    /**
     * Everything that determines the rows of evaluation.examples and evaluation.results.
     *
     * @param promptVersion null for sequences
     */
    private record Key(
            String modelId, String task, String split, String manifestSha256, String data, String promptVersion)
            implements Serializable {
        Object[] partition() {
            return new Object[] {"model_id", modelId, "task", task, "split", split};
        }

        Dataset<Row> rows(Warehouse warehouse, UncurlTable table) {
            return warehouse
                    .rows(table, partition())
                    .where(col("manifest_sha256").equalTo(manifestSha256))
                    .where(col("data").equalTo(data))
                    .where(col("prompt_version").eqNullSafe(promptVersion));
        }

        @Override
        public String toString() {
            return modelId + " on " + task + " (" + split + ")";
        }
    }

    /** The rows of evaluation.examples: new ones, or those of a run that ended before it wrote its results. */
    private List<ScoredRow> scored(Key key, ScoredModel model, ScoringInputs inputs) {
        List<ScoredRow> before =
                Records.read(key.rows(warehouse, UncurlTable.SCORED).orderBy("example_id"), ScoredRow.class);
        if (!before.isEmpty()) { // complete, since all rows are written in one commit
            return before;
        }
        int tasks = warehouse.context().defaultParallelism();
        ModelCache.Source source = model.source();
        StructType from = inputs.rows().schema();
        StructType to = warehouse.table(UncurlTable.SCORED).schema();
        Dataset<Row> scored = inputs.rows()
                .repartition(tasks, col("example_id"))
                .mapPartitions(
                        (MapPartitionsFunction<Row, Row>) rows -> {
                            var items = RecordMapper.reader(ScoringInputs.Item.class, from, key.task);
                            var table = RecordMapper.ofTable(ScoredRow.class, to, UncurlTable.SCORED.id());
                            return scorePartition(rows, items, source, key).stream()
                                    .map(table::toRow)
                                    .iterator();
                        },
                        Encoders.row(to))
                .orderBy("example_id");
        List<ScoredRow> records = Records.read(scored, ScoredRow.class);
        Records.replace(warehouse, UncurlTable.SCORED, records, key.partition());
        return records;
    }

    private static List<ScoredRow> scorePartition(
            Iterator<Row> rows, RecordMapper<ScoringInputs.Item> items, ModelCache.Source source, Key key) {
        ModelCache.Loaded loaded = source.load();
        int length = loaded.config().sequenceLength();
        var scored = new ArrayList<ScoredRow>();
        try (var model = SmoeLanguageModel.forScoring(loaded.config(), loaded.parameters(), BATCH * length)) {
            var scorer = new ExampleScorer(model, length, BATCH * length);
            var chunk = new ArrayList<ScoringInputs.Item>();
            while (rows.hasNext()) {
                chunk.add(items.fromRow(rows.next()));
                if (chunk.size() == 64 || !rows.hasNext()) {
                    scoreChunk(chunk, scorer, key, scored);
                    chunk.clear();
                }
            }
        }
        return scored;
    }

    private static void scoreChunk(
            List<ScoringInputs.Item> chunk, ExampleScorer scorer, Key key, List<ScoredRow> scored) {
        var examples = new ArrayList<ExampleScorer.Example>();
        for (ScoringInputs.Item item : chunk) {
            examples.add(new ExampleScorer.Example(
                    item.promptTokens(), item.targetTokens(), item.choices().orElse(List.of())));
        }
        List<ExampleScorer.Score> scores = scorer.score(examples);
        for (int i = 0; i < chunk.size(); i++) {
            ScoringInputs.Item item = chunk.get(i);
            ExampleScorer.Score score = scores.get(i);
            if (!score.isFinite()) {
                throw UserError.input(
                        "Model " + key + ", example " + item.exampleId() + ": its score is not finite: " + score,
                        "The weights may have grown too large for single precision. Evaluate an earlier or other model.");
            }
            Optional<double[]> choices =
                    Optional.of(score.logLikelihoods()).filter(likelihoods -> likelihoods.length > 0);
            scored.add(new ScoredRow(
                    key.modelId,
                    key.task,
                    key.split,
                    item.exampleId(),
                    choices,
                    choices.map(Metric::prediction),
                    item.label(),
                    score.textLoss(),
                    score.textTokens(),
                    score.targetLoss(),
                    score.targetTokens(),
                    Optional.of(key.manifestSha256),
                    Optional.of(key.data),
                    Optional.ofNullable(key.promptVersion)));
        }
    }

    private List<ResultRow> writeResults(Key key, ScoringInputs inputs, List<Metric> metrics) {
        var rows = new ArrayList<ResultRow>();
        for (Metric metric : metrics) {
            rows.add(new ResultRow(
                    key.modelId,
                    key.task,
                    key.split,
                    metric.name(),
                    metric.value(),
                    metric.n(),
                    metric.standardError(),
                    Optional.ofNullable(metric.majorityBaseline()),
                    Optional.ofNullable(metric.constantPredictor()),
                    Optional.ofNullable(key.promptVersion),
                    key.manifestSha256,
                    key.data,
                    Optional.of(inputs.cut()),
                    Optional.of(inputs.refused()),
                    Optional.ofNullable(inputs.rejected())));
        }
        Records.replace(warehouse, UncurlTable.RESULTS, rows, key.partition());
        rows.sort(Comparator.comparing(ResultRow::metric));
        return rows;
    }
}
