package dev.uncurl.jobs.warehouse;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.when;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Finds the corpus of each row of corpus.examples. It is the column {@code corpus}. In rows of release 0.1.0 that column is
 * null; then it is the corpus with the longest name N such that the task is N or begins with N and a slash.
 */
public final class ExampleOwners {
    private final List<String> corpora;

    /** @param corpora that a row may belong to */
    public ExampleOwners(Collection<String> corpora) {
        this.corpora = corpora.stream()
                .distinct()
                .sorted(Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    /** With all corpora of corpus.runs as possible owners. */
    public static ExampleOwners of(Warehouse warehouse) {
        return new ExampleOwners(warehouse.table(UncurlTable.RUNS).select("corpus").collectAsList().stream()
                .map(row -> row.getString(0))
                .toList());
    }

    /** The corpus of a row. */
    public Column owner() {
        Column guessed = lit(null).cast("string");
        for (int i = corpora.size() - 1; i >= 0; i--) { // the outermost condition is that of the longest name
            guessed = when(under(corpora.get(i)), corpora.get(i)).otherwise(guessed);
        }
        return coalesce(col("corpus"), guessed);
    }

    /** Condition on rows that may belong to a corpus. It uses only the partition column task, so it reads no files. */
    public static Column under(String corpus) {
        return col("task").equalTo(corpus).or(col("task").startsWith(corpus + "/"));
    }

    /** Condition on the rows of the corpus of that name or, if there is none, of the task of that name. */
    Column rowsOf(String name) {
        return corpora.contains(name)
                ? under(name).and(owner().equalTo(name))
                : col("task").equalTo(name);
    }

    /** The corpus that a task belongs to; empty if there is no such task. */
    Optional<String> ofTask(Warehouse warehouse, String task) {
        Dataset<Row> rows = warehouse.rows(UncurlTable.EXAMPLES, "task", task).select(owner());
        return rows.na().drop().limit(1).collectAsList().stream()
                .map(row -> row.getString(0))
                .findFirst();
    }
}
