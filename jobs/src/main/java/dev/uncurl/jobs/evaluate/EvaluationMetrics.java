package dev.uncurl.jobs.evaluate;

import dev.uncurl.corpus.task.TaskMetric;
import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.spark.rdd.RDD;
import scala.Tuple2;

/**
 * Computes the metrics of scored examples: for a task those that its definition lists, for corpora losses per token. What
 * does not depend on the model is computed once.
 */
final class EvaluationMetrics {
    private static final String ACC_BY_CHARACTERS = "acc_norm";
    private static final String ACC_BY_BYTES = "acc_bytes";
    private static final String ACC_BY_TOKENS = "acc_tokens";

    private final Warehouse warehouse;
    private final ScoringInputs inputs;
    private final RDD<Tuple2<Long, ScoringItem>> examples;
    private Questions questions;
    private Optional<Unigrams> unigrams;

    /** @param examples those of the inputs */
    EvaluationMetrics(Warehouse warehouse, ScoringInputs inputs, RDD<Tuple2<Long, ScoringItem>> examples) {
        this.warehouse = warehouse;
        this.inputs = inputs;
        this.examples = examples;
    }

    /** @param scored of the inputs, or of the first of them */
    List<Metric> of(ScoredColumns scored) {
        var metrics = new ArrayList<Metric>();
        metrics.add(Metric.lossPerToken("loss_per_token", scored.textLoss, scored.textTokens));
        if (ScoredColumns.isComplete(scored.bytes)) {
            metrics.add(Metric.bitsPerByte(scored.textLoss, scored.bytes));
        }
        if (inputs.corpora()) {
            unigrams().ifPresent(model -> metrics.add(model.on(scored)));
            return metrics;
        }
        metrics.add(Metric.lossPerToken("target_loss_per_token", scored.targetLoss, scored.targetTokens));
        long answered = Arrays.stream(scored.prediction)
                .filter(choice -> choice != ScoredColumns.NONE)
                .count();
        if (answered > 0 && inputs.tasks() == 1) {
            if (answered < scored.rows()) {
                throw UserError.input(
                        answered + " of " + scored.rows() + " examples of " + inputs.label() + " (" + inputs.split()
                                + ") have choices, the others have none",
                        "Tokenise the two kinds as two tasks.");
            }
            for (TaskMetric metric : inputs.runs().get(0).metrics()) {
                addOfChoices(metric, scored, metrics);
            }
        }
        return metrics;
    }

    private void addOfChoices(TaskMetric metric, ScoredColumns scored, List<Metric> metrics) {
        switch (metric) {
            case ACC -> {
                metrics.add(Metric.accuracy(scored.prediction, scored.label));
                addAccuracy(ACC_BY_CHARACTERS, scored.byCharacters, scored.label, metrics);
                addAccuracy(ACC_BY_BYTES, scored.byBytes, scored.label, metrics);
                addAccuracy(ACC_BY_TOKENS, scored.byTokens, scored.label, metrics);
            }
            case F1 -> metrics.add(Metric.meanF1(scored.prediction, scored.label, scored.classes()));
            case F1_A -> metrics.add(Metric.f1OfClass(scored.prediction, scored.label, 1));
            case EM -> metrics.add(questions().exactMatch(scored.ids, scored.prediction));
            case TOKEN_F1 -> metrics.add(questions().tokenF1(scored.ids, scored.prediction));
        }
    }

    /** Adds accuracy under other predictions, where every example has one. */
    private static void addAccuracy(String name, int[] predictions, int[] labels, List<Metric> metrics) {
        if (ScoredColumns.isComplete(predictions)) {
            metrics.add(Metric.accuracy(name, predictions, labels));
        }
    }

    private Questions questions() {
        if (questions == null) {
            questions = Questions.of(warehouse, inputs.label(), inputs.split());
        }
        return questions;
    }

    private Optional<Unigrams> unigrams() {
        if (unigrams == null) {
            unigrams = Unigrams.of(warehouse, inputs, examples);
        }
        return unigrams;
    }
}
