package dev.uncurl.jobs.cluster;

import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The ranks of a run and where they listen.
 *
 * @param rank this one
 * @param hosts [size]
 * @param ports [size]
 */
record Peers(int rank, List<String> hosts, List<Integer> ports) {
    /** Before the others are known. */
    static Peers unknown(int rank, int size) {
        return new Peers(rank, Collections.nCopies(size, "unknown"), Collections.nCopies(size, 0));
    }

    int size() {
        return hosts.size();
    }

    String name(int one) {
        return "rank " + one + " (" + hosts.get(one) + ":" + ports.get(one) + ")";
    }

    /** The ranks with their addresses, as the beginning of a sentence. */
    String names(List<Integer> ranks) {
        String all = ranks.stream().map(this::name).collect(Collectors.joining(", "));
        return all.isEmpty() ? all : "R" + all.substring(1);
    }

    Loss differ(int other, Operation called, Operation here) {
        return new Loss(List.of(), "Rank " + other + " called " + called + ", rank " + rank + " " + here);
    }

    Loss lengthsDiffer(int sender, long sent, int receiver, long expected) {
        return new Loss(
                List.of(),
                "Rank " + sender + " sends " + sent / Float.BYTES + " floats to rank " + receiver + ", which expects "
                        + expected / Float.BYTES);
    }
}
