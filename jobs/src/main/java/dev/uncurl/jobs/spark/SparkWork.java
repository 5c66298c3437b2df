package dev.uncurl.jobs.spark;

import dev.uncurl.error.DeviceFailedException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.rdd.RDD;
import org.apache.spark.util.LongAccumulator;
import scala.Tuple2;
import scala.collection.JavaConverters;
import scala.concurrent.Await;
import scala.concurrent.duration.Duration;
import scala.runtime.AbstractFunction0;
import scala.runtime.AbstractFunction1;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/** Runs work in Spark tasks and reports its progress on the driver. */
public final class SparkWork {
    private static final long LOOK_EVERY_MILLIS = 200;

    private SparkWork() {}

    /**
     * Runs a function on each item and returns the results, in the order of the items.
     *
     * @param work what a task does with its item
     * @param partitions Spark tasks at most
     * @param size of an item, in the unit of the progress
     */
    public static <T, R> List<R> collect(
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

    /** A function of the rows of a partition. */
    public interface PartitionWork<T, R> extends Serializable {
        R of(Iterator<T> rows) throws Exception;
    }

    /**
     * Runs a function on each partition of an RDD and passes on each result as its task ends, so that the driver does not
     * keep all of them in memory.
     *
     * @param taker called by one thread at a time, in any order of the partitions
     * @param done work of all tasks so far, in the unit of the progress
     */
    public static <T, R> void forEachPartition(
            RDD<T> rows, PartitionWork<T, R> work, Consumer<R> taker, LongAccumulator done, Progress progress) {
        List<Object> partitions = IntStream.range(0, rows.getNumPartitions())
                .<Object>mapToObj(i -> i)
                .toList();
        var future = rows.sparkContext()
                .submitJob(
                        rows,
                        new OnPartition<>(work),
                        JavaConverters.asScalaBuffer(partitions).toSeq(),
                        new AbstractFunction2<Object, R, BoxedUnit>() {
                            @Override
                            public BoxedUnit apply(Object partition, R result) {
                                taker.accept(result);
                                return BoxedUnit.UNIT;
                            }
                        },
                        new AbstractFunction0<BoxedUnit>() {
                            @Override
                            public BoxedUnit apply() {
                                return BoxedUnit.UNIT;
                            }
                        });
        while (true) {
            try {
                Await.result(future, Duration.create(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS));
                progress.done("");
                return;
            } catch (TimeoutException e) {
                progress.at(done.value(), "");
            } catch (InterruptedException e) {
                future.cancel();
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) { // Scala code throws checked exceptions without declaring them
                throw new IllegalStateException(e);
            }
        }
    }

    private static final class OnPartition<T, R> extends AbstractFunction1<scala.collection.Iterator<T>, R>
            implements Serializable {
        private static final long serialVersionUID = 1L;

        private final PartitionWork<T, R> work;

        OnPartition(PartitionWork<T, R> work) {
            this.work = work;
        }

        @Override
        public R apply(scala.collection.Iterator<T> rows) {
            try {
                return work.of(JavaConverters.asJavaIterator(rows));
            } catch (DeviceFailedException e) {
                return GpuStage.failed(e);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException("A task failed on its partition", e);
            }
        }
    }
}
