package dev.uncurl.collective;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Where the ranks of one group of {@link Loopback} meet: each brings something and gets what all have brought. */
final class Meeting {
    private static final String REMEDY =
            "\n  All ranks must call the same operations in the same order, with lengths that fit.";

    /** What the groups of one run share. */
    private static final class Run {
        final ReentrantLock lock = new ReentrantLock();
        final Duration deadline;
        final List<Meeting> groups = new ArrayList<>();
        final Map<Name, Meeting> byName = new HashMap<>();
        final List<Wait> waits = new ArrayList<>();
        /** Why the run is over, or null. */
        Failure failure;

        Run(Duration deadline) {
            this.deadline = deadline;
        }
    }

    /** The {@code count}-th group of these members of a group. */
    private record Name(Meeting parent, List<Integer> members, int count) {}

    /** @param ranks that are lost; none if the ranks called operations that do not fit together */
    private record Failure(List<Integer> ranks, String message) {
        RuntimeException exception() {
            return ranks.isEmpty() ? new IllegalStateException(message) : new LostRankException(ranks, message, null);
        }
    }

    /** @param rank that waits; @param missing those for which it waits now; ranks of the run */
    private record Wait(int rank, Supplier<List<Integer>> missing) {}

    private static final class Round {
        final Object[] brought;
        final String[] operations;
        int missing;

        Round(int size) {
            brought = new Object[size];
            operations = new String[size];
            missing = size;
        }
    }

    private final Run run;
    /** Ranks of the run, by rank of this group. */
    private final List<Integer> members;

    private final boolean[] closed;
    private final Condition changed;
    private Round round;

    private Meeting(Run run, List<Integer> members) {
        this.run = run;
        this.members = members;
        this.closed = new boolean[members.size()];
        this.changed = run.lock.newCondition();
        this.round = new Round(members.size());
        run.groups.add(this);
    }

    static Meeting ofAll(int size, Duration deadline) {
        return new Meeting(new Run(deadline), IntStream.range(0, size).boxed().toList());
    }

    /** @param ranks of this group; @param count how many groups of these ranks were made before */
    Meeting group(List<Integer> ranks, int count) {
        run.lock.lock();
        try {
            Name name = new Name(this, ranks, count);
            return run.byName.computeIfAbsent(name, absent -> {
                var group = new Meeting(run, ranks.stream().map(members::get).toList());
                for (int i = 0; i < ranks.size(); i++) {
                    group.closed[i] = closed[ranks.get(i)]; // a rank may be gone before others make the group
                }
                return group;
            });
        } finally {
            run.lock.unlock();
        }
    }

    /**
     * Waits until all ranks are here.
     *
     * @param operation must be the same on all ranks
     * @param place where the rank is, for messages
     * @return what the ranks brought, by rank; not to be changed
     */
    Object[] meet(int rank, String operation, String place, Object brings) {
        run.lock.lock();
        Round mine = round;
        var wait = new Wait(members.get(rank), () -> missing(mine));
        try {
            long left = run.deadline.toNanos();
            check(mine, rank, operation, place);
            mine.brought[rank] = brings;
            mine.operations[rank] = operation;
            if (--mine.missing == 0) {
                round = new Round(members.size());
                changed.signalAll();
                agree(mine, place);
            }
            run.waits.add(wait);
            while (mine.missing > 0) {
                check(mine, rank, operation, place);
                if (left <= 0) {
                    throw fail(suspects(mine), "did not come within " + text(run.deadline), rank, operation, place);
                }
                left = changed.awaitNanos(left);
            }
            agree(mine, place);
            return mine.brought;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException(
                    "Rank " + members.get(rank) + " was interrupted in " + operation + at(place));
        } finally {
            run.waits.remove(wait);
            run.lock.unlock();
        }
    }

    private void check(Round mine, int rank, String operation, String place) {
        if (run.failure != null) {
            throw run.failure.exception();
        }
        if (closed[rank]) {
            throw new IllegalStateException("Rank " + members.get(rank) + " has closed its side" + at(place));
        }
        List<Integer> gone = missing(mine).stream()
                .filter(one -> closed[members.indexOf(one)])
                .toList();
        if (!gone.isEmpty()) {
            throw fail(gone, "has closed its side", rank, operation, place);
        }
    }

    /** Ranks of the run that have not come. */
    private List<Integer> missing(Round mine) {
        return IntStream.range(0, mine.operations.length)
                .filter(one -> mine.operations[one] == null)
                .mapToObj(members::get)
                .toList();
    }

    /** The ranks that have not come; in place of one that waits itself, those for which it waits. */
    private List<Integer> suspects(Round mine) {
        var open = new ArrayDeque<>(missing(mine));
        var seen = new HashSet<>(open);
        var named = new ArrayList<Integer>();
        while (!open.isEmpty()) {
            int one = open.poll();
            List<Wait> waits =
                    run.waits.stream().filter(wait -> wait.rank() == one).toList();
            if (waits.isEmpty()) {
                named.add(one);
            }
            waits.forEach(
                    wait -> wait.missing().get().stream().filter(seen::add).forEach(open::add));
        }
        // none is named where ranks wait for each other in different operations
        return named.isEmpty() ? missing(mine) : named;
    }

    private void agree(Round mine, String place) {
        for (int rank = 1; rank < mine.operations.length; rank++) {
            if (!mine.operations[rank].equals(mine.operations[0])) {
                throw end(new Failure(
                        List.of(),
                        "Rank " + members.get(0) + " called " + mine.operations[0] + ", rank " + members.get(rank) + " "
                                + mine.operations[rank] + at(place) + REMEDY));
            }
        }
    }

    private LostRankException fail(List<Integer> lost, String what, int rank, String operation, String place) {
        List<Integer> ranks = lost.stream().sorted().toList();
        String names = (ranks.size() == 1 ? "Rank " : "Ranks ")
                + String.join(", ", ranks.stream().map(String::valueOf).toList());
        var failure = new Failure(
                ranks, names + " " + what + ": rank " + members.get(rank) + " waits in " + operation + at(place));
        return (LostRankException) end(failure);
    }

    private RuntimeException end(Failure failure) {
        if (run.failure == null) {
            run.failure = failure;
            run.groups.forEach(group -> group.changed.signalAll());
        }
        return failure.exception();
    }

    /** Ends the run on all ranks because they called operations that do not fit together. */
    RuntimeException disagree(String what, String place) {
        run.lock.lock();
        try {
            return end(new Failure(List.of(), what + at(place) + REMEDY));
        } finally {
            run.lock.unlock();
        }
    }

    /** Ranks of this group, and of those made from it, wait for this rank in vain. */
    void close(int rank) {
        run.lock.lock();
        try {
            closed[rank] = true;
            changed.signalAll();
            for (Map.Entry<Name, Meeting> group : run.byName.entrySet()) {
                int member = group.getKey().members().indexOf(rank);
                if (group.getKey().parent() == this && member >= 0) {
                    group.getValue().close(member);
                }
            }
        } finally {
            run.lock.unlock();
        }
    }

    /** The rank of the run that has this rank here. */
    int member(int rank) {
        return members.get(rank);
    }

    private static String at(String place) {
        return place.isEmpty() ? "" : ", " + place;
    }

    private static String text(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }
}
