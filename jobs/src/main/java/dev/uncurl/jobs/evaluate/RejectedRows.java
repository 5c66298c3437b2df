package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.Row;

/** Rows of a task that were rejected when it was tokenised, and that a score over the rest leaves out. */
final class RejectedRows {
    private RejectedRows() {}

    /** How many of a split there are; null where the split goes by content, or an earlier release tokenised the task. */
    static Long of(Warehouse warehouse, String task, String split) {
        List<Row> runs = warehouse
                .rows(UncurlTable.RUNS, "corpus", task)
                .orderBy(col("finished_at").desc())
                .select("rejected_by_split")
                .limit(1)
                .collectAsList();
        if (runs.isEmpty() || runs.get(0).isNullAt(0)) {
            return null;
        }
        Map<String, Long> counts = runs.get(0).getJavaMap(0);
        return counts.get(split);
    }

    /** A line for the screen, such as {@code 103 of 104 rows}; empty where no row is known to be missing. */
    static String line(Warehouse warehouse, Row result) {
        Long rejected = result.getAs("rows_rejected");
        if (rejected == null || rejected == 0) {
            return "";
        }
        long there = Examples.of(warehouse, result.getAs("task"), result.getAs("split"))
                .select("source", "source_offset")
                .distinct()
                .count();
        return String.format(
                Locale.ROOT,
                "  %,d of %,d rows: tokenize rejected %,d, see corpus.rejections%n",
                there,
                there + rejected,
                rejected);
    }
}
