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

/** Explains what Spark throws when it parses, analyses or runs a faulty statement. */
final class SqlFailure {
    private SqlFailure() {}

    /** @return null when the statement is not at fault: damaged files, a full disk, an internal error of Spark */
    static UserError userError(Throwable failure) {
        List<Throwable> causes = Causes.of(failure);
        for (Throwable cause : causes) {
            if (cause instanceof ParseException) {
                return UserError.usage(
                        "The statement is not valid Spark SQL: " + Failures.firstLine(cause),
                        "Correct it; put names with characters other than letters, digits and _ in backquotes.",
                        failure);
            }
            if (cause instanceof AnalysisException) {
                return UserError.usage(
                        "The statement does not fit the tables: " + Failures.firstLine(cause),
                        "SHOW TABLES IN routing lists tables, DESCRIBE routing.logits the columns of one; see also"
                                + " schemas/.",
                        failure);
            }
        }
        Throwable fault = fault(causes);
        return fault == null
                ? null
                : UserError.usage(
                        "The statement failed at run time: " + Failures.firstLine(fault),
                        "Correct the statement, or exclude the rows on which it fails.",
                        failure);
    }

    /** The most specific cause: the first with an error class of Spark, else the last if the statement can cause it. */
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

    /** Whether a library that reads and writes tables threw this; for faulty statements they throw ValidationException. */
    private static boolean isOfFiles(Throwable cause) {
        String name = cause.getClass().getName();
        return name.contains(".parquet.")
                || name.contains(".iceberg.") && !name.endsWith("ValidationException")
                || name.contains(".hadoop.");
    }
}
