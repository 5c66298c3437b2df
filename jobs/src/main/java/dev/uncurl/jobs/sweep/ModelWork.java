package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.WarehouseWork.Planned;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Makes the models of plans that are scored. */
final class ModelWork implements CellWork {
    private final WarehouseWork work;

    ModelWork(WarehouseWork work) {
        this.work = work;
    }

    @Override
    public Optional<Results> find(Cell cell) {
        return work.scored(cell).filter(results -> results.prunedModelId().isPresent());
    }

    @Override
    public void refresh() {
        work.refresh();
    }

    @Override
    public CompletableFuture<Made> run(Cell cell) {
        work.announce(cell);
        Planned plan = work.plan(cell);
        work.prune(cell, plan);
        return CompletableFuture.completedFuture(new Made(work.ofPlan(cell, plan), true));
    }

    @Override
    public void settle(boolean all) {
        // a model is visible as soon as it is made
    }

    @Override
    public boolean isTheEnd(Throwable failure) {
        return work.isTheEnd(failure);
    }
}
