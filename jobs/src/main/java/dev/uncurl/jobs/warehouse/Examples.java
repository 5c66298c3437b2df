package dev.uncurl.jobs.warehouse;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.array_position;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.size;

import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/** Queries on corpus.examples. */
public final class Examples {
    private Examples() {}

    /**
     * The examples of a corpus, with all its tasks, or of one task. {@code flan} includes the task {@code flan/cot_creak} but
     * not the corpus {@code flan/cot}.
     */
    public static Dataset<Row> of(Warehouse warehouse, String task, String split) {
        return warehouse
                .table(UncurlTable.EXAMPLES)
                .where(ExampleOwners.of(warehouse).rowsOf(task))
                .where(col("split").equalTo(split));
    }

    /** The tasks of a corpus, or the one task, with examples in a split, sorted by name. */
    public static List<String> tasks(Warehouse warehouse, String task, String split) {
        return of(warehouse, task, split).select("task").distinct().orderBy("task").collectAsList().stream()
                .map(row -> row.getString(0))
                .toList();
    }

    /** A number that is unique among the examples of these tasks; for a single task it is example_id. */
    public static Column id(List<String> tasks) {
        if (tasks.size() < 2) {
            return col("example_id");
        }
        Column[] names = tasks.stream().map(functions::lit).toArray(Column[]::new);
        Column place = array_position(array(names), col("task")).minus(1);
        return col("example_id").multiply(tasks.size()).plus(place);
    }

    /** Whether an answer and the last token of its prompt fit into a sequence of {@code most} tokens. Answers are never cut. */
    public static Column fit(Column answerTokens, int most) {
        return least(size(col("prompt_tokens")), lit(1)).plus(answerTokens).leq(most);
    }

    /** Whether prompt and answer have more than {@code most} tokens, so that the beginning of the prompt is cut off. */
    public static Column isCut(Column answerTokens, int most) {
        return size(col("prompt_tokens")).plus(answerTokens).gt(most);
    }

    public static int[] ints(Row row, String column) {
        List<Integer> values = row.getList(row.fieldIndex(column));
        return values.stream().mapToInt(Integer::intValue).toArray();
    }
}
