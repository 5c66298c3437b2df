package dev.uncurl.jobs.train;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.Digits;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Stops a run if training diverges: the loss or gradient is not finite, or the loss exceeds a multiple of its running
 * median. The round in which this happens is not saved, so the newest checkpoint is the last good one.
 */
final class LossGuard {
    /** Number of rounds in the running median of the loss. */
    private static final int WINDOW = 20;

    private final String what;
    private final TrainConfig train;

    LossGuard(String what, TrainConfig train) {
        this.what = what;
        this.train = train;
    }

    /**
     * Checks the steps of a round, ordered by step and then by rank.
     *
     * @param before the previous rounds
     * @param steps the steps of all ranks, in any order
     * @param batches of the round: first those of rank 0, then those of rank 1, ...
     * @param lastGood the last good checkpoint, for the message
     * @throws UserError (diverged) for the first bad step; the message has the step, the rank and the ids of the
     *     batch's sequences
     */
    void check(List<TrainingRound> before, List<StepMetrics> steps, List<TrainingData.Batch> batches, String lastGood) {
        double median = median(before);
        steps.stream()
                .sorted(Comparator.comparingInt(StepMetrics::step).thenComparingInt(StepMetrics::rank))
                .filter(step -> !isGood(step, median))
                .findFirst()
                .ifPresent(step -> {
                    throw diverged(step, median, batches, lastGood);
                });
    }

    private boolean isGood(StepMetrics step, double median) {
        boolean spike = train.spikeFactor() > 0 && step.crossEntropy() > train.spikeFactor() * median;
        return isFinite(step) && !spike;
    }

    private static boolean isFinite(StepMetrics step) {
        return step.fault() == null && Double.isFinite(step.crossEntropy()) && Double.isFinite(step.gradientNorm());
    }

    /** Returns the median loss of the last rounds; infinite if there are none. */
    private static double median(List<TrainingRound> rounds) {
        double[] losses = rounds.subList(Math.max(0, rounds.size() - WINDOW), rounds.size()).stream()
                .mapToDouble(TrainingRound::loss)
                .sorted()
                .toArray();
        int n = losses.length;
        return n == 0
                ? Double.POSITIVE_INFINITY
                : Arrays.stream(losses, (n - 1) / 2, n / 2 + 1).average().getAsDouble();
    }

    private UserError diverged(StepMetrics step, double median, List<TrainingData.Batch> batches, String lastGood) {
        boolean finite = isFinite(step);
        String batch = String.join(
                ", ",
                batches.get(step.rank() * train.averagingFrequency() + step.step() % train.averagingFrequency())
                        .ids());
        String values = "loss " + Digits.of(step.crossEntropy()) + ", gradient norm " + Digits.of(step.gradientNorm())
                + (finite ? ", median loss of the previous rounds " + Digits.of(median) : "");
        return UserError.diverged(
                what + " diverged in step " + (step.step() + 1) + " of rank " + step.rank() + ": " + values
                        + (step.fault() == null ? "" : "\n  " + step.fault())
                        + "\n  Sequences of the batch: " + batch + "\n  Last good checkpoint: " + lastGood,
                "To train from the start, lower train.learning-rate or raise train.warmup"
                        + (finite ? "; to continue from the checkpoint, raise train.spike-factor." : "."));
    }
}
