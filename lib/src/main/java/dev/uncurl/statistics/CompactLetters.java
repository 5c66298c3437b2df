package dev.uncurl.statistics;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * A compact letter display: subjects have a letter in common if and only if they are not separated. Columns of letters are
 * found by insert and absorb (Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", Journal
 * of Computational and Graphical Statistics 13, 2004) and swept: a column, or one letter of a subject, that is not needed is
 * removed.
 */
public final class CompactLetters {
    private static final int ALPHABET = 26;

    private final boolean[][] separated;
    private List<BitSet> columns = new ArrayList<>();

    private CompactLetters(boolean[][] separated) {
        this.separated = separated;
    }

    /**
     * The letters of each subject, such as "ab". Letters follow the order of the subjects: the first one has an a. After z come
     * a1 to z1, a2, ...
     *
     * @param separated symmetric, false on the diagonal
     */
    public static List<String> of(boolean[][] separated) {
        for (int i = 0; i < separated.length; i++) {
            for (int j = 0; j <= i; j++) {
                if (separated[i][j] != separated[j][i] || i == j && separated[i][i]) {
                    throw new IllegalArgumentException("Separation of " + i + " and " + j + " contradicts itself");
                }
            }
        }
        var display = new CompactLetters(separated);
        display.insertAndAbsorb();
        display.sweepColumns();
        display.sweepLetters();
        return display.text();
    }

    /** Starts with one column of all subjects; each separated pair splits every column that has both. */
    private void insertAndAbsorb() {
        int n = separated.length;
        var all = new BitSet(n);
        all.set(0, n);
        columns.add(all);
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                if (separated[i][j]) {
                    split(i, j);
                }
            }
        }
    }

    private void split(int one, int other) {
        var kept = new ArrayList<BitSet>();
        var parts = new ArrayList<BitSet>();
        for (BitSet column : columns) {
            if (column.get(one) && column.get(other)) {
                parts.add(without(column, one));
                parts.add(without(column, other));
            } else {
                kept.add(column);
            }
        }
        for (BitSet part : parts) {
            if (kept.stream().noneMatch(column -> includes(column, part))) {
                kept.removeIf(column -> includes(part, column));
                kept.add(part);
            }
        }
        columns = kept;
    }

    private static BitSet without(BitSet column, int subject) {
        var rest = (BitSet) column.clone();
        rest.clear(subject);
        return rest;
    }

    private static boolean includes(BitSet column, BitSet part) {
        var missing = (BitSet) part.clone();
        missing.andNot(column);
        return missing.isEmpty();
    }

    /** Removes columns of which every pair, and every subject, is in another column too; the smallest first. */
    private void sweepColumns() {
        var bySize = new ArrayList<>(columns);
        bySize.sort(Comparator.comparingInt(BitSet::cardinality).thenComparing(CompactLetters::compare));
        for (BitSet column : bySize) {
            if (column.stream().allMatch(subject -> isCovered(subject, column))) {
                columns.remove(column);
            }
        }
    }

    /** Removes a subject from a column if each of its pairs there is in another column too. */
    private void sweepLetters() {
        columns.sort(CompactLetters::compare);
        for (BitSet column : List.copyOf(columns)) {
            for (int subject : column.stream().toArray()) {
                if (isCovered(subject, column)) {
                    column.clear(subject);
                }
            }
        }
    }

    private boolean isCovered(int subject, BitSet column) {
        var covered = new BitSet();
        for (BitSet other : columns) {
            if (other != column && other.get(subject)) {
                covered.or(other);
            }
        }
        return covered.get(subject) && includes(covered, column);
    }

    /** By the first subject that only one of them has: the column that has it comes first. */
    private static int compare(BitSet one, BitSet other) {
        var different = (BitSet) one.clone();
        different.xor(other);
        int first = different.nextSetBit(0);
        return first < 0 ? 0 : one.get(first) ? -1 : 1;
    }

    private List<String> text() {
        columns.sort(CompactLetters::compare);
        var letters = new ArrayList<String>();
        for (int subject = 0; subject < separated.length; subject++) {
            var text = new StringBuilder();
            for (int c = 0; c < columns.size(); c++) {
                if (columns.get(c).get(subject)) {
                    text.append((char) ('a' + c % ALPHABET)).append(c < ALPHABET ? "" : c / ALPHABET);
                }
            }
            letters.add(text.toString());
        }
        return letters;
    }
}
