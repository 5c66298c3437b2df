package dev.uncurl.jobs.maintain;

import static dev.uncurl.config.Check.check;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.warehouse.DeadRuns;
import dev.uncurl.jobs.warehouse.DeadRuns.Leftover;
import dev.uncurl.jobs.warehouse.ModelRemoval;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.function.Predicate;

/**
 * Keeps a warehouse from growing with the number of runs: deletes the models of old sweeps and what killed runs left, and keeps the
 * tables' files few ({@link TableUpkeep}). No row of a table changes but those of models.registry whose models are deleted. Can be
 * killed at any moment and run again, beside any other command; a second one is refused while it runs.
 */
public final class Retention {
    /**
     * What stays.
     *
     * @param expireDays every state that a table had in the last so many days can still be read; 0: the present one only
     * @param nights the newest dates of each sweep whose models stay
     * @param orphanDays age from which a file that belongs to no snapshot, or to a killed run, is removed
     */
    public record Terms(int expireDays, int nights, int orphanDays) {
        public static final Terms USUAL = new Terms(7, 7, 3);

        /** @throws UserError (usage) for a number that is too small */
        public Terms {
            check(expireDays >= 0, "expire-days", expireDays, "0 or more days");
            check(nights >= 1, "nights", nights, "1 or more dates");
            check(orphanDays >= 1, "orphan-days", orphanDays, "1 or more days: a run that goes on has such files");
        }

        private TableUpkeep.Cutoffs cutoffs(Instant now) {
            Instant expire = expireDays == 0 ? now.plus(Duration.ofDays(1)) : now.minus(Duration.ofDays(expireDays));
            return new TableUpkeep.Cutoffs(expire, now.minus(Duration.ofDays(orphanDays)));
        }
    }

    private final Warehouse warehouse;
    private final UnneededModels unneeded;
    private final ModelRemoval models;
    private final DeadRuns dead;
    private final TableUpkeep.Cutoffs cutoffs;

    Retention(Warehouse warehouse, int nights, Predicate<CellRow> keeps, TableUpkeep.Cutoffs cutoffs) {
        this.warehouse = warehouse;
        unneeded = new UnneededModels(warehouse, nights, keeps);
        models = new ModelRemoval(warehouse);
        dead = new DeadRuns(warehouse);
        Instant oldest = dead.oldestLive(cutoffs.orphans());
        this.cutoffs = new TableUpkeep.Cutoffs(cutoffs.expire(), oldest);
    }

    /** What the sweep's own rule said when the row was written; a model stays as long as that is not known. */
    private static boolean keepsModel(CellRow cell) {
        return cell.keepsModel().orElse(true);
    }

    private static Retention usual(Warehouse warehouse, Terms terms, Predicate<CellRow> keeps) {
        return new Retention(warehouse, terms.nights, keeps, terms.cutoffs(Instant.now()));
    }

    /**
     * Does it, and prints what was done.
     *
     * @throws UserError (conflict) while another run does it
     */
    public static void run(Warehouse warehouse, Terms terms) {
        usual(warehouse, terms, Retention::keepsModel).run();
    }

    /**
     * As the last step of a sweep, whose rule says which cells of its kept dates keep their models.
     *
     * @throws UserError (conflict) while another run does it
     */
    public static void run(Warehouse warehouse, Terms terms, String sweep, Predicate<CellRow> keeps) {
        usual(warehouse, terms, cell -> !cell.sweep().equals(sweep) || keeps.test(cell))
                .run();
    }

    /** Prints what {@link #run} would do. */
    static void dryRun(Warehouse warehouse, Terms terms) {
        usual(warehouse, terms, Retention::keepsModel).dryRun();
    }

    void run() {
        try (var lock = warehouse.lock("maintain")) {
            List<String> removed = new ArrayList<>();
            SortedSet<String> gone = deletable();
            long bytes = models.bytes(gone);
            if (!gone.isEmpty()) {
                removed.addAll(models.remove(gone));
                removed.forEach(model -> System.out.println("Model " + model + ": deleted"));
            }
            long leftovers = 0;
            for (Leftover leftover : dead.find(cutoffs.orphans())) {
                if (dead.remove(leftover)) {
                    System.out.println(leftover.path() + ": removed");
                    leftovers++;
                    bytes += leftover.bytes();
                }
            }
            Total total = tables(true);
            System.out.printf(
                    Locale.ROOT,
                    "%,d tables: %s before, %s now; %,d models and %,d leftovers of killed runs removed, %,d bytes%n",
                    UncurlTable.values().length,
                    total.before,
                    total.after,
                    removed.size(),
                    leftovers,
                    bytes);
        }
    }

    private void dryRun() {
        SortedSet<String> gone = deletable();
        for (String model : gone) {
            System.out.printf(
                    Locale.ROOT, "Model %s: would be deleted, %,d bytes%n", model, models.bytes(List.of(model)));
        }
        List<Leftover> leftovers = dead.find(cutoffs.orphans());
        leftovers.forEach(leftover ->
                System.out.printf(Locale.ROOT, "%s: would be removed, %,d bytes%n", leftover.path(), leftover.bytes()));
        Total total = tables(false);
        System.out.printf(
                Locale.ROOT,
                "%,d tables: %s; without what would go: %s; %,d models and %,d leftovers of killed runs would be removed,"
                        + " %,d bytes. Nothing was changed.%n",
                UncurlTable.values().length,
                total.before,
                total.after,
                gone.size(),
                leftovers.size(),
                models.bytes(gone)
                        + leftovers.stream().mapToLong(Leftover::bytes).sum());
    }

    /** Models that nothing needs and that no other run uses now. */
    private SortedSet<String> deletable() {
        SortedSet<String> models = unneeded.among(this.models.names());
        models.removeIf(dead::isHeld);
        return models;
    }

    private record Total(TableSize before, TableSize after) {}

    private Total tables(boolean change) {
        var progress = new Progress("maintain", "tables", UncurlTable.values().length);
        TableSize before = TableSize.NONE;
        TableSize after = TableSize.NONE;
        for (UncurlTable table : UncurlTable.values()) {
            progress.at(table.ordinal(), table.id());
            warehouse.requireLeases();
            warehouse.describe("maintain " + table.id());
            var upkeep = new TableUpkeep(warehouse, table, cutoffs);
            TableUpkeep.Outcome outcome = change ? upkeep.run() : upkeep.plan();
            if (!outcome.done().isEmpty()) {
                System.out.println("Table " + table.id() + ": " + String.join("; ", outcome.done()));
            }
            before = before.plus(outcome.before());
            after = after.plus(outcome.after());
        }
        progress.done("");
        return new Total(before, after);
    }
}
