package dev.uncurl.jobs.evaluate;

import dev.uncurl.evaluation.Metric;
import dev.uncurl.evaluation.TokenF1;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/** The right answers of a task's examples and the questions that they belong to, for metrics other than accuracy. */
final class Questions {
    /** @param answers text of each choice; empty where the task has none, and in rows of older releases */
    record Question(
            long exampleId,
            Optional<List<Integer>> rightChoices,
            String source,
            long sourceOffset,
            int sourceGroup,
            Optional<List<String>> answers) {
        private List<Object> id() {
            return List.of(source, sourceOffset, sourceGroup);
        }

        /** F1 of a choice: its best over the right answers. */
        private double tokenF1(int choice) {
            List<String> texts = answers.orElseThrow();
            return TokenF1.of(
                    texts.get(choice),
                    rightChoices.orElseThrow().stream().map(texts::get).toList());
        }
    }

    private final Map<Long, Question> byExample = new HashMap<>();

    Questions(List<Question> questions) {
        questions.forEach(question -> byExample.put(question.exampleId, question));
    }

    /** Reads those of a task; none of their tokens. */
    static Questions of(Warehouse warehouse, String task, String split) {
        Dataset<Row> examples = Examples.of(warehouse, task, split);
        if (!Arrays.asList(examples.columns()).contains("answers")) {
            examples = examples.withColumn("answers", functions.lit(null).cast("array<string>"));
        }
        return new Questions(Records.read(examples, Question.class));
    }

    /**
     * Exact match; see {@link Metric#exactMatch}.
     *
     * @param ids of the examples
     * @param predictions index of the predicted choice of each
     */
    Metric exactMatch(long[] ids, int[] predictions) {
        var right = new boolean[ids.length];
        var questions = new ArrayList<List<Object>>();
        for (int row = 0; row < right.length; row++) {
            Question question = byExample.get(ids[row]);
            right[row] = question.rightChoices.orElseThrow().contains(predictions[row]);
            questions.add(question.id());
        }
        return Metric.exactMatch(right, questions);
    }

    /** Mean over examples of the {@link TokenF1} of the predicted choice; its standard error is that of a mean. */
    Metric tokenF1(long[] ids, int[] predictions) {
        double[] values = new double[ids.length];
        for (int row = 0; row < values.length; row++) {
            values[row] = byExample.get(ids[row]).tokenF1(predictions[row]);
        }
        int n = values.length;
        double mean = Arrays.stream(values).sum() / n;
        double squares = Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .sum();
        double error = n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0;
        return new Metric("f1", mean, n, error, null, null);
    }
}
