package dev.uncurl.jobs.cli;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Warehouse;
import org.apache.hadoop.fs.Path;
import picocli.CommandLine.Option;

/** The option {@code --warehouse} of every command. */
public final class WarehouseOptions {
    /** Default folder. */
    public static final String DEFAULT = "warehouse";

    @Option(
            names = "--warehouse",
            paramLabel = "DIR",
            defaultValue = DEFAULT,
            description = "Folder of tables and models, on any Hadoop file system (default: ${DEFAULT-VALUE}).")
    private String folder;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    /** The folder as it was given. */
    public String folder() {
        return folder;
    }

    /** @throws UserError (usage, input) when the folder cannot be a warehouse, or cannot be used */
    public Warehouse open() {
        checkFolder(folder);
        return Warehouse.open(folder);
    }

    /** As {@link #open}, without its tables. */
    public Warehouse at() {
        checkFolder(folder);
        return Warehouse.at(folder);
    }

    private static void checkFolder(String folder) {
        try {
            if (!folder.isBlank() && new Path(folder).toUri().getPath() != null) {
                return;
            }
        } catch (IllegalArgumentException e) { // reported below: a colon that does not end a scheme
        }
        throw UserError.usage(
                "The warehouse '" + folder + "' is neither a folder's name nor a URI such as hdfs://host/folder",
                "Name a folder whose name has no colon with --warehouse.");
    }
}
