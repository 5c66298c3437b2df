package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.corpus.TaskDefinition;
import dev.uncurl.error.Refusal;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.evaluation.Unigram;
import dev.uncurl.model.SmoeLanguageModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
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
final class Evaluation {
    /** Positions of one scoring batch in sequences of full length. */
    private static final int BATCH = 8;

    private final Warehouse warehouse;
    private final Models models;

    Evaluation(Warehouse warehouse) {
        this.warehouse = warehouse;
        this.models = new Models(warehouse);
    }

    /**
     * Evaluates, unless the same model was evaluated on the same examples before.
     *
     * @param limit examples or sequences at most, the first ones; 0 for all
     * @return the metrics, also when they were there before
     */
    List<Row> evaluate(String modelId, String task, String split, int limit) {
        ModelFolder model = models.open(modelId);
        List<CorpusRun> runs = CorpusRun.ofAll(warehouse, task);
        String tokenizer = model.manifest().lineage().inputs().get("tokenizer");
        runs.forEach(run -> run.requireTokenizer(tokenizer, modelId));
        String data = CorpusRun.ids(runs) + (limit > 0 ? " first " + limit : "");
        Dataset<Row> results = warehouse.rows(
                Tables.RESULTS,
                "model_id",
                modelId,
                "task",
                task,
                "split",
                split,
                "data",
                data,
                "manifest_sha256",
                model.manifestSha256());
        if (!results.isEmpty()) {
            System.out.println("Results of " + modelId + " on " + task + " (" + split + ") are there already: reused.");
            return results.orderBy("metric").collectAsList();
        }
        try (var hold = warehouse.hold("evaluation-" + modelId + "-" + task)) {
            warehouse.describe("evaluate " + modelId + " on " + task);
            List<Row> scored = score(modelId, model, task, split, limit);
            if (scored.isEmpty()) {
                throw Refusal.input(
                        "There is nothing to evaluate on: " + task + " has no rows in split " + split,
                        "Run tokenize for it, or name another --split.");
            }
            writeScored(modelId, task, split, scored);
            List<Metric> metrics = metrics(task, split, limit, scored);
            return writeResults(modelId, model, task, split, data, metrics);
        }
    }

    private List<Row> score(String modelId, ModelFolder model, String task, String split, int limit) {
        boolean corpus = isCorpus(task, split);
        Dataset<Row> inputs = corpus
                ? sequences(task, split, limit)
                : limited(Examples.of(warehouse, task, split), "example_id", limit)
                        .withColumn("example_id", Examples.id(Examples.tasks(warehouse, task, split)))
                        .select("task", "example_id", "prompt_tokens", "target_tokens", "choices", "label");
        int tasks = warehouse.context().defaultParallelism();
        var reference = ModelCache.Reference.of(warehouse, model);
        var scored = inputs.repartition(tasks, col("example_id"))
                .mapPartitions(
                        (MapPartitionsFunction<Row, Row>) rows -> scorePartition(rows, reference, modelId, task, split),
                        Encoders.row(warehouse.table(Tables.SCORED).schema()));
        return scored.orderBy("example_id").collectAsList();
    }

    private boolean isCorpus(String task, String split) {
        return !warehouse
                .rows(Tables.SEQUENCES, "corpus", task.split("\\+")[0], "split", split)
                .isEmpty();
    }

    /** Sequences of corpora as examples without a prompt; ids are made distinct across the corpora. */
    private Dataset<Row> sequences(String corpora, String split, int limit) {
        Dataset<Row> all = null;
        String[] names = corpora.split("\\+");
        for (int i = 0; i < names.length; i++) {
            Dataset<Row> rows = limited(
                            warehouse.rows(Tables.SEQUENCES, "corpus", names[i], "split", split), "sequence_id", limit)
                    .select(
                            functions.lit(corpora).as("task"),
                            col("sequence_id").multiply(names.length).plus(i).as("example_id"),
                            functions.array().cast("array<int>").as("prompt_tokens"),
                            functions
                                    .filter(col("tokens"), token -> token.geq(0))
                                    .as("target_tokens"),
                            functions.lit(null).cast("array<array<int>>").as("choices"),
                            functions.lit(null).cast("int").as("label"));
            all = all == null ? rows : all.union(rows);
        }
        return all;
    }

    private static Dataset<Row> limited(Dataset<Row> rows, String id, int limit) {
        return limit > 0 ? rows.where(col(id).lt(limit)) : rows;
    }

    private static Iterator<Row> scorePartition(
            Iterator<Row> rows, ModelCache.Reference reference, String modelId, String task, String split) {
        ModelCache.Loaded loaded = reference.load();
        int length = loaded.config().sequenceLength();
        var scored = new ArrayList<Row>();
        try (var model = SmoeLanguageModel.forScoring(loaded.config(), loaded.parameters(), BATCH * length)) {
            var scorer = new ExampleScorer(model, length, BATCH * length);
            var chunk = new ArrayList<Row>();
            while (rows.hasNext()) {
                chunk.add(rows.next());
                if (chunk.size() == 64 || !rows.hasNext()) {
                    scoreChunk(chunk, scorer, modelId, task, split, scored);
                    chunk.clear();
                }
            }
        }
        return scored.iterator();
    }

    private static void scoreChunk(
            List<Row> chunk, ExampleScorer scorer, String modelId, String task, String split, List<Row> scored) {
        var examples = new ArrayList<ExampleScorer.Example>();
        for (Row row : chunk) {
            examples.add(new ExampleScorer.Example(
                    Examples.ints(row, "prompt_tokens"), Examples.ints(row, "target_tokens"), Examples.choices(row)));
        }
        List<ExampleScorer.Score> scores = scorer.score(examples);
        for (int i = 0; i < chunk.size(); i++) {
            Row row = chunk.get(i);
            ExampleScorer.Score score = scores.get(i);
            boolean choices = score.logLikelihoods().length > 0;
            scored.add(RowFactory.create(
                    modelId,
                    task,
                    split,
                    row.<Long>getAs("example_id"),
                    choices ? score.logLikelihoods() : null,
                    choices ? Metric.prediction(score.logLikelihoods()) : null,
                    row.getAs("label"),
                    score.textLoss(),
                    score.textTokens(),
                    score.targetLoss(),
                    score.targetTokens()));
        }
    }

    private void writeScored(String modelId, String task, String split, List<Row> scored) {
        var schema = warehouse.table(Tables.SCORED).schema();
        Dataset<Row> rows = warehouse.spark().createDataFrame(scored, schema);
        warehouse.replace(Tables.SCORED, rows, "model_id", modelId, "task", task, "split", split);
    }

    private List<Metric> metrics(String task, String split, int limit, List<Row> scored) {
        var metrics = new ArrayList<Metric>();
        double[] textLoss = doubles(scored, "text_loss");
        int[] textTokens = ints(scored, "text_tokens");
        metrics.add(Metric.lossPerToken("loss_per_token", textLoss, textTokens));
        if (isCorpus(task, split)) {
            metrics.add(unigram(task, split, limit));
            return metrics;
        }
        metrics.add(Metric.lossPerToken(
                "target_loss_per_token", doubles(scored, "target_loss"), ints(scored, "target_tokens")));
        boolean answered =
                scored.stream().allMatch(row -> row.getAs("prediction") != null && row.getAs("label") != null);
        if (answered && Examples.tasks(warehouse, task, split).size() == 1) {
            metrics.addAll(ofChoices(task, split, scored));
        }
        return metrics;
    }

    private List<Metric> ofChoices(String task, String split, List<Row> scored) {
        int[] predictions = ints(scored, "prediction");
        int[] labels = ints(scored, "label");
        return TaskDefinition.load(task).metrics().stream()
                .map(metric -> switch (metric) {
                    case ACCURACY -> Metric.accuracy(predictions, labels);
                    case F1 -> Metric.meanF1(
                            predictions, labels, scored.get(0).getList(4).size());
                    case F1_RIGHT -> Metric.f1OfClass(predictions, labels, 1);
                    case EXACT_MATCH -> exactMatch(task, split, scored, predictions);
                })
                .toList();
    }

    private Metric exactMatch(String task, String split, List<Row> scored, int[] predictions) {
        var examples = new HashMap<Long, Row>();
        Examples.of(warehouse, task, split)
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

    /** Loss of the unigram model of the training split on the same validation tokens. */
    private Metric unigram(String corpora, String split, int limit) {
        List<CorpusRun> runs = CorpusRun.ofAll(warehouse, corpora);
        long[] counts = new long[runs.get(0).vocabulary()];
        sequences(corpora, "train", 0)
                .select(functions.explode(col("target_tokens")).as("token"))
                .groupBy("token")
                .count()
                .collectAsList()
                .forEach(row -> counts[row.getInt(0)] = row.getLong(1));
        var model = new Unigram(counts);
        List<Row> rows = sequences(corpora, split, limit).orderBy("example_id").collectAsList();
        double[] losses = new double[rows.size()];
        int[] tokens = new int[rows.size()];
        for (int i = 0; i < losses.length; i++) {
            int[] sequence = Examples.ints(rows.get(i), "target_tokens");
            losses[i] = model.loss(sequence);
            tokens[i] = sequence.length - 1;
        }
        return Metric.lossPerToken("unigram_loss_per_token", losses, tokens);
    }

    private List<Row> writeResults(
            String modelId, ModelFolder model, String task, String split, String data, List<Metric> metrics) {
        String version = isCorpus(task, split)
                ? null
                : Examples.of(warehouse, task, split)
                        .select("prompt_version")
                        .first()
                        .getString(0);
        Long rejected = RejectedRows.of(warehouse, task, split);
        var rows = new ArrayList<Row>();
        for (Metric metric : metrics) {
            rows.add(RowFactory.create(
                    modelId,
                    task,
                    split,
                    metric.name(),
                    metric.value(),
                    metric.n(),
                    metric.standardError(),
                    metric.majorityBaseline(),
                    metric.constantPredictor(),
                    version,
                    model.manifestSha256(),
                    data,
                    rejected));
        }
        var schema = warehouse.table(Tables.RESULTS).schema();
        Dataset<Row> table = warehouse.spark().createDataFrame(rows, schema);
        warehouse.replace(Tables.RESULTS, table, "model_id", modelId, "task", task, "split", split);
        return table.orderBy("metric").collectAsList();
    }

    private static double[] doubles(List<Row> rows, String column) {
        return rows.stream().mapToDouble(row -> row.<Double>getAs(column)).toArray();
    }

    private static int[] ints(List<Row> rows, String column) {
        return rows.stream().mapToInt(row -> row.<Integer>getAs(column)).toArray();
    }
}
