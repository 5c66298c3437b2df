package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Causes;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Collects, on the driver, the failures that the ranks of one barrier stage report. Spark ends a stage with the first failure that it
 * learns of. This is often the failure of a rank that waited for the one that failed, and the driver gets only its text.
 */
final class RankFailures implements AutoCloseable {
    private static final Map<String, RankFailures> OPEN = new ConcurrentHashMap<>();

    /** How long the driver waits for the report of a rank that has closed its side. */
    private static final long PATIENCE_MILLIS = 10_000;

    private final String stage = UUID.randomUUID().toString();
    private final BlockingQueue<RankFailure> reported = new LinkedBlockingQueue<>();

    private RankFailures() {}

    /** Begins to listen. */
    static RankFailures listen() {
        var failures = new RankFailures();
        OPEN.put(failures.stage, failures);
        return failures;
    }

    /** Names the stage in reports. */
    String stage() {
        return stage;
    }

    /** Takes a report; ignores one of a stage that is over. */
    static void report(RankFailure failure) {
        RankFailures stage = OPEN.get(failure.stage());
        if (stage != null) {
            stage.reported.add(failure);
        }
    }

    /**
     * What ended the stage.
     *
     * @param failure as Spark throws it
     * @return the error of a rank if that is one for the user, with the rank's place; a {@link RankFailedException} for another
     *     failure of a rank; the failure itself if no rank reports one, or if an executor was lost, which other failures follow from
     */
    Exception cause(Exception failure) {
        Exception own = first(says(failure, Loss.LEFT));
        boolean follows = says(failure, Restarts.EXECUTOR_LOST) && !isDevice(own);
        return own == null || follows ? failure : own;
    }

    private static boolean says(Exception failure, String text) {
        return Causes.of(failure).stream()
                .anyMatch(cause -> String.valueOf(cause.getMessage()).contains(text));
    }

    private static boolean isDevice(Exception failure) {
        return failure instanceof RankFailedException rank && rank.endsExecutor();
    }

    /** The first report as an exception; null if there is none. @param due whether one will come */
    private Exception first(boolean due) {
        try {
            RankFailure first = due ? reported.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS) : reported.poll();
            if (first == null) {
                return null;
            }
            return first.cause() instanceof UserError error
                    ? error.at(first.place())
                    : new RankFailedException(first.place(), first.cause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    @Override
    public void close() {
        OPEN.remove(stage);
    }
}
