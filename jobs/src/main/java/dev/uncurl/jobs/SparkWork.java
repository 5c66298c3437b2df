package dev.uncurl.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToLongFunction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import scala.Tuple2;

/** A list of things to do, a Spark task each, and what came of them in the same order. */
final class SparkWork {
    private static final long LOOK_EVERY_MILLIS = 200;

    private SparkWork() {}

    /**
     * @param work what a task does with its item
     * @param partitions Spark tasks at most
     * @param size of an item, in the unit of the progress
     */
    static <T, R> List<R> collect(
            JavaSparkContext context,
            List<T> items,
            int partitions,
            Function<T, R> work,
            ToLongFunction<T> size,
            Progress progress) {
        var done = context.sc().longAccumulator();
        long[] sizes = items.stream().mapToLong(size).toArray();
        var numbered = new ArrayList<Tuple2<T, Long>>();
        for (int i = 0; i < sizes.length; i++) {
            numbered.add(new Tuple2<>(items.get(i), sizes[i]));
        }
        var future = context.parallelize(numbered, Math.min(partitions, numbered.size()))
                .map(item -> {
                    R result = work.call(item._1());
                    done.add(item._2());
                    return result;
                })
                .collectAsync();
        while (true) {
            try {
                List<R> results = future.get(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
                progress.done("");
                return results;
            } catch (TimeoutException e) {
                progress.at(done.value(), "");
            } catch (ExecutionException e) {
                throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                future.cancel(true);
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }
}
