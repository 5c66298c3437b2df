package dev.uncurl.model;

import java.util.Arrays;

/**
 * Assignments of tokens to experts, sorted by expert (counting sort, stable in the order of tokens): slot s contains token
 * {@code token[s]}, and the slots of expert e run from {@code start[e]} to {@code start[e + 1]}.
 *
 * <p>An expert whose assignments exceed its capacity keeps first choices before second ones and so on, and among equal
 * ranks those that come first in the batch, row by row (Lepikhin et al. 2020; Fedus et al. 2021). The others are
 * dropped: they have no slot.
 */
final class Dispatch {
    private final int choices;
    private final int[] taken;

    /** [S] */
    final int[] token;
    /** [S] gate of the assignment. */
    final double[] gate;
    /** [E + 1] */
    final int[] start;
    /**
     * [k][N] slot of a token's choice; -1 for padding, for a choice merged into another, for one of a zeroed row, and for
     * a dropped one.
     */
    final int[][] slot;
    /** [k][N] gates of the assignments, by choice. */
    final double[][] gateOf;

    Dispatch(int experts, int choices, int maxTokens) {
        this.choices = choices;
        taken = new int[experts];
        start = new int[experts + 1];
        token = new int[maxTokens * choices];
        gate = new double[maxTokens * choices];
        slot = new int[choices][maxTokens];
        gateOf = new double[choices][maxTokens];
    }

    /** Number of assignments [k, E] by choice and expert, dropped ones too. */
    double[] count(TokenAssignments assignments, int tokens) {
        double[] counts = new double[choices * taken.length];
        for (int i = 0; i < tokens * choices; i++) {
            if (assignments.expert[i] >= 0) {
                counts[i % choices * taken.length + assignments.expert[i]]++;
            }
        }
        return counts;
    }

    /**
     * Sorts the assignments of one rank.
     *
     * @param capacity maximal number of assignments per expert, over all ranks
     * @param counts {@link #count} of every rank; the tokens of a rank come before those of the next one
     * @param rank the rank of these assignments
     */
    void sort(TokenAssignments assignments, int tokens, int capacity, double[][] counts, int rank) {
        keep(assignments, tokens, capacity, before(counts, rank));
        for (int expert = 0; expert < taken.length; expert++) {
            start[expert + 1] = start[expert] + taken[expert];
        }
        System.arraycopy(start, 0, taken, 0, taken.length);
        for (int i = 0; i < tokens; i++) {
            for (int choice = 0; choice < choices; choice++) {
                if (slot[choice][i] >= 0) {
                    int at = taken[assignments.expert[i * choices + choice]]++;
                    token[at] = i;
                    gate[at] = assignments.gate[i * choices + choice];
                    slot[choice][i] = at;
                    gateOf[choice][i] = gate[at];
                }
            }
        }
    }

    /**
     * As {@link #sort}, for assignments that are sorted elsewhere: sets {@link #start} alone.
     *
     * @return [k, E] how many of a rank's assignments by each choice are kept, the first ones
     */
    int[] place(int capacity, double[][] counts, int rank) {
        long[] before = before(counts, rank);
        int[] kept = new int[before.length];
        Arrays.fill(taken, 0);
        for (int place = 0; place < kept.length; place++) {
            kept[place] = (int) Math.max(0, Math.min((long) counts[rank][place], capacity - before[place]));
            taken[place % taken.length] += kept[place];
        }
        for (int expert = 0; expert < taken.length; expert++) {
            start[expert + 1] = start[expert] + taken[expert];
        }
        return kept;
    }

    /**
     * Number of assignments of every rank that are not dropped: what {@link #sort} keeps on each.
     *
     * @param counts {@link #count} of every rank
     * @return [ranks][E]
     */
    int[][] kept(double[][] counts, int capacity) {
        int experts = taken.length;
        int[][] kept = new int[counts.length][experts];
        for (int expert = 0; expert < experts; expert++) {
            long before = 0;
            for (int choice = 0; choice < choices; choice++) {
                for (int rank = 0; rank < counts.length; rank++) {
                    long count = (long) counts[rank][choice * experts + expert];
                    kept[rank][expert] += (int) Math.max(0, Math.min(count, capacity - before));
                    before += count;
                }
            }
        }
        return kept;
    }

    /** [k, E] assignments of an expert that come before the rank's own of this choice. */
    private long[] before(double[][] counts, int rank) {
        int experts = taken.length;
        long[] before = new long[choices * experts];
        for (int choice = 0; choice < choices; choice++) {
            for (int expert = 0; expert < experts; expert++) {
                long sum = 0;
                for (int better = 0; better < choice; better++) {
                    for (double[] ofRank : counts) {
                        sum += (long) ofRank[better * experts + expert];
                    }
                }
                for (int earlier = 0; earlier < rank; earlier++) {
                    sum += (long) counts[earlier][choice * experts + expert];
                }
                before[choice * experts + expert] = sum;
            }
        }
        return before;
    }

    /** Counts the kept assignments of each expert in {@code taken}, and marks dropped ones in {@code slot}. */
    private void keep(TokenAssignments assignments, int tokens, int capacity, long[] before) {
        Arrays.fill(taken, 0);
        for (int choice = 0; choice < choices; choice++) {
            for (int i = 0; i < tokens; i++) {
                int expert = assignments.expert[i * choices + choice];
                boolean kept = expert >= 0 && before[choice * taken.length + expert]++ < capacity;
                slot[choice][i] = kept ? 0 : -1;
                if (kept) {
                    taken[expert]++;
                }
            }
        }
    }

    /** Number of assignments that are not dropped. */
    int size() {
        return start[taken.length];
    }
}
