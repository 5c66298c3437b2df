package dev.uncurl.jobs.spark;

import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.storage.BlockManagerId;
import scala.Tuple2;
import scala.collection.JavaConverters;
import scala.collection.Seq;
import scala.reflect.ClassTag$;

/**
 * Runs a function in one task on each executor, one executor after another: while it runs, the caller waits, and no task of
 * another job that this thread submits runs anywhere. In local mode there is one task, in this process.
 */
public final class ExecutorTurns {
    private ExecutorTurns() {}

    /** What a task computes. */
    public interface Work<R> extends Serializable {
        R get() throws Exception;
    }

    /** @return a result for each executor that is registered now, in the order of their ids */
    public static <R> List<R> each(JavaSparkContext context, Work<R> work) {
        return places(context)
                .map(place -> context.sc().makeRDD(oneItem(place), ClassTag$.MODULE$.<Integer>apply(Integer.class)))
                .flatMap(item -> run(item, work).stream())
                .toList();
    }

    private static <R> List<R> run(RDD<Integer> item, Work<R> work) {
        return item.toJavaRDD().map(one -> work.get()).collect();
    }

    /** Spark's names of the executors as preferred places of a task; one empty name in local mode. */
    private static Stream<String> places(JavaSparkContext context) {
        if (context.sc().isLocal()) {
            return Stream.of("");
        }
        var registered = JavaConverters.mapAsJavaMap(
                SparkEnv.get().blockManager().master().getMemoryStatus());
        List<String> executors = registered.keySet().stream()
                .filter(manager -> !manager.isDriver())
                .sorted(Comparator.comparing(BlockManagerId::executorId))
                .map(manager -> "executor_" + manager.host() + "_" + manager.executorId())
                .toList();
        return executors.isEmpty() ? Stream.of("") : executors.stream(); // none yet: Spark asks for one
    }

    private static Seq<Tuple2<Integer, Seq<String>>> oneItem(String place) {
        List<String> preferred = place.isEmpty() ? List.of() : List.of(place);
        return seq(List.of(new Tuple2<>(0, seq(preferred))));
    }

    private static <T> Seq<T> seq(List<T> items) {
        return JavaConverters.asScalaBuffer(items).toSeq();
    }
}
