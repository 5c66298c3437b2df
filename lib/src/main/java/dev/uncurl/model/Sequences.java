package dev.uncurl.model;

import java.util.Arrays;
import java.util.List;

/** Converts token sequences to model inputs. {@link TokenBatch#NONE} marks padding and positions without a target. */
public final class Sequences {
    private Sequences() {}

    /** Prompt and continuation, truncated at the front to {@code length} tokens. */
    public static int[] fit(int[] prompt, int[] continuation, int length) {
        int[] all = Arrays.copyOf(prompt, prompt.length + continuation.length);
        System.arraycopy(continuation, 0, all, prompt.length, continuation.length);
        return all.length <= length ? all : Arrays.copyOfRange(all, all.length - length, all.length);
    }

    /**
     * The target of each position: the next token, if its index is at least {@code from}; else -1. The first token of a
     * sequence is never predicted.
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
