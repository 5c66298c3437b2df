package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.corpus.task.TaskDefinition;
import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.evaluation.Unigram;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;

/**
 * Scores a model on a task's examples, or on the packed sequences of corpora ({@code cc100+mc4}), into
 * evaluation.examples and evaluation.results. Corpora are set beside a unigram model of the same training tokens.
 */
public final class Evaluation {
    /** Positions of one scoring batch in sequences of full length. */
    private static final int BATCH = 8;

    private final Warehouse warehouse;
    private final Models models;

    public Evaluation(Warehouse warehouse) {
        this.warehouse = warehouse;
        this.models = new Models(warehouse);
    }

    /**
     * Evaluates, unless the same model was evaluated on the same examples before.
     *
     * @param names one task, or corpora; see {@link ScoringInputs}
     * @param limit examples or sequences at most in all, the first ones; 0 for all
     * @return the metrics, also when they were there before
     */
    public List<Row> evaluate(String modelId, List<String> names, String split, int limit) {
        ModelFolder model = models.open(modelId);
        var inputs =
                ScoringInputs.of(warehouse, names, split, limit, model.config().sequenceLength());
        String tokenizer = model.manifest().lineage().tokenizer();
        inputs.runs().forEach(run -> run.requireTokenizer(tokenizer, modelId));
        var key =
                new Key(modelId, inputs.label(), split, model.manifestSha256(), inputs.data(), inputs.promptVersion());
        Dataset<Row> results = key.rows(warehouse, UncurlTable.RESULTS)
                .where(col("examples_cut").isNotNull()); // else from before metrics had their present names
        if (!results.isEmpty()) {
            System.out.println("Results of " + key + " are there already: reused.");
            return results.orderBy("metric").collectAsList();
        }
        try (var lock = warehouse.lock("evaluation", modelId, inputs.label())) {
            warehouse.describe("evaluate " + key);
            List<Row> scored = scored(key, model, inputs);
            return writeResults(key, inputs, metrics(key, inputs, scored));
        }
    }

    /**
     * What determines the rows of evaluation.examples and evaluation.results.
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

    /** The rows of evaluation.examples: those of a run that was killed before its results, or new ones. */
    private List<Row> scored(Key key, ModelFolder model, ScoringInputs inputs) {
        List<Row> before =
                key.rows(warehouse, UncurlTable.SCORED).orderBy("example_id").collectAsList();
        if (!before.isEmpty()) { // all of them: they come in one commit
            return before;
        }
        int tasks = warehouse.context().defaultParallelism();
        var reference = ModelCache.Reference.of(warehouse, model);
        var schema = warehouse.table(UncurlTable.SCORED).schema();
        List<Row> scored = inputs.rows()
                .repartition(tasks, col("example_id"))
                .mapPartitions(
                        (MapPartitionsFunction<Row, Row>) rows -> scorePartition(rows, reference, key),
                        Encoders.row(schema))
                .orderBy("example_id")
                .collectAsList();
        warehouse.replace(UncurlTable.SCORED, warehouse.spark().createDataFrame(scored, schema), key.partition());
        return scored;
    }

    private static Iterator<Row> scorePartition(Iterator<Row> rows, ModelCache.Reference reference, Key key) {
        ModelCache.Loaded loaded = reference.load();
        int length = loaded.config().sequenceLength();
        var scored = new ArrayList<Row>();
        try (var model = SmoeLanguageModel.forScoring(loaded.config(), loaded.parameters(), BATCH * length)) {
            var scorer = new ExampleScorer(model, length, BATCH * length);
            var chunk = new ArrayList<Row>();
            while (rows.hasNext()) {
                chunk.add(rows.next());
                if (chunk.size() == 64 || !rows.hasNext()) {
                    scoreChunk(chunk, scorer, key, scored);
                    chunk.clear();
                }
            }
        }
        return scored.iterator();
    }

    private static void scoreChunk(List<Row> chunk, ExampleScorer scorer, Key key, List<Row> scored) {
        var examples = new ArrayList<ExampleScorer.Example>();
        for (Row row : chunk) {
            examples.add(new ExampleScorer.Example(
                    Examples.ints(row, "prompt_tokens"), Examples.ints(row, "target_tokens"), Examples.choices(row)));
        }
        List<ExampleScorer.Score> scores = scorer.score(examples);
        for (int i = 0; i < chunk.size(); i++) {
            Row row = chunk.get(i);
            ExampleScorer.Score score = scores.get(i);
            if (!score.isFinite()) {
                throw UserError.input(
                        "Model " + key + ", example " + row.getAs("example_id") + ": its score is not finite: " + score,
                        "The weights may have grown too large for single precision. Evaluate an earlier or other model.");
            }
            boolean choices = score.logLikelihoods().length > 0;
            scored.add(RowFactory.create(
                    key.modelId,
                    key.task,
                    key.split,
                    row.<Long>getAs("example_id"),
                    choices ? score.logLikelihoods() : null,
                    choices ? Metric.prediction(score.logLikelihoods()) : null,
                    row.getAs("label"),
                    score.textLoss(),
                    score.textTokens(),
                    score.targetLoss(),
                    score.targetTokens(),
                    key.manifestSha256,
                    key.data,
                    key.promptVersion));
        }
    }

    private List<Metric> metrics(Key key, ScoringInputs inputs, List<Row> scored) {
        var metrics = new ArrayList<Metric>();
        int[] textTokens = ints(scored, "text_tokens");
        metrics.add(Metric.lossPerToken("loss_per_token", doubles(scored, "text_loss"), textTokens));
        if (inputs.corpora()) {
            unigram(inputs, scored).ifPresent(metrics::add);
            return metrics;
        }
        metrics.add(Metric.lossPerToken(
                "target_loss_per_token", doubles(scored, "target_loss"), ints(scored, "target_tokens")));
        long answered =
                scored.stream().filter(row -> row.getAs("prediction") != null).count();
        if (answered > 0 && Examples.tasks(warehouse, key.task, key.split).size() == 1) {
            if (answered < scored.size()) {
                throw UserError.input(
                        answered + " of " + scored.size() + " examples of " + key.task + " (" + key.split
                                + ") have choices, the others have none",
                        "Tokenise the two kinds as tasks of their own.");
            }
            metrics.addAll(ofChoices(key, scored));
        }
        return metrics;
    }

    private List<Metric> ofChoices(Key key, List<Row> scored) {
        int[] predictions = ints(scored, "prediction");
        int[] labels = ints(scored, "label");
        int classes = scored.stream()
                .mapToInt(row -> row.getList(row.fieldIndex("log_likelihoods")).size())
                .max()
                .orElseThrow();
        return TaskDefinition.load(key.task).metrics().stream()
                .map(metric -> switch (metric) {
                    case ACC -> Metric.accuracy(predictions, labels);
                    case F1 -> Metric.meanF1(predictions, labels, classes);
                    case F1_A -> Metric.f1OfClass(predictions, labels, 1);
                    case EM -> exactMatch(key, scored, predictions);
                })
                .toList();
    }

    private Metric exactMatch(Key key, List<Row> scored, int[] predictions) {
        var examples = new HashMap<Long, Row>();
        Examples.of(warehouse, key.task, key.split)
                .select("example_id", "right_choices", "source", "source_offset", "source_group")
                .collectAsList()
                .forEach(row -> examples.put(row.getLong(0), row));
        var right = new boolean[predictions.length];
        var questions = new ArrayList<List<Object>>();
        for (int i = 0; i < predictions.length; i++) {
            Row example = examples.get(scored.get(i).<Long>getAs("example_id"));
            right[i] = example.getList(1).contains(predictions[i]);
            questions.add(List.of(example.get(2), example.get(3), example.get(4)));
        }
        return Metric.exactMatch(right, questions);
    }

    /**
     * Loss of the unigram model of the training split on exactly the tokens that the model predicted; none when the
     * corpora have no training split.
     */
    private Optional<Metric> unigram(ScoringInputs inputs, List<Row> scored) {
        long[] counts = new long[inputs.runs().get(0).vocabulary()];
        List<Row> training = ScoringInputs.sequences(warehouse, inputs.names(), "train")
                .select(functions.explode(col("target_tokens")).as("token"))
                .groupBy("token")
                .count()
                .collectAsList();
        if (training.isEmpty()) {
            return Optional.empty();
        }
        training.forEach(row -> counts[row.getInt(0)] = row.getLong(1));
        var model = new Unigram(counts);
        List<Row> rows = inputs.rows().orderBy("example_id").collectAsList();
        double[] losses = new double[rows.size()];
        int[] tokens = new int[rows.size()];
        for (int i = 0; i < losses.length; i++) {
            int[] sequence = Sequences.fit(new int[0], Examples.ints(rows.get(i), "target_tokens"), inputs.context());
            losses[i] = model.loss(sequence);
            tokens[i] = Math.max(0, sequence.length - 1);
        }
        if (!Arrays.equals(tokens, ints(scored, "text_tokens"))) {
            throw new IllegalStateException("The unigram model and the model were scored on other tokens");
        }
        return Optional.of(Metric.lossPerToken("unigram_loss_per_token", losses, tokens));
    }

    private List<Row> writeResults(Key key, ScoringInputs inputs, List<Metric> metrics) {
        var rows = new ArrayList<Row>();
        for (Metric metric : metrics) {
            rows.add(RowFactory.create(
                    key.modelId,
                    key.task,
                    key.split,
                    metric.name(),
                    metric.value(),
                    metric.n(),
                    metric.standardError(),
                    metric.majorityBaseline(),
                    metric.constantPredictor(),
                    key.promptVersion,
                    key.manifestSha256,
                    key.data,
                    inputs.cut(),
                    inputs.refused(),
                    inputs.rejected()));
        }
        var schema = warehouse.table(UncurlTable.RESULTS).schema();
        Dataset<Row> table = warehouse.spark().createDataFrame(rows, schema);
        warehouse.replace(UncurlTable.RESULTS, table, key.partition());
        return table.orderBy("metric").collectAsList();
    }

    private static double[] doubles(List<Row> rows, String column) {
        return rows.stream().mapToDouble(row -> row.<Double>getAs(column)).toArray();
    }

    private static int[] ints(List<Row> rows, String column) {
        return rows.stream().mapToInt(row -> row.<Integer>getAs(column)).toArray();
    }
}
