package dev.uncurl.jobs.verify;

import dev.uncurl.jobs.cluster.ExecutorReport;
import dev.uncurl.jobs.cluster.Findings;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.machine.Machine;
import dev.uncurl.machine.ProductSpeed;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A row for each executor. */
final class ExecutorTable {
    private static final List<String> COLUMNS = List.of(
            "executor",
            "host",
            "tasks",
            "cores",
            "threads",
            "OpenBLAS",
            "GFLOP/s a thread",
            "heap MB",
            "off heap MB",
            "memory MB",
            "GPUs",
            "computes on",
            "warehouse",
            "clock ms");

    private ExecutorTable() {}

    /** The table, and a line with the sums. */
    static String of(Findings found, int taskCores) {
        var lines = new ArrayList<Object[]>();
        int tasks = 0;
        for (ExecutorReport report : found.executors()) {
            int slots = found.cores().getOrDefault(report.executor(), 0) / taskCores;
            tasks += slots;
            lines.add(row(report, slots, found.speeds().get(report.executor())));
        }
        return TextTable.of(COLUMNS, lines)
                + String.format(Locale.ROOT, "Executors: %d; tasks at a time: %d%n", lines.size(), tasks);
    }

    /** @param speed null if it was not measured */
    private static Object[] row(ExecutorReport report, int slots, ProductSpeed speed) {
        Machine machine = report.machine();
        return new Object[] {
            report.executor(),
            report.host(),
            slots,
            machine == null ? null : machine.cores(),
            machine == null ? null : machine.threads(),
            speed == null ? "" : speed.blasCore(),
            speed == null ? null : Math.round(speed.gigaflops()),
            machine == null ? null : megabytes(machine.memory().heap()),
            machine == null ? "" : limit(machine.memory().offHeap()),
            machine == null ? "" : memory(machine),
            machine == null ? null : machine.gpus().size(),
            report.device().name(),
            report.warehouse().isEmpty() ? "read, written" : "no",
            report.clockMillis()
        };
    }

    private static long megabytes(long bytes) {
        return Math.round(bytes / 1e6);
    }

    private static String limit(long bytes) {
        return bytes == 0 ? "no limit" : Long.toString(megabytes(bytes));
    }

    private static String memory(Machine machine) {
        return megabytes(machine.memory().container())
                + (machine.memory().inContainer()
                        ? " of " + megabytes(machine.memory().machine())
                        : "");
    }
}
