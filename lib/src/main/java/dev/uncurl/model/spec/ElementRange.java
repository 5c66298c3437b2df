package dev.uncurl.model.spec;

import java.io.Serializable;

/** Elements of a flat array, from {@code from} inclusive to {@code to} exclusive. */
public record ElementRange(long from, long to) implements Serializable {
    /** Number of elements; 0 or less if there are none. */
    public long length() {
        return to - from;
    }

    /** The elements of both ranges; of length 0 or less if there are none. */
    public ElementRange and(ElementRange other) {
        return new ElementRange(Math.max(from, other.from), Math.min(to, other.to));
    }
}
