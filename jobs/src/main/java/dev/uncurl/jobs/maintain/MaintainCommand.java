package dev.uncurl.jobs.maintain;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit maintain --warehouse /data/warehouse}, or with {@code --relocate}. */
@Command(
        name = "maintain",
        description = {
            "Makes room in a warehouse: deletes models of old sweeps and what killed runs left, joins small files of the tables,"
                    + " expires old snapshots, and removes files that belong to none. Rows of tables stay, but for models.registry's of"
                    + " deleted models.",
            "Only models that a sweep made and that none of its newest dates has are deleted, never what was made by hand.",
            "--relocate instead changes the paths in the tables' metadata after a warehouse was copied or moved.",
            "Both can be interrupted and run again."
        },
        footer = {
            "",
            "  jobs/submit maintain --dry-run --warehouse /data/warehouse",
            "  jobs/submit maintain --nights 14 --warehouse /data/warehouse",
            "  jobs/submit maintain --relocate --warehouse /data/warehouse"
        })
public final class MaintainCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(
            names = "--relocate",
            description =
                    "Change the paths in the tables' metadata to the folder of --warehouse; nothing else is done.")
    private boolean relocate;

    @Option(names = "--dry-run", description = "List what would go, with bytes; change nothing.")
    private boolean dryRun;

    @Option(
            names = "--expire-days",
            paramLabel = "N",
            description = "States that a table had in the last N days stay readable (default: 7).")
    private Integer expireDays;

    @Option(
            names = "--nights",
            paramLabel = "N",
            description = "Models of the newest N dates of each sweep stay (default: 7).")
    private Integer nights;

    @Option(
            names = "--orphan-days",
            paramLabel = "N",
            description =
                    "Files that belong to no snapshot, or to a killed run, go when they are N days old (default: 3).")
    private Integer orphanDays;

    @Override
    public Integer call() {
        if (relocate) {
            return relocate();
        }
        Retention.Terms usual = Retention.Terms.USUAL;
        var terms = new Retention.Terms(
                expireDays == null ? usual.expireDays() : expireDays,
                nights == null ? usual.nights() : nights,
                orphanDays == null ? usual.orphanDays() : orphanDays);
        if (dryRun) {
            Retention.dryRun(warehouseOptions.open(), terms);
        } else {
            Retention.run(warehouseOptions.open(), terms);
        }
        return 0;
    }

    private int relocate() {
        if (dryRun || Stream.of(expireDays, nights, orphanDays).anyMatch(option -> option != null)) {
            throw UserError.usage(
                    "--relocate changes paths only", "Leave the other options out, and run maintain again without it.");
        }
        int changed = WarehouseRelocation.run(warehouseOptions.folder());
        System.out.println(
                changed == 0
                        ? "All tables of " + warehouseOptions.folder()
                                + " have the paths of this folder already: nothing to do."
                        : changed + " tables of " + warehouseOptions.folder() + " were relocated.");
        return 0;
    }
}
