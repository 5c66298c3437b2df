package dev.uncurl.jobs.sql;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.output.StandardOutput;
import dev.uncurl.jobs.spark.Causes;
import java.io.IOException;
import java.util.List;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.parser.ParseException;

/** What is wrong with a statement, out of what Spark throws when it parses, analyses or runs it. */
final class SqlFailure {
    private SqlFailure() {}

    /** The refusal of the statement; null when it is not at fault: damaged files, a full disk, an error of Spark's own. */
    static UserError refusal(Throwable failure) {
        List<Throwable> causes = Causes.of(failure);
        for (Throwable cause : causes) {
            if (cause instanceof ParseException) {
                return UserError.usage(
                        "The statement is not SQL as Spark knows it: " + Failures.firstLine(cause),
                        "Correct it there; names with other characters than letters, digits and _ stand in backquotes.",
                        failure);
            }
            if (cause instanceof AnalysisException) {
                return UserError.usage(
                        "The statement does not fit the tables: " + Failures.firstLine(cause),
                        "SHOW TABLES IN routing lists tables, DESCRIBE routing.logits their columns; so do the files in"
                                + " schemas/.",
                        failure);
            }
        }
        Throwable fault = fault(causes);
        return fault == null
                ? null
                : UserError.usage(
                        "The statement failed while it ran: " + Failures.firstLine(fault),
                        "Correct the statement, or leave out the rows on which it fails.",
                        failure);
    }

    /** The cause that tells most: the first with an error class of Spark's, else the last, if it is the statement's. */
    private static Throwable fault(List<Throwable> causes) {
        for (Throwable cause : causes) {
            if (cause instanceof Error || cause instanceof IOException || isOfFiles(cause) || isUncurls(cause)) {
                return null;
            }
        }
        for (Throwable cause : causes) {
            if (cause instanceof SparkThrowable spark && spark.getErrorClass() != null) {
                return spark.isInternalError() ? null : cause;
            }
        }
        Throwable last = causes.get(causes.size() - 1);
        boolean slip = last instanceof RuntimeException
                && !(last instanceof NullPointerException)
                && !(last instanceof ClassCastException)
                && !(last instanceof IndexOutOfBoundsException)
                && !(last instanceof IllegalStateException);
        return slip ? last : null;
    }

    private static boolean isUncurls(Throwable cause) {
        return cause instanceof UserError || cause instanceof StandardOutput.Failure;
    }

    /** Thrown by the libraries that read and write tables; what they refuse of a statement is a ValidationException. */
    private static boolean isOfFiles(Throwable cause) {
        String name = cause.getClass().getName();
        return name.contains(".parquet.")
                || name.contains(".iceberg.") && !name.endsWith("ValidationException")
                || name.contains(".hadoop.");
    }
}
