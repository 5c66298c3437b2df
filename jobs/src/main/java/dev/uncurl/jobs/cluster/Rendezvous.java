package dev.uncurl.jobs.cluster;

import java.util.HashMap;
import java.util.Map;

/** The driver's list of the ranks of each running stage. */
final class Rendezvous {
    private record Stage(int id, int attempt) {}

    private static final class Addresses {
        final String[] byRank;
        final boolean[] informed;

        Addresses(int size) {
            byRank = new String[size];
            informed = new boolean[size];
        }

        boolean complete() {
            for (String address : byRank) {
                if (address == null) {
                    return false;
                }
            }
            return true;
        }

        boolean done() {
            for (boolean one : informed) {
                if (!one) {
                    return false;
                }
            }
            return true;
        }
    }

    private final Map<Stage, Addresses> stages = new HashMap<>();

    /**
     * Adds a rank; called again and again by each rank until the answer has no gap.
     *
     * @return [size] "host:port" by rank, null for ranks that have not come. A type of the JDK, because an executor reads
     *     it before it has the classes of the application
     */
    synchronized String[] arrive(Arrival arrival) {
        // another attempt: the ranks of those before are dead
        stages.keySet().removeIf(stage -> stage.id() == arrival.stage() && stage.attempt() < arrival.attempt());
        var key = new Stage(arrival.stage(), arrival.attempt());
        Addresses list = stages.computeIfAbsent(key, absent -> new Addresses(arrival.size()));
        String address = arrival.host() + ":" + arrival.port();
        if (list.byRank.length != arrival.size()) {
            throw new IllegalStateException("Stage " + arrival.stage() + " has " + list.byRank.length
                    + " ranks, but rank " + arrival.rank() + " knows of " + arrival.size());
        }
        list.byRank[arrival.rank()] = address;
        if (list.complete()) {
            list.informed[arrival.rank()] = true;
            if (list.done()) {
                stages.remove(key);
            }
        }
        return list.byRank.clone();
    }

    /** Stages whose ranks do not all know each other yet. */
    synchronized int open() {
        return stages.size();
    }
}
