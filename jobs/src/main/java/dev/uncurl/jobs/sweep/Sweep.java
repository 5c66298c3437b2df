package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.maintain.Retention;
import dev.uncurl.jobs.sweep.Cell.Protocol;
import dev.uncurl.jobs.sweep.SweepRun.Limits;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** One sweep of one date on a warehouse, with everything checked that can be wrong before cells are run. */
final class Sweep {
    private final SweepConfig config;
    private final Warehouse warehouse;
    private final SweepTable table;
    private final SweepInputs inputs;
    private final SweepCells cells;
    private final WarehouseWork work;
    private final Passes passes;
    private final Map<String, CellStatus> before;
    private final List<String> leftOut;

    /**
     * Looks up models and data, and expands the sweep to its cells.
     *
     * @param folder of the warehouse, as it was given
     * @param command the command line
     * @throws dev.uncurl.error.UserError (conflict) if the sweep was run for this date with another search space, (usage, input) if
     *     a model, task or setting cannot be used
     */
    Sweep(SweepConfig config, Warehouse warehouse, String folder, LocalDate asOf, String command) {
        this.config = config;
        this.warehouse = warehouse;
        table = new SweepTable(warehouse);
        List<CellRow> stored = table.read(config.sweep(), asOf.toString());
        SweepCells.requireSameSettings(config.sweep(), asOf.toString(), stored, config.searchSpace());
        Set<String> known = stored.stream().map(CellRow::modelId).collect(Collectors.toSet());
        inputs = SweepInputs.of(warehouse, config, known);
        SearchSpace space = SearchSpace.of(config, inputs.models(), inputs.scratch(), inputs.tasks());
        cells = new SweepCells(config.sweep(), asOf.toString(), config.searchSpace(), command, space.cells());
        cells.requireSame(stored);
        before = SweepCells.statuses(stored);
        leftOut = new ArrayList<>(inputs.leftOut());
        leftOut.addAll(space.leftOut());
        work = new WarehouseWork(warehouse, folder, inputs.folders(), space.cells(), Protocol.of(config));
        requireNames(space.cells());
        passes = new Passes(config, warehouse, work, space.cells());
    }

    /** The names of all models that are made must be possible. */
    private static void requireNames(List<Cell> cells) {
        String planId = "0".repeat(32);
        for (Cell cell : cells) {
            String name = cell.pruning()
                    .map(plan -> PruneLine.modelName(cell.model().id(), plan, planId, cell.protocol()))
                    .orElse(cell.model().id());
            boolean made = cell.protocol().makes() == SweepConfig.Makes.MODELS
                    || cell.recipe().isPresent();
            if (made) {
                PathName.plain("model", cell.recipe().isPresent() ? FinetuneLine.modelName(name, cell) : name);
            }
        }
    }

    /** Prints every cell and what is left to do. Writes nothing. */
    void dryRun() {
        var statuses = new LinkedHashMap<String, CellStatus>();
        var missing = new ArrayList<Cell>();
        for (Cell cell : cells.cells()) {
            Optional<CellStatus.Results> found = passes.find(cell);
            found.ifPresent(results -> statuses.put(cell.id(), CellStatus.NEW.found(results)));
            if (found.isEmpty() && passes.isLeftOut(cell)) {
                statuses.put(cell.id(), CellStatus.NEW.leftOut());
            } else if (found.isEmpty()) {
                missing.add(cell);
            }
        }
        System.out.print(SweepText.table(cells.rows(statuses)));
        leftOut.forEach(what -> System.out.println("Left out: " + what));
        long free = warehouse.freeBytes();
        Forecast forecast = Forecast.of(missing, passes, work, inputs.folders(), table.times());
        System.out.println(cells.cells().size() + " cells: the results of " + there(statuses) + " are there, "
                + missing.size() + " to run" + limits());
        System.out.print(forecast.text(free));
        forecast.requireRoom(free);
    }

    private static long there(Map<String, CellStatus> statuses) {
        return statuses.values().stream()
                .filter(status -> status.state() == CellState.DONE)
                .count();
    }

    private String limits() {
        return (config.maxCells() > 0 ? ", at most " + config.maxCells() + " in one run" : "")
                + config.endOfNight().map(time -> ", none begun after " + time).orElse("");
    }

    /** Runs what is missing. The caller holds the lock of sweep and date. */
    SweepRun.Outcome run(Clock clock) {
        leftOut.forEach(what -> System.out.println("Left out: " + what));
        var limits = new Limits(config.maxCells(), config.endOfNight().map(time -> next(time, clock)));
        var progress = new SweepProgress(System.out);
        var board = new CellBoard(statuses -> table.write(cells, cells.rows(statuses, passes::keeps)), clock);
        board.begin(cells.cells(), before, passes::find);
        board.waiting(cells.cells()).stream().filter(passes::isLeftOut).forEach(board::leaveOut);
        progress.begin(
                cells.cells().size(),
                board.found(),
                board.waiting(cells.cells()).size());
        var run = new SweepRun(board, progress, clock, limits);
        passes.run(board, run);
        return run.end();
    }

    /** The first instant with this time of day that is later than now. */
    static Instant next(LocalTime time, Clock clock) {
        ZonedDateTime now = ZonedDateTime.now(clock);
        ZonedDateTime today = now.with(time);
        return (today.isAfter(now) ? today : now.plusDays(1).with(time)).toInstant();
    }

    /**
     * Deletes what the settings do not keep; the last step of a run.
     *
     * @throws dev.uncurl.error.UserError (conflict, held) while another run does that
     */
    void retain() {
        config.retention()
                .terms()
                .ifPresent(terms -> Retention.run(warehouse, terms, config.sweep(), row -> row.keepsModel()
                        .orElse(true)));
    }

    /** The rows as they are after a run. */
    List<CellRow> rows(SweepRun.Outcome outcome) {
        return cells.rows(outcome.statuses(), passes::keeps);
    }
}
