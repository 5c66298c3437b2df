package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Rows of a task that were rejected when it was tokenised, and that a score over the rest leaves out. */
final class RejectedRows {
    private RejectedRows() {}

    /** How many of a split there are; null where the split goes by content, or an earlier release tokenised the task. */
    static Long of(Warehouse warehouse, String task, String split) {
        var last = warehouse
                .rows(UncurlTable.RUNS, "corpus", task)
                .orderBy(col("finished_at").desc())
                .limit(1);
        return Records.read(last, Run.class).stream()
                .findFirst()
                .flatMap(Run::rejectedBySplit)
                .map(counts -> counts.get(split))
                .orElse(null);
    }

    /** The column of corpus.runs that is read. */
    private record Run(Optional<Map<String, Long>> rejectedBySplit) {}

    /** A line for the screen, such as {@code 103 of 104 rows}; empty where no row is known to be missing. */
    static String line(Warehouse warehouse, String task, String split, Optional<Long> rejected) {
        if (rejected.orElse(0L) == 0) {
            return "";
        }
        long there = Examples.of(warehouse, task, split)
                .select("source", "source_offset")
                .distinct()
                .count();
        return String.format(
                Locale.ROOT,
                "  %,d of %,d rows: tokenize rejected %,d, see corpus.rejections%n",
                there,
                there + rejected.get(),
                rejected.get());
    }
}
