package dev.uncurl.jobs.cluster;

import dev.uncurl.machine.Machine;
import dev.uncurl.machine.MemoryLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What should be changed on executors with which work begins nevertheless.
 *
 * @param cores of each executor, by its id
 * @param taskCores that Spark counts for a task
 */
record Advice(List<ExecutorReport> executors, Map<String, Integer> cores, int taskCores) {
    /** Leases and the order of commits depend on clocks. */
    private static final long MOST_CLOCK_MILLIS = 2000;

    List<String> lines() {
        var lines = new ArrayList<String>();
        add(
                lines,
                machine -> machine.kernels().contains("no Vector API"),
                "the kernels are several times slower: add --add-modules=jdk.incubator.vector to"
                        + " spark.executor.extraJavaOptions");
        add(
                lines,
                machine -> !machine.compileCommands(),
                "training may allocate vectors on the Java heap: take spark.executor.extraJavaOptions from"
                        + " conf/spark/standalone.conf");
        add(
                lines,
                machine -> machine.memory().offHeap() == 0,
                "nothing limits ND4J's arrays: set -Dorg.bytedeco.javacpp.maxbytes in spark.executor.extraJavaOptions");
        add(
                lines,
                machine -> wanted(machine.memory()) > machine.memory().container(),
                "heap and -Dorg.bytedeco.javacpp.maxbytes together exceed the memory, so that the system may kill it:"
                        + " make one of them smaller");
        addOf(
                lines,
                report -> tasks(report) * report.machine().threads()
                        > report.machine().cores(),
                "its tasks have more threads than it has cores: make spark.executor.cores or -Duncurl.threads smaller");
        addOf(
                lines,
                report -> report.machine().threads() < taskCores,
                "a task computes on fewer threads than spark.task.cpus = " + taskCores + ": set -Duncurl.threads="
                        + taskCores + " in spark.executor.extraJavaOptions");
        addOf(
                lines,
                report -> Math.abs(report.clockMillis()) > MOST_CLOCK_MILLIS,
                "its clock is not the driver's: let NTP set the clocks of all machines");
        return lines;
    }

    private int tasks(ExecutorReport report) {
        return cores.getOrDefault(report.executor(), 1) / taskCores;
    }

    private static long wanted(MemoryLimits memory) {
        return memory.heap() + memory.offHeap();
    }

    private void add(List<String> lines, Predicate<Machine> bad, String what) {
        addOf(lines, report -> bad.test(report.machine()), what);
    }

    private void addOf(List<String> lines, Predicate<ExecutorReport> bad, String what) {
        List<ExecutorReport> found = executors.stream()
                .filter(report -> report.machine() != null)
                .filter(bad)
                .toList();
        if (!found.isEmpty()) {
            String who =
                    found.size() == executors.size() && found.size() > 1 ? "All executors" : Requirements.names(found);
            lines.add(who.substring(0, 1).toUpperCase(Locale.ROOT) + who.substring(1) + ": " + what + ".");
        }
    }
}
