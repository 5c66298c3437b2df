package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.sweep.CellStatus.Results;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;

/** How far the cells of a sweep are while it runs; recorded from time to time. Several threads may use it. */
final class CellBoard {
    /** Time between two records of the cells while they run. */
    static final Duration SAVE_EVERY = Duration.ofSeconds(30);

    /** A cell that this run has begun. */
    private static final class Begun {
        private CellStatus before;
        private double seconds;
        private boolean again;
    }

    private final Consumer<Map<String, CellStatus>> journal;
    private final Clock clock;
    private final ReentrantLock saving = new ReentrantLock();
    private final Map<String, CellStatus> statuses = new LinkedHashMap<>();
    private final Map<String, Begun> begun = new HashMap<>();
    private volatile Instant saved;

    /** @param journal records how far the cells are */
    CellBoard(Consumer<Map<String, CellStatus>> journal, Clock clock) {
        this.journal = journal;
        this.clock = clock;
    }

    /**
     * Puts cells on the board and records them.
     *
     * @param before how far cells were after earlier runs, by id
     * @param find the results of a cell, if all of them are there
     */
    void begin(List<Cell> cells, Map<String, CellStatus> before, Function<Cell, Optional<Results>> find) {
        for (Cell cell : cells) {
            CellStatus earlier = before.getOrDefault(cell.id(), CellStatus.NEW);
            Optional<Results> results = find.apply(cell);
            statuses.put(cell.id(), results.map(earlier::found).orElseGet(earlier::waiting));
        }
        save();
    }

    /** The cells that are to be run or looked at, in their order. */
    synchronized List<Cell> waiting(Collection<Cell> cells) {
        return cells.stream()
                .filter(cell -> status(cell).state() == CellState.WAITING)
                .toList();
    }

    synchronized CellStatus status(Cell cell) {
        return statuses.get(cell.id());
    }

    /** Cells that this run has begun. */
    synchronized int ran() {
        return begun.size();
    }

    /** Cells that are done, and that this run has not begun. */
    synchronized int found() {
        return (int) statuses.entrySet().stream()
                .filter(one -> one.getValue().state() == CellState.DONE && !begun.containsKey(one.getKey()))
                .count();
    }

    /** Takes up a cell, unless that makes more than {@code most} that this run has begun; 0: any number. */
    synchronized boolean run(Cell cell, int most) {
        Begun one = begun.get(cell.id());
        if (one == null && most > 0 && begun.size() >= most) {
            return false;
        }
        CellStatus status = status(cell);
        if (one == null) {
            one = new Begun();
            begun.put(cell.id(), one);
            statuses.put(cell.id(), status.running());
        } else {
            one.again = true;
            statuses.put(cell.id(), status.runningStill());
        }
        one.before = status;
        return true;
    }

    synchronized void done(Cell cell, double seconds, Results results) {
        statuses.put(cell.id(), status(cell).done(all(cell, seconds), results));
    }

    synchronized void failed(Cell cell, double seconds, String message) {
        statuses.put(cell.id(), status(cell).failed(all(cell, seconds), message));
    }

    private double all(Cell cell, double seconds) {
        Begun one = begun.computeIfAbsent(cell.id(), id -> new Begun());
        one.seconds += seconds;
        return one.seconds;
    }

    /** Another run has a cell: it is as before it was begun. */
    synchronized void held(Cell cell) {
        Begun one = begun.get(cell.id());
        statuses.put(cell.id(), one.before);
        if (!one.again) {
            begun.remove(cell.id());
        }
    }

    /** The results of a cell, or the part that this run was to make next, are there. */
    synchronized void found(Cell cell, Results results) {
        statuses.put(cell.id(), status(cell).found(results));
    }

    /** A cell that is done so far has more to be made. */
    synchronized void more(Cell cell) {
        statuses.put(cell.id(), status(cell).waiting());
    }

    /** A cell that need not be run. */
    synchronized void leaveOut(Cell cell) {
        statuses.put(cell.id(), status(cell).leftOut());
    }

    synchronized Map<String, CellStatus> statuses() {
        return new LinkedHashMap<>(statuses);
    }

    void saveIfDue() {
        if (saving.tryLock()) {
            try {
                if (Duration.between(saved, clock.instant()).compareTo(SAVE_EVERY) >= 0) {
                    save();
                }
            } finally {
                saving.unlock();
            }
        }
    }

    void save() {
        saving.lock();
        try {
            journal.accept(statuses());
            saved = clock.instant();
        } finally {
            saving.unlock();
        }
    }
}
