package dev.uncurl.jobs.sweep;

import java.util.Optional;

/**
 * How far a cell is on one date.
 *
 * @param attempts how often it was begun
 * @param seconds time of the attempt that ended it
 * @param error message of the last attempt, if it failed
 * @param results what it made, if it is done
 */
record CellStatus(
        CellState state, int attempts, Optional<Double> seconds, Optional<String> error, Optional<Results> results) {
    /**
     * Where the results of a cell are.
     *
     * @param planId empty for a model as it is
     * @param resultsId model_id of its rows in evaluation.results
     * @param prunedModelId the model that was made of it by pruning
     */
    record Results(Optional<String> planId, String resultsId, Optional<String> prunedModelId) {}

    static final CellStatus NEW =
            new CellStatus(CellState.WAITING, 0, Optional.empty(), Optional.empty(), Optional.empty());

    CellStatus waiting() {
        return in(CellState.WAITING, attempts);
    }

    CellStatus running() {
        return in(CellState.RUNNING, attempts + 1);
    }

    /** The attempt that made a part of its results goes on. */
    CellStatus runningStill() {
        return in(CellState.RUNNING, attempts);
    }

    CellStatus leftOut() {
        return in(CellState.LEFT_OUT, attempts);
    }

    private CellStatus in(CellState other, int begun) {
        return new CellStatus(other, begun, Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** Its results were found. */
    CellStatus found(Results found) {
        return new CellStatus(CellState.DONE, attempts, seconds, Optional.empty(), Optional.of(found));
    }

    CellStatus done(double took, Results made) {
        return new CellStatus(CellState.DONE, attempts, Optional.of(took), Optional.empty(), Optional.of(made));
    }

    CellStatus failed(double took, String message) {
        return new CellStatus(CellState.FAILED, attempts, Optional.of(took), Optional.of(message), Optional.empty());
    }
}
