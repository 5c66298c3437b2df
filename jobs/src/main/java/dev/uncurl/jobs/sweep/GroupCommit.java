package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.evaluate.UncommittedScores;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Commits the scores of several cells together: a commit costs as much as the scoring of a small task, and each leaves a snapshot and
 * files of metadata. One thread commits at a time; others go on scoring meanwhile.
 */
final class GroupCommit {
    /** The longest that scores wait while other cells end. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    /** Scores that wait, and what to do when they are visible. */
    private record Waiting(UncommittedScores scores, CompletableFuture<Void> visible, long since) {}

    private final Consumer<List<UncommittedScores>> commit;
    private final int together;
    private final ReentrantLock committing = new ReentrantLock();
    private final List<Waiting> waiting = new ArrayList<>();

    /**
     * @param commit shows scores, and ends their leases
     * @param together how many at a time
     */
    GroupCommit(Consumer<List<UncommittedScores>> commit, int together) {
        this.commit = commit;
        this.together = together;
    }

    /** Adds scores, and commits if it is time. @return completed when they are visible */
    CompletableFuture<Void> add(UncommittedScores scores) {
        var visible = new CompletableFuture<Void>();
        synchronized (waiting) {
            waiting.add(new Waiting(scores, visible, System.nanoTime()));
        }
        commit(false);
        return visible;
    }

    /** @param all false: only if there are enough, or the first has waited for long */
    void commit(boolean all) {
        if (take(all, true).isEmpty()) {
            return;
        }
        committing.lock();
        try {
            for (List<Waiting> batch = take(all, false); !batch.isEmpty(); batch = take(all, false)) {
                commit(batch);
            }
        } finally {
            committing.unlock();
        }
    }

    private void commit(List<Waiting> batch) {
        try {
            commit.accept(batch.stream().map(Waiting::scores).toList());
        } catch (RuntimeException e) {
            batch.forEach(one -> one.visible.completeExceptionally(e));
            return;
        }
        batch.forEach(one -> one.visible.complete(null));
    }

    /** @param only whether to look only */
    private List<Waiting> take(boolean all, boolean only) {
        synchronized (waiting) {
            boolean due = !waiting.isEmpty()
                    && (all
                            || waiting.size() >= together
                            || System.nanoTime() - waiting.get(0).since > LONGEST.toNanos());
            if (!due) {
                return List.of();
            }
            List<Waiting> first = waiting.subList(0, Math.min(together, waiting.size()));
            var batch = new ArrayList<>(first);
            if (!only) {
                first.clear();
            }
            return batch;
        }
    }
}
