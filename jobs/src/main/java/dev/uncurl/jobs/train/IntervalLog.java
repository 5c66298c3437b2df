package dev.uncurl.jobs.train;

import dev.uncurl.model.spec.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/** Makes intervals of steps: one ends after each multiple of train.metrics-every, and after the last step. */
final class IntervalLog {
    private final ModelConfig model;
    private final int every;
    private final int last;
    private final List<TrainingInterval> intervals;
    private final List<StepMetrics> open = new ArrayList<>();

    /**
     * @param every steps of an interval
     * @param last the last step of the run
     * @param before the intervals so far
     */
    IntervalLog(ModelConfig model, int every, int last, List<TrainingInterval> before) {
        this.model = model;
        this.every = every;
        this.last = last;
        intervals = new ArrayList<>(before);
    }

    void add(StepMetrics step) {
        open.add(step);
        if (step.step() % every == 0 || step.step() == last) {
            long before = intervals.isEmpty()
                    ? 0
                    : intervals.get(intervals.size() - 1).tokens();
            intervals.add(TrainingInterval.of(open, before, model));
            open.clear();
        }
    }

    /** All intervals that have ended. */
    List<TrainingInterval> intervals() {
        return List.copyOf(intervals);
    }
}
