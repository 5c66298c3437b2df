package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.evaluate.ModelLatency;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/** The models of a sweep that are to be timed: as they are, and as they were pruned. */
final class MadeModels {
    /** The most models that are timed in one run, the unpruned one among them: all are in memory. */
    private static final int TOGETHER = 8;

    private static final long LOOK_MILLIS = 3_000;

    private final ModelLatency latency;
    private final Map<String, Set<String>> byParent = new LinkedHashMap<>();

    MadeModels(ModelLatency latency) {
        this.latency = latency;
    }

    /** Adds the models of a cell that is done. */
    void add(Cell cell, CellStatus status) {
        Set<String> models = byParent.computeIfAbsent(cell.model().id(), id -> new LinkedHashSet<>(List.of(id)));
        status.results().flatMap(CellStatus.Results::prunedModelId).ifPresent(models::add);
    }

    /**
     * Times those that evaluation.latency lacks, some of a parent in turn with the parent, so that they can be compared.
     *
     * @param isThere whether a model can be timed
     * @param failed takes models that could not be timed, with the reason
     */
    void measure(Predicate<String> isThere, BiConsumer<List<String>, RuntimeException> failed) {
        byParent.forEach((parent, models) -> {
            List<String> missing =
                    latency.missing(models.stream().filter(isThere).toList());
            for (int from = 0; from < missing.size(); from += TOGETHER - 1) {
                Set<String> run = new LinkedHashSet<>(List.of(parent));
                run.addAll(missing.subList(from, Math.min(missing.size(), from + TOGETHER - 1)));
                measure(new ArrayList<>(run), failed);
            }
        });
    }

    private void measure(List<String> models, BiConsumer<List<String>, RuntimeException> failed) {
        while (true) {
            try {
                int rows = latency.measure(models);
                System.out.println(
                        "Timed " + models.size() + " models in turn: " + rows + " rows of evaluation.latency");
                return;
            } catch (RuntimeException e) {
                UserError error = Failures.userError(e);
                if (error == null || !error.isHeld()) {
                    failed.accept(models, error == null ? e : error);
                    return;
                }
                sleep();
            }
        }
    }

    /** Another run times models; both at once would disturb each other. */
    private static void sleep() {
        try {
            Thread.sleep(LOOK_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
