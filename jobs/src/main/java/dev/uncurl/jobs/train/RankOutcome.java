package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.CheckpointPart;
import dev.uncurl.jobs.cluster.TaskProcessor;
import java.io.Serializable;
import java.util.List;

/**
 * What a rank returns to the driver after a segment.
 *
 * @param part what it has written of the checkpoint; null after a bad step
 * @param intervals of the segment, the same on all ranks
 * @param bad the step at which training diverged; null if there is none
 * @param device that the rank computed on
 */
record RankOutcome(
        int rank,
        CheckpointPart part,
        List<TrainingInterval> intervals,
        StepMetrics bad,
        TaskProcessor.Description device)
        implements Serializable {
    RankOutcome {
        intervals = List.copyOf(intervals); // a sublist cannot be serialised
    }
}
