package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.ExecutorTurns;
import dev.uncurl.machine.ProductSpeed;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/** Looks at an application's executors before work begins that would fail on them, or give other bits. */
public final class Preflight {
    private static final String DYNAMIC = "spark.dynamicAllocation.enabled";

    private final JavaSparkContext context;
    private final FileSystem files;
    private final Path folder;

    /** @param folder on the warehouse's file system; does not exist, and not afterwards */
    public Preflight(JavaSparkContext context, FileSystem files, Path folder) {
        this.context = context;
        this.files = files;
        this.folder = folder;
    }

    /**
     * Checks that training can begin, and waits for its executors to register.
     *
     * @param ranks tasks that must run at the same time
     * @param rankBytes memory that each takes off the heap
     * @throws UserError (usage, input) for the first obstacle, with the numbers and the remedy
     */
    public void require(int ranks, long rankBytes) {
        requireFixedExecutors();
        requireSlots(Slots.await(context, ranks), ranks);
        List<UserError> obstacles = new Requirements(look()).obstacles(rankBytes);
        if (!obstacles.isEmpty()) {
            throw obstacles.get(0);
        }
    }

    /**
     * What is on all executors that have registered; waits until no more of them come.
     *
     * @param ranks that training will have; 0 if there will be none
     */
    public Findings findings(int ranks) {
        var obstacles = new ArrayList<UserError>();
        int slots = ranks == 0 ? Slots.settled(context) : Slots.await(context, ranks);
        check(obstacles, this::requireFixedExecutors);
        check(obstacles, () -> requireSlots(slots, Math.max(1, ranks)));
        if (slots == 0) {
            return new Findings(List.of(), Map.of(), Map.of(), "", obstacles, List.of());
        }
        List<ExecutorReport> reports = look();
        var requirements = new Requirements(reports);
        obstacles.addAll(requirements.obstacles(0));
        var exchange = new ExchangeProspect(
                TaskProcessor.nccl(),
                reports.stream().filter(report -> report.error() == null).toList());
        if (ranks != 1) {
            exchange.refusal().ifPresent(obstacles::add);
        }
        Map<String, Integer> cores = Slots.cores(context);
        List<String> advice = new Advice(reports, cores, Slots.taskCores(context.getConf())).lines();
        return new Findings(reports, cores, speeds(reports), exchange.text(), obstacles, advice);
    }

    /** Of all executors, measured at the same time, as they will compute. */
    private Map<String, ProductSpeed> speeds(List<ExecutorReport> reports) {
        boolean able = reports.stream().allMatch(report -> report.error() == null);
        return able ? ExecutorTurns.together(context, ProductSpeed::here) : Map.of();
    }

    private static void check(List<UserError> obstacles, Runnable requirement) {
        try {
            requirement.run();
        } catch (UserError obstacle) {
            obstacles.add(obstacle);
        }
    }

    /** @throws UserError (usage) if Spark would refuse every barrier stage */
    public void requireFixedExecutors() {
        if (context.getConf().getBoolean(DYNAMIC, false)) {
            throw UserError.usage(
                    DYNAMIC
                            + " is on, but all ranks of training must run at the same time, on a number of executors"
                            + " that does not change",
                    "Set it to false, and name the number of executors: spark.cores.max on a standalone cluster,"
                            + " spark.executor.instances on YARN and Kubernetes.");
        }
    }

    void requireSlots(int slots, int ranks) {
        if (slots >= ranks) {
            return;
        }
        int taskCores = Slots.taskCores(context.getConf());
        Map<String, Integer> cores = Slots.cores(context);
        throw UserError.usage(
                ranks + " ranks need " + ranks + " free slots, but the cluster gives " + slots + " after "
                        + Slots.waitMillis(context) / 1000 + " s: " + cores.size() + " executors with "
                        + cores.values().stream().mapToInt(Integer::intValue).sum() + " cores, spark.task.cpus = "
                        + taskCores,
                (slots > 0 ? "Set train.ranks=" + slots + " (or auto), or ask" : "Ask")
                        + " for more: --total-executor-cores on a standalone cluster, spark.executor.instances and"
                        + " spark.executor.cores elsewhere; see whether workers have that many cores and that much"
                        + " memory free. To wait longer: " + Slots.WAIT + ".");
    }

    /** One report of each executor. */
    private List<ExecutorReport> look() {
        try (var trial = new WarehouseTrial(files, folder)) {
            String place = trial.folder();
            String token = trial.token();
            var hadoop = new SerializableConfiguration(context.hadoopConfiguration());
            return ExecutorTurns.together(context, () -> ExecutorReport.here(place, token, hadoop)).values().stream()
                    .map(report -> report.warehouse().isEmpty() ? report.seen(trial.seen(report.executor())) : report)
                    .toList();
        } catch (IOException e) {
            throw UserError.input(
                    "The warehouse cannot be used: " + e.getMessage(),
                    "Name a folder that can be written with --warehouse.",
                    e);
        }
    }
}
