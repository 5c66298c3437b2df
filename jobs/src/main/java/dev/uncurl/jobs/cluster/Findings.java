package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import dev.uncurl.machine.ProductSpeed;
import java.util.List;
import java.util.Map;

/**
 * What a look at a cluster has found.
 *
 * @param executors those that answered, in the order of their ids
 * @param cores of each executor that has registered, by its id
 * @param speeds of the executors, by their ids; none if one of them has an error
 * @param exchange how ranks on GPUs would exchange; empty without GPUs
 * @param obstacles because of which training would not begin
 * @param advice what else to change, a line each
 */
public record Findings(
        List<ExecutorReport> executors,
        Map<String, Integer> cores,
        Map<String, ProductSpeed> speeds,
        String exchange,
        List<UserError> obstacles,
        List<String> advice) {
    public Findings {
        executors = List.copyOf(executors);
        obstacles = List.copyOf(obstacles);
        advice = List.copyOf(advice);
    }

    /** Executors that are much slower than others, a line each. */
    public List<String> slow() {
        return new SlowExecutors(executors, speeds).warnings();
    }
}
