package dev.uncurl.jobs.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.storage.BlockManagerId;
import scala.Tuple2;
import scala.collection.JavaConverters;
import scala.collection.Seq;
import scala.reflect.ClassTag$;

/** Runs a function in one task on each executor. In local mode there is one task, in this process. */
public final class ExecutorTurns {
    /** Rounds in which {@link #together} looks for the executors whose task ran elsewhere. */
    private static final int ROUNDS = 3;

    private ExecutorTurns() {}

    /** What a task computes. */
    public interface Work<R> extends Serializable {
        R get() throws Exception;
    }

    /**
     * One executor after another: while the function runs, the caller waits, and no task of another job that this thread submits
     * runs anywhere.
     *
     * @return a result for each executor that is registered now, in the order of their ids
     */
    public static <R> List<R> each(JavaSparkContext context, Work<R> work) {
        return places(context).stream()
                .flatMap(place -> run(context, List.of(place), work).stream())
                .map(Placed::result)
                .toList();
    }

    /**
     * On all executors at the same time.
     *
     * @return by executor id, one result for each executor that is registered now; an executor that is busy with other tasks may
     *     be missing
     */
    public static <R> Map<String, R> together(JavaSparkContext context, Work<R> work) {
        var results = new TreeMap<String, R>();
        List<String> open = places(context);
        for (int round = 0; round < ROUNDS && !open.isEmpty(); round++) {
            run(context, open, work).forEach(one -> results.put(one.executor(), one.result()));
            open = open.stream()
                    .filter(place -> !place.isEmpty() && !results.containsKey(id(place)))
                    .toList();
        }
        return results;
    }

    private record Placed<R>(String executor, R result) implements Serializable {}

    /** One task for each place. */
    private static <R> List<Placed<R>> run(JavaSparkContext context, List<String> places, Work<R> work) {
        RDD<Integer> items = context.sc().makeRDD(items(places), ClassTag$.MODULE$.<Integer>apply(Integer.class));
        return GpuStage.of(items)
                .toJavaRDD()
                .map(one -> new Placed<>(SparkEnv.get().executorId(), work.get()))
                .collect();
    }

    /** Spark's names of the executors as preferred places of a task; one empty name in local mode. */
    private static List<String> places(JavaSparkContext context) {
        if (context.sc().isLocal()) {
            return List.of("");
        }
        var registered = JavaConverters.mapAsJavaMap(
                SparkEnv.get().blockManager().master().getMemoryStatus());
        List<String> executors = registered.keySet().stream()
                .filter(manager -> !manager.isDriver())
                .sorted(Comparator.comparing(BlockManagerId::executorId))
                .map(manager -> "executor_" + manager.host() + "_" + manager.executorId())
                .toList();
        return executors.isEmpty() ? List.of("") : executors; // none yet: Spark asks for one
    }

    private static String id(String place) {
        return place.substring(place.lastIndexOf('_') + 1);
    }

    private static Seq<Tuple2<Integer, Seq<String>>> items(List<String> places) {
        return seq(IntStream.range(0, places.size())
                .mapToObj(i -> new Tuple2<>(
                        i,
                        seq(Stream.of(places.get(i))
                                .filter(place -> !place.isEmpty())
                                .toList())))
                .toList());
    }

    private static <T> Seq<T> seq(List<T> items) {
        return JavaConverters.asScalaBuffer(new ArrayList<>(items)).toSeq();
    }
}
