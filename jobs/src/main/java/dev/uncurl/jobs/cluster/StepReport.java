package dev.uncurl.jobs.cluster;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Progress of one training step, which a rank sends to the driver while the stage is running.
 *
 * @param run the name under which the driver listens
 * @param seconds that the step took
 * @param measures anything else, by name; a few numbers
 */
public record StepReport(String run, int rank, long step, double loss, double seconds, TreeMap<String, Double> measures)
        implements Serializable {
    public StepReport(String run, int rank, long step, double loss, double seconds, Map<String, Double> measures) {
        this(run, rank, step, loss, seconds, new TreeMap<>(measures));
    }
}
