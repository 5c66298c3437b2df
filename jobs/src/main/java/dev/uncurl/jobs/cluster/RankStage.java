package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.Collectives;
import dev.uncurl.error.UserError;
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
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.apache.spark.util.LongAccumulator;
import scala.reflect.ClassTag$;

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
    public static final Duration STALL = Duration.ofMinutes(10);

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
        return restarting(what, rows, work, outcomes -> {
            long before = done.value();
            var all = new ArrayList<BarrierStage.Outcome<R>>();
            try {
                SparkWork.forEachPartition(outcomes, RankStage::outcomes, all::addAll, done, progress);
                return all;
            } catch (RuntimeException e) {
                done.add(before - done.value());
                throw e;
            }
        });
    }

    private static <R> List<BarrierStage.Outcome<R>> outcomes(Iterator<BarrierStage.Outcome<R>> partition) {
        var all = new ArrayList<BarrierStage.Outcome<R>>();
        partition.forEachRemaining(all::add);
        return all;
    }

    /** As above, without progress. */
    public <T, U, R> List<R> run(String what, RDD<T> rows, Work<T, U, R> work) {
        return restarting(what, rows, work, outcomes -> outcomes.toJavaRDD().collect());
    }

    private <T, U, R> List<R> restarting(String what, RDD<T> rows, Work<T, U, R> work, BarrierStage.Action<R> action) {
        if (rows.getNumPartitions() != partitions()) {
            throw new IllegalArgumentException(
                    rows.getNumPartitions() + " partitions for " + partitions() + " tasks of " + ranks + " ranks");
        }
        var context = JavaSparkContext.fromSparkContext(rows.sparkContext());
        Broadcast<Work<T, U, R>> sent = context.broadcast(work);
        if (local) {
            return threads(rows, sent, action);
        }
        var restarts = new Restarts(what, RESTARTS);
        while (true) {
            try {
                return BarrierStage.run(rows, STALL, (ranks, part) -> run(sent.value(), ranks, part), action);
            } catch (RuntimeException e) {
                if (!restarts.again(e, "the beginning of the stage")) {
                    throw e;
                }
                StuckExecutors.replace(context, PATIENCE_MILLIS);
                Slots.await(context, ranks);
            }
        }
    }

    private static <T, U, R> R run(Work<T, U, R> work, Collectives ranks, Iterator<T> rows) throws Exception {
        return work.run(ranks, work.units(rows));
    }

    private <T, U, R> List<R> threads(RDD<T> rows, Broadcast<Work<T, U, R>> sent, BarrierStage.Action<R> action) {
        RankStage stage = this;
        RDD<BarrierStage.Outcome<R>> outcomes = JavaRDD.<T>fromRDD(rows, ClassTag$.MODULE$.apply(Object.class))
                .mapPartitions(part -> stage.threads(sent.value(), part))
                .rdd();
        return action.of(outcomes).stream().map(BarrierStage.Outcome::get).toList();
    }

    private <T, U, R> Iterator<BarrierStage.Outcome<R>> threads(Work<T, U, R> work, Iterator<T> rows) throws Exception {
        var deal = new Deal<>(work.units(rows), ranks);
        return ThreadRanks.run(
                        ranks, STALL, own -> new BarrierStage.Outcome<>(work.run(own, deal.of(own.rank())), null))
                .iterator();
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
}
