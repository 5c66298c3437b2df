package dev.uncurl.jobs.evaluate;

import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.Latency;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.LatencyRow;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Times forward passes of registered models in turn, as evaluate --latency does with its usual repeats. */
public final class ModelLatency {
    /** A row of evaluation.latency, as far as it says what was timed. */
    private record Timed(String modelId, int batch, int sequenceLength) {}

    private final Warehouse warehouse;
    private final List<Integer> batches;
    private final List<Integer> lengths;

    /**
     * @param batches sequences in a pass
     * @param lengths tokens of a sequence
     */
    public ModelLatency(Warehouse warehouse, List<Integer> batches, List<Integer> lengths) {
        this.warehouse = warehouse;
        this.batches = List.copyOf(batches);
        this.lengths = List.copyOf(lengths);
    }

    /** Those of the models, in their order, that evaluation.latency lacks at some batch or length. */
    public List<String> missing(List<String> modelIds) {
        Set<Timed> timed = new HashSet<>(Records.read(warehouse.table(UncurlTable.LATENCY), Timed.class));
        return modelIds.stream()
                .filter(id -> batches.stream().anyMatch(batch -> lengths.stream()
                        .anyMatch(length -> !timed.contains(new Timed(id, batch, length)))))
                .toList();
    }

    /**
     * Times models in one run, in which they can be compared.
     *
     * @return the number of rows
     * @throws UserError (usage) if a length is over a model's context, or the models do not fit into memory together, (conflict,
     *     held) if another run times models
     */
    public int measure(List<String> modelIds) {
        List<ScoredModel> models = modelIds.stream()
                .map(id -> ScoredModel.registered(warehouse, id))
                .toList();
        var settings = new ArrayList<Latency.Setting>();
        for (int length : lengths) {
            for (ScoredModel model : models) {
                if (length > model.config().sequenceLength()) {
                    throw UserError.usage(
                            "Latency at " + length + " tokens cannot be measured: the context of " + model.id()
                                    + " has " + model.config().sequenceLength(),
                            "Set latency.length to at most that.");
                }
            }
            batches.forEach(batch -> settings.add(LatencyOptions.usual(batch, length)));
        }
        return new LatencyRun(warehouse, models, 1)
                .measure(settings).values().stream()
                        .mapToInt(List<LatencyRow>::size)
                        .sum();
    }
}
