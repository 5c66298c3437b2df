package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.collective.LostRankException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A driver of its own with two executors that are processes: three stages one after another, one in which an
 * executor dies, another one, and one in which an executor is stopped and does not answer. Connections are authenticated and encrypted. What the ranks say goes to standard output.
 */
public final class ClusterTrial {
    private static final int RANKS = 2;
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private ClusterTrial() {}

    public static void main(String[] arguments) throws Exception {
        SparkConf conf = new SparkConf()
                .setMaster("local-cluster[2,1,900]")
                .setAppName("ranks")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.executor.memory", "800m")
                .set("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .set(
                        "spark.executor.extraJavaOptions",
                        "--add-modules=jdk.incubator.vector -Dorg.bytedeco.javacpp.maxbytes=300m"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes=0")
                .set("spark.authenticate", "true")
                .set("spark.authenticate.secret", "a secret of a test")
                .set("spark.network.crypto.enabled", "true")
                // else a stage that finds an executor missing asks again after 15 seconds
                .set("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
                .set(ClusterPlugin.KEY, ClusterPlugin.class.getName());
        try (JavaSparkContext context = new JavaSparkContext(conf);
                AutoCloseable listening = ClusterPlugin.listen("trial", ClusterTrial::heard)) {
            awaitExecutors(context);
            for (int stage = 0; stage < 3; stage++) {
                Stage.run(context, RANKS, ClusterTrial::work).forEach(System.out::println);
            }
            fail(context, ClusterTrial::workOfOneThatDies);
            awaitExecutors(context);
            Stage.run(context, RANKS, ClusterTrial::work).forEach(one -> System.out.println("again " + one));
            fail(context, ClusterTrial::workOfOneThatHangs);
        }
        ProcessHandle.current()
                .descendants()
                .forEach(ProcessHandle::destroyForcibly); // the one that hangs does not end
        System.exit(0); // Spark's barrier timer would keep the process
    }

    private static void awaitExecutors(JavaSparkContext context) throws InterruptedException {
        while (context.sc().getExecutorMemoryStatus().size() < 1 + RANKS) {
            Thread.sleep(50);
        }
    }

    private static void fail(JavaSparkContext context, Stage.Work work) {
        try {
            Stage.run(context, RANKS, work);
        } catch (Exception e) { // Scala code throws checked exceptions without declaring them
            System.out.println("the stage failed: " + e.getClass().getSimpleName());
        }
    }

    private static void heard(StepReport report) {
        System.out.println("report: rank " + report.rank() + " step " + report.step() + " loss " + report.loss() + " "
                + report.measures());
    }

    private static String work(BarrierTaskContext task) {
        try (Collectives ranks = SparkTransport.open(task, DEADLINE)) {
            return sums(ranks);
        }
    }

    private static String sums(Collectives ranks) {
        FloatRange values = FloatRange.allocate(3_000_000);
        for (long start = 0; start < values.length(); start += FloatRange.WINDOW) {
            ByteBuffer window = values.window(start, values.windowAt(start));
            for (int i = 0; i < window.capacity() / Float.BYTES; i++) {
                window.putFloat(i * Float.BYTES, (start + i) % 1000 * (ranks.rank() + 1));
            }
        }
        ranks.allReduce(values);
        double sum = 0;
        for (long start = 0; start < values.length(); start += FloatRange.WINDOW) {
            ByteBuffer window = values.window(start, values.windowAt(start));
            while (window.hasRemaining()) {
                sum += window.getFloat();
            }
        }
        ClusterPlugin.report(new StepReport("trial", ranks.rank(), 0, 0.5, 1, Map.of("sum", sum)));
        return "rank " + ranks.rank() + " of " + ranks.size() + " sum " + (long) sum;
    }

    private static String workOfOneThatDies(BarrierTaskContext task) {
        return loseRank1(task, DEADLINE, 12, () -> Runtime.getRuntime().halt(137));
    }

    private static String workOfOneThatHangs(BarrierTaskContext task) {
        long process = ProcessHandle.current().pid();
        return loseRank1(task, Duration.ofSeconds(8), 20, () -> {
            new ProcessBuilder("kill", "-STOP", Long.toString(process)).start().waitFor();
            Thread.sleep(60_000);
        });
    }

    /** How a rank goes. */
    private interface End {
        void of() throws Exception;
    }

    private static String loseRank1(BarrierTaskContext task, Duration deadline, int step, End end) {
        try (Collectives ranks = SparkTransport.open(task, deadline)) {
            ranks.barrier();
            ranks.at("step " + step);
            if (ranks.rank() == 1) {
                end.of();
            }
            return sums(ranks);
        } catch (LostRankException e) {
            System.err.println("executor " + SparkEnv.get().executorId() + ": " + e.getMessage());
            double lost = e.ranks().equals(List.of(1)) && e.getMessage().contains(", step " + step) ? 1 : -1;
            ClusterPlugin.report(new StepReport("trial", 0, step, Double.NaN, 0, Map.of("lost", lost)));
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("Rank 1 could not go", e);
        }
    }
}
