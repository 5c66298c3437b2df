package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Counts the rows of a task that tokenize rejected, which scores do not include. */
final class RejectedRows {
    private RejectedRows() {}

    /** The number in a split; null if the split depends on content, or if an earlier release tokenised the task. */
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

    /** The column of corpus.runs that this class reads. */
    private record Run(Optional<Map<String, Long>> rejectedBySplit) {}

    /** A line for the screen, such as {@code 103 of 104 rows}; empty if no row is known to be missing. */
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
