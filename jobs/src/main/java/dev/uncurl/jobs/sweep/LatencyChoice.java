package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.Range;
import java.util.List;

/**
 * What is timed of the models that are made; nothing if a list is empty.
 *
 * @param batch sequences in a pass
 * @param length tokens of a sequence
 */
record LatencyChoice(List<Integer> batch, List<Integer> length) {
    LatencyChoice {
        check(batch != null && length != null, "latency", null, "batch = [1, 8], length = [128], or [] for both");
        batch.forEach(Range.LATENCY_BATCH_OPTION::check);
        length.forEach(Range.LATENCY_LENGTH_OPTION::check);
        check(
                batch.isEmpty() == length.isEmpty(),
                "latency",
                batch + " and " + length,
                "both with numbers, or both []");
    }

    boolean isMeasured() {
        return !batch.isEmpty();
    }
}
