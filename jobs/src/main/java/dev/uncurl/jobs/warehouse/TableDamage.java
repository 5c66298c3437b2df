package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Errors that name a damaged file of a table, and what can be done about it. */
public final class TableDamage {
    private static final Pattern MISSING_VERSION = Pattern.compile("Metadata file for version (\\d+) is missing");

    private TableDamage() {}

    /** Whether a file is one of {@link Warehouse#stagingFolder}. */
    private static boolean isStaged(Path file) {
        Path folder = file.getParent();
        return folder != null
                && folder.getParent() != null
                && folder.getParent().getName().equals("staging");
    }

    /** An error (input) for a file of a table that cannot be read. */
    public static UserError file(Path file, Throwable e) {
        String remedy = isStaged(file)
                ? "Delete " + file.getParent() + ", which has only unfinished work, and run the same command again."
                : "Restore it from a copy of the warehouse. Without one, create the rows of its table again in another"
                        + " warehouse (--warehouse NEW-FOLDER).";
        return UserError.input("The file " + file + " is damaged: " + first(e), remedy, e);
    }

    /** An error (input) for a file of a table that is gone or has another size. */
    static UserError missing(UncurlTable table, Path file, String what) {
        return UserError.input(
                "The file " + file + " of table " + table.id() + " " + what,
                "Restore it from a copy of the warehouse. Without one, create its rows again in another warehouse:"
                        + "  jobs/submit " + table.command() + " --warehouse NEW-FOLDER");
    }

    /**
     * An error (input) for a table whose newest metadata cannot be read.
     *
     * @param folder of the metadata
     */
    static UserError metadata(UncurlTable table, Path folder, RuntimeException e, Configuration hadoop) {
        Matcher missing = MISSING_VERSION.matcher(String.valueOf(e.getMessage()));
        if (missing.find()) {
            Path hint = new Path(folder, "version-hint.text");
            return UserError.input(
                    "Table " + table.id() + ": " + hint + " names version " + missing.group(1)
                            + " of the metadata, which does not exist",
                    "Restore " + new Path(folder, "v" + missing.group(1) + ".metadata.json")
                            + " from a copy of the warehouse. If the hint is wrong, delete that file: the newest"
                            + " existing version is used then.");
        }
        return UserError.input(
                "The metadata of table " + table.id() + " cannot be read, in "
                        + newest(folder, hadoop).orElse(folder) + ": " + first(e),
                "Restore the file from a copy of the warehouse. Without one, create the rows again in another warehouse:"
                        + "  jobs/submit " + table.command() + " --warehouse NEW-FOLDER",
                e);
    }

    /** The newest version of the metadata of a table in Iceberg's Hadoop catalog; maintain deletes old ones. */
    static Optional<Path> newest(Path folder, Configuration hadoop) {
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

    /** First line of the message of the innermost exception. */
    private static String first(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return message.lines().findFirst().orElse("").strip();
    }
}
