package dev.uncurl.jobs.cluster;

import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.status.api.v1.ExecutorSummary;
import scala.collection.JavaConverters;

/**
 * Executors that do not end the task of a stage that is over, because they hang. Their slots would stay taken until Spark misses
 * their heartbeats, for two minutes and more.
 */
public final class StuckExecutors {
    private static final long LOOK_EVERY_MILLIS = 200;

    private StuckExecutors() {}

    /**
     * To be called when no stage runs: waits for all tasks to end, and replaces the executors of those that do not.
     *
     * @param millis time that a task has to end
     * @return the executors that are being replaced
     */
    public static List<String> replace(JavaSparkContext context, long millis) {
        long end = System.nanoTime() + millis * 1_000_000;
        List<String> busy = busy(context);
        while (!busy.isEmpty() && System.nanoTime() < end) {
            try {
                Thread.sleep(LOOK_EVERY_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("Interrupted while tasks end", e);
            }
            busy = busy(context);
        }
        busy.forEach(context.sc()::killAndReplaceExecutor);
        return busy;
    }

    private static List<String> busy(JavaSparkContext context) {
        return JavaConverters.seqAsJavaList(context.sc().statusStore().executorList(true)).stream()
                .filter(executor -> executor.activeTasks() > 0 && !executor.id().equals("driver"))
                .map(ExecutorSummary::id)
                .toList();
    }
}
