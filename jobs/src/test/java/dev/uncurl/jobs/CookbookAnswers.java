package dev.uncurl.jobs;

import java.util.List;
import org.apache.spark.sql.Row;

/** The answers to the questions in the README of schemas/, from the rows of routing.logits and evaluation.examples alone. */
final class CookbookAnswers {
    private final RoutedRows rows;
    private final AnswersOnExamples examples;

    CookbookAnswers(List<Row> routed, List<Row> scored) {
        this.rows = new RoutedRows(routed);
        this.examples = new AnswersOnExamples(rows, scored);
    }

    /** Rows as the SQL gives them; real numbers are Doubles. */
    List<List<Object>> of(int question) {
        return switch (question) {
            case 2, 3, 4, 5, 11, 12, 20 -> new AnswersOnExperts(rows).of(question);
            case 6, 7, 8, 9, 10, 19 -> new AnswersOnTokens(rows).of(question);
            case 13, 14, 15 -> new AnswersOnPairs(rows).of(question);
            case 1, 16, 17, 18 -> new AnswersOnTasks(rows).of(question);
            case 21, 22, 23 -> examples.of(question);
            default -> throw new IllegalArgumentException("There is no answer to question " + question);
        };
    }
}
