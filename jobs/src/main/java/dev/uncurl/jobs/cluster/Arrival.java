package dev.uncurl.jobs.cluster;

import java.io.Serializable;

/** A rank that has begun to listen, and wants to know where the others do. */
record Arrival(int stage, int attempt, int rank, int size, String host, int port) implements Serializable {
    Arrival {
        if (size < 1 || rank < 0 || rank >= size || port < 1 || port > 65535) {
            throw new IllegalArgumentException("Rank " + rank + " of " + size + " at " + host + ":" + port);
        }
    }
}
