package dev.uncurl.model;

import java.util.Arrays;
import java.util.List;

/** Token sequences as a model takes them. {@link TokenBatch#NONE} marks what is not there. */
public final class Sequences {
    private Sequences() {}

    /** Prompt and continuation within {@code length} tokens: what is too much is cut from the front. */
    public static int[] fit(int[] prompt, int[] continuation, int length) {
        int[] all = Arrays.copyOf(prompt, prompt.length + continuation.length);
        System.arraycopy(continuation, 0, all, prompt.length, continuation.length);
        return all.length <= length ? all : Arrays.copyOfRange(all, all.length - length, all.length);
    }

    /**
     * What each position is to predict: the token that follows, if that one stands at {@code from} or after; else -1.
     * The first token of a sequence is never predicted.
     */
    public static int[] nextTokens(int[] sequence, int from) {
        int[] targets = new int[sequence.length];
        Arrays.fill(targets, TokenBatch.NONE);
        for (int position = Math.max(from, 1); position < sequence.length; position++) {
            targets[position - 1] = sequence[position];
        }
        return targets;
    }

    /** One batch of sequences of different lengths, padded at the right to the longest. */
    public static TokenBatch padded(List<int[]> tokens, List<int[]> targets) {
        int columns =
                tokens.stream().mapToInt(sequence -> sequence.length).max().orElse(0);
        int[] allTokens = new int[tokens.size() * columns];
        int[] allTargets = new int[tokens.size() * columns];
        Arrays.fill(allTokens, TokenBatch.NONE);
        Arrays.fill(allTargets, TokenBatch.NONE);
        for (int row = 0; row < tokens.size(); row++) {
            System.arraycopy(tokens.get(row), 0, allTokens, row * columns, tokens.get(row).length);
            System.arraycopy(targets.get(row), 0, allTargets, row * columns, targets.get(row).length);
        }
        return new TokenBatch(allTokens, allTargets, tokens.size(), columns);
    }
}
