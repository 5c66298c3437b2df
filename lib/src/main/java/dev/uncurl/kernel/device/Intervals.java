package dev.uncurl.kernel.device;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** A set of whole numbers as intervals that neither overlap nor touch. */
final class Intervals {
    /** Numbers from {@code from} to before {@code to}. */
    record Interval(long from, long to) {}

    /** From the first number of each interval to the one after its last. */
    private final TreeMap<Long, Long> ends = new TreeMap<>();

    /** Adds the numbers from {@code from} to before {@code to}. */
    void add(long from, long to) {
        if (from >= to) {
            return;
        }
        long first = from;
        long end = to;
        for (var other = ends.floorEntry(end);
                other != null && other.getValue() >= first;
                other = ends.floorEntry(end)) {
            ends.remove(other.getKey());
            first = Math.min(first, other.getKey());
            end = Math.max(end, other.getValue());
        }
        ends.put(first, end);
    }

    /** Removes the numbers from {@code from} to before {@code to}. */
    void remove(long from, long to) {
        if (from >= to) {
            return;
        }
        for (var other = ends.lowerEntry(to); other != null && other.getValue() > from; other = ends.lowerEntry(to)) {
            ends.remove(other.getKey());
            if (other.getValue() > to) {
                ends.put(to, other.getValue());
            }
            if (other.getKey() < from) {
                ends.put(other.getKey(), from);
            }
        }
    }

    /** The intervals of numbers from {@code from} to before {@code to} that are not in the set, in ascending order. */
    List<Interval> missing(long from, long to) {
        var gaps = new ArrayList<Interval>();
        var before = ends.floorEntry(from);
        long at = before == null ? from : Math.max(from, before.getValue());
        while (at < to) {
            var next = ends.higherEntry(at);
            gaps.add(new Interval(at, next == null ? to : Math.min(to, next.getKey())));
            at = next == null ? to : next.getValue();
        }
        return gaps;
    }
}
