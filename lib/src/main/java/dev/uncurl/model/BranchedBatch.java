package dev.uncurl.model;

import dev.uncurl.kernel.Attention;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences for scoring, side by side without padding, of which several may share their first tokens: a prompt is computed
 * once, and each of its continuations on top of it.
 *
 * @param tokens [N] token ids
 * @param segments whose tokens are all of {@code tokens}, in order
 * @param rows [M] index in {@code tokens} of each token whose successor is predicted, any number of times
 * @param targets [M] the successor whose probability is asked for
 */
public record BranchedBatch(int[] tokens, List<Segment> segments, int[] rows, int[] targets) {
    /**
     * Consecutive tokens of a sequence.
     *
     * @param from index of the first one in {@code tokens}
     * @param shared number of tokens before it, which are the first ones of segment {@code trunk}; 0 for the beginning of a
     *     sequence
     * @param trunk index of an earlier segment that is the beginning of a sequence; of no meaning if {@code shared} is 0
     */
    public record Segment(int from, int count, int trunk, int shared) {}

    public BranchedBatch {
        segments = List.copyOf(segments);
        int next = 0;
        for (int i = 0; i < segments.size(); i++) {
            Segment segment = segments.get(i);
            check(segment.count >= 1 && segment.from == next, "Segment " + segment + " does not begin at " + next);
            next += segment.count;
            if (segment.shared != 0) {
                check(segment.trunk >= 0 && segment.trunk < i, "Segment " + segment + " branches off a later one");
                Segment trunk = segments.get(segment.trunk);
                check(
                        trunk.shared == 0 && segment.shared > 0 && segment.shared <= trunk.count,
                        "Segment " + segment + " cannot share tokens of " + trunk);
            }
        }
        check(next == tokens.length && next > 0, next + " tokens in segments, " + tokens.length + " in all");
        check(rows.length == targets.length, rows.length + " rows, " + targets.length + " targets");
        check(Arrays.stream(tokens).allMatch(token -> token >= 0), "A token is negative");
        check(Arrays.stream(targets).allMatch(token -> token >= 0), "A target is negative");
        int size = tokens.length;
        check(Arrays.stream(rows).allMatch(row -> row >= 0 && row < size), "A row is not one of " + size);
    }

    private static void check(boolean valid, String message) {
        if (!valid) {
            throw new IllegalArgumentException(message);
        }
    }

    /** [N] the position of each token in its sequence, from 0. */
    int[] positions() {
        int[] positions = new int[tokens.length];
        for (Segment segment : segments) {
            for (int i = 0; i < segment.count; i++) {
                positions[segment.from + i] = segment.shared + i;
            }
        }
        return positions;
    }

    /** Who sees whom in attention. */
    Attention.Layout layout(int heads) {
        return new Attention.Layout(
                heads,
                segments.stream()
                        .map(segment -> new Attention.Segment(
                                segment.from,
                                segment.count,
                                segment.shared == 0 ? 0 : segments.get(segment.trunk).from,
                                segment.shared))
                        .toList());
    }

    /** The tokens as one row without targets, for the parts of a pass to which only the tokens matter. */
    TokenBatch flat() {
        int[] none = new int[tokens.length];
        Arrays.fill(none, TokenBatch.NONE);
        return new TokenBatch(tokens, none, 1, tokens.length);
    }
}
