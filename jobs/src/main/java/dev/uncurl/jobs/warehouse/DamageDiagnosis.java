package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Causes;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/** Finds the damaged file of a table, or the wrong clock, that is the cause of a failure in a library. */
public final class DamageDiagnosis {
    private static final List<String> READERS =
            List.of("org.apache.iceberg.", "org.apache.parquet.", "org.apache.avro.");
    private static final List<String> DECODERS = List.of(
            "org.apache.iceberg.parquet.",
            "org.apache.iceberg.data.",
            "org.apache.iceberg.arrow.",
            "org.apache.iceberg.spark.data.",
            "org.apache.iceberg.shaded.org.apache.parquet.",
            "org.apache.parquet.");

    private DamageDiagnosis() {}

    /** @return null when neither a damaged file nor the clock is behind the failure */
    public static UserError of(Throwable failure) {
        List<Throwable> chain = Causes.of(failure);
        for (Throwable e : chain) {
            if (TableClock.isBehind(e)) {
                return TableClock.userError(e);
            }
        }
        for (Throwable e : chain) {
            Optional<Path> named = e instanceof ChecksumException ? named(e.getMessage()) : Optional.empty();
            if (named.isPresent()) {
                return TableDamage.file(named.get(), e);
            }
        }
        if (chain.stream().noneMatch(DamageDiagnosis::isOfReaders)
                || SparkSession.getDefaultSession().isEmpty()) {
            return null;
        }
        boolean content = chain.stream().anyMatch(DamageDiagnosis::isOfDecoders);
        return TableSearch.damaged(SparkSession.getDefaultSession().get(), content)
                .orElse(null);
    }

    /** The file in a message such as {@code Checksum error: file:/x/y.parquet at 0 exp: ...}. */
    private static Optional<Path> named(String message) {
        String begin = "Checksum error: ";
        if (message == null || !message.startsWith(begin) || !message.contains(" at ")) {
            return Optional.empty();
        }
        return Optional.of(new Path(message.substring(begin.length(), message.lastIndexOf(" at "))));
    }

    /** Whether a library that reads tables has thrown this. */
    private static boolean isOfReaders(Throwable e) {
        return e instanceof FileNotFoundException || e instanceof EOFException || isFrom(e, READERS);
    }

    /** Whether a library that decodes data files has thrown this. */
    private static boolean isOfDecoders(Throwable e) {
        return String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("parquet") || isFrom(e, DECODERS);
    }

    private static boolean isFrom(Throwable e, List<String> packages) {
        for (StackTraceElement frame : e.getStackTrace()) {
            if (packages.stream().anyMatch(frame.getClassName()::startsWith)) {
                return true;
            }
        }
        return false;
    }
}
