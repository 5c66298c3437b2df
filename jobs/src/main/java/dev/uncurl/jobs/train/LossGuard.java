package dev.uncurl.jobs.train;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.Digits;
import java.util.Arrays;
import java.util.List;

/**
 * Finds out when training diverges: the loss or gradient is not finite, or the loss exceeds a multiple of its running median.
 * All ranks know the loss of a step and stop at the same one, whose segment is not saved; so the newest checkpoint is the last
 * good one.
 */
final class LossGuard {
    /** Number of intervals in the running median of the loss. */
    static final int WINDOW = 20;

    private final double spikeFactor;

    /** @param spikeFactor multiple of the median; 0: the loss may have any finite value */
    LossGuard(double spikeFactor) {
        this.spikeFactor = spikeFactor;
    }

    /** @param before the intervals before the step */
    boolean isGood(StepMetrics step, List<TrainingInterval> before) {
        boolean spike = spikeFactor > 0 && step.crossEntropy() > spikeFactor * median(before);
        return step.isFinite() && !spike;
    }

    /** Returns the median loss of the last intervals; infinite if there are none. */
    private static double median(List<TrainingInterval> intervals) {
        double[] losses = intervals.subList(Math.max(0, intervals.size() - WINDOW), intervals.size()).stream()
                .mapToDouble(TrainingInterval::loss)
                .sorted()
                .toArray();
        int n = losses.length;
        return n == 0
                ? Double.POSITIVE_INFINITY
                : Arrays.stream(losses, (n - 1) / 2, n / 2 + 1).average().getAsDouble();
    }

    /**
     * The error of a bad step.
     *
     * @param what the run
     * @param ids of the step's sequences
     * @param lastGood the last good checkpoint, for the message
     */
    UserError diverged(
            String what, StepMetrics step, List<TrainingInterval> before, List<String> ids, String lastGood) {
        boolean finite = step.isFinite();
        String values = "loss " + Digits.of(step.crossEntropy()) + ", gradient norm " + Digits.of(step.gradientNorm())
                + (finite ? ", median loss of the steps before " + Digits.of(median(before)) : "");
        return UserError.diverged(
                what + " diverged in step " + step.step() + ": " + values
                        + (step.fault() == null ? "" : "\n  " + step.fault())
                        + "\n  Sequences of the batch: " + String.join(", ", ids) + "\n  Last good checkpoint: "
                        + lastGood,
                "To train from the start, lower train.learning-rate or raise train.warmup"
                        + (finite ? "; to continue from the checkpoint, raise train.spike-factor." : "."));
    }
}
