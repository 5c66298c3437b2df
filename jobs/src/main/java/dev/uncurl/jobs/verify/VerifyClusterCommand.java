package dev.uncurl.jobs.verify;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.cluster.ExecutorReport;
import dev.uncurl.jobs.cluster.Findings;
import dev.uncurl.jobs.cluster.Preflight;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.List;
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
            "Looks at every executor before the work: cores, Java, kernels and how fast they multiply, limits of memory,"
                    + " GPUs, whether it can read and write the warehouse, its clock; and prints what to change.",
            "Training makes the same checks before it begins. Exit code 2 or 3 if it would not begin."
        },
        footer = {
            "",
            "  jobs/submit --master spark://host:7077 --properties-file conf/spark/standalone.conf -- verify cluster"
                    + " --ranks 8"
        })
final class VerifyClusterCommand implements Callable<Integer> {
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
        found.slow().forEach(line -> System.out.println("\nWarning: " + line));
        if (found.obstacles().isEmpty()) {
            System.out.println("\nTraining can begin.");
            return 0;
        }
        return found.obstacles().get(0).kind().exitCode();
    }

    private static void print(Findings found, int taskCores) {
        System.out.println(ExecutorTable.of(found, taskCores));
        print("computes on", found, report -> report.device().text());
        if (!found.exchange().isEmpty()) {
            System.out.println("ranks exchange: " + found.exchange());
        }
        print("processor", found, report -> report.machine().processor());
        print("Java", found, report -> report.machine().java());
        print("kernels", found, report -> report.machine().kernels());
        print("GPU", found, report -> String.join(", ", report.machine().gpus()));
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
