package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.Collectives;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.apache.spark.util.LongAccumulator;
import scala.collection.JavaConverters;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/**
 * One Spark stage whose tasks are ranks that need each other, such as those that divide the experts of a model. On a cluster it
 * is a barrier stage with a task for each rank; in local mode one task, whose threads are the ranks.
 *
 * @param ranks their number
 * @param local whether they are threads
 * @param slots task slots that they have together
 */
public record RankStage(int ranks, boolean local, int slots) implements Serializable {
    /** How long a rank waits for another: also while that one loads its part of a model. */
    private static final Duration STALL = Duration.ofMinutes(10);

    /** How often a stage is started again because a rank was lost: as {@code train.restarts} is set in conf/train. */
    private static final int RESTARTS = 20;

    /** How long a rank may go on with its task when another one was lost; it then counts as hanging. */
    private static final long PATIENCE_MILLIS = 30_000;

    /**
     * What a rank does.
     *
     * @param <T> a row
     * @param <U> what a rank does at a time, made of successive rows
     */
    public interface Work<T, U, R> extends Serializable {
        /** Divides the rows of a partition. */
        Iterator<U> units(Iterator<T> rows);

        /** @param units of this rank */
        R run(Collectives ranks, Iterator<U> units) throws Exception;
    }

    /** What a rank returned, or an error that the user can remedy: Spark would lose the cause of a task that throws it. */
    private record Outcome<R>(R result, UserError error) implements Serializable {
        /** The result. @throws UserError if the rank failed with one */
        R get() {
            if (error != null) {
                throw error;
            }
            return result;
        }
    }

    /**
     * As many groups of ranks as there are slots for.
     *
     * @param group ranks that need each other
     * @param option that sets it, for the message
     * @throws UserError (usage) if the cluster has fewer slots than one group needs
     */
    public static RankStage of(SparkContext context, int group, String option) {
        int slots = slots(context, group);
        if (slots < group && !context.isLocal()) {
            throw UserError.usage(
                    option + " " + group + " needs " + group + " tasks at the same time; there are slots for " + slots,
                    "Use more executors or cores, or a smaller " + option + ".");
        }
        return of(context, group * Math.max(1, slots / group));
    }

    /** Waits for executors to register: until no more come, and longer if there are not enough. */
    private static int slots(SparkContext context, int enough) {
        var java = JavaSparkContext.fromSparkContext(context);
        int slots = Slots.settled(java);
        return slots >= enough || context.isLocal() ? slots : Slots.await(java, enough);
    }

    /** One group. The arguments are those of {@link #of}. */
    public static RankStage group(SparkContext context, int group, String option) {
        of(context, group, option); // checks
        return of(context, group);
    }

    private static RankStage of(SparkContext context, int ranks) {
        return new RankStage(ranks, context.isLocal(), context.isLocal() ? context.defaultParallelism() : ranks);
    }

    /** Number of partitions of the rows: one for each rank, or all in one, of which the ranks take units in turn. */
    public int partitions() {
        return local ? 1 : ranks;
    }

    /**
     * Runs a rank on each partition of rows that come from a shuffle. When a rank is lost, all start again with all rows; their work must
     * allow that.
     *
     * @param what they do, for messages
     * @param done work of all ranks so far, in the unit of the progress
     * @return the results of all ranks, in no order
     * @throws UserError of a rank
     */
    public <T, U, R> List<R> run(
            String what, RDD<T> rows, Work<T, U, R> work, LongAccumulator done, Progress progress) {
        return restarting(what, rows.sparkContext(), () -> {
            long before = done.value();
            var outcomes = new ArrayList<Outcome<R>>();
            try {
                SparkWork.forEachPartition(over(rows, work), RankStage::outcomes, outcomes::addAll, done, progress);
                return outcomes;
            } catch (RuntimeException e) {
                done.add(before - done.value());
                throw e;
            }
        });
    }

    private static <R> List<Outcome<R>> outcomes(Iterator<Outcome<R>> partition) {
        var all = new ArrayList<Outcome<R>>();
        partition.forEachRemaining(all::add);
        return all;
    }

    /** As above, without progress. */
    public <T, U, R> List<R> run(String what, RDD<T> rows, Work<T, U, R> work) {
        return restarting(
                what, rows.sparkContext(), () -> over(rows, work).toJavaRDD().collect());
    }

    private <R> List<R> restarting(String what, SparkContext spark, Callable<List<Outcome<R>>> stage) {
        var restarts = new Restarts(what, RESTARTS);
        while (true) {
            try {
                return stage.call().stream().map(Outcome::get).toList();
            } catch (Exception e) { // Spark throws checked exceptions without declaring them
                if (local || !restarts.again(e, "the beginning of the stage")) {
                    throw e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
                }
                var context = JavaSparkContext.fromSparkContext(spark);
                StuckExecutors.replace(context, PATIENCE_MILLIS);
                Slots.await(context, ranks);
            }
        }
    }

    /** Each partition of the result has outcomes of ranks. */
    private <T, U, R> RDD<Outcome<R>> over(RDD<T> rows, Work<T, U, R> work) {
        if (rows.getNumPartitions() != partitions()) {
            throw new IllegalArgumentException(
                    rows.getNumPartitions() + " partitions for " + partitions() + " tasks of " + ranks + " ranks");
        }
        Broadcast<Work<T, U, R>> sent = rows.toJavaRDD().context().broadcast(work, ClassTag$.MODULE$.apply(Work.class));
        RankStage stage = this;
        return local
                ? JavaRDD.<T>fromRDD(rows, ClassTag$.MODULE$.apply(Object.class))
                        .mapPartitions(part -> stage.threads(sent.value(), part))
                        .rdd()
                : GpuStage.of(rows)
                        .barrier()
                        .mapPartitions(new Task<>(sent), false, ClassTag$.MODULE$.apply(Outcome.class));
    }

    private <T, U, R> Iterator<Outcome<R>> threads(Work<T, U, R> work, Iterator<T> rows) throws Exception {
        var deal = new Deal<>(work.units(rows), ranks);
        List<Outcome<R>> outcomes =
                ThreadRanks.run(ranks, STALL, own -> new Outcome<>(work.run(own, deal.of(own.rank())), null));
        return outcomes.iterator();
    }

    /** Unit i is for rank i modulo their number, whichever rank reads it. */
    private static final class Deal<U> {
        private final Iterator<U> units;
        private final List<Deque<U>> waiting = new ArrayList<>();
        private int next;

        Deal(Iterator<U> units, int ranks) {
            this.units = units;
            for (int rank = 0; rank < ranks; rank++) {
                waiting.add(new ArrayDeque<>());
            }
        }

        Iterator<U> of(int rank) {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return has(rank);
                }

                @Override
                public U next() {
                    return take(rank);
                }
            };
        }

        private synchronized boolean has(int rank) {
            while (waiting.get(rank).isEmpty() && units.hasNext()) {
                waiting.get(next).add(units.next());
                next = (next + 1) % waiting.size();
            }
            return !waiting.get(rank).isEmpty();
        }

        private synchronized U take(int rank) {
            if (!has(rank)) {
                throw new NoSuchElementException();
            }
            return waiting.get(rank).remove();
        }
    }

    /** A rank of a barrier stage. */
    private static final class Task<T, U, R>
            extends AbstractFunction1<scala.collection.Iterator<T>, scala.collection.Iterator<Outcome<R>>>
            implements Serializable {
        private static final long serialVersionUID = 1L;

        private final Broadcast<Work<T, U, R>> sent;

        Task(Broadcast<Work<T, U, R>> sent) {
            this.sent = sent;
        }

        @Override
        public scala.collection.Iterator<Outcome<R>> apply(scala.collection.Iterator<T> rows) {
            Work<T, U, R> work = sent.value();
            try (Collectives ranks = SparkTransport.open(BarrierTaskContext.get(), STALL)) {
                Outcome<R> outcome = run(work, ranks, work.units(JavaConverters.asJavaIterator(rows)));
                return JavaConverters.asScalaIterator(List.of(outcome).iterator());
            } catch (DeviceFailedException e) {
                return GpuStage.failed(e);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException("A rank failed", e);
            }
        }

        private static <T, U, R> Outcome<R> run(Work<T, U, R> work, Collectives ranks, Iterator<U> units)
                throws Exception {
            try {
                return new Outcome<>(work.run(ranks, units), null);
            } catch (UserError error) {
                return new Outcome<>(null, error);
            }
        }
    }
}
