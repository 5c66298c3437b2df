package dev.uncurl.jobs;

import static dev.uncurl.jobs.RoutedRows.BOOLQ;
import static dev.uncurl.jobs.RoutedRows.LAYERS;
import static dev.uncurl.jobs.RoutedRows.first;
import static dev.uncurl.jobs.RoutedRows.number;
import static java.util.Comparator.comparing;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;

/** Scored examples of two models beside each other, and the routing of those whose answer changed. */
final class AnswersOnExamples {
    private static final List<String> PRUNED = List.of("demo-random-1", "demo-random-2");

    private record Scored(int label, int prediction, List<Double> logLikelihoods, double loss, int tokens) {
        boolean right() {
            return label == prediction;
        }

        double margin() {
            return logLikelihoods.get(label) - logLikelihoods.get(1 - label);
        }
    }

    private final RoutedRows dump;
    private final Map<String, Map<Long, Scored>> models = new TreeMap<>();

    AnswersOnExamples(RoutedRows dump, List<Row> scored) {
        this.dump = dump;
        for (Row row : scored) {
            models.computeIfAbsent(row.getAs("model_id"), id -> new TreeMap<>())
                    .put(
                            row.getAs("example_id"),
                            new Scored(
                                    row.getAs("label"),
                                    row.getAs("prediction"),
                                    row.getList(row.fieldIndex("log_likelihoods")),
                                    row.getAs("text_loss"),
                                    row.getAs("text_tokens")));
        }
    }

    List<List<Object>> of(int question) {
        return switch (question) {
            case 21 -> PRUNED.stream().map(this::difference).toList();
            case 22 -> first(
                    5,
                    lost(),
                    comparing((List<Object> row) -> number(row, 5))
                            .thenComparing(row -> (String) row.get(0))
                            .thenComparing(row -> number(row, 1)));
            case 23 -> experts();
            default -> throw new IllegalArgumentException("Not a question of these: " + question);
        };
    }

    private List<Object> difference(String id) {
        long n = 0;
        long better = 0;
        long worse = 0;
        var accuracy = new ArrayList<double[]>();
        var losses = new ArrayList<double[]>();
        for (long example : models.get(id).keySet()) {
            Scored own = models.get(id).get(example);
            Scored base = models.get("demo-base").get(example);
            n++;
            better += own.right() && !base.right() ? 1 : 0;
            worse += !own.right() && base.right() ? 1 : 0;
            accuracy.add(new double[] {(own.right() ? 1 : 0) - (base.right() ? 1 : 0), 1});
            losses.add(new double[] {own.loss - base.loss, own.tokens});
        }
        return List.of(id, n, ratio(accuracy), error(accuracy), better, worse, ratio(losses), error(losses));
    }

    private static double ratio(List<double[]> pairs) {
        return pairs.stream().mapToDouble(pair -> pair[0]).sum()
                / pairs.stream().mapToDouble(pair -> pair[1]).sum();
    }

    /** Of a ratio of sums: sqrt(n / (n - 1) * sum (d - r w)^2) / sum w. */
    private static double error(List<double[]> pairs) {
        double ratio = ratio(pairs);
        double squares = pairs.stream()
                .mapToDouble(pair -> Math.pow(pair[0] - ratio * pair[1], 2))
                .sum();
        int n = pairs.size();
        return Math.sqrt(squares * n / (n - 1))
                / pairs.stream().mapToDouble(pair -> pair[1]).sum();
    }

    /** Rows of question 22, in any order. */
    private List<List<Object>> lost() {
        var rows = new ArrayList<List<Object>>();
        for (String id : PRUNED) {
            models.get(id).forEach((example, own) -> {
                Scored base = models.get("demo-base").get(example);
                if (base.right() && !own.right()) {
                    rows.add(List.of(id, example, own.label, own.prediction, base.margin(), own.margin()));
                }
            });
        }
        return rows;
    }

    private List<List<Object>> experts() {
        var rows = new ArrayList<List<Object>>();
        for (int layer : LAYERS) {
            for (int expert = 0; expert < dump.experts; expert++) {
                long choices = 0;
                for (List<Object> lost : lost()) {
                    for (RoutedRows.Token token : dump.tokens.get(BOOLQ).get(layer)) {
                        choices += token.sequence() == (long) lost.get(1)
                                        && token.experts().contains(expert)
                                ? 1
                                : 0;
                    }
                }
                if (choices > 0) {
                    rows.add(List.of(layer, expert, choices));
                }
            }
        }
        return first(5, rows, comparing(row -> -number(row, 2)));
    }
}
