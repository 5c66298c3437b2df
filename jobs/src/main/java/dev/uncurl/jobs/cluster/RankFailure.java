package dev.uncurl.jobs.cluster;

import dev.uncurl.jobs.spark.Causes;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.stream.Collectors;

/**
 * The failure of a rank, which it reports to the driver.
 *
 * @param stage of {@link RankFailures}
 * @param cause the failure; if that cannot be serialised, an exception with its text
 */
record RankFailure(String stage, int rank, String host, Exception cause) implements Serializable {
    static RankFailure of(String stage, int rank, String host, Exception cause) {
        return new RankFailure(stage, rank, host, portable(cause));
    }

    String place() {
        return "Rank " + rank + " on " + host;
    }

    private static Exception portable(Exception cause) {
        try (var nowhere = new ObjectOutputStream(OutputStream.nullOutputStream())) {
            nowhere.writeObject(cause);
            return cause;
        } catch (IOException e) {
            var text = new IllegalStateException(
                    Causes.of(cause).stream().map(Throwable::toString).collect(Collectors.joining(", caused by ")));
            text.setStackTrace(cause.getStackTrace());
            return text;
        }
    }
}
