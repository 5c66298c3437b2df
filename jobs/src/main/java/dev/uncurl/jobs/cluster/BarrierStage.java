package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.LostRankException;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.spark.GpuStage;
import java.io.Serializable;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.rdd.RDD;
import org.apache.spark.shuffle.FetchFailedException;
import scala.collection.JavaConverters;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/** A Spark stage with a rank on each partition of an RDD. All its tasks run at the same time, and are connected. */
public final class BarrierStage {
    /** What a rank does. */
    @FunctionalInterface
    public interface Work<T, R> extends Serializable {
        /** @param rows of the rank's partition */
        R run(Collectives ranks, Iterator<T> rows) throws Exception;
    }

    /** How the driver gets the results of an RDD's partitions. */
    @FunctionalInterface
    public interface Action<R> {
        List<Outcome<R>> of(RDD<Outcome<R>> outcomes);
    }

    /**
     * What a task returns: its result, or an error that the user can remedy. A stage whose ranks all have the same error ends normally, so
     * that Spark logs no failures.
     */
    public record Outcome<R>(R result, UserError error) implements Serializable {
        /** The result. @throws UserError if the rank failed with one */
        R get() {
            if (error != null) {
                throw error;
            }
            return result;
        }
    }

    private BarrierStage() {}

    /**
     * Runs the stage.
     *
     * @param stall how long a rank waits for another in one exchange
     * @return the results of the ranks, in the order of the action
     * @throws UserError of a rank
     * @throws RuntimeException with the rank and its failure as the cause, if one failed otherwise; with Spark's failure as the cause, if a
     *     rank was lost
     */
    public static <T, R> List<R> run(RDD<T> rows, Duration stall, Work<T, R> work, Action<R> action) {
        return outcomes(rows, stall, work, action).stream().map(Outcome::get).toList();
    }

    private static <T, R> List<Outcome<R>> outcomes(RDD<T> rows, Duration stall, Work<T, R> work, Action<R> action) {
        RDD<T> onGpus = GpuStage.of(rows);
        try (RankFailures failures = RankFailures.listen()) {
            try {
                var task = new Task<>(work, stall, failures.stage());
                return action.of(onGpus.barrier().mapPartitions(task, false, ClassTag$.MODULE$.apply(Outcome.class)));
            } catch (Exception e) { // Spark throws checked exceptions without declaring them
                Exception cause = failures.cause(e);
                throw cause instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(cause);
            }
        }
    }

    private static final class Task<T, R>
            extends AbstractFunction1<scala.collection.Iterator<T>, scala.collection.Iterator<Outcome<R>>>
            implements Serializable {
        private static final long serialVersionUID = 1L;

        private final Work<T, R> work;
        private final Duration stall;
        private final String stage;

        Task(Work<T, R> work, Duration stall, String stage) {
            this.work = work;
            this.stall = stall;
            this.stage = stage;
        }

        @Override
        public scala.collection.Iterator<Outcome<R>> apply(scala.collection.Iterator<T> rows) {
            return JavaConverters.asScalaIterator(
                    List.of(outcome(JavaConverters.asJavaIterator(rows))).iterator());
        }

        private Outcome<R> outcome(Iterator<T> rows) {
            BarrierTaskContext task = BarrierTaskContext.get();
            try (Collectives ranks = SparkTransport.open(task, stall)) {
                return new Outcome<>(work.run(ranks, rows), null);
            } catch (Exception e) {
                if (isOwn(e)) {
                    report(task, e);
                }
                if (e instanceof UserError error) {
                    return new Outcome<>(null, error);
                }
                if (e instanceof DeviceFailedException failure) {
                    return GpuStage.failed(failure);
                }
                throw e instanceof RuntimeException unchecked
                        ? unchecked
                        : new IllegalStateException("A rank failed", e);
            }
        }

        /** False if it follows from the loss of another rank or of the executor that had this one's rows, or from the end of the stage. */
        private static boolean isOwn(Exception failure) {
            return Causes.of(failure).stream()
                    .noneMatch(cause -> cause instanceof LostRankException
                            || cause instanceof FetchFailedException
                            || cause instanceof CancellationException
                            || cause instanceof TaskKilledException);
        }

        private void report(BarrierTaskContext task, Exception failure) {
            try {
                ClusterPlugin.fail(stage, task.partitionId(), failure);
            } catch (RuntimeException unreported) {
                failure.addSuppressed(unreported);
            }
        }
    }
}
