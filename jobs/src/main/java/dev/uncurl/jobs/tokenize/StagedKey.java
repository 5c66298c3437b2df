package dev.uncurl.jobs.tokenize;

import java.io.Serializable;

/**
 * What staged records belong together: rows of one kind and split, within it of one bucket of the shuffle (sequences) or
 * of one task (examples).
 */
record StagedKey(Kind kind, String split, String detail) implements Serializable, Comparable<StagedKey> {
    /** The tables that staged records end in. */
    enum Kind {
        SEQUENCE,
        EXAMPLE,
        REJECTION,
        DOCUMENT
    }

    static final StagedKey REJECTIONS = new StagedKey(Kind.REJECTION, "", "");
    static final StagedKey DOCUMENTS = new StagedKey(Kind.DOCUMENT, "", "");

    /** Sequences of a bucket: {@code of buckets} equal shares of the range of hashes. */
    static StagedKey sequences(String split, int bucket) {
        return new StagedKey(Kind.SEQUENCE, split, Integer.toString(bucket));
    }

    static StagedKey examples(String split, String task) {
        return new StagedKey(Kind.EXAMPLE, split, task);
    }

    /** The bucket of sequences. */
    int bucket() {
        return Integer.parseInt(detail);
    }

    @Override
    public int compareTo(StagedKey other) {
        int byKind = kind.compareTo(other.kind);
        int bySplit = byKind != 0 ? byKind : split.compareTo(other.split);
        if (bySplit != 0) {
            return bySplit;
        }
        return kind == Kind.SEQUENCE ? Integer.compare(bucket(), other.bucket()) : detail.compareTo(other.detail);
    }
}
