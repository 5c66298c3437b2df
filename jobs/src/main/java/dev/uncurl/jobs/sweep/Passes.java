package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.evaluate.ModelLatency;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.SweepConfig.Makes;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * The passes of a run over the cells of a sweep: all scores of models and plans, then the models of the plans that are selected, then
 * finetuning, then latency.
 */
final class Passes {
    /** Time until cells that other runs hold are looked at again. */
    private static final Duration LOOK_EVERY = Duration.ofSeconds(3);

    private final SweepConfig config;
    private final Warehouse warehouse;
    private final WarehouseWork work;
    private final List<Cell> cells;
    private final ModelLatency latency;
    private Selection made;
    private Selection kept;
    /** Names of models that evaluation.latency lacks; null: not looked up. */
    private Set<String> untimed;

    /** @param cells all of the sweep */
    Passes(SweepConfig config, Warehouse warehouse, WarehouseWork work, List<Cell> cells) {
        this.config = config;
        this.warehouse = warehouse;
        this.work = work;
        this.cells = cells;
        latency = new ModelLatency(
                warehouse, config.latency().batch(), config.latency().length());
        select(false);
    }

    /** @param complete whether all losses are there that will be */
    private void select(boolean complete) {
        made = Selection.of(config.only(), cells, work::loss, complete);
        kept = Selection.of(config.keep(), cells, work::loss, complete);
        untimed = null;
    }

    /** The results of a cell, if all that the sweep makes of it is there or need not be made. */
    Optional<Results> find(Cell cell) {
        if (cell.recipe().isPresent()) {
            return work.tuned(cell);
        }
        Optional<Results> scored = work.scored(cell);
        return needsModel(cell) ? scored.filter(there -> there.prunedModelId().isPresent()) : scored;
    }

    /** Whether a model is to be made of a cell, or may have to be. */
    boolean needsModel(Cell cell) {
        return config.makes() == Makes.MODELS
                && cell.pruning().isPresent()
                && cell.recipe().isEmpty()
                && made.has(cell).orElse(true)
                && (kept.has(cell).orElse(true) || isToBeTimed(cell));
    }

    private boolean isToBeTimed(Cell cell) {
        if (!config.latency().isMeasured()) {
            return false;
        }
        if (untimed == null) {
            untimed = new HashSet<>(latency.missing(cells.stream()
                    .filter(one -> one.pruning().isPresent())
                    .flatMap(one -> prunedName(one).stream())
                    .distinct()
                    .toList()));
        }
        return prunedName(cell).map(untimed::contains).orElse(true);
    }

    private Optional<String> prunedName(Cell cell) {
        return work.planned(cell).map(plan -> work.prunedName(cell, plan));
    }

    /** Whether a cell that is finetuned is left out, as far as that is known. */
    boolean isLeftOut(Cell cell) {
        return cell.recipe().isPresent() && !made.has(cell).orElse(true);
    }

    /** Whether the models that are made of a cell stay; empty while it is not known. */
    Optional<Boolean> keeps(Cell cell) {
        return kept.has(cell);
    }

    /** Runs what waits. */
    void run(CellBoard board, SweepRun run) {
        var scoring = new ScoringWork(work, config.commitCells());
        List<Cell> untuned =
                cells.stream().filter(cell -> cell.recipe().isEmpty()).toList();
        run.pass("scores", scoring, untuned, workers(atATime()));
        if (run.stop() == SweepRun.Stop.NONE) {
            work.refresh();
            select(true);
        }
        List<Cell> models = untuned.stream()
                .filter(cell -> board.status(cell).state() == CellState.DONE && needsModel(cell))
                .filter(cell -> !work.isRegistered(work.planned(cell)
                        .map(plan -> work.prunedName(cell, plan))
                        .orElse("")))
                .toList();
        models.forEach(board::more);
        run.pass("models", new ModelWork(work), models, workers(atATime()));
        List<Cell> tuned =
                cells.stream().filter(cell -> cell.recipe().isPresent()).toList();
        if (run.stop() == SweepRun.Stop.NONE) {
            board.waiting(tuned).stream().filter(this::isLeftOut).forEach(board::leaveOut);
        }
        run.pass("finetuned", scoring, tuned, workers(1)); // training fills the cluster by itself
        if (run.stop() == SweepRun.Stop.NONE) {
            measure(board);
        }
    }

    private int atATime() {
        return config.cellsAtATime(warehouse.context().defaultParallelism());
    }

    /** Threads whose Spark jobs share the slots of the cluster evenly. */
    private Workers workers(int count) {
        JavaSparkContext context = warehouse.context();
        return new Workers(
                count, number -> context.setLocalProperty("spark.scheduler.pool", "sweep " + number), LOOK_EVERY);
    }

    private void measure(CellBoard board) {
        if (!config.latency().isMeasured()) {
            return;
        }
        work.refresh();
        var models = new MadeModels(latency);
        cells.stream()
                .filter(cell -> board.status(cell).state() == CellState.DONE)
                .forEach(cell -> models.add(cell, board.status(cell)));
        models.measure(work::isRegistered, (timed, failure) -> fail(board, timed, failure));
    }

    /** Records that models could not be timed, with the cells that they are of. */
    private void fail(CellBoard board, List<String> models, RuntimeException failure) {
        if (work.isTheEnd(failure)) {
            throw failure;
        }
        Set<String> timed = new HashSet<>(models.subList(models.size() > 1 ? 1 : 0, models.size()));
        for (Cell cell : cells) {
            Optional<String> model = board.status(cell).results().map(results -> results.prunedModelId()
                    .orElse(results.resultsId()));
            if (cell.recipe().isEmpty() && model.filter(timed::contains).isPresent()) {
                board.failed(cell, 0, "Its latency was not measured: " + Failures.firstLine(failure));
            }
        }
        System.out.println("Latency of " + String.join(", ", timed) + ": " + failure.getMessage());
    }
}
