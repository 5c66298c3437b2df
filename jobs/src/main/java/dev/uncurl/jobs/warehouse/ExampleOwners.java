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
 * Which corpus a row of corpus.examples belongs to: its column corpus says so. Where that is null, as in rows of
 * release 0.1.0, it is the longest name of a corpus that is the task or is followed by a slash in it.
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

    /** Those of the corpora in corpus.runs. */
    public static ExampleOwners of(Warehouse warehouse) {
        return new ExampleOwners(CorpusRun.newest(warehouse).keySet());
    }

    /** The corpus of a row. */
    public Column owner() {
        Column guessed = lit(null).cast("string");
        for (int i = corpora.size() - 1; i >= 0; i--) { // the longest is asked first
            guessed = when(under(corpora.get(i)), corpora.get(i)).otherwise(guessed);
        }
        return coalesce(col("corpus"), guessed);
    }

    /** Rows that may belong to a corpus by their task: decided by the table's partitions, no file is read for it. */
    public static Column under(String corpus) {
        return col("task").equalTo(corpus).or(col("task").startsWith(corpus + "/"));
    }

    /** The rows of a corpus, where the name is one, else those of the task of that name. */
    Column rowsOf(String name) {
        return corpora.contains(name)
                ? under(name).and(owner().equalTo(name))
                : col("task").equalTo(name);
    }

    /** The corpus that has a task; empty where none has. */
    Optional<String> ofTask(Warehouse warehouse, String task) {
        Dataset<Row> rows = warehouse.rows(UncurlTable.EXAMPLES, "task", task).select(owner());
        return rows.na().drop().limit(1).collectAsList().stream()
                .map(row -> row.getString(0))
                .findFirst();
    }
}
