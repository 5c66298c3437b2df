package dev.uncurl.jobs.cluster;

import dev.uncurl.jobs.spark.GpuStage;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.status.api.v1.ExecutorSummary;
import scala.collection.JavaConverters;

/** How many tasks of an application can run at a time. Executors register one after another once an application has begun. */
public final class Slots {
    /** Spark's property for how long work may wait until executors have registered; that of Spark is 30 s. */
    static final String WAIT = "spark.scheduler.maxRegisteredResourcesWaitingTime";

    private static final String DEFAULT_WAIT = "30s";
    private static final long LOOK_EVERY_MILLIS = 100;

    /** Executors that have not come this long after the one before are not expected any more, when none is needed. */
    private static final long SETTLED_MILLIS = 3000;

    private Slots() {}

    /** Slots of all executors that are there now, for tasks that compute models. */
    public static int now(JavaSparkContext context) {
        var sc = context.sc();
        return sc.isLocal() ? context.defaultParallelism() : sc.maxNumConcurrentTasks(GpuStage.profile(sc));
    }

    /**
     * Waits until there are enough, or the time is up that the application gives to executors to register.
     *
     * @return those there are then
     */
    public static int await(JavaSparkContext context, int enough) {
        long end = System.nanoTime() + waitMillis(context) * 1_000_000;
        int slots = now(context);
        while (slots < enough && System.nanoTime() < end) {
            pause();
            slots = now(context);
        }
        return slots;
    }

    /** Waits until there is one, and until no more come; at most for the time that the application gives to executors. */
    public static int settled(JavaSparkContext context) {
        int slots = await(context, 1);
        if (context.sc().isLocal()) {
            return slots;
        }
        long end = System.nanoTime() + waitMillis(context) * 1_000_000;
        long since = System.nanoTime();
        while (System.nanoTime() - since < SETTLED_MILLIS * 1_000_000 && System.nanoTime() < end) {
            pause();
            int more = now(context);
            since = more == slots ? since : System.nanoTime();
            slots = more;
        }
        return slots;
    }

    static long waitMillis(JavaSparkContext context) {
        return 1000 * context.getConf().getTimeAsSeconds(WAIT, DEFAULT_WAIT);
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK_EVERY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while executors register", e);
        }
    }

    /** Cores of each executor that is there now, by its id. */
    static Map<String, Integer> cores(JavaSparkContext context) {
        var cores = new TreeMap<String, Integer>();
        if (context.sc().isLocal()) {
            cores.put("driver", context.defaultParallelism());
            return cores;
        }
        for (ExecutorSummary executor :
                JavaConverters.seqAsJavaList(context.sc().statusStore().executorList(true))) {
            if (!executor.id().equals("driver")) {
                cores.put(executor.id(), executor.totalCores());
            }
        }
        return cores;
    }

    /** Cores that Spark counts for a task. */
    static int taskCores(SparkConf conf) {
        return conf.getInt("spark.task.cpus", 1);
    }
}
