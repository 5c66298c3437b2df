package dev.uncurl.jobs;

import picocli.CommandLine.Option;

/** Where tables and models are: an option of every command. */
final class WarehouseOptions {
    @Option(
            names = "--warehouse",
            paramLabel = "DIR",
            defaultValue = "warehouse",
            description = "Folder of tables and models, on any Hadoop file system (default: ${DEFAULT-VALUE}).")
    private String folder;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    /** As it was given. */
    String folder() {
        return folder;
    }

    Warehouse open() {
        return Warehouse.open(folder);
    }
}
