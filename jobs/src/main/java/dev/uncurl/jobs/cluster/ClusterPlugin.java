package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Messages from tasks to the driver, by Spark's plugin interface: how the ranks of a stage find each other, and how they
 * report their steps while the stage runs. It works where {@code spark.plugins} names this class, which Uncurl's own
 * sessions see to ({@link #beside}).
 */
public final class ClusterPlugin implements SparkPlugin {
    /** Spark's property that names the plugins of an application; read when its context is made. */
    public static final String KEY = "spark.plugins";

    /** Of this JVM's executor; Spark gives it to the plugin alone, and tasks have no other way to reach it. */
    private static volatile PluginContext executor;

    private static final Map<String, List<Consumer<StepReport>>> LISTENERS = new ConcurrentHashMap<>();

    /** The value of {@link #KEY} that has this plugin beside those that are named already. */
    public static String beside(String plugins) {
        return Stream.concat(Stream.of(plugins.split(",")).map(String::strip), Stream.of(ClusterPlugin.class.getName()))
                .filter(name -> !name.isEmpty())
                .distinct()
                .collect(Collectors.joining(","));
    }

    /**
     * On the driver: hears the reports of a run's ranks until it is closed. They come one at a time, on a thread of Spark.
     */
    public static AutoCloseable listen(String run, Consumer<StepReport> listener) {
        LISTENERS.computeIfAbsent(run, absent -> new CopyOnWriteArrayList<>()).add(listener);
        return () -> LISTENERS.computeIfPresent(run, (name, all) -> {
            all.remove(listener);
            return all.isEmpty() ? null : all;
        });
    }

    /** In a task: sends a report to the driver, and does not wait for it. */
    public static void report(StepReport report) {
        try {
            context().send(report);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Rank " + report.rank() + " cannot report step " + report.step() + " to the driver", e);
        }
    }

    /** In a task: asks the driver who has arrived. */
    static String[] arrive(Arrival arrival) {
        return (String[]) ask(arrival);
    }

    /** In a task: the time on the driver, in milliseconds since 1970. */
    static long driverMillis() {
        return (Long) ask(new ClockQuestion());
    }

    /** In a task: reports the failure of a rank, and waits until the driver has it. @param stage of {@link RankFailures} */
    static void fail(String stage, int rank, Exception cause) {
        String host = SparkEnv.get().blockManager().blockManagerId().host();
        ask(RankFailure.of(stage, rank, host, cause));
    }

    private static Object ask(Object question) {
        try {
            return context().ask(question);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("The driver does not answer to " + question, e);
        }
    }

    private static PluginContext context() {
        return required(executor);
    }

    /** @param context null on an executor without the plugin */
    static PluginContext required(PluginContext context) {
        if (context == null) {
            throw UserError.usage(
                    "Ranks cannot find each other: this executor has no " + ClusterPlugin.class.getName(),
                    "Add it to spark.plugins where the Spark session is made, and the application's jar to the"
                            + " executors.");
        }
        return context;
    }

    @Override
    public DriverPlugin driverPlugin() {
        return new OnDriver();
    }

    @Override
    public ExecutorPlugin executorPlugin() {
        return new OnExecutor();
    }

    private static final class OnDriver implements DriverPlugin {
        private final Rendezvous rendezvous = new Rendezvous();

        @Override
        public Object receive(Object message) {
            if (message instanceof Arrival arrival) {
                return rendezvous.arrive(arrival);
            }
            if (message instanceof StepReport report) {
                for (Consumer<StepReport> listener : LISTENERS.getOrDefault(report.run(), List.of())) {
                    listener.accept(report);
                }
                return null;
            }
            if (message instanceof RankFailure failure) {
                RankFailures.report(failure);
                return null;
            }
            if (message instanceof ClockQuestion) {
                return System.currentTimeMillis();
            }
            throw new IllegalArgumentException("Not a message of a rank: " + message.getClass());
        }
    }

    private static final class OnExecutor implements ExecutorPlugin {
        @Override
        public void init(PluginContext context, Map<String, String> fromDriver) {
            executor = context;
        }

        @Override
        public void shutdown() {
            executor = null;
        }
    }
}
