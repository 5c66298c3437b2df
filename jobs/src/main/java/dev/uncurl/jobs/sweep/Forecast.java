package dev.uncurl.jobs.sweep;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.SweepTable.CellTime;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What the missing cells of a sweep need.
 *
 * @param seconds expected time; empty if no cell was ever timed
 * @param dumps that are to be made
 * @param bytes upper bound of the bytes on disk of dumps and models
 */
record Forecast(int cells, OptionalDouble seconds, Set<PlanGroup.Key> dumps, int models, long bytes) {
    /** @param times of earlier cells, of any sweep */
    static Forecast of(
            List<Cell> missing,
            Passes passes,
            WarehouseWork work,
            Map<String, ModelFolder> folders,
            List<CellTime> times) {
        var groups = new LinkedHashSet<PlanGroup.Key>();
        missing.forEach(cell -> cell.pruning().ifPresent(plan -> groups.add(WarehouseWork.key(cell, plan))));
        groups.removeIf(group -> work.dump(group).isComplete());
        long bytes =
                groups.stream().mapToLong(group -> work.dump(group).bytes()).sum();
        int models = 0;
        for (Cell cell : missing) {
            if (cell.recipe().isPresent() || passes.needsModel(cell)) {
                models++;
                bytes += folders.get(cell.model().id()).bytes();
            }
        }
        return new Forecast(missing.size(), seconds(missing, times), groups, models, bytes);
    }

    /** The sum over cells of the mean time of earlier cells that were finetuned, too, or not: of the same model and task; else of the same model; else of all. */
    static OptionalDouble seconds(List<Cell> missing, List<CellTime> times) {
        if (times.isEmpty() && !missing.isEmpty()) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(
                missing.stream().mapToDouble(cell -> seconds(cell, times)).sum());
    }

    private static double seconds(Cell cell, List<CellTime> all) {
        List<CellTime> alike = all.stream()
                .filter(time -> time.recipe().isPresent() == cell.recipe().isPresent())
                .toList();
        List<CellTime> times = alike.isEmpty() ? all : alike;
        Predicate<CellTime> sameModel =
                time -> time.modelId().equals(cell.model().id());
        Predicate<CellTime> sameTask =
                sameModel.and(time -> time.task().equals(cell.task().name()));
        return mean(times, sameTask).orElseGet(() -> mean(times, sameModel)
                .orElseGet(() -> mean(times, Objects::nonNull).orElseThrow()));
    }

    private static OptionalDouble mean(List<CellTime> times, Predicate<CellTime> which) {
        return times.stream().filter(which).mapToDouble(CellTime::seconds).average();
    }

    /** @throws UserError (input) unless {@code free} exceeds what is needed by a quarter */
    void requireRoom(long free) {
        if (free < bytes + bytes / 4) {
            throw UserError.input(
                    String.format(
                            Locale.ROOT,
                            "The dumps and models of the sweep may take %,d bytes; the file system of the warehouse has %,d"
                                    + " free",
                            bytes,
                            free),
                    "Free disk space, set routing.tokens to a sample, or makes to scores.");
        }
    }

    String text(long free) {
        return String.format(
                Locale.ROOT,
                "To run: %,d cells, %s. To make: %,d dumps and %,d models, at most %,.1f MB; %,.1f GB are free.%n",
                cells,
                seconds.isPresent() ? "about " + SweepProgress.time(seconds.getAsDouble()) : "time unknown",
                dumps.size(),
                models,
                bytes / 1e6,
                free / 1e9);
    }
}
