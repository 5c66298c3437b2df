package dev.uncurl.jobs.cluster;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * Finds the ranks for which everybody waits: a rank that waits itself passes the question on; one that does not answer,
 * or is not in an operation, is named.
 *
 * @param status asks a rank; empty when it does not answer
 */
record Suspects(int rank, int size, IntFunction<Optional<Status>> status) {
    /** Ranks that do not answer take seconds each, so that only some are asked. */
    private static final int MOST_SILENT = 3;

    /** The ranks to name, without words; or what another rank has found already. */
    Loss find(List<Integer> missing) {
        var open = new ArrayDeque<>(missing);
        Set<Integer> seen = new HashSet<>(missing);
        seen.add(rank);
        List<Integer> named = new ArrayList<>();
        int silent = 0;
        while (!open.isEmpty()) {
            int one = open.poll();
            Optional<Status> answer = silent < MOST_SILENT ? status.apply(one) : Optional.empty();
            if (answer.isEmpty()) {
                silent++;
                named.add(one);
                continue;
            }
            if (answer.get().loss().isPresent()) {
                return answer.get().loss().get();
            }
            if (answer.get().waitsFor().isEmpty()) {
                named.add(one);
            }
            answer.get().waitsFor().stream().filter(seen::add).forEach(open::add);
        }
        // a circle: ranks in different operations
        return new Loss(named.isEmpty() ? missing : named, "");
    }
}
