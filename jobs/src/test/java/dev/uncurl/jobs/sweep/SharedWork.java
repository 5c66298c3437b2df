package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Results that several sweeps share, each cell under a lease. */
final class SharedWork implements CellWork {
    private final Set<String> there;
    private final Set<String> leases;
    private final List<String> made;

    SharedWork(Set<String> there, Set<String> leases, List<String> made) {
        this.there = there;
        this.leases = leases;
        this.made = made;
    }

    @Override
    public Optional<Results> find(Cell cell) {
        return there.contains(cell.id()) ? Optional.of(RecordedWork.results(cell)) : Optional.empty();
    }

    @Override
    public void refresh() {
        // results in memory are as they are
    }

    @Override
    public CompletableFuture<Made> run(Cell cell) {
        if (!leases.add(cell.id())) {
            throw UserError.held("Another run is writing it", "Wait.");
        }
        try {
            boolean missing = !there.contains(cell.id());
            if (missing) {
                Thread.sleep(1);
                made.add(cell.id());
                there.add(cell.id());
            }
            return CompletableFuture.completedFuture(new Made(RecordedWork.results(cell), missing));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            leases.remove(cell.id());
        }
    }

    @Override
    public void settle(boolean all) {
        // results are there as soon as a cell was run
    }

    @Override
    public boolean isTheEnd(Throwable failure) {
        return false;
    }
}
