package dev.uncurl.jobs.evaluate;

import dev.uncurl.evaluation.Metric;
import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;

/** Makes scores visible: the rows of several models or plans in one commit to each of the two tables. */
final class ScoreCommits {
    /** The most rows of a data file. */
    private static final long FILE_ROWS = 1 << 17;

    /** Blocks that become a data file of evaluation.examples. */
    private record Part(StagedScores staged, long[] blocks, String data) implements Serializable {}

    private final Warehouse warehouse;

    ScoreCommits(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Writes evaluation.examples, then evaluation.results, and removes what is staged. The caller has the lease of each evaluation.
     *
     * @return the metrics of each, ordered by name
     */
    List<List<ResultRow>> commit(List<FinishedScores> finished) {
        List<FinishedScores> fresh = finished.stream()
                .filter(one -> !one.visible())
                .toList(); // else a run ended before it wrote its results
        if (!fresh.isEmpty()) {
            commitExamples(fresh);
        }
        finished.forEach(one -> one.staged().discard());
        return commitResults(finished);
    }

    private void commitExamples(List<FinishedScores> finished) {
        var parts = new ArrayList<Part>();
        for (FinishedScores one : finished) {
            for (long[] blocks : one.inputs().blocks().runs(FILE_ROWS)) {
                parts.add(new Part(one.staged(), blocks, one.key().data()));
            }
        }
        List<DataFile> files = warehouse
                .context()
                .parallelize(parts, Math.min(parts.size(), warehouse.context().defaultParallelism()))
                .map(part -> part.staged.merge(part.blocks, part.data))
                .collect();
        new ScoredTable(warehouse, UncurlTable.SCORED).commit(keys(finished), files);
    }

    private static List<ScoringKey> keys(List<FinishedScores> finished) {
        return finished.stream().map(FinishedScores::key).toList();
    }

    private List<List<ResultRow>> commitResults(List<FinishedScores> finished) {
        Table table = warehouse.iceberg(UncurlTable.RESULTS);
        var results = new ArrayList<List<ResultRow>>();
        var files = new ArrayList<DataFile>();
        for (FinishedScores one : finished) {
            List<ResultRow> rows = rows(one);
            results.add(rows);
            files.add(write(table, one.key(), rows));
        }
        new ScoredTable(warehouse, UncurlTable.RESULTS).commit(keys(finished), files);
        return results;
    }

    private List<ResultRow> rows(FinishedScores one) {
        ScoredColumns scored =
                ScoredColumns.read(warehouse, one.key(), one.inputs().blocks().rows());
        return one.metrics().of(scored).stream()
                .map(metric -> row(one.key(), one.inputs(), metric))
                .sorted(Comparator.comparing(ResultRow::metric))
                .toList();
    }

    private static DataFile write(Table table, ScoringKey key, List<ResultRow> rows) {
        String name = key.id().substring(0, 12) + "-" + UUID.randomUUID();
        try (var out = new DataFileWriter<>(ResultRow.class, table, name, key.modelId(), key.task(), key.split())) {
            rows.forEach(out::add);
            return out.end();
        } catch (IOException e) {
            throw new UncheckedIOException("writing the results of " + key, e);
        }
    }

    private static ResultRow row(ScoringKey key, ScoringInputs inputs, Metric metric) {
        return new ResultRow(
                key.modelId(),
                key.task(),
                key.split(),
                metric.name(),
                metric.value(),
                metric.n(),
                metric.standardError(),
                Optional.ofNullable(metric.majorityBaseline()),
                Optional.ofNullable(metric.constantPredictor()),
                Optional.ofNullable(key.promptVersion()),
                key.manifestSha256(),
                key.data(),
                Optional.of(inputs.blocks().cut()),
                Optional.of(inputs.blocks().refused()),
                Optional.ofNullable(inputs.rejected()),
                key.planId(),
                key.router());
    }
}
