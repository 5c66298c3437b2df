package dev.uncurl.jobs.tokenize;

import java.io.Serializable;

/**
 * The group of a staged record: its kind and split and, in addition, the bucket of the shuffle (sequences) or the task
 * (examples).
 */
record StagedKey(Kind kind, String split, String detail) implements Serializable, Comparable<StagedKey> {
    /** The kinds of staged records, one per table. */
    enum Kind {
        SEQUENCE,
        EXAMPLE,
        REJECTION,
        DOCUMENT
    }

    static final StagedKey REJECTIONS = new StagedKey(Kind.REJECTION, "", "");
    static final StagedKey DOCUMENTS = new StagedKey(Kind.DOCUMENT, "", "");

    /** The key of the sequences of a bucket. */
    static StagedKey sequences(String split, int bucket) {
        return new StagedKey(Kind.SEQUENCE, split, Integer.toString(bucket));
    }

    static StagedKey examples(String split, String task) {
        return new StagedKey(Kind.EXAMPLE, split, task);
    }

    /** The bucket of a key of sequences. */
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
