package dev.uncurl.model;

import dev.uncurl.model.spec.MoeLayer;

/**
 * Converts a router's choices of rows to assignments of tokens to experts. Without a map, row r is expert r. In a
 * mapped router ({@link MoeLayer}), a token's choices that map to the same expert are one assignment, whose gate is the
 * sum of their gates: the expert runs once, as gate_r e(x) + gate_s e(x) = (gate_r + gate_s) e(x). It is stored with
 * the best of those choices. A choice of a zeroed row is no assignment. Masked rows never occur, since the router does not
 * choose them.
 */
final class TokenAssignments {
    private final Router router;
    private final int choices;
    private final boolean mapped;
    private final int[] expertOfRow;
    private final int[] carrier;

    /** [N, k]; -1 for padding, for a choice of a zeroed row, and for a choice merged into a better one. */
    final int[] expert;
    /** [N, k] */
    final double[] gate;

    TokenAssignments(Router router, MoeLayer layer, int choices, int maxTokens) {
        this.router = router;
        this.choices = choices;
        mapped = layer.isMapped();
        expertOfRow = layer.expertOfRow();
        carrier = new int[mapped ? maxTokens * choices : 0];
        expert = mapped ? new int[maxTokens * choices] : router.chosen;
        gate = mapped ? new double[maxTokens * choices] : router.gates;
    }

    /** Converts the router's choices for its last batch of {@code tokens}. */
    void take(int tokens) {
        for (int token = 0; token < tokens && mapped; token++) {
            for (int choice = 0; choice < choices; choice++) {
                take(token * choices, choice);
            }
        }
    }

    private void take(int first, int choice) {
        int at = first + choice;
        int row = router.chosen[at];
        expert[at] = row < 0 ? -1 : Math.max(-1, expertOfRow[row]);
        gate[at] = router.gates[at];
        carrier[at] = choice;
        for (int better = 0; better < choice && expert[at] >= 0; better++) {
            if (expert[first + better] == expert[at]) {
                gate[first + better] += gate[at];
                carrier[at] = better;
                expert[at] = -1;
                return;
            }
        }
    }

    /** The choice of the same token whose assignment includes this one: itself, or a better one of the same expert. */
    int carrier(int token, int choice) {
        return mapped ? carrier[token * choices + choice] : choice;
    }
}
