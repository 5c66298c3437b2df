package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

/**
 * How a model is trained: synchronous rounds in which every rank takes {@code averagingFrequency} steps on its own
 * batches, then parameters and optimiser state are averaged.
 *
 * @param tokens to train on in all, rounded up to whole rounds; counts positions of the batches, padding included
 * @param ranks workers; part of what determines the result
 * @param batch sequences or examples in one rank's step
 * @param microBatch how many of them pass through the model at a time; the step sums their gradients. Bounds memory. The
 *     cross-entropy is that of the whole step, balance loss and capacity are those of each micro-batch
 * @param averagingFrequency steps of a rank between two averages
 * @param learningRate highest learning rate
 * @param minimumLearningRate where the cosine ends
 * @param warmup share of the steps with a rising learning rate
 * @param beta1 AdamW's decay of the first moment
 * @param beta2 AdamW's decay of the second moment
 * @param epsilon AdamW's epsilon
 * @param weightDecay decoupled, on matrices only
 * @param clip largest global norm of a step's gradient; 0 switches clipping off
 * @param lossOn which tokens of an example are predicted
 * @param seed of the initial weights and of the order of the data
 * @param spikeFactor a step's loss above this many times the median of the rounds before stops the run; 0: only one that
 *     is no number does
 * @param validation when the loss on the validation split is measured
 * @param checkpoint when the run saves itself
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
    /** Which tokens of an example count in the loss. Packed sequences always count in full. */
    public enum LossOn {
        /** The answer and its end alone. */
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
     * The settings on which the trained weights depend, as JSON: all but those that watch over the run. A micro-batch of
     * the whole batch is left out, so that a model made before there were any still counts as made from the same.
     */
    public String inputs() {
        return microBatch == batch
                ? Settings.json(this, "spike-factor", "validation", "checkpoint", "micro-batch")
                : Settings.json(this, "spike-factor", "validation", "checkpoint");
    }

    /** Whether something that is done every so many steps is due at the end of a round; never when {@code every} is 0. */
    public boolean isDue(int every, int stepsBefore, int stepsAfter) {
        return every > 0 && stepsAfter / every > stepsBefore / every;
    }

    /**
     * Rounds that take at least {@link #tokens}, each of ranks * averagingFrequency batches of full length.
     *
     * @throws dev.uncurl.error.UserError (usage) when the steps of all rounds are more than can be counted
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
