package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Causes;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/** Says which file of the tables is damaged, and what can be done, where a library has said only that it cannot go on. */
public final class TableDamage {
    private static final List<String> READERS =
            List.of("org.apache.iceberg.", "org.apache.parquet.", "org.apache.avro.");
    private static final List<String> DECODERS = List.of(
            "org.apache.iceberg.parquet.",
            "org.apache.iceberg.data.",
            "org.apache.iceberg.arrow.",
            "org.apache.iceberg.spark.data.",
            "org.apache.iceberg.shaded.org.apache.parquet.",
            "org.apache.parquet.");
    private static final Pattern MISSING_VERSION = Pattern.compile("Metadata file for version (\\d+) is missing");

    private TableDamage() {}

    /** Whether a file is one of {@link Warehouse#stagingFolder}. */
    private static boolean isStaged(Path file) {
        Path folder = file.getParent();
        return folder != null
                && folder.getParent() != null
                && folder.getParent().getName().equals("staging");
    }

    /** A file of a table that cannot be read. */
    public static UserError file(Path file, Throwable e) {
        String remedy = isStaged(file)
                ? "Delete " + file.getParent() + ", which holds unfinished work alone, and run the same command again."
                : "Restore it from a copy of the warehouse. Without one, make the rows of its table anew in another"
                        + " warehouse (--warehouse NEW-FOLDER).";
        return UserError.input("The file " + file + " is damaged: " + first(e), remedy, e);
    }

    /** A file that a table names and that is gone or has another size. */
    static UserError missing(UncurlTable table, Path file, String what) {
        return UserError.input(
                "The file " + file + " of table " + table.id() + " " + what,
                "Restore it from a copy of the warehouse. Without one, make its rows anew in another warehouse:"
                        + "  jobs/submit " + table.command() + " --warehouse NEW-FOLDER");
    }

    /**
     * A table whose newest metadata cannot be read.
     *
     * @param folder of the metadata
     */
    static UserError metadata(UncurlTable table, Path folder, RuntimeException e, Configuration hadoop) {
        Matcher missing = MISSING_VERSION.matcher(String.valueOf(e.getMessage()));
        if (missing.find()) {
            Path hint = new Path(folder, "version-hint.text");
            return UserError.input(
                    "Table " + table.id() + ": " + hint + " leads to version " + missing.group(1)
                            + " of the metadata, which is not there",
                    "Restore " + new Path(folder, "v" + missing.group(1) + ".metadata.json")
                            + " from a copy of the warehouse. If it is the hint that is wrong, delete that file: the"
                            + " newest version that is there is then taken.");
        }
        return UserError.input(
                "The metadata of table " + table.id() + " cannot be read, in "
                        + newest(folder, hadoop).orElse(folder) + ": " + first(e),
                "Restore the file from a copy of the warehouse. Without one, make the rows anew in another warehouse:"
                        + "  jobs/submit " + table.command() + " --warehouse NEW-FOLDER",
                e);
    }

    private static Optional<Path> newest(Path folder, Configuration hadoop) {
        Path newest = null;
        long version = -1;
        try {
            FileSystem files = folder.getFileSystem(hadoop);
            for (FileStatus status : files.listStatus(folder)) {
                String name = status.getPath().getName();
                if (name.matches("v\\d{1,9}\\.(gz\\.)?metadata\\.json(\\.gz)?")) {
                    long number = Long.parseLong(name.substring(1, name.indexOf('.')));
                    if (number > version) {
                        version = number;
                        newest = status.getPath();
                    }
                }
            }
        } catch (IOException e) {
            return Optional.empty(); // the folder is named instead
        }
        return Optional.ofNullable(newest);
    }

    /** What the innermost exception says, on one line. */
    private static String first(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return message.lines().findFirst().orElse("").strip();
    }

    /**
     * A refusal that names the damaged file behind a failure.
     *
     * @return null when no file of the tables is damaged
     */
    public static UserError behind(Throwable failure) {
        List<Throwable> chain = Causes.of(failure);
        for (Throwable e : chain) {
            if (TableClock.isBehind(e)) {
                return TableClock.refusal(e);
            }
        }
        for (Throwable e : chain) {
            Optional<Path> named = e instanceof ChecksumException ? named(e.getMessage()) : Optional.empty();
            if (named.isPresent()) {
                return file(named.get(), e);
            }
        }
        if (chain.stream().noneMatch(TableDamage::isOfReaders)
                || SparkSession.getDefaultSession().isEmpty()) {
            return null;
        }
        boolean content = chain.stream().anyMatch(TableDamage::isOfDecoders);
        return TableSearch.damaged(SparkSession.getDefaultSession().get(), content)
                .orElse(null);
    }

    /** Hadoop says {@code Checksum error: file:/x/y.parquet at 0 exp: ...}. */
    private static Optional<Path> named(String message) {
        String begin = "Checksum error: ";
        if (message == null || !message.startsWith(begin) || !message.contains(" at ")) {
            return Optional.empty();
        }
        return Optional.of(new Path(message.substring(begin.length(), message.lastIndexOf(" at "))));
    }

    /** Whether those who read tables have thrown this. */
    private static boolean isOfReaders(Throwable e) {
        return e instanceof FileNotFoundException || e instanceof EOFException || isFrom(e, READERS);
    }

    /** Whether those who decode data files have thrown this. */
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
