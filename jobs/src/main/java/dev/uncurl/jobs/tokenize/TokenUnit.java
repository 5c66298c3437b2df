package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.format.CorpusReader;
import dev.uncurl.corpus.io.PartHash;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;

/**
 * What is read, packed and staged in one go: a file, or a block of a plain one. Its rows depend on nothing but itself.
 *
 * @param number its place among the units of the corpus, from 0
 * @param split the split of all its rows, or null: by content
 * @param start first byte
 * @param length bytes; -1: the whole file
 * @param bytes of the file that fall to it, as they lie on disk
 * @param last whether the file ends with it
 * @param sha256 of these bytes; null while they have not been hashed
 */
record TokenUnit(
        String corpus,
        int number,
        String path,
        String format,
        String split,
        long start,
        long length,
        long bytes,
        boolean last,
        String sha256)
        implements Serializable {
    /** A part of a plain file, or of a block of one. */
    TokenUnit piece(long from, long bytes) {
        return new TokenUnit(corpus, number, path, format, split, start + from, bytes, bytes, false, null);
    }

    /** The unit with the hash of its bytes. */
    TokenUnit withHash(String sha256) {
        return new TokenUnit(corpus, number, path, format, split, start, length, bytes, last, sha256);
    }

    /**
     * Opens the unit.
     *
     * @param hash takes the unit's bytes as they are read; may be null
     */
    CorpusReader open(Configuration hadoop, PartHash hash) {
        CorpusFormat corpusFormat = CorpusFormat.of(format);
        return length < 0
                ? corpusFormat.open(hadoop, path, hash)
                : corpusFormat.open(hadoop, path, start, length, hash);
    }

    /** Bytes of text that a reader of this unit has read so far; a reader of a block reports its position in the file. */
    long textRead(CorpusReader reader) {
        return Math.max(0, reader.bytesRead() - start);
    }

    /** A hash to read the unit through. */
    PartHash hash() {
        return new PartHash(path, start, bytes, last);
    }

    /** Where in the file it lies, for messages. */
    String place() {
        return length < 0 ? path : path + " from byte " + start;
    }
}
