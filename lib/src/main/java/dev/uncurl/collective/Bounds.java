package dev.uncurl.collective;

import java.util.Arrays;

/**
 * Divisions of a range of floats into one slice per rank: slice r is [bounds[r], bounds[r + 1]), so that bounds has
 * size + 1 entries, the first is 0 and the last is the length of the range. Slices may be empty.
 */
public final class Bounds {
    private Bounds() {}

    /** Slices whose lengths differ by one at most, the longer ones first. */
    public static long[] even(long length, int size) {
        if (length < 0 || size < 1) {
            throw new IllegalArgumentException(length + " floats for " + size + " ranks");
        }
        long[] bounds = new long[size + 1];
        for (int rank = 0; rank < size; rank++) {
            bounds[rank + 1] = bounds[rank] + length / size + (rank < length % size ? 1 : 0);
        }
        return bounds;
    }

    /** Slices of these lengths. */
    public static long[] of(long[] counts) {
        long[] bounds = new long[counts.length + 1];
        for (int rank = 0; rank < counts.length; rank++) {
            if (counts[rank] < 0) {
                throw new IllegalArgumentException("A slice of " + counts[rank] + " floats for rank " + rank);
            }
            bounds[rank + 1] = Math.addExact(bounds[rank], counts[rank]);
        }
        return bounds;
    }

    /** Refuses bounds that do not divide {@code length} floats into {@code size} slices. */
    public static void check(long[] bounds, long length, int size) {
        boolean ascending = true;
        for (int i = 1; i < bounds.length; i++) {
            ascending &= bounds[i - 1] <= bounds[i];
        }
        if (bounds.length != size + 1 || bounds[0] != 0 || bounds[size] != length || !ascending) {
            throw new IllegalArgumentException(
                    "Bounds " + Arrays.toString(bounds) + " do not divide " + length + " floats among " + size
                            + " ranks; give " + (size + 1) + " ascending numbers from 0 to " + length);
        }
    }
}
