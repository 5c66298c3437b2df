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
import java.util.stream.IntStream;
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
        /** Equal for the examples of one question. */
        List<Object> id() {
            return List.of(source, sourceOffset, sourceGroup);
        }

        /**
         * Whether a choice is right: one of the right ones or, where choices have texts, one with the words of a right one, as
         * lm-evaluation-harness compares them.
         */
        boolean isRight(int choice) {
            return rightChoices.orElseThrow().contains(choice)
                    || answers.filter(texts -> TokenF1.isExact(texts.get(choice), right(texts)))
                            .isPresent();
        }

        /** F1 of a choice: its best over the right answers. */
        private double tokenF1(int choice) {
            List<String> texts = answers.orElseThrow();
            return TokenF1.of(texts.get(choice), right(texts));
        }

        private List<String> right(List<String> texts) {
            return rightChoices.orElseThrow().stream().map(texts::get).toList();
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

    /** The question of an example. */
    Question of(long exampleId) {
        return byExample.get(exampleId);
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
            Question question = of(ids[row]);
            right[row] = question.isRight(predictions[row]);
            questions.add(question.id());
        }
        return Metric.exactMatch(right, questions);
    }

    /** Mean over examples of the {@link TokenF1} of the predicted choice. */
    Metric tokenF1(long[] ids, int[] predictions) {
        return Metric.mean(
                "f1",
                IntStream.range(0, ids.length)
                        .mapToDouble(row -> of(ids[row]).tokenF1(predictions[row]))
                        .toArray());
    }
}
