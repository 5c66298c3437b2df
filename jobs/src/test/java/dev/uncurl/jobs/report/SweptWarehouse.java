package dev.uncurl.jobs.report;

import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.Map;

/** A warehouse with made-up cells of a sweep of two dates, their results, plans and times. */
final class SweptWarehouse {
    static final String FIRST = "2026-11-24";
    static final String SECOND = "2026-11-25";

    private SweptWarehouse() {}

    /** @param folder of the new warehouse */
    static Warehouse fill(Path folder) {
        Warehouse warehouse = TokenizeFixture.warehouse(folder);
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(8, 2), 5);
        RoutingFixture.model(warehouse, "wide", RoutingFixture.config(16, 2), 6);
        RoutingFixture.model(warehouse, "scratch-4", RoutingFixture.config(4, 2), 7);
        RoutingFixture.task(warehouse, SweptTables.TASK, 21, 3);
        RoutingFixture.dump(warehouse, "base", SweptTables.TASK, 0);
        var tables = new SweptTables(warehouse);
        sweep(tables, FIRST, "a", 0.10, 0.02);
        sweep(tables, SECOND, "b", 0.02, 0.12);
        wide(tables);
        tables.registered("base-tuned-1", 50_000, 200_000);
        tables.registered("base-tuned-2", 50_000, 200_000);
        tables.failed(SECOND, "base", 8);
        tables.timed("run 1", "base", tables.sha("base"), 4, 100);
        tables.timed("run 1", "base", tables.sha("base"), 8, 200);
        tables.timed("run 1", "scratch-4", tables.sha("scratch-4"), 8, 120);
        tables.timed("run 2", "wide", tables.sha("wide"), 8, 300);
        tables.write();
        return warehouse;
    }

    /**
     * The cells of model base on a date.
     *
     * @param night part of the names of what differs between the dates
     * @param frequency cost of keeping two experts by frequency
     * @param uncurl cost of merging to four
     */
    private static void sweep(SweptTables tables, String date, String night, double frequency, double uncurl) {
        tables.cell(date, "parent", "base", 8, "base", 2.0);
        for (long seed = 1; seed <= 2; seed++) {
            var four = tables.cell(date, "method", "base", 8, "base+u4" + seed + night, 2.0 + uncurl + 0.001 * seed);
            tables.plan(four, "u4" + seed + night, "uncurl", "uniform", SweptTables.TASK, 4, seed, "map", 4, 4);
            var two = tables.cell(date, "method", "base", 8, "base+u2" + seed, 2.05 + 0.004 * seed);
            tables.plan(two, "u2" + seed, "uncurl", "uniform", SweptTables.TASK, 2, seed, "map", 2, 2);
            var wrong = tables.cell(date, "other-task", "base", 8, "base+o4" + seed, 2.2 + 0.01 * seed);
            tables.plan(wrong, "o4" + seed, "uncurl", "uniform", SweptTables.OTHER, 4, seed, "map", 4, 4);
        }
        var adaptive = tables.cell(date, "method", "base", 8, "base+a4", 1.99);
        tables.plan(adaptive, "a4", "uncurl", "adaptive", SweptTables.TASK, 4, 1, "collapse", 5, 3);
        var kept = tables.cell(date, "method", "base", 8, "base+f4", 2.03);
        tables.plan(kept, "f4", "frequency", "uniform", SweptTables.TASK, 4, 1, "mask", 4, 4);
        var fewer = tables.cell(date, "method", "base", 8, "base+f2" + night, 2.0 + frequency);
        tables.plan(fewer, "f2" + night, "frequency", "uniform", SweptTables.TASK, 2, 1, "mask", 2, 2);
        for (long seed = 1; seed <= 2; seed++) {
            var random = tables.cell(date, "random", "base", 8, "base+r4" + seed, 2.3 + 0.05 * seed);
            tables.plan(random, "r4" + seed, "random", "uniform", SweptTables.TASK, 4, seed, "mask", 4, 4);
        }
        tables.cell(date, "scratch", "scratch-4", 4, "scratch-4", 2.5);
        for (long seed = 1; seed <= 2; seed++) {
            tuned(tables.cell(date, "parent", "base", 8, "base-tuned-" + seed, 1.8 + 0.01 * seed), seed);
            var cell = tables.cell(date, "method", "base", 8, "base-u4-tuned-" + seed, 1.81 + 0.01 * seed);
            tables.plan(cell, "u41" + night, "uncurl", "uniform", SweptTables.TASK, 4, 1, "map", 4, 4);
            tuned(cell, seed);
        }
    }

    private static void tuned(Map<String, Object> cell, long seed) {
        cell.put("recipe", "tune");
        cell.put("recipe_seed", seed);
    }

    private static void wide(SweptTables tables) {
        tables.cell(SECOND, "parent", "wide", 16, "wide", 1.9);
        double[] losses = {1.90, 1.91, 1.99};
        for (int i = 0; i < losses.length; i++) {
            int keep = 8 >> i;
            var cell = tables.cell(SECOND, "method", "wide", 16, "wide+u" + keep, losses[i]);
            tables.plan(cell, "w" + keep, "uncurl", "uniform", SweptTables.TASK, keep, 1, "map", keep, keep);
        }
    }
}
