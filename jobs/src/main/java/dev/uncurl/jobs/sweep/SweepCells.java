package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.train.TaskFinetuning.Recipe;
import dev.uncurl.jobs.warehouse.InputDiff;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.pruning.PlanSettings;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The cells of a sweep of one date with how far each is, as the rows of sweep.cells have them.
 *
 * @param settings see {@link SweepConfig#searchSpace}
 * @param command the command line that runs it
 */
record SweepCells(String sweep, String asOf, Map<String, String> settings, String command, List<Cell> cells) {
    /**
     * Refuses another search space under the name and date of an earlier run.
     *
     * @param stored its rows, none for a first run
     * @throws UserError (conflict) with the difference
     */
    void requireSame(Collection<CellRow> stored) {
        if (stored.isEmpty()) {
            return;
        }
        requireSameSettings(sweep, asOf, stored, settings);
        String differences = InputDiff.differences(
                inputs(stored, CellRow::modelId, CellRow::modelSha256, CellRow::task, CellRow::data),
                inputs(rows(Map.of()), CellRow::modelId, CellRow::modelSha256, CellRow::task, CellRow::data));
        Set<String> before = stored.stream().map(CellRow::cellId).collect(Collectors.toSet());
        Set<String> now = cells.stream().map(Cell::id).collect(Collectors.toSet());
        if (!before.equals(now)) {
            throw refused(
                    sweep,
                    asOf,
                    "of other models or data:"
                            + (differences.isEmpty()
                                    ? " " + before.size() + " cells there, " + now.size() + " asked for"
                                    : differences));
        }
    }

    /** As {@link #requireSame}, before models and data are looked up. */
    static void requireSameSettings(
            String sweep, String asOf, Collection<CellRow> stored, Map<String, String> settings) {
        for (CellRow row : stored) {
            if (!row.settings().equals(settings)) {
                throw refused(sweep, asOf, "with other settings:" + InputDiff.differences(row.settings(), settings));
            }
        }
    }

    private static UserError refused(String sweep, String asOf, String how) {
        return UserError.conflict(
                "Sweep " + sweep + " of " + asOf + " was begun " + how,
                "Give the changed sweep another name (--set sweep=NAME) or date, or forget the earlier one, whose results"
                        + " stay: jobs/submit sql \"DELETE FROM sweep.cells WHERE sweep = '" + sweep + "' AND as_of = '"
                        + asOf + "'\".");
    }

    private interface Column {
        String of(CellRow row);
    }

    private static Map<String, String> inputs(
            Collection<CellRow> rows, Column model, Column sha256, Column task, Column data) {
        var inputs = new TreeMap<String, String>();
        for (CellRow row : rows) {
            inputs.put("model " + model.of(row), sha256.of(row));
            inputs.put("task " + task.of(row), data.of(row));
            row.planTask()
                    .ifPresent(
                            other -> inputs.put("task " + other, row.planData().orElseThrow()));
        }
        return inputs;
    }

    /** How far each cell of earlier rows is, by id. */
    static Map<String, CellStatus> statuses(Collection<CellRow> stored) {
        var statuses = new LinkedHashMap<String, CellStatus>();
        for (CellRow row : stored) {
            var results = row.resultsId().map(id -> new CellStatus.Results(row.planId(), id, row.prunedModelId()));
            statuses.put(
                    row.cellId(),
                    new CellStatus(CellState.named(row.state()), row.attempts(), row.seconds(), row.error(), results));
        }
        return statuses;
    }

    /** @param statuses by id; a cell without one is new */
    List<CellRow> rows(Map<String, CellStatus> statuses) {
        return rows(statuses, cell -> Optional.empty());
    }

    /** @param keeps whether the models that are made of a cell stay; empty while it is not known */
    List<CellRow> rows(Map<String, CellStatus> statuses, Function<Cell, Optional<Boolean>> keeps) {
        var rows = new ArrayList<CellRow>();
        Instant now = Instant.now();
        for (Cell cell : cells) {
            CellStatus status = statuses.getOrDefault(cell.id(), CellStatus.NEW);
            rows.add(row(rows.size() + 1, cell, status, keeps.apply(cell), now));
        }
        return rows;
    }

    private CellRow row(int position, Cell cell, CellStatus status, Optional<Boolean> keeps, Instant now) {
        Optional<Cell.Pruning> pruning = cell.pruning();
        Optional<PlanSettings> plan = pruning.map(Cell.Pruning::settings);
        return new CellRow(
                sweep,
                asOf,
                position,
                cell.id(),
                cell.role().id(),
                cell.model().id(),
                cell.model().sha256(),
                cell.model().experts(),
                cell.task().name(),
                cell.task().data(),
                cell.protocol().split(),
                pruning.map(one -> one.madeOn().name()),
                pruning.map(one -> one.madeOn().data()),
                plan.map(one -> one.method().id()),
                plan.map(one -> one.weights().id()),
                plan.map(one -> one.budget().sharing().id()),
                plan.map(PlanSettings::parameters),
                plan.map(one -> one.budget().keep()),
                plan.map(PlanSettings::seed),
                pruning.map(one -> one.router().id()),
                cell.recipe().map(Recipe::name),
                cell.recipe().map(recipe -> recipe.train().seed()),
                status.state().id(),
                status.attempts(),
                status.seconds(),
                status.error(),
                status.results().flatMap(CellStatus.Results::planId),
                status.results().map(CellStatus.Results::resultsId),
                status.results().flatMap(CellStatus.Results::prunedModelId),
                keeps,
                settings,
                command,
                now);
    }
}
