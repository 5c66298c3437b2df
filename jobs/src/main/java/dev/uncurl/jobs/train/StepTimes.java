package dev.uncurl.jobs.train;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Where the time of one step or several went, in seconds: the mean over the ranks, and that of the rank with most.
 *
 * @param seconds wall time of the steps
 * @param compute forward and backward passes and the update
 * @param waiting for ranks that came later to an exchange
 * @param exchange with other ranks, without waiting and without what is exchanged while the rank computes
 * @param data reading sequences
 * @param bytes that a rank sent to others, mean over the ranks
 */
record StepTimes(double seconds, Part compute, Part waiting, Part exchange, Part data, double bytes)
        implements Serializable {
    /** Seconds of one kind of work. */
    record Part(double mean, double most) implements Serializable {
        private static final Part NONE = new Part(0, 0);

        Part plus(Part other) {
            return new Part(mean + other.mean, most + other.most);
        }
    }

    StepTimes {
        waiting = waiting == null ? Part.NONE : waiting; // in checkpoints that were written before it was measured
    }

    static final StepTimes NONE = new StepTimes(0, Part.NONE, Part.NONE, Part.NONE, Part.NONE, 0);

    /** @param nanos by rank: {compute, wait, exchange, data} */
    static StepTimes of(double seconds, long[][] nanos, double bytes) {
        return new StepTimes(seconds, part(nanos, 0), part(nanos, 1), part(nanos, 2), part(nanos, 3), bytes);
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
                waiting.plus(other.waiting),
                exchange.plus(other.exchange),
                data.plus(other.data),
                bytes + other.bytes);
    }
}
