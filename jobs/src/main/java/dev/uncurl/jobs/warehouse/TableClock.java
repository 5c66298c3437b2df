package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;
import org.apache.iceberg.TableMetadata;

/**
 * Compares this machine's clock with the times in the tables. Iceberg refuses a commit that is more than a minute older
 * than the last one, and the newest run of a corpus is the one with the latest time.
 */
final class TableClock {
    private static final Duration TOLERANCE = Duration.ofMinutes(1);

    private TableClock() {}

    /**
     * Compares the clock with all tables.
     *
     * @param tables returns the newest metadata of a table, or null when there is no such table
     * @throws UserError (input) when a table was changed in the future
     */
    static void require(Function<UncurlTable, TableMetadata> tables) {
        Instant now = Instant.now();
        for (UncurlTable table : UncurlTable.values()) {
            TableMetadata metadata = tables.apply(table);
            if (metadata != null) {
                require(table, Instant.ofEpochMilli(metadata.lastUpdatedMillis()), now);
            }
        }
    }

    /**
     * @param updated when the table was last changed, by the clock of the machine that changed it
     * @throws UserError (input) when that is in the future
     */
    static void require(UncurlTable table, Instant updated, Instant now) {
        if (updated.isAfter(now.plus(TOLERANCE))) {
            throw UserError.input(
                    "The clock of this machine is behind the tables: here it is " + now + ", table " + table.id()
                            + " was last changed at " + updated + ", so nothing can be committed",
                    "Set the clock if it is wrong. If the machine that wrote the table was ahead, wait until " + updated
                            + ", or write to another --warehouse.");
        }
    }

    /** Whether Iceberg refused a commit because of its time: the clock was turned back while a command was running. */
    static boolean isBehind(Throwable e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("Expected sorted snapshot log entries")
                || message.contains("Invalid update timestamp")
                || message.contains("Invalid snapshot timestamp");
    }

    static UserError userError(Throwable e) {
        return UserError.input(
                "The clock of this machine was turned back while the command ran: it is " + Instant.now()
                        + ", before the last change of a table (" + e.getMessage() + ")",
                "Set the clock, then run the same command again: finished outputs are reused.");
    }
}
