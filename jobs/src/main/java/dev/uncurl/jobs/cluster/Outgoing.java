package dev.uncurl.jobs.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** Messages of one operation that their receivers have not confirmed yet. */
final class Outgoing {
    private final TreeMap<Integer, Integer> open = new TreeMap<>();

    synchronized void sent(int receiver) {
        open.merge(receiver, 1, Integer::sum);
    }

    synchronized void confirmed(int receiver) {
        open.computeIfPresent(receiver, (rank, count) -> count == 1 ? null : count - 1);
    }

    /** Ranks of the run that have not confirmed everything. */
    synchronized List<Integer> receivers() {
        return new ArrayList<>(open.keySet());
    }
}
