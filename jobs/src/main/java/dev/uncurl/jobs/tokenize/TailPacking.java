package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.PackedSequence;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Packs the tails of units, each shorter than a sequence, one after another in the order of units. Units stay
 * independent of each other, because only their tails are packed together, by one thread.
 */
final class TailPacking {
    /**
     * The tail of one split of a unit.
     *
     * @param positions where the tokens of each document begin
     * @param offsets byte of each document in the file of the unit
     * @param continued whether the first document began in an earlier sequence
     */
    record Fragment(int unit, int[] tokens, int[] positions, long[] offsets, boolean continued)
            implements Serializable {
        /** Converts a padded sequence to a tail. */
        static Fragment of(int unit, PackedSequence packed) {
            int[] starts = packed.documentStarts();
            boolean continued = packed.sources().size() > starts.length;
            int[] positions = continued ? new int[starts.length + 1] : starts;
            if (continued) {
                System.arraycopy(starts, 0, positions, 1, starts.length);
            }
            int[] tokens = Arrays.copyOf(packed.tokens(), packed.tokens().length - packed.padding());
            long[] offsets = packed.sources().stream()
                    .mapToLong(reference -> reference.offset())
                    .toArray();
            return new Fragment(unit, tokens, positions, offsets, continued);
        }
    }

    /** A sequence whose documents may belong to several units. */
    record Packed(int[] tokens, int[] starts, int[] units, long[] offsets) {
        int padding() {
            int count = 0;
            for (int i = tokens.length - 1; i >= 0 && tokens[i] == PackedSequence.PADDING; i--) {
                count++;
            }
            return count;
        }
    }

    private final int[] tokens;
    private final List<Integer> starts = new ArrayList<>();
    private final List<Integer> units = new ArrayList<>();
    private final List<Long> offsets = new ArrayList<>();
    private final Consumer<Packed> full;
    private int filled;

    /** @param full receives each sequence, including the padded last one */
    TailPacking(int sequenceLength, Consumer<Packed> full) {
        this.tokens = new int[sequenceLength];
        this.full = full;
    }

    void add(Fragment tail) {
        for (int d = 0; d < tail.positions.length; d++) {
            int from = tail.positions[d];
            int to = d + 1 < tail.positions.length ? tail.positions[d + 1] : tail.tokens.length;
            boolean begins = d > 0 || !tail.continued;
            while (from < to) {
                if (begins) {
                    starts.add(filled);
                    begins = false;
                }
                units.add(tail.unit);
                offsets.add(tail.offsets[d]);
                int step = Math.min(to - from, tokens.length - filled);
                System.arraycopy(tail.tokens, from, tokens, filled, step);
                from += step;
                filled += step;
                if (filled == tokens.length) {
                    take();
                }
            }
        }
    }

    /** Pads the last sequence, if it is incomplete. */
    void end() {
        if (filled > 0) {
            take();
        }
    }

    private void take() {
        int[] sequence = Arrays.copyOf(tokens, tokens.length);
        Arrays.fill(sequence, filled, sequence.length, PackedSequence.PADDING);
        full.accept(new Packed(
                sequence,
                starts.stream().mapToInt(Integer::intValue).toArray(),
                units.stream().mapToInt(Integer::intValue).toArray(),
                offsets.stream().mapToLong(Long::longValue).toArray()));
        starts.clear();
        units.clear();
        offsets.clear();
        filled = 0;
    }
}
