package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Finds what is wrong with executors for ranks of training. */
record Requirements(List<ExecutorReport> executors) {
    private static final int MOST_NAMED = 5;

    /**
     * The obstacles, the most basic first.
     *
     * @param rankBytes memory that a rank takes off the heap; 0 if it is not known
     */
    List<UserError> obstacles(long rankBytes) {
        var obstacles = new ArrayList<UserError>();
        executors.stream()
                .filter(report -> report.error() != null)
                .forEach(report -> obstacles.add(report.error().at(report.name())));
        warehouse(obstacles);
        if (obstacles.isEmpty()) {
            differ(obstacles, "different devices", report -> report.device().kind(), DEVICE_REMEDY);
            differ(obstacles, "different kernels", report -> report.machine().kernels(), KERNELS_REMEDY);
            differ(
                    obstacles,
                    "different versions of Java",
                    report -> report.machine().java(),
                    JAVA_REMEDY);
            memory(obstacles, rankBytes);
        }
        return obstacles;
    }

    private static final String DEVICE_REMEDY =
            "Give all executors GPUs of one kind with the same driver and libraries (verify cluster says why one was not"
                    + " used); or let all compute on the CPU: spark.uncurl.device cpu.";

    private static final String KERNELS_REMEDY =
            "Use machines of one kind; or let all compute as the oldest does: spark.executorEnv.OPENBLAS_CORETYPE"
                    + " HASWELL and -XX:MaxVectorSize=32 in spark.executor.extraJavaOptions.";

    private static final String JAVA_REMEDY =
            "Install one JDK 17 on all machines; or name its folder, the same on all, in spark.executorEnv.JAVA_HOME.";

    private void warehouse(List<UserError> obstacles) {
        List<ExecutorReport> failed = executors.stream()
                .filter(report -> !report.warehouse().isEmpty())
                .toList();
        if (!failed.isEmpty()) {
            obstacles.add(UserError.input(
                    "The warehouse cannot be used by " + failed.size() + " of " + executors.size()
                            + " executors, such as " + failed.get(0).name() + ": "
                            + failed.get(0).warehouse(),
                    "It must be one folder for the driver and all executors, such as one on HDFS, S3 or NFS: name it"
                            + " with --warehouse, and permit the executors' user to write there."));
        }
    }

    private void differ(List<UserError> obstacles, String what, Function<ExecutorReport, String> part, String remedy) {
        Map<String, List<ExecutorReport>> groups =
                executors.stream().collect(Collectors.groupingBy(part, TreeMap::new, Collectors.toList()));
        if (groups.size() > 1) {
            String all = groups.entrySet().stream()
                    .map(group -> group.getKey() + " (" + names(group.getValue()) + ")")
                    .collect(Collectors.joining("; "));
            obstacles.add(UserError.usage(
                    "Executors have " + what + ", so that one run could give other bits than the next: " + all,
                    remedy));
        }
    }

    /** The executors, or some of many. */
    static String names(List<ExecutorReport> reports) {
        String some =
                reports.stream().limit(MOST_NAMED).map(ExecutorReport::name).collect(Collectors.joining(", "));
        return reports.size() > MOST_NAMED ? some + " and " + (reports.size() - MOST_NAMED) + " more" : some;
    }

    /** A rank has an executor for itself, or shares one; at least one rank must fit. */
    private void memory(List<UserError> obstacles, long rankBytes) {
        for (ExecutorReport report : executors) {
            var memory = report.machine().memory();
            if (memory.offHeap() > 0 && rankBytes > memory.offHeap()) {
                obstacles.add(UserError.usage(
                        "A rank takes " + megabytes(rankBytes) + " off the Java heap, but " + report.name()
                                + " may take " + megabytes(memory.offHeap()) + " (-Dorg.bytedeco.javacpp.maxbytes)",
                        "Raise it in spark.executor.extraJavaOptions (on YARN and Kubernetes"
                                + " spark.executor.memoryOverhead too); or make train.micro-batch smaller, or train.ranks"
                                + " larger."));
                return;
            }
            if (rankBytes > memory.container()) {
                obstacles.add(UserError.usage(
                        "A rank takes " + megabytes(rankBytes) + " off the Java heap, but " + report.name() + " has "
                                + megabytes(memory.container()) + " in all",
                        "Use machines with more memory; or make train.micro-batch smaller, or train.ranks larger."));
                return;
            }
        }
    }

    static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%,d MB", Math.round(bytes / 1e6));
    }
}
