package dev.uncurl.jobs.cluster;

import dev.uncurl.error.DeviceFailedException;

/** A rank has failed by itself, not because another one was lost; the cause is its own exception. */
final class RankFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RankFailedException(String place, Exception cause) {
        super(place + ": " + (cause instanceof DeviceFailedException ? cause.getMessage() : cause), cause);
    }

    /** Whether the rank's executor is replaced, so that the stage may succeed if it is run again. */
    boolean endsExecutor() {
        return getCause() instanceof DeviceFailedException;
    }
}
