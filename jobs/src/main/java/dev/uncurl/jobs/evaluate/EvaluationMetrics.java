package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.corpus.task.TaskDefinition;
import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.evaluation.Unigram;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.model.Sequences;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/** Computes the metrics of scored examples: for a task those that its definition lists, for corpora losses per token. */
final class EvaluationMetrics {
    private final Warehouse warehouse;
    private final ScoringInputs inputs;
    private final String split;

    EvaluationMetrics(Warehouse warehouse, ScoringInputs inputs, String split) {
        this.warehouse = warehouse;
        this.inputs = inputs;
        this.split = split;
    }

    /** @param scored the rows of evaluation.examples of these inputs, in the order of example_id */
    List<Metric> of(List<ScoredRow> scored) {
        var metrics = new ArrayList<Metric>();
        int[] textTokens = textTokens(scored);
        double[] textLosses = scored.stream().mapToDouble(ScoredRow::textLoss).toArray();
        metrics.add(Metric.lossPerToken("loss_per_token", textLosses, textTokens));
        if (inputs.corpora()) {
            unigram(scored).ifPresent(metrics::add);
            return metrics;
        }
        metrics.add(Metric.lossPerToken(
                "target_loss_per_token",
                scored.stream().mapToDouble(ScoredRow::targetLoss).toArray(),
                scored.stream().mapToInt(ScoredRow::targetTokens).toArray()));
        long answered =
                scored.stream().filter(row -> row.prediction().isPresent()).count();
        if (answered > 0 && Examples.tasks(warehouse, inputs.label(), split).size() == 1) {
            if (answered < scored.size()) {
                throw UserError.input(
                        answered + " of " + scored.size() + " examples of " + inputs.label() + " (" + split
                                + ") have choices, the others have none",
                        "Tokenise the two kinds as two tasks.");
            }
            metrics.addAll(ofChoices(scored));
        }
        return metrics;
    }

    private List<Metric> ofChoices(List<ScoredRow> scored) {
        int[] predictions =
                scored.stream().mapToInt(row -> row.prediction().orElseThrow()).toArray();
        int[] labels =
                scored.stream().mapToInt(row -> row.label().orElseThrow()).toArray();
        int classes = scored.stream()
                .mapToInt(row -> row.logLikelihoods().orElseThrow().length)
                .max()
                .orElseThrow();
        return TaskDefinition.load(inputs.label()).metrics().stream()
                .map(metric -> switch (metric) {
                    case ACC -> Metric.accuracy(predictions, labels);
                    case F1 -> Metric.meanF1(predictions, labels, classes);
                    case F1_A -> Metric.f1OfClass(predictions, labels, 1);
                    case EM -> exactMatch(scored, predictions);
                })
                .toList();
    }

    /** The columns of corpus.examples that give the right answers, and the question that an example belongs to. */
    private record Question(
            long exampleId, Optional<List<Integer>> rightChoices, String source, long sourceOffset, int sourceGroup) {}

    private Metric exactMatch(List<ScoredRow> scored, int[] predictions) {
        var examples = new HashMap<Long, Question>();
        Records.read(Examples.of(warehouse, inputs.label(), split), Question.class)
                .forEach(question -> examples.put(question.exampleId, question));
        var right = new boolean[predictions.length];
        var questions = new ArrayList<List<Object>>();
        for (int i = 0; i < predictions.length; i++) {
            Question example = examples.get(scored.get(i).exampleId());
            right[i] = example.rightChoices.orElseThrow().contains(predictions[i]);
            questions.add(List.of(example.source, example.sourceOffset, example.sourceGroup));
        }
        return Metric.exactMatch(right, questions);
    }

    /**
     * Loss of the unigram model of the training split on exactly the tokens that the model predicted; empty if the
     * corpora have no training split.
     */
    private Optional<Metric> unigram(List<ScoredRow> scored) {
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
        List<ScoringInputs.Item> items = Records.read(inputs.rows().orderBy("example_id"), ScoringInputs.Item.class);
        double[] losses = new double[items.size()];
        int[] tokens = new int[items.size()];
        for (int i = 0; i < losses.length; i++) {
            int[] sequence = Sequences.fit(new int[0], items.get(i).targetTokens(), inputs.context());
            losses[i] = model.loss(sequence);
            tokens[i] = Math.max(0, sequence.length - 1);
        }
        if (!Arrays.equals(tokens, textTokens(scored))) {
            throw new IllegalStateException("The unigram model and the model were scored on different tokens");
        }
        return Optional.of(Metric.lossPerToken("unigram_loss_per_token", losses, tokens));
    }

    private static int[] textTokens(List<ScoredRow> rows) {
        return rows.stream().mapToInt(ScoredRow::textTokens).toArray();
    }
}
