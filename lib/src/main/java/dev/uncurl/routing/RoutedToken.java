package dev.uncurl.routing;

import dev.uncurl.error.UserError;

/**
 * The routing of one token by one router: a row of table routing.logits without its key.
 *
 * @param tokenId the token
 * @param position its position in the model's input sequence, from 0
 * @param sequenceLength tokens of that sequence
 * @param previousExpert the best expert of the token before it, or -1 for the first
 * @param experts the k chosen experts, best first [k]
 * @param gates the factors on their outputs [k]
 * @param outputNorms L2 norms of their outputs before the gates [k]
 * @param logits of all experts [E]
 */
public record RoutedToken(
        int tokenId,
        int position,
        int sequenceLength,
        int previousExpert,
        int[] experts,
        float[] gates,
        float[] outputNorms,
        float[] logits) {
    /**
     * Token ids below this count as frequent: the 256 bytes and GPT-2's first 256 merges, which are its most frequent
     * pieces. The bound does not depend on data, so counts of several dumps can be added.
     */
    public static final int FREQUENT_IDS = 512;

    public RoutedToken {
        if (position < 0 || position >= sequenceLength) {
            throw refused("position " + position + " in a sequence of " + sequenceLength + " tokens");
        }
        if (experts.length < 1 || gates.length != experts.length || outputNorms.length != experts.length) {
            throw refused(experts.length + " experts, " + gates.length + " gates and " + outputNorms.length + " norms");
        }
        for (int expert : experts) {
            if (expert < 0 || expert >= logits.length) {
                throw refused("expert " + expert + " of " + logits.length);
            }
        }
    }

    private static UserError refused(String what) {
        return UserError.input("Not the routing of a token: " + what, "Dump the router logits again.");
    }

    /** Whether it is one of the frequent pieces. */
    public boolean isFrequent() {
        return tokenId < FREQUENT_IDS;
    }

    /** The third of the sequence that contains the token: 0, 1 or 2. */
    public int third() {
        return (int) (3L * position / sequenceLength);
    }
}
