package dev.uncurl.jobs.export;

import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Exports a sweep of one date: a run for the sweep, and a child of it for each cell that has ended. Runs are recognised by tags, so
 * that an export that is repeated, or was killed, makes none twice; one that is finished is left as it is.
 */
final class SweepExport {
    private static final String KEY = "uncurl.cell";

    private final MlflowClient server;
    private final String experiment;
    private final SortedMap<String, String> sweepAndDate;
    private final Map<String, MlflowClient.Known> known;

    /** @param experiment name of the experiment that gets the runs */
    SweepExport(MlflowClient server, String experiment, String sweep, String asOf) {
        this.server = server;
        this.experiment = server.experiment(experiment);
        sweepAndDate = new TreeMap<>(Map.of("uncurl.sweep", sweep, "uncurl.as-of", asOf));
        known = new HashMap<>(server.runs(this.experiment, sweepAndDate, KEY));
    }

    /**
     * @param cells all of the sweep and date, in their order
     * @param results of their models and plans
     * @return number of cells whose runs were written; the others were there, or have not ended
     */
    int run(List<CellRow> cells, List<ResultRow> results) {
        var byPlace = new HashMap<List<String>, List<ResultRow>>();
        for (ResultRow result : results) {
            byPlace.computeIfAbsent(
                            List.of(result.modelId(), result.task(), result.split()),
                            key -> new java.util.ArrayList<>())
                    .add(result);
        }
        TrackedRun sweep = TrackedRun.parent(cells);
        String parent = open(sweep, Map.of());
        int written = 0;
        for (CellRow cell : cells) {
            if (!cell.state().equals("done") && !cell.state().equals("failed")) {
                continue;
            }
            List<ResultRow> own = cell.resultsId()
                    .map(id -> byPlace.getOrDefault(List.of(id, cell.task(), cell.split()), List.of()))
                    .orElse(List.of());
            TrackedRun run = TrackedRun.of(cell, own);
            if (known.containsKey(run.key()) && known.get(run.key()).status().equals(TrackedRun.FINISHED)) {
                continue;
            }
            write(open(run, Map.of("mlflow.parentRunId", parent)), run);
            written++;
        }
        write(parent, sweep);
        return written;
    }

    /** @return the id of the run, which is made unless it is there */
    private String open(TrackedRun run, Map<String, String> more) {
        MlflowClient.Known there = known.get(run.key());
        if (there != null) {
            return there.runId();
        }
        var tags = new TreeMap<>(sweepAndDate);
        tags.put(KEY, run.key());
        tags.putAll(more);
        return server.create(experiment, run.name(), run.millis(), tags);
    }

    private void write(String id, TrackedRun run) {
        server.log(id, run);
        server.end(id, run.status(), run.millis());
    }
}
