package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Settings of a training run. Each step is one batch, which all ranks compute together: losses and weights are those of one
 * process, apart from rounding, whatever the number of ranks.
 *
 * @param tokens total tokens to train on, rounded up to whole steps; counts positions of batches, including padding
 * @param ranks workers that share each batch; the same number gives the same bits. {@link #AUTO} ("auto"): as many as there are
 *     slots, see {@link #at}
 * @param expertParallel successive ranks that divide the experts of each MoE block among themselves; divides ranks. 1: every rank
 *     holds all experts. Limits memory, and does not change the model, apart from rounding
 * @param batch sequences or examples in one step, over all ranks
 * @param microBatch sequences that a rank processes at a time, which bounds memory; the step sums their gradients. The
 *     cross-entropy is that of the whole step; balance loss, z-loss and capacity are those of a micro-step: the sequences
 *     that all ranks process at a time, ranks * microBatch successive ones
 * @param metricsEvery steps of a row of training.metrics; validation and checkpoints come after whole rows
 * @param checksumEvery steps between two comparisons of the parameters of all ranks; 0: none
 * @param restarts how often a segment of the run is started again, from its checkpoint, because a rank was lost
 * @param stall seconds that a rank may keep the others waiting; then it counts as lost
 * @param learningRate highest learning rate
 * @param minimumLearningRate final value of the cosine schedule
 * @param warmup share of the steps with a rising learning rate
 * @param beta1 AdamW's decay of the first moment
 * @param beta2 AdamW's decay of the second moment
 * @param epsilon AdamW's epsilon
 * @param weightDecay decoupled, on matrices only
 * @param clip largest global norm of a step's gradient; 0 switches clipping off
 * @param lossOn which tokens of an example are predicted
 * @param seed of the initial weights and of the order of the data
 * @param spikeFactor stops the run if a step's loss exceeds this multiple of the median of the previous rows of training.metrics; 0:
 *     stops only for a loss that is not finite
 * @param validation when the loss on the validation split is measured
 * @param checkpoint when the run saves its state
 */
public record TrainConfig(
        long tokens,
        @JsonDeserialize(using = RanksReader.class) int ranks,
        int expertParallel,
        int batch,
        int microBatch,
        int metricsEvery,
        int checksumEvery,
        int restarts,
        int stall,
        double learningRate,
        double minimumLearningRate,
        double warmup,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double clip,
        LossOn lossOn,
        long seed,
        double spikeFactor,
        ValidationConfig validation,
        CheckpointConfig checkpoint)
        implements Serializable {
    /** The tokens of an example that count in the loss. Packed sequences always count completely. */
    public enum LossOn {
        /** Only the answer and its end-of-text token. */
        TARGET,
        /** Prompt and answer. */
        TEXT
    }

    public TrainConfig {
        Range.TOKENS.check(tokens);
        if (ranks != AUTO) {
            Range.RANKS.check(ranks);
        }
        Range.EXPERT_PARALLEL.check(expertParallel);
        check(
                ranks % expertParallel == 0,
                "train.expert-parallel",
                expertParallel,
                "a divisor of train.ranks, " + ranks + ": each group of so many ranks holds one copy of all experts");
        Range.BATCH.check(batch);
        check(ranks <= batch, "train.ranks", ranks, "train.batch or fewer: each rank needs a sequence of every step");
        Range.MICRO_BATCH.check(microBatch);
        check(microBatch <= batch, "train.micro-batch", microBatch, "between 1 and train.batch");
        check(
                ranks != AUTO || microBatch % expertParallel == 0 || microBatch == batch && expertParallel <= batch,
                "train.micro-batch",
                microBatch,
                "a multiple of train.expert-parallel, " + expertParallel
                        + ": with train.ranks = auto all ranks share it");
        Range.METRICS_EVERY.check(metricsEvery);
        Range.CHECKSUM_EVERY.check(checksumEvery);
        Range.RESTARTS.check(restarts);
        Range.STALL.check(stall);
        Range.LEARNING_RATE.check(learningRate);
        Range.MINIMUM_LEARNING_RATE.check(minimumLearningRate);
        check(
                minimumLearningRate <= learningRate,
                "train.minimum-learning-rate",
                minimumLearningRate,
                "between 0 and train.learning-rate");
        Range.WARMUP.check(warmup);
        Range.BETA1.check(beta1);
        Range.BETA2.check(beta2);
        Range.EPSILON.check(epsilon);
        Range.WEIGHT_DECAY.check(weightDecay);
        Range.CLIP.check(clip);
        check(lossOn != null, "train.loss-on", null, "target or text");
        Range.SPIKE_FACTOR.check(spikeFactor);
        check(spikeFactor == 0 || spikeFactor > 1, "train.spike-factor", spikeFactor, "a number above 1, or 0 for off");
        check(validation != null, "train.validation", null, "a block of settings, every = 0 for off");
        check(checkpoint != null, "train.checkpoint", null, "a block of settings, every = 0 for off");
    }

    /** The value of {@link #ranks} that stands for as many as there are slots. */
    public static final int AUTO = 0;

    /**
     * These settings with the number of ranks that a cluster of so many slots has, if ranks is {@link #AUTO}. The sequences of a
     * micro-step are then {@link #microBatch} over all ranks, so that the model is the same apart from rounding, whatever the
     * number of slots. If they are not a whole batch, the number of ranks must divide them. There are as many groups of
     * {@link #expertParallel} ranks as the slots have room for, and one at least.
     *
     * @param slots 1 or more
     */
    public TrainConfig at(int slots) {
        if (ranks != AUTO) {
            return this;
        }
        int most = Math.max(1, Math.min(slots, batch) / expertParallel) * expertParallel;
        while (microBatch < batch && microBatch % most != 0) {
            most -= expertParallel;
        }
        return Settings.with(this, Map.of("ranks", most, "micro-batch", (microBatch + most - 1) / most));
    }

    /** The input of a model that names its number of ranks: another number gives other bits, but the same model. */
    public static final String RANKS = "ranks";

    /** The same of how many ranks divide the experts; there is no such input if none do. */
    public static final String EXPERT_PARALLEL = "expert-parallel";

    /**
     * The settings that affect the trained weights, by name: the number of ranks, the sequences of a micro-step, and as JSON
     * all others except those that monitor the run.
     */
    public Map<String, String> inputs() {
        var inputs = new TreeMap<>(Map.of(
                "train",
                Settings.json(
                        this,
                        RANKS,
                        EXPERT_PARALLEL,
                        "micro-batch",
                        "metrics-every",
                        "checksum-every",
                        "restarts",
                        "stall",
                        "spike-factor",
                        "validation",
                        "checkpoint"),
                RANKS,
                ranks == AUTO ? RanksReader.AUTO : Integer.toString(ranks),
                "micro-step",
                Long.toString(Math.min(batch, Math.max(1L, ranks) * microBatch))));
        if (expertParallel > 1) { // so that models of releases without it count as made from the same settings
            inputs.put(EXPERT_PARALLEL, Integer.toString(expertParallel));
        }
        return inputs;
    }

    /** Whether an action of every {@code every} steps is due at the end of some steps; false if {@code every} is 0. */
    public boolean isDue(int every, int stepsBefore, int stepsAfter) {
        return every > 0 && stepsAfter / every > stepsBefore / every;
    }

    /**
     * Number of steps for at least {@link #tokens}, each of a batch of full length.
     *
     * @throws dev.uncurl.error.UserError (usage) if it exceeds an int
     */
    public int steps(int sequenceLength) {
        long perStep = (long) batch * sequenceLength;
        long steps = (tokens + perStep - 1) / perStep;
        check(
                steps <= Integer.MAX_VALUE,
                "train.tokens",
                tokens,
                "fewer, or train.batch to more: a run has 2147483647 steps at most");
        return (int) steps;
    }
}
