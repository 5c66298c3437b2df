package dev.uncurl.jobs.export;

import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A run as MLflow has it.
 *
 * @param key identifies it among the runs of its sweep and date: the cell's id, or {@link #SWEEP} for the parent of all
 * @param name for people
 * @param status of MLflow: RUNNING, FINISHED, FAILED
 * @param millis when it ended, or was last written, in milliseconds of 1970; also the time of its metrics
 * @param params what it was asked for
 * @param tags further texts
 * @param metrics numbers; finite
 */
record TrackedRun(
        String key,
        String name,
        String status,
        long millis,
        SortedMap<String, String> params,
        SortedMap<String, String> tags,
        SortedMap<String, Double> metrics) {
    static final String SWEEP = "sweep";
    static final String FINISHED = "FINISHED";
    private static final String RUNNING = "RUNNING";
    private static final String FAILED = "FAILED";

    /** The run that has all others as children. */
    static TrackedRun parent(List<CellRow> cells) {
        CellRow first = cells.get(0);
        var metrics = new TreeMap<String, Double>();
        for (String state : List.of("done", "failed", "waiting", "running")) {
            metrics.put("cells_" + state, (double)
                    cells.stream().filter(cell -> cell.state().equals(state)).count());
        }
        boolean open = metrics.get("cells_waiting") + metrics.get("cells_running") > 0;
        String status = open ? RUNNING : metrics.get("cells_failed") > 0 ? FAILED : FINISHED;
        var params = new TreeMap<String, String>();
        first.settings().forEach((key, value) -> params.put(key, value));
        long millis = cells.stream()
                .mapToLong(cell -> cell.updatedAt().toEpochMilli())
                .max()
                .orElseThrow();
        var tags = new TreeMap<>(Map.of("uncurl.command", first.command()));
        return new TrackedRun(SWEEP, first.sweep() + " " + first.asOf(), status, millis, params, tags, metrics);
    }

    /**
     * The run of a cell that has ended.
     *
     * @param results of the model or plan that the cell names, on its task and split
     */
    static TrackedRun of(CellRow cell, List<ResultRow> results) {
        var params = new TreeMap<String, String>();
        params.put("role", cell.role());
        params.put("model", cell.modelId());
        params.put("task", cell.task());
        params.put("split", cell.split());
        params.put("data", cell.data());
        params.put("experts_before", Integer.toString(cell.expertsBefore()));
        cell.planTask().ifPresent(value -> params.put("plan_task", value));
        cell.method().ifPresent(value -> params.put("method", value));
        cell.weights().ifPresent(value -> params.put("weights", value));
        cell.budget().ifPresent(value -> params.put("budget", value));
        cell.expertsAfter().ifPresent(value -> params.put("experts_after", Integer.toString(value)));
        cell.seed().ifPresent(value -> params.put("seed", Long.toString(value)));
        cell.router().ifPresent(value -> params.put("router", value));
        cell.recipe().ifPresent(value -> params.put("recipe", value));
        cell.recipeSeed().ifPresent(value -> params.put("recipe_seed", Long.toString(value)));
        cell.parameters().ifPresent(all -> all.forEach((key, value) -> params.put("method." + key, value)));
        var tags = new TreeMap<String, String>();
        cell.planId().ifPresent(value -> tags.put("uncurl.plan", value));
        cell.resultsId().ifPresent(value -> tags.put("uncurl.results", value));
        cell.prunedModelId().ifPresent(value -> tags.put("uncurl.pruned-model", value));
        cell.error().ifPresent(value -> tags.put("uncurl.error", value));
        var metrics = new TreeMap<String, Double>();
        cell.seconds().ifPresent(value -> metrics.put("seconds", value));
        for (ResultRow result : results) {
            put(metrics, result.metric(), result.value());
            put(metrics, result.metric() + "_standard_error", result.standardError());
            metrics.put(result.metric() + "_n", (double) result.n());
        }
        String status = cell.state().equals("done") ? FINISHED : FAILED;
        return new TrackedRun(
                cell.cellId(), name(cell), status, cell.updatedAt().toEpochMilli(), params, tags, metrics);
    }

    /** JSON has no number for those that are not finite. */
    private static void put(SortedMap<String, Double> metrics, String name, double value) {
        if (Double.isFinite(value)) {
            metrics.put(name, value);
        }
    }

    private static String name(CellRow cell) {
        var words = new ArrayList<String>();
        words.add(String.format(Locale.ROOT, "%04d", cell.position()));
        words.add(cell.role());
        cell.method().ifPresent(words::add);
        cell.expertsAfter().ifPresent(experts -> words.add(experts + " of " + cell.expertsBefore()));
        cell.recipe().ifPresent(words::add);
        words.add(cell.task());
        return String.join(" ", words);
    }
}
