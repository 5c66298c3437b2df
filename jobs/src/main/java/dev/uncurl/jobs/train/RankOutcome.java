package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.CheckpointPart;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cluster.TaskProcessor;
import java.io.Serializable;
import java.util.List;

/**
 * What a rank returns to the driver after a segment.
 *
 * @param part what it has written of the checkpoint; null after a bad step or an error
 * @param intervals of the segment, the same on all ranks
 * @param bad the step at which training diverged; null if there is none
 * @param device that the rank computed on; null after an error
 * @param error why the rank ended; null if it has not failed
 */
record RankOutcome(
        int rank,
        CheckpointPart part,
        List<TrainingInterval> intervals,
        StepMetrics bad,
        TaskProcessor.Description device,
        UserError error)
        implements Serializable {
    RankOutcome {
        intervals = List.copyOf(intervals); // a sublist cannot be serialised
    }

    static RankOutcome failed(int rank, UserError error) {
        return new RankOutcome(rank, null, List.of(), null, null, error);
    }
}
