package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.CellWork.Made;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;

/**
 * Runs the cells of a sweep whose results are missing, in passes: some side by side, begun in their order. A cell that fails is
 * recorded with its message, and the rest goes on. One whose output another run holds is put behind the others and looked at again,
 * until its results are there or it is free.
 *
 * <p>Which cells are done follows from their results alone, so a run that was killed loses no work and does none twice; what it
 * had not recorded of attempts and seconds is lost.
 */
final class SweepRun {
    /** Time between two looks at what is to be recorded or shown while cells run for long. */
    private static final long TICK_MILLIS = 10_000;

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
     * @param found cells whose results were there, or came from another run
     * @param ran cells that were begun
     */
    record Outcome(Map<String, CellStatus> statuses, int found, int ran, Stop stop) {
        long count(CellState state) {
            return statuses.values().stream()
                    .filter(status -> status.state() == state)
                    .count();
        }
    }

    private final CellBoard board;
    private final SweepProgress progress;
    private final Clock clock;
    private final Limits limits;

    // guarded by this
    private final Deque<Cell> queue = new ArrayDeque<>();
    private final List<Cell> held = new ArrayList<>();
    private final Set<Cell> conflicting = new HashSet<>();
    private Throwable end;
    private Stop stop = Stop.NONE;

    /**
     * @param board with all cells
     * @param clock of the limits and times
     */
    SweepRun(CellBoard board, SweepProgress progress, Clock clock, Limits limits) {
        this.board = board;
        this.progress = progress;
        this.clock = clock;
        this.limits = limits;
    }

    /**
     * Does a part of the work for those of the cells that wait.
     *
     * @param what is done, for the progress
     */
    void pass(String what, CellWork work, Collection<Cell> cells, Workers workers) {
        for (Cell cell : board.waiting(cells)) {
            Optional<Results> results = work.find(cell);
            results.ifPresentOrElse(there -> board.found(cell, there), () -> queue.add(cell));
        }
        conflicting.clear();
        progress.pass(what, queue.size());
        while (!queue.isEmpty() && stop == Stop.NONE) {
            round(work, workers);
            lookAgain(work, workers);
        }
        queue.clear();
    }

    Stop stop() {
        return stop;
    }

    /** Records the cells a last time. */
    Outcome end() {
        board.save();
        return new Outcome(board.statuses(), board.found(), board.ran(), stop);
    }

    /** Runs the cells of the queue. */
    private void round(CellWork work, Workers workers) {
        var threads = new ArrayList<Thread>();
        for (int number = 1; number <= Math.min(workers.count(), queue.size()); number++) {
            int own = number;
            threads.add(new Thread(() -> work(work, workers, own), "sweep " + own));
        }
        threads.forEach(Thread::start);
        try {
            while (threads.stream().anyMatch(Thread::isAlive)) {
                await(threads, work);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        if (end == null) {
            work.settle(true);
        }
        rethrow();
    }

    private void await(List<Thread> threads, CellWork work) throws InterruptedException {
        long until = System.nanoTime() + TICK_MILLIS * 1_000_000;
        for (Thread thread : threads) {
            thread.join(Math.max(1, (until - System.nanoTime()) / 1_000_000));
        }
        if (System.nanoTime() >= until) {
            work.settle(false);
            board.saveIfDue();
        }
    }

    private static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("interrupted", e);
    }

    private void rethrow() {
        if (end instanceof RuntimeException failure) {
            throw failure;
        }
        if (end instanceof Error failure) {
            throw failure;
        }
    }

    private void work(CellWork work, Workers workers, int number) {
        try {
            workers.begin().accept(number);
            for (Optional<Cell> cell = next(); cell.isPresent(); cell = next()) {
                attempt(work, cell.get());
            }
        } catch (RuntimeException | Error e) {
            endBecauseOf(e);
        }
    }

    private synchronized void endBecauseOf(Throwable failure) {
        end = end == null ? failure : end;
    }

    /** Takes up the next cell. */
    private synchronized Optional<Cell> next() {
        if (end != null || stop != Stop.NONE || queue.isEmpty()) {
            return Optional.empty();
        }
        if (isLate()) {
            stop = Stop.UNTIL;
            return Optional.empty();
        }
        if (!board.run(queue.peek(), limits.maxCells)) {
            stop = Stop.MAX_CELLS;
            return Optional.empty();
        }
        return Optional.of(queue.remove());
    }

    private boolean isLate() {
        return limits.until.isPresent() && !clock.instant().isBefore(limits.until.get());
    }

    private void attempt(CellWork work, Cell cell) {
        Instant start = clock.instant();
        board.saveIfDue();
        try {
            var making = work.run(cell);
            double seconds = since(start);
            making.whenComplete((made, failure) -> ended(work, cell, seconds, made, failure));
        } catch (RuntimeException e) {
            ended(work, cell, since(start), null, e);
        }
    }

    /** @param failure null if it was made */
    private synchronized void ended(CellWork work, Cell cell, double seconds, Made made, Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        try {
            if (cause == null && made.here()) {
                board.done(cell, seconds, made.results());
            } else if (cause == null) {
                board.held(cell);
                board.found(cell, made.results());
            } else if (work.isTheEnd(cause)) {
                endBecauseOf(cause);
                return;
            } else if (isHeld(cell, cause)) {
                board.held(cell);
                held.add(cell);
                return;
            } else {
                board.failed(cell, seconds, message(cause));
            }
            progress.ended(cell, board.status(cell));
        } catch (RuntimeException e) { // of the progress; this may be the thread of another cell
            endBecauseOf(e);
        }
    }

    /** Whether a cell is to be looked at again. Other conflicts than that another run has it now may be final: once. */
    private boolean isHeld(Cell cell, Throwable failure) {
        UserError error = Failures.userError(failure);
        return error != null && error.kind() == UserError.Kind.CONFLICT && (error.isHeld() || conflicting.add(cell));
    }

    /** Puts the cells that other runs had, or have, into the queue, unless their results are there. */
    private void lookAgain(CellWork work, Workers workers) {
        List<Cell> all = List.copyOf(held);
        held.clear();
        if (all.isEmpty() || stop != Stop.NONE) {
            return;
        }
        progress.held(all.size());
        sleep(workers);
        work.refresh();
        for (Cell cell : all) {
            Optional<Results> results = work.find(cell);
            if (results.isPresent()) {
                board.found(cell, results.get());
                progress.ended(cell, board.status(cell));
            } else {
                queue.add(cell);
            }
        }
        board.saveIfDue();
    }

    private void sleep(Workers workers) {
        try {
            if (!isLate()) {
                Thread.sleep(workers.look().toMillis());
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private double since(Instant start) {
        return Duration.between(start, clock.instant()).toMillis() / 1e3;
    }

    /** What a user would see if the cell's commands were run by hand. */
    private static String message(Throwable failure) {
        UserError error = Failures.userError(failure);
        return error != null
                ? error.getMessage()
                : "internal error: " + failure.getClass().getSimpleName() + ": " + Failures.firstLine(failure);
    }
}
