package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs the cells of a sweep whose results are missing, one after another, in their order. A cell that fails is recorded with its
 * message, and the rest goes on. One whose output another run holds is put behind the others, and fails if it is held then too.
 *
 * <p>Which cells are done follows from their results alone, so a run that was killed loses no work and does none twice; what it
 * had not recorded of attempts and seconds is lost.
 */
final class SweepRun {
    /** Time between two records of the cells while they run. */
    static final Duration SAVE_EVERY = Duration.ofSeconds(30);

    /** Why a run ended before all cells. */
    enum Stop {
        /** It did not. */
        NONE,
        MAX_CELLS,
        UNTIL
    }

    /**
     * @param maxCells the most cells that are begun; 0: all
     * @param until when no cell is begun any more
     */
    record Limits(int maxCells, Optional<Instant> until) {}

    /**
     * @param statuses by id, in the order of the cells
     * @param found cells whose results were there
     * @param ran cells that were begun
     */
    record Outcome(Map<String, CellStatus> statuses, int found, int ran, Stop stop) {
        long count(CellState state) {
            return statuses.values().stream()
                    .filter(status -> status.state() == state)
                    .count();
        }
    }

    private final CellWork work;
    private final Consumer<Map<String, CellStatus>> journal;
    private final SweepProgress progress;
    private final Clock clock;
    private final Map<String, CellStatus> statuses = new LinkedHashMap<>();
    private Instant saved;
    private int ran;

    /**
     * @param journal records how far the cells are
     * @param clock of the limits and times
     */
    SweepRun(CellWork work, Consumer<Map<String, CellStatus>> journal, SweepProgress progress, Clock clock) {
        this.work = work;
        this.journal = journal;
        this.progress = progress;
        this.clock = clock;
    }

    /** @param before how far cells were after earlier runs, by id */
    Outcome run(List<Cell> cells, Map<String, CellStatus> before, Limits limits) {
        var missing = new ArrayList<Cell>();
        for (Cell cell : cells) {
            CellStatus earlier = before.getOrDefault(cell.id(), CellStatus.NEW);
            Optional<CellStatus.Results> found = work.find(cell);
            statuses.put(cell.id(), found.map(earlier::found).orElseGet(earlier::waiting));
            if (found.isEmpty()) {
                missing.add(cell);
            }
        }
        save();
        progress.begin(cells.size(), missing.size());
        var held = new ArrayList<Cell>();
        Stop stop = attempt(missing, limits, held);
        if (stop == Stop.NONE) {
            stop = attempt(held, limits, null);
        }
        save();
        return new Outcome(statuses, cells.size() - missing.size(), ran, stop);
    }

    /** @param held takes the cells whose output another run holds; null: they fail */
    private Stop attempt(List<Cell> cells, Limits limits, List<Cell> held) {
        for (Cell cell : cells) {
            if (limits.maxCells > 0 && ran >= limits.maxCells) {
                return Stop.MAX_CELLS;
            }
            if (limits.until.isPresent() && !clock.instant().isBefore(limits.until.get())) {
                return Stop.UNTIL;
            }
            attempt(cell, held);
        }
        return Stop.NONE;
    }

    private void attempt(Cell cell, List<Cell> held) {
        CellStatus before = statuses.get(cell.id());
        CellStatus running = before.running();
        statuses.put(cell.id(), running);
        Instant start = clock.instant();
        if (Duration.between(saved, start).compareTo(SAVE_EVERY) >= 0) {
            save();
        }
        try {
            CellStatus.Results results = work.run(cell);
            statuses.put(cell.id(), running.done(since(start), results));
        } catch (RuntimeException e) {
            if (work.isTheEnd(e)) {
                throw e;
            }
            if (held != null && isHeld(e)) {
                held.add(cell);
                statuses.put(cell.id(), before);
                return;
            }
            statuses.put(cell.id(), running.failed(since(start), message(e)));
        }
        ran++;
        progress.ended(cell, statuses.get(cell.id()));
    }

    private double since(Instant start) {
        return Duration.between(start, clock.instant()).toMillis() / 1e3;
    }

    private static boolean isHeld(RuntimeException failure) {
        UserError error = Failures.userError(failure);
        return error != null && error.kind() == UserError.Kind.CONFLICT;
    }

    /** What a user would see if the cell's commands were run by hand. */
    private static String message(RuntimeException failure) {
        UserError error = Failures.userError(failure);
        return error != null
                ? error.getMessage()
                : "internal error: " + failure.getClass().getSimpleName() + ": " + Failures.firstLine(failure);
    }

    private void save() {
        journal.accept(statuses);
        saved = clock.instant();
    }
}
