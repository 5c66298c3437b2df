package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

/**
 * Settings of a training run: in synchronous rounds, every rank takes {@code averagingFrequency} steps on its own
 * batches, then parameters and optimiser state are averaged.
 *
 * @param tokens total tokens to train on, rounded up to whole rounds; counts positions of batches, including padding
 * @param ranks workers; part of what determines the result
 * @param batch sequences or examples in one rank's step
 * @param microBatch sequences processed at a time, which bounds memory; the step sums their gradients. The
 *     cross-entropy is that of the whole step; balance loss and capacity are per micro-batch
 * @param averagingFrequency steps of a rank between two averages
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
 * @param spikeFactor stops the run if a step's loss exceeds this multiple of the median of the previous rounds; 0:
 *     stops only for a loss that is not finite
 * @param validation when the loss on the validation split is measured
 * @param checkpoint when the run saves its state
 */
public record TrainConfig(
        long tokens,
        int ranks,
        int batch,
        int microBatch,
        int averagingFrequency,
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
        CheckpointConfig checkpoint) {
    /** The tokens of an example that count in the loss. Packed sequences always count completely. */
    public enum LossOn {
        /** Only the answer and its end-of-text token. */
        TARGET,
        /** Prompt and answer. */
        TEXT
    }

    public TrainConfig {
        Range.TOKENS.check(tokens);
        Range.RANKS.check(ranks);
        Range.BATCH.check(batch);
        Range.MICRO_BATCH.check(microBatch);
        check(microBatch <= batch, "train.micro-batch", microBatch, "between 1 and train.batch");
        Range.AVERAGING_FREQUENCY.check(averagingFrequency);
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

    /**
     * The settings that affect the trained weights, as JSON: all except those that monitor the run. The micro-batch is
     * omitted if it is the whole batch, so that models trained before this setting existed still match.
     */
    public String inputs() {
        return microBatch == batch
                ? Settings.json(this, "spike-factor", "validation", "checkpoint", "micro-batch")
                : Settings.json(this, "spike-factor", "validation", "checkpoint");
    }

    /** Whether an action of every {@code every} steps is due at the end of a round; false if {@code every} is 0. */
    public boolean isDue(int every, int stepsBefore, int stepsAfter) {
        return every > 0 && stepsAfter / every > stepsBefore / every;
    }

    /**
     * Number of rounds for at least {@link #tokens}, each of ranks * averagingFrequency batches of full length.
     *
     * @throws dev.uncurl.error.UserError (usage) if the number of steps of all rounds exceeds an int
     */
    public int rounds(int sequenceLength) {
        long perRound = (long) ranks * averagingFrequency * batch * sequenceLength;
        long rounds = (tokens + perRound - 1) / perRound;
        check(
                rounds <= Integer.MAX_VALUE / averagingFrequency,
                "train.tokens",
                tokens,
                "fewer, or train.batch or train.ranks to more: a run has 2147483647 steps at most");
        return (int) rounds;
    }
}
