package dev.uncurl.jobs.train;

import dev.uncurl.jobs.cluster.ClusterPlugin;
import dev.uncurl.jobs.cluster.StepReport;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.spark.Progress;
import java.util.List;
import java.util.Locale;

/** Shows the loss, the rate and the time left on the driver while ranks train. */
final class Follower implements AutoCloseable {
    /** A measure of a report: tokens predicted in the step. */
    static final String PREDICTED = "predicted";

    private final Progress progress;
    private final AutoCloseable channel;
    private String validation = "";
    private double first;
    private double loss;
    private long tokens;
    private double seconds;

    /**
     * @param what the run, whose ranks report under this name
     * @param steps of the whole run
     * @param before the intervals of earlier steps
     */
    Follower(String what, int steps, List<TrainingInterval> before) {
        backTo(before);
        progress = new Progress(
                what,
                "steps",
                steps,
                before.isEmpty() ? 0 : before.get(before.size() - 1).step());
        channel = ClusterPlugin.listen(what, this::take);
    }

    /** Forgets the steps after these intervals, which will be taken again. */
    synchronized void backTo(List<TrainingInterval> intervals) {
        first = Double.NaN;
        loss = Double.NaN;
        tokens = 0;
        seconds = 0;
        for (TrainingInterval interval : intervals) {
            add(interval.loss(), interval.predicted(), interval.times().seconds());
            if (interval.validationLoss() != null) {
                validated(interval.validationLoss());
            }
        }
    }

    private void add(double stepLoss, long predicted, double took) {
        first = Double.isNaN(first) ? stepLoss : first;
        loss = stepLoss;
        tokens += predicted;
        seconds += took;
    }

    private synchronized void take(StepReport step) {
        add(step.loss(), step.measures().get(PREDICTED).longValue(), step.seconds());
        progress.at(step.step(), describe());
    }

    synchronized void validated(double lossOnValidation) {
        validation = ", validation loss " + Digits.fixed(lossOnValidation, 3);
    }

    private String describe() {
        return String.format(
                Locale.ROOT,
                "loss %s -> %s%s, %,d tokens, %,.0f tokens/s",
                Digits.fixed(first, 3),
                Digits.fixed(loss, 3),
                validation,
                tokens,
                tokens / seconds);
    }

    synchronized void done() {
        progress.done(describe());
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (Exception e) {
            throw new IllegalStateException("The reports of the ranks cannot be stopped", e);
        }
    }
}
