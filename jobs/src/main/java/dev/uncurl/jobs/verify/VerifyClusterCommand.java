package dev.uncurl.jobs.verify;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.cluster.ExecutorReport;
import dev.uncurl.jobs.cluster.Findings;
import dev.uncurl.jobs.cluster.Preflight;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.machine.Machine;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit --master spark://host:7077 --properties-file conf/spark/standalone.conf -- verify cluster}. */
@Command(
        name = "cluster",
        description = {
            "Looks at every executor before the work: cores, Java, kernels, limits of memory, GPUs, whether it can"
                    + " read and write the warehouse, its clock; and prints what to change.",
            "Training makes the same checks before it begins. Exit code 2 or 3 if it would not begin."
        },
        footer = {
            "",
            "  jobs/submit --master spark://host:7077 --properties-file conf/spark/standalone.conf -- verify cluster"
                    + " --ranks 8"
        })
final class VerifyClusterCommand implements Callable<Integer> {
    private static final List<String> COLUMNS = List.of(
            "executor",
            "host",
            "tasks",
            "cores",
            "threads",
            "heap MB",
            "off heap MB",
            "memory MB",
            "GPUs",
            "computes on",
            "warehouse",
            "clock ms");

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = "Number of ranks that training is to have, each of which needs a slot.")
    private int ranks;

    @Override
    public Integer call() {
        if (ranks != 0) {
            Range.RANKS_OPTION.check(ranks);
        }
        Warehouse warehouse = warehouseOptions.at();
        warehouse.describe("verify cluster");
        var folder = warehouse.stagingFolder("preflight-" + UUID.randomUUID());
        Findings found = new Preflight(warehouse.context(), warehouse.files(), folder).findings(ranks);
        print(found, warehouse.context().getConf().getInt("spark.task.cpus", 1));
        for (UserError obstacle : found.obstacles()) {
            System.out.println("\nTo correct: " + obstacle.getMessage());
        }
        if (!found.advice().isEmpty()) {
            System.out.println("\nTo change:");
            found.advice().forEach(line -> System.out.println("  " + line));
        }
        if (found.obstacles().isEmpty()) {
            System.out.println("\nTraining can begin.");
            return 0;
        }
        return found.obstacles().get(0).kind().exitCode();
    }

    private static void print(Findings found, int taskCores) {
        var lines = new ArrayList<Object[]>();
        int tasks = 0;
        for (ExecutorReport report : found.executors()) {
            Machine machine = report.machine();
            int slots = found.cores().getOrDefault(report.executor(), 0) / taskCores;
            tasks += slots;
            lines.add(new Object[] {
                report.executor(),
                report.host(),
                slots,
                machine == null ? null : machine.cores(),
                machine == null ? null : machine.threads(),
                machine == null ? null : megabytes(machine.memory().heap()),
                machine == null ? "" : limit(machine.memory().offHeap()),
                machine == null ? "" : memory(machine),
                machine == null ? null : machine.gpus().size(),
                report.device().name(),
                report.warehouse().isEmpty() ? "read, written" : "no",
                report.clockMillis()
            });
        }
        System.out.print(TextTable.of(COLUMNS, lines));
        System.out.printf(Locale.ROOT, "Executors: %d; tasks at a time: %d%n%n", lines.size(), tasks);
        print("computes on", found, report -> report.device().text());
        print("processor", found, report -> report.machine().processor());
        print("Java", found, report -> report.machine().java());
        print("kernels", found, report -> report.machine().kernels());
        print("GPU", found, report -> String.join(", ", report.machine().gpus()));
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

    /** A line for each different value. */
    private static void print(String what, Findings found, Function<ExecutorReport, String> part) {
        Map<String, List<String>> groups = found.executors().stream()
                .filter(report ->
                        report.machine() != null && !part.apply(report).isEmpty())
                .collect(Collectors.groupingBy(
                        part, TreeMap::new, Collectors.mapping(ExecutorReport::executor, Collectors.toList())));
        groups.forEach((value, executors) -> System.out.println(
                what + ": " + value + (groups.size() == 1 ? "" : " (executors " + String.join(", ", executors) + ")")));
    }
}
