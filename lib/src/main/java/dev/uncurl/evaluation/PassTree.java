package dev.uncurl.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Passes of one example that begin with the same token, arranged so that what they share is computed once. A pass whose
 * input is the beginning of another one's needs nothing of its own: its predictions are read off there. The remaining ones,
 * the leaves, share the trunk, which is their longest common beginning.
 *
 * @param leaves inputs, none the beginning of another
 * @param leafOf index of the leaf for each pass
 * @param trunk tokens that all leaves begin with; all tokens if there is one leaf
 */
record PassTree(List<Pass> passes, List<int[]> leaves, int[] leafOf, int trunk) {
    /**
     * One sequence to score, whose tokens from index {@code from} on are predicted.
     *
     * @param choice index of the choice, or {@link #TEXT}
     * @param start number of tokens that were cut off before it
     */
    record Pass(int example, int choice, int[] tokens, int from, int start) {
        static final int TEXT = -1;

        /** What the model reads: all tokens but the last. */
        int[] input() {
            return Arrays.copyOf(tokens, tokens.length - 1);
        }

        /** Index of the first predicted token; the first token of a sequence is never predicted. */
        int firstPredicted() {
            return Math.max(from, 1);
        }
    }

    /** Some leaves of a tree, by index, with the trunk that they need. */
    record Piece(PassTree tree, List<Integer> leaves) {
        /** Tokens before the branches. */
        int trunk() {
            return leaves.size() == 1 ? tree.leaves.get(leaves.get(0)).length : tree.trunk;
        }

        int tokens() {
            return trunk()
                    + leaves.stream()
                            .mapToInt(leaf -> tree.leaves.get(leaf).length - trunk())
                            .sum();
        }
    }

    /** @param passes of one example with the same {@code start}, each with an input */
    static PassTree of(List<Pass> passes) {
        List<Pass> longestFirst = new ArrayList<>(passes);
        longestFirst.sort(Comparator.comparingInt(pass -> -pass.tokens.length));
        var leaves = new ArrayList<int[]>();
        int[] leafOf = new int[passes.size()];
        for (int i = 0; i < leafOf.length; i++) {
            int[] input = longestFirst.get(i).input();
            leafOf[i] = leafThatBeginsWith(input, leaves);
            if (leafOf[i] == leaves.size()) {
                leaves.add(input);
            }
        }
        int trunk = leaves.get(0).length;
        for (int[] leaf : leaves) {
            int differs = Arrays.mismatch(leaves.get(0), leaf);
            trunk = differs < 0 ? trunk : Math.min(trunk, differs);
        }
        return new PassTree(List.copyOf(longestFirst), leaves, leafOf, trunk);
    }

    private static int leafThatBeginsWith(int[] input, List<int[]> leaves) {
        for (int leaf = 0; leaf < leaves.size(); leaf++) {
            int differs = Arrays.mismatch(input, leaves.get(leaf));
            if (differs < 0 || differs == input.length) {
                return leaf;
            }
        }
        return leaves.size();
    }

    /** The tree as pieces of at most {@code maxTokens} tokens each, of which every leaf alone has no more. */
    List<Piece> pieces(int maxTokens) {
        var pieces = new ArrayList<Piece>();
        var taken = new ArrayList<Integer>();
        for (int leaf = 0; leaf < leaves.size(); leaf++) {
            taken.add(leaf);
            if (taken.size() > 1 && new Piece(this, taken).tokens() > maxTokens) {
                taken.remove(taken.size() - 1);
                pieces.add(new Piece(this, List.copyOf(taken)));
                taken = new ArrayList<>(List.of(leaf));
            }
        }
        pieces.add(new Piece(this, List.copyOf(taken)));
        return pieces;
    }
}
