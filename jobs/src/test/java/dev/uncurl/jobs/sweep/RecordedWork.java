package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Results in memory; each cell takes ten seconds. */
final class RecordedWork implements CellWork {
    /** Ends the process, as a kill does. */
    static final class Kill extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** A clock that moves with the work. */
    static final class Moving extends Clock {
        private Instant now = Instant.parse("2026-11-26T22:00:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    final Set<String> there = new HashSet<>();
    final List<String> begun = new ArrayList<>();
    final Map<String, RuntimeException> failing = new LinkedHashMap<>();
    final Set<String> held = new HashSet<>();
    final Moving clock = new Moving();
    int killBefore = Integer.MAX_VALUE;
    CyclicBarrier together;

    @Override
    public synchronized Optional<Results> find(Cell cell) {
        return there.contains(cell.id()) ? Optional.of(results(cell)) : Optional.empty();
    }

    static Results results(Cell cell) {
        return new Results(Optional.empty(), "results of " + cell.id(), Optional.empty());
    }

    @Override
    public void refresh() {
        // results in memory are as they are
    }

    @Override
    public void settle(boolean all) {
        // results are there as soon as a cell was run
    }

    @Override
    public CompletableFuture<Made> run(Cell cell) {
        begin(cell);
        if (together != null) {
            try {
                together.await(1, TimeUnit.MINUTES);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException(e);
            }
        }
        return end(cell);
    }

    private synchronized void begin(Cell cell) {
        if (begun.size() == killBefore) {
            throw new Kill();
        }
        begun.add(cell.id());
        clock.now = clock.now.plusSeconds(10);
    }

    private synchronized CompletableFuture<Made> end(Cell cell) {
        if (held.remove(cell.id())) {
            throw UserError.conflict("Another run is writing it", "Wait.");
        }
        if (failing.containsKey(cell.id())) {
            throw failing.get(cell.id());
        }
        there.add(cell.id());
        return CompletableFuture.completedFuture(new Made(results(cell), true));
    }

    @Override
    public boolean isTheEnd(Throwable failure) {
        return failure instanceof Kill;
    }
}
