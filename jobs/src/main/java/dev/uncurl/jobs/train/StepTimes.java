package dev.uncurl.jobs.train;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Where the time of one step or several went, in seconds: the mean over the ranks, and that of the rank with most.
 *
 * @param seconds wall time of the steps
 * @param compute forward and backward passes and the update
 * @param exchange with other ranks, waiting for them included
 * @param data reading sequences
 */
record StepTimes(double seconds, Part compute, Part exchange, Part data) implements Serializable {
    /** Seconds of one kind of work. */
    record Part(double mean, double most) implements Serializable {
        Part plus(Part other) {
            return new Part(mean + other.mean, most + other.most);
        }
    }

    static final StepTimes NONE = new StepTimes(0, new Part(0, 0), new Part(0, 0), new Part(0, 0));

    /** @param nanos by rank: {compute, exchange, data} */
    static StepTimes of(double seconds, long[][] nanos) {
        return new StepTimes(seconds, part(nanos, 0), part(nanos, 1), part(nanos, 2));
    }

    private static Part part(long[][] nanos, int kind) {
        var statistics =
                Arrays.stream(nanos).mapToDouble(rank -> rank[kind] / 1e9).summaryStatistics();
        return new Part(statistics.getAverage(), statistics.getMax());
    }

    StepTimes plus(StepTimes other) {
        return new StepTimes(
                seconds + other.seconds,
                compute.plus(other.compute),
                exchange.plus(other.exchange),
                data.plus(other.data));
    }
}
