package dev.uncurl.jobs.train;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cluster.Preflight;
import dev.uncurl.jobs.cluster.Slots;
import dev.uncurl.jobs.cluster.SparkTransport;
import dev.uncurl.jobs.cluster.StuckExecutors;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Locale;
import java.util.UUID;
import org.apache.spark.api.java.JavaSparkContext;

/** Where the ranks of a run work: how many there are, and whether they can. */
final class RankPlaces {
    /** How long a rank may go on with its task when another one was lost; it then counts as hanging. */
    private static final long MOST_PATIENCE_MILLIS = 30_000;

    private RankPlaces() {}

    /**
     * Settings with the number of ranks. On a cluster waits for its executors and looks at them, before data is read.
     *
     * @throws UserError (usage, input) if training cannot begin; the message has the numbers and the remedy
     */
    static TrainConfig prepare(Warehouse warehouse, ModelConfig model, TrainConfig asked) {
        JavaSparkContext context = warehouse.context();
        var folder = warehouse.stagingFolder("preflight-" + UUID.randomUUID());
        var preflight = new Preflight(context, warehouse.files(), folder);
        boolean auto = asked.ranks() == TrainConfig.AUTO;
        if (!context.isLocal()) {
            warehouse.describe("look at executors");
            preflight.requireFixedExecutors();
        }
        TrainConfig train = auto ? asked.at(Math.max(1, Slots.settled(context))) : asked;
        if (auto) {
            ModelSize.checkTraining(model, train);
            System.out.printf(
                    Locale.ROOT,
                    "ranks = auto: %d, with %d sequences at a time each%n",
                    train.ranks(),
                    train.microBatch());
        }
        if (context.isLocal()) {
            ModelSize.checkTrainingTogether(model, train);
        } else {
            long sums = sumBytes(train.ranks(), train.expertParallel());
            preflight.require(train.ranks(), ModelSize.trainingBytes(model, train) + sums);
        }
        return train;
    }

    /** Bytes that a rank takes to add gradients: those of all ranks, and those of ranks with the same experts. */
    static long sumBytes(int ranks, int expertParallel) {
        return SparkTransport.memory(ranks) + (expertParallel > 1 ? SparkTransport.memory(ranks / expertParallel) : 0);
    }

    /**
     * Settings to go on with after a rank was lost. Replaces executors that hang; with ranks = auto waits for executors to come
     * back, and goes on with as many as there are.
     *
     * @param before those of the ranks so far
     * @param asked as configured
     */
    static TrainConfig again(Warehouse warehouse, TrainConfig before, TrainConfig asked) {
        if (warehouse.context().isLocal()) {
            return before;
        }
        long patience = Math.min(MOST_PATIENCE_MILLIS, 1000L * before.stall());
        for (String executor : StuckExecutors.replace(warehouse.context(), patience)) {
            System.out.println("Executor " + executor + " hangs and is being replaced");
        }
        if (asked.ranks() != TrainConfig.AUTO) {
            return before;
        }
        int slots = Math.min(before.ranks(), Slots.await(warehouse.context(), before.ranks()));
        TrainConfig now = asked.at(Math.max(1, slots)); // without any slot Spark waits for one
        if (now.ranks() < before.ranks()) {
            System.out.printf(
                    Locale.ROOT,
                    "The cluster has shrunk: %d ranks instead of %d go on; the model is the same apart from rounding%n",
                    now.ranks(),
                    before.ranks());
        }
        return now;
    }
}
