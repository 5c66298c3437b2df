package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.sweep.CellStatus.Results;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** What a cell needs, makes and leaves. Several threads may run cells. */
interface CellWork {
    /**
     * The results of a cell that was run.
     *
     * @param here false if another run made them meanwhile
     */
    record Made(Results results, boolean here) {}

    /** The results of a cell, if all of them are there for the same inputs, whoever made them; as they were at the last refresh. */
    Optional<Results> find(Cell cell);

    /** Forgets what was read of results, which other runs may have changed. */
    void refresh();

    /**
     * Makes what of a cell's results is missing.
     *
     * @return completed when readers see the results, by this thread or one that settles later
     * @throws dev.uncurl.error.UserError (conflict, held) while another run makes them
     */
    CompletableFuture<Made> run(Cell cell);

    /**
     * Shows results of cells that were run.
     *
     * @param all false: only if there are many, or they wait for long
     */
    void settle(boolean all);

    /** Whether no cell can be run after this failure: Spark has stopped, or the reader of standard output is gone. */
    boolean isTheEnd(Throwable failure);
}
