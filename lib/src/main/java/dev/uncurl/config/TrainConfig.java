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
        check(tokens > 0, "train.tokens", tokens, "1 or more");
        check(ranks >= 1, "train.ranks", ranks, "1 or more");
        check(batch >= 1, "train.batch", batch, "1 or more");
        check(microBatch >= 1 && microBatch <= batch, "train.micro-batch", microBatch, "between 1 and train.batch");
        check(averagingFrequency >= 1, "train.averaging-frequency", averagingFrequency, "1 or more");
        check(learningRate > 0, "train.learning-rate", learningRate, "a number above 0");
        check(
                minimumLearningRate >= 0 && minimumLearningRate <= learningRate,
                "train.minimum-learning-rate",
                minimumLearningRate,
                "between 0 and train.learning-rate");
        check(warmup >= 0 && warmup <= 1, "train.warmup", warmup, "a share between 0 and 1");
        check(beta1 >= 0 && beta1 < 1, "train.beta1", beta1, "between 0 and 1");
        check(beta2 >= 0 && beta2 < 1, "train.beta2", beta2, "between 0 and 1");
        check(epsilon > 0, "train.epsilon", epsilon, "a number above 0");
        check(weightDecay >= 0, "train.weight-decay", weightDecay, "0 or more");
        check(clip >= 0, "train.clip", clip, "0 or more");
        check(lossOn != null, "train.loss-on", null, "target or text");
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

    /** Rounds that take at least {@link #tokens}, each of ranks * averagingFrequency batches of full length. */
    public int rounds(int sequenceLength) {
        long perRound = (long) ranks * averagingFrequency * batch * sequenceLength;
        return Math.toIntExact((tokens + perRound - 1) / perRound);
    }
}
