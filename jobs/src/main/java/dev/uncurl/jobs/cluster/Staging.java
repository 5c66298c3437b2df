package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.FloatRange;

/** Memory for what comes to be added: two windows from each other rank, taken when they are first needed. */
final class Staging {
    /** Of all windows together, in floats: 64 MiB. */
    private static final int FLOATS = 1 << 24;

    private final FloatRange[][] windows;
    private final int window;

    Staging(int size) {
        windows = new FloatRange[2][size];
        window = window(size);
    }

    private static int window(int size) {
        return Math.max(Exchange.SMALL, Math.min(FloatRange.WINDOW, FLOATS / Math.max(1, 2 * (size - 1))));
    }

    /** Bytes of all windows among so many ranks. */
    static long bytes(int size) {
        return 2L * (size - 1) * window(size) * Float.BYTES;
    }

    /** Floats of a window: a function of the number of ranks alone, so that all ranks use the same. */
    int window() {
        return window;
    }

    FloatRange of(int sender, int wave) {
        FloatRange[] half = windows[wave % 2];
        if (half[sender] == null) {
            half[sender] = FloatRange.allocate(window);
        }
        return half[sender];
    }
}
