package dev.uncurl.jobs.cluster;

import dev.uncurl.machine.ProductSpeed;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Finds the executors that multiply at less than half of the speed of the fastest.
 *
 * @param speeds by the executor's id
 */
record SlowExecutors(List<ExecutorReport> executors, Map<String, ProductSpeed> speeds) {
    private static final double LEAST_SHARE = 0.5;

    /** A line for each, the slowest first. */
    List<String> warnings() {
        List<ExecutorReport> bySpeed = executors.stream()
                .filter(report -> speeds.containsKey(report.executor()))
                .sorted(Comparator.comparingDouble(this::gigaflops))
                .toList();
        var warnings = new ArrayList<String>();
        if (bySpeed.isEmpty()) {
            return warnings;
        }
        ExecutorReport best = bySpeed.get(bySpeed.size() - 1);
        for (ExecutorReport report : bySpeed) {
            if (gigaflops(report) < LEAST_SHARE * gigaflops(best)) {
                warnings.add(warning(report, best));
            }
        }
        return warnings;
    }

    private double gigaflops(ExecutorReport report) {
        return speeds.get(report.executor()).gigaflops();
    }

    private String warning(ExecutorReport slow, ExecutorReport best) {
        String core = speeds.get(slow.executor()).blasCore();
        String other = speeds.get(best.executor()).blasCore();
        String why = core.equals(other)
                ? "Other work on its machine, more executors than its cores can carry, or an older or throttled processor can"
                        + " be the cause: see its load, and make spark.executor.cores smaller, or leave the machine out."
                : "OpenBLAS uses other kernels there. If its processor can do what the other one can, name the better kernels"
                        + " on all executors: spark.executorEnv.OPENBLAS_CORETYPE " + other.toUpperCase(Locale.ROOT)
                        + "; otherwise leave the machine out.";
        return String.format(
                Locale.ROOT,
                "%s multiplies at %.0f GFLOP/s a thread (OpenBLAS %s), less than half of the %.0f (OpenBLAS %s) of %s, and"
                        + " ranks of training wait for the slowest. %s",
                slow.name(),
                gigaflops(slow),
                core,
                gigaflops(best),
                other,
                best.name(),
                why);
    }
}
