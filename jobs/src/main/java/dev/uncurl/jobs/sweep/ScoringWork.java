package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.evaluate.CellScores;
import dev.uncurl.jobs.evaluate.UncommittedScores;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.WarehouseWork.Planned;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Scores models, plans that are applied in memory, and models that are finetuned for it. Scores are made under the lease of the
 * evaluation, which a cell has until they are visible.
 */
final class ScoringWork implements CellWork {
    private final WarehouseWork work;
    private final GroupCommit commits;

    /** @param together how many cells' scores are committed together */
    ScoringWork(WarehouseWork work, int together) {
        this.work = work;
        commits = new GroupCommit(work.scores()::commit, together);
    }

    @Override
    public Optional<Results> find(Cell cell) {
        return cell.recipe().isEmpty() ? work.scored(cell) : work.tuned(cell);
    }

    @Override
    public void refresh() {
        work.refresh();
    }

    @Override
    public CompletableFuture<Made> run(Cell cell) {
        work.announce(cell);
        return cell.recipe().isEmpty() ? score(cell) : finetune(cell);
    }

    private CompletableFuture<Made> score(Cell cell) {
        CellScores scores = work.scores();
        String id = cell.model().id();
        String task = cell.task().name();
        if (cell.pruning().isEmpty()) {
            return later(scores.score(id, task), WarehouseWork.ofUnpruned(id));
        }
        Planned plan = work.plan(cell);
        return later(scores.score(id, work.model(cell), plan.plan(), plan.options(), task), work.ofPlan(cell, plan));
    }

    private CompletableFuture<Made> finetune(Cell cell) {
        Optional<Planned> plan = cell.pruning().isEmpty() ? Optional.empty() : Optional.of(work.plan(cell));
        Results results = work.ofTuned(cell, plan);
        plan.ifPresent(one -> work.prune(cell, one));
        work.finetune(cell, results.prunedModelId().orElse(cell.model().id()), results.resultsId());
        return later(work.scores().score(results.resultsId(), cell.task().name()), results);
    }

    private CompletableFuture<Made> later(Optional<UncommittedScores> scored, Results results) {
        return scored.map(one -> commits.add(one).thenApply(done -> new Made(results, true)))
                .orElseGet(() -> CompletableFuture.completedFuture(new Made(results, false)));
    }

    @Override
    public void settle(boolean all) {
        commits.commit(all);
    }

    @Override
    public boolean isTheEnd(Throwable failure) {
        return work.isTheEnd(failure);
    }
}
