package dev.uncurl.model;

/**
 * Assignments of tokens to experts, sorted by expert (counting sort, stable in the order of tokens): slot s holds token
 * {@code token[s]}, and the slots of expert e run from {@code start[e]} to {@code start[e + 1]}.
 */
final class Dispatch {
    private final int choices;
    private final int[] next;

    /** [S] */
    final int[] token;
    /** [S] gate of the assignment. */
    final double[] gate;
    /** [E + 1] */
    final int[] start;
    /** [k][N] slot of a token's choice, -1 for padding. */
    final int[][] slot;
    /** [k][N] gates, as the router gives them but by choice. */
    final double[][] gateOf;

    Dispatch(int experts, int choices, int maxTokens) {
        this.choices = choices;
        next = new int[experts];
        start = new int[experts + 1];
        token = new int[maxTokens * choices];
        gate = new double[maxTokens * choices];
        slot = new int[choices][maxTokens];
        gateOf = new double[choices][maxTokens];
    }

    void sort(Router router, int tokens) {
        for (int expert = 0; expert < next.length; expert++) {
            next[expert] = start[expert];
            start[expert + 1] = start[expert] + router.counts[expert];
        }
        for (int i = 0; i < tokens; i++) {
            for (int choice = 0; choice < choices; choice++) {
                int expert = router.chosen[i * choices + choice];
                slot[choice][i] = -1;
                if (expert >= 0) {
                    int at = next[expert]++;
                    token[at] = i;
                    gate[at] = router.gates[i * choices + choice];
                    slot[choice][i] = at;
                    gateOf[choice][i] = gate[at];
                }
            }
        }
    }

    /** Number of assignments. */
    int size() {
        return start[next.length];
    }
}
