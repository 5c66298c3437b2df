package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Successive steps that the ranks take in one Spark stage, and the checkpoint that they write after the last one.
 *
 * @param what the run, for messages
 * @param start parameters and moments before the first step
 * @param from number of steps that the run has taken before
 * @param to number of steps that it has taken after the segment
 * @param before the last intervals before the segment
 * @param folder of the checkpoint
 * @param token of its staging folder
 */
record Segment(
        String what,
        ModelConfig model,
        TrainConfig train,
        StartingPoint start,
        int from,
        int to,
        List<TrainingInterval> before,
        String folder,
        String token,
        SerializableConfiguration hadoop)
        implements Serializable {
    Segment {
        before = List.copyOf(before); // a sublist cannot be serialised
    }

    /** The division of each step among the ranks. */
    StepShares shares() {
        return shares(train);
    }

    static StepShares shares(TrainConfig train) {
        return new StepShares(train.batch(), train.ranks(), train.microBatch());
    }

    /** How long a rank waits for another in one exchange. */
    Duration deadline() {
        return Duration.ofSeconds(train.stall());
    }

    /** The metrics of the segment, after those before it. */
    IntervalLog log() {
        return new IntervalLog(model, train.metricsEvery(), train.steps(model.sequenceLength()), before);
    }

    /** The staging folder of the checkpoint. */
    ModelStaging staging() throws IOException {
        var path = new Path(folder);
        return ModelStaging.attach(
                path.getFileSystem(hadoop.value()), path, model, DType.F32, train.expertParallel(), token);
    }
}
