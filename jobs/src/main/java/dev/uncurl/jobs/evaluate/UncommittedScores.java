package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.OutputLease;

/**
 * The scores of a model or plan on a task that no reader sees yet; {@link CellScores#commit} shows them. Until it is closed no other
 * run scores the same. If the process ends before, the next one goes on from what is staged.
 */
public final class UncommittedScores implements AutoCloseable {
    private final FinishedScores scores;
    private final OutputLease lease;

    UncommittedScores(FinishedScores scores, OutputLease lease) {
        this.scores = scores;
        this.lease = lease;
    }

    FinishedScores scores() {
        return scores;
    }

    @Override
    public void close() {
        lease.close();
    }
}
