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
            "--relocate makes the tables those of the folder in which they are now. All rows and snapshots stay; nothing"
                    + " outside the folder is read or written. Can be killed and run again."
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
            throw UserError.usage("maintain: nothing to do was named", "Name what to do: --relocate.");
        }
        int changed = WarehouseRelocation.run(warehouseOptions.folder());
        System.out.println(
                changed == 0
                        ? "All tables of " + warehouseOptions.folder() + " are where they say: nothing to do."
                        : changed + " tables of " + warehouseOptions.folder() + " were relocated.");
        return 0;
    }
}
