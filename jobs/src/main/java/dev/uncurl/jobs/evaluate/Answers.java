package dev.uncurl.jobs.evaluate;

import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What a comparison needs of one model's rows of evaluation.examples, in the order of example_id: a few numbers per example.
 *
 * @param clusters the passage of each example, null for one of its own
 * @param labels index of the right choice; null unless every example has one
 * @param predictions by {@link ComparedMetric}: index of the predicted choice; null where it is unknown
 */
record Answers(
        ScoredSet of,
        long[] ids,
        String[] clusters,
        int[] labels,
        int[][] predictions,
        double[] textLoss,
        double[] textTokens,
        double[] targetLoss,
        double[] targetTokens) {

    /** Models that are read with one query. A row takes about a kilobyte while it is read. */
    private static final int TOGETHER = 8;

    private record Example(
            String modelId,
            long exampleId,
            Optional<double[]> logLikelihoods,
            Optional<Integer> prediction,
            Optional<Integer> label,
            double textLoss,
            int textTokens,
            double targetLoss,
            int targetTokens,
            Optional<int[]> choiceCharacters,
            Optional<int[]> choiceBytes,
            Optional<int[]> choiceTokens,
            Optional<String> cluster) {}

    /** The answers of each set, in their order. */
    static List<Answers> read(Warehouse warehouse, List<ScoredSet> sets) {
        var answers = new ArrayList<Answers>();
        for (int from = 0; from < sets.size(); from += TOGETHER) {
            List<ScoredSet> part = sets.subList(from, Math.min(sets.size(), from + TOGETHER));
            Dataset<Row> rows = part.stream()
                    .map(set -> set.examples(warehouse))
                    .reduce(Dataset::union)
                    .orElseThrow();
            Map<String, List<Example>> byModel = Records.read(rows, Example.class).stream()
                    .sorted(Comparator.comparingLong(Example::exampleId)) // here: Spark would shuffle them
                    .collect(Collectors.groupingBy(Example::modelId));
            part.forEach(set -> answers.add(of(set, byModel.getOrDefault(set.modelId(), List.of()))));
        }
        return answers;
    }

    private static Answers of(ScoredSet set, List<Example> examples) {
        boolean labelled =
                examples.stream().allMatch(example -> example.label.isPresent() && example.prediction.isPresent());
        return new Answers(
                set,
                examples.stream().mapToLong(Example::exampleId).toArray(),
                examples.stream().map(example -> example.cluster.orElse(null)).toArray(String[]::new),
                labelled
                        ? examples.stream()
                                .mapToInt(example -> example.label.orElseThrow())
                                .toArray()
                        : null,
                labelled ? predictions(examples) : new int[ComparedMetric.values().length][],
                examples.stream().mapToDouble(Example::textLoss).toArray(),
                examples.stream().mapToDouble(Example::textTokens).toArray(),
                examples.stream().mapToDouble(Example::targetLoss).toArray(),
                examples.stream().mapToDouble(Example::targetTokens).toArray());
    }

    private static int[][] predictions(List<Example> examples) {
        var predictions = new int[ComparedMetric.values().length][];
        int[] plain = examples.stream()
                .mapToInt(example -> example.prediction.orElseThrow())
                .toArray();
        predictions[ComparedMetric.ACC.ordinal()] = plain;
        predictions[ComparedMetric.EM.ordinal()] = plain;
        predictions[ComparedMetric.ACC_NORM.ordinal()] = normalized(examples, Example::choiceCharacters);
        predictions[ComparedMetric.ACC_BYTES.ordinal()] = normalized(examples, Example::choiceBytes);
        predictions[ComparedMetric.ACC_TOKENS.ordinal()] = normalized(examples, Example::choiceTokens);
        return predictions;
    }

    /** The most likely choices per unit of length; null unless every example has lengths. */
    private static int[] normalized(List<Example> examples, Function<Example, Optional<int[]>> lengths) {
        return examples.stream().allMatch(example -> lengths.apply(example).isPresent())
                ? examples.stream()
                        .mapToInt(example -> Metric.prediction(
                                example.logLikelihoods.orElseThrow(),
                                lengths.apply(example).orElseThrow()))
                        .toArray()
                : null;
    }

    int[] predictions(ComparedMetric metric) {
        return predictions[metric.ordinal()];
    }

    /** Whether it has what a metric needs: predictions of all examples, or the losses of the tokens of the baseline. */
    boolean has(ComparedMetric metric, Answers baseline) {
        return switch (metric) {
            case ACC, ACC_NORM, ACC_BYTES, ACC_TOKENS, EM -> predictions(metric) != null;
            case LOSS -> Arrays.equals(textTokens, baseline.textTokens);
            case TARGET_LOSS -> Arrays.equals(targetTokens, baseline.targetTokens);
        };
    }

    /** @throws UserError (input) unless the other was scored on the same examples, with the same right answers */
    void requireSameExamples(Answers other) {
        of.requireSameData(other.of);
        if (Arrays.equals(ids, other.ids) && Arrays.equals(labels, other.labels)) {
            return;
        }
        var common = new HashSet<Long>();
        Arrays.stream(ids).forEach(common::add);
        long shared = Arrays.stream(other.ids).filter(common::contains).count();
        throw UserError.input(
                "Models " + of.modelId() + " and " + other.of.modelId() + " cannot be compared on " + of.task() + " ("
                        + of.split() + "): they share "
                        + (shared == 0
                                ? "no examples"
                                : shared + " of " + ids.length + " and " + other.ids.length + " examples"
                                        + (shared == ids.length && shared == other.ids.length
                                                ? ", with other labels"
                                                : "")),
                "A pair needs the same examples. Models whose contexts differ refuse different ones; a --limit below the first"
                        + " refused example helps.");
    }
}
