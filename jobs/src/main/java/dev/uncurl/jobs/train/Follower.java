package dev.uncurl.jobs.train;

import dev.uncurl.jobs.cluster.ClusterPlugin;
import dev.uncurl.jobs.cluster.StepReport;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.spark.Progress;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Shows the loss, the rate and the time left on the driver while ranks train. */
final class Follower implements AutoCloseable {
    /** Measures of a report: tokens predicted in the step, and seconds of the average rank. */
    private static final String PREDICTED = "predicted";

    private static final String WAIT = "wait";
    private static final String EXCHANGE = "exchange";

    private final Progress progress;
    private final AutoCloseable channel;
    private String validation = "";
    private double first;
    private double loss;
    private long tokens;
    private double seconds;
    private double waiting;
    private double exchanging;

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
        waiting = 0;
        exchanging = 0;
        for (TrainingInterval interval : intervals) {
            StepTimes times = interval.times();
            add(
                    interval.loss(),
                    interval.predicted(),
                    times.seconds(),
                    times.waiting().mean(),
                    times.exchange().mean());
            if (interval.validationLoss() != null) {
                validated(interval.validationLoss());
            }
        }
    }

    /** What the driver learns of a step beside its loss and time. */
    static Map<String, Double> measures(StepMetrics step) {
        return Map.of(
                PREDICTED, (double) step.predicted(),
                WAIT, step.times().waiting().mean(),
                EXCHANGE, step.times().exchange().mean());
    }

    private void add(double stepLoss, long predicted, double took, double wait, double exchange) {
        first = Double.isNaN(first) ? stepLoss : first;
        loss = stepLoss;
        tokens += predicted;
        seconds += took;
        waiting += wait;
        exchanging += exchange;
    }

    private synchronized void take(StepReport step) {
        Map<String, Double> measures = step.measures();
        add(
                step.loss(),
                measures.get(PREDICTED).longValue(),
                step.seconds(),
                measures.get(WAIT),
                measures.get(EXCHANGE));
        progress.at(step.step(), describe());
    }

    synchronized void validated(double lossOnValidation) {
        validation = ", validation loss " + Digits.fixed(lossOnValidation, 3);
    }

    private String describe() {
        return String.format(
                Locale.ROOT,
                "loss %s -> %s%s, %,d tokens, %,.0f tokens/s%s",
                Digits.fixed(first, 3),
                Digits.fixed(loss, 3),
                validation,
                tokens,
                tokens / seconds,
                others());
    }

    /** The shares of the time that ranks spend on others, unless there are none. */
    private String others() {
        long wait = Math.round(100 * waiting / seconds);
        long exchange = Math.round(100 * exchanging / seconds);
        return wait + exchange == 0 ? "" : ", " + wait + "% waiting, " + exchange + "% exchange";
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
