package dev.uncurl.jobs.maintain;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit maintain --relocate --warehouse /data/warehouse}. */
@Command(
        name = "maintain",
        description = {
            "Relocates a warehouse that was copied or moved.",
            "--relocate changes the paths in the tables' metadata to their present folder. All rows and snapshots stay;"
                    + " nothing outside the folder is read or written. Can be interrupted and run again."
        },
        footer = {"", "  jobs/submit maintain --relocate --warehouse /data/warehouse"})
public final class MaintainCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(
            names = "--relocate",
            description = "Change the paths in the tables' metadata to the folder of --warehouse.")
    private boolean relocate;

    @Override
    public Integer call() {
        if (!relocate) {
            throw UserError.usage("maintain needs an option that selects the work", "Give --relocate.");
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
