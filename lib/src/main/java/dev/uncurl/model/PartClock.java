package dev.uncurl.model;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Wall-clock time by part of the model, summed over all passes.
 *
 * <p>ROUTER has the router's product, softmax and choice; DISPATCH moves tokens to experts and back: sorting by expert,
 * gathering rows, and adding outputs times gates; EXPERTS are the experts' products alone.
 */
final class PartClock {
    enum Part {
        EMBEDDING,
        NORM,
        ATTENTION,
        FEED_FORWARD,
        ROUTER,
        DISPATCH,
        EXPERTS,
        /** Numbers and tokens sent between ranks, and waiting for other ranks; none where a process computes alone. */
        EXCHANGE,
        HEAD
    }

    private final long[] nanos = new long[Part.values().length];
    private long last;

    void start() {
        last = System.nanoTime();
    }

    /** Adds the time since the last call to {@code part}. */
    void lap(Part part) {
        long now = System.nanoTime();
        nanos[part.ordinal()] += now - last;
        last = now;
    }

    /** Nanoseconds by the part's name in lower case. */
    Map<String, Long> nanos() {
        var result = new TreeMap<String, Long>();
        for (Part part : Part.values()) {
            result.put(part.name().toLowerCase(Locale.ROOT).replace('_', '-'), nanos[part.ordinal()]);
        }
        return result;
    }
}
