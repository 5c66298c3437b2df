package dev.uncurl.jobs.evaluate;

import dev.uncurl.evaluation.Metric;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;

/**
 * What metrics need of the scored examples, a few numbers per example, in the order of example_id. The rows themselves are
 * read one after the other and not kept.
 */
final class ScoredColumns {
    /** No choice, label or count. */
    static final int NONE = -1;

    private static final String[] COLUMNS = {
        "example_id",
        "text_loss",
        "text_tokens",
        "target_loss",
        "target_tokens",
        "prediction",
        "label",
        "log_likelihoods",
        "choice_characters",
        "choice_bytes",
        "choice_tokens",
        "bytes"
    };

    final long[] ids;
    final double[] textLoss;
    final int[] textTokens;
    final double[] targetLoss;
    final int[] targetTokens;
    /** Index of the most likely choice; of the most likely per character, per byte and per token. */
    final int[] prediction;

    final int[] byCharacters;
    final int[] byBytes;
    final int[] byTokens;
    final int[] label;
    final int[] bytes;
    /** The most choices of an example. */
    private int classes;

    private ScoredColumns(int rows) {
        ids = new long[rows];
        textLoss = new double[rows];
        textTokens = new int[rows];
        targetLoss = new double[rows];
        targetTokens = new int[rows];
        prediction = new int[rows];
        byCharacters = new int[rows];
        byBytes = new int[rows];
        byTokens = new int[rows];
        label = new int[rows];
        bytes = new int[rows];
    }

    /**
     * Reads the rows of a key.
     *
     * @param expected their number
     */
    static ScoredColumns read(Warehouse warehouse, ScoringKey key, long expected) {
        var columns = new ScoredColumns(Math.toIntExact(expected));
        int row = 0;
        try (CloseableIterable<Record> rows =
                new ScoredTable(warehouse, UncurlTable.SCORED).rows(key.rows(), COLUMNS)) {
            for (Record record : rows) {
                if (row == expected) {
                    throw new IllegalStateException(
                            "evaluation.examples has more than " + expected + " rows of " + key);
                }
                columns.set(row++, record);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading the scores of " + key, e);
        }
        if (row < expected) {
            throw new IllegalStateException("evaluation.examples has " + row + " of " + expected + " rows of " + key);
        }
        return columns.sorted();
    }

    private void set(int row, Record record) {
        ids[row] = (Long) record.getField("example_id");
        textLoss[row] = (Double) record.getField("text_loss");
        textTokens[row] = (Integer) record.getField("text_tokens");
        targetLoss[row] = (Double) record.getField("target_loss");
        targetTokens[row] = (Integer) record.getField("target_tokens");
        prediction[row] = orNone((Integer) record.getField("prediction"));
        label[row] = orNone((Integer) record.getField("label"));
        List<?> likelihoods = (List<?>) record.getField("log_likelihoods");
        byCharacters[row] = best(likelihoods, (List<?>) record.getField("choice_characters"));
        byBytes[row] = best(likelihoods, (List<?>) record.getField("choice_bytes"));
        byTokens[row] = best(likelihoods, (List<?>) record.getField("choice_tokens"));
        Long count = (Long) record.getField("bytes");
        bytes[row] = count == null ? NONE : Math.toIntExact(count);
        classes = Math.max(classes, likelihoods == null ? 0 : likelihoods.size());
    }

    private static int orNone(Integer value) {
        return value == null ? NONE : value;
    }

    /** The most likely choice per unit of length; none without choices or lengths. */
    private static int best(List<?> likelihoods, List<?> lengths) {
        if (likelihoods == null || lengths == null) {
            return NONE;
        }
        return Metric.prediction(
                likelihoods.stream().mapToDouble(value -> (Double) value).toArray(),
                lengths.stream().mapToInt(length -> (Integer) length).toArray());
    }

    private ScoredColumns sorted() {
        int[] order = IntStream.range(0, ids.length)
                .boxed()
                .sorted(Comparator.comparingLong(row -> ids[row]))
                .mapToInt(row -> row)
                .toArray();
        var sorted = new ScoredColumns(ids.length);
        for (int to = 0; to < order.length; to++) {
            int from = order[to];
            sorted.ids[to] = ids[from];
            sorted.textLoss[to] = textLoss[from];
            sorted.textTokens[to] = textTokens[from];
            sorted.targetLoss[to] = targetLoss[from];
            sorted.targetTokens[to] = targetTokens[from];
            sorted.prediction[to] = prediction[from];
            sorted.byCharacters[to] = byCharacters[from];
            sorted.byBytes[to] = byBytes[from];
            sorted.byTokens[to] = byTokens[from];
            sorted.label[to] = label[from];
            sorted.bytes[to] = bytes[from];
        }
        sorted.classes = classes;
        return sorted;
    }

    int rows() {
        return ids.length;
    }

    int classes() {
        return classes;
    }

    /** Whether every example has a value. */
    static boolean isComplete(int[] column) {
        return Arrays.stream(column).noneMatch(value -> value == NONE);
    }
}
