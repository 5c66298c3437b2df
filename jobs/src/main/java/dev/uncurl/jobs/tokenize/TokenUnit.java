package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.format.CorpusReader;
import dev.uncurl.corpus.io.PartHash;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;

/**
 * The unit of work of tokenising: a file, or a block of an uncompressed file. Its rows do not depend on other units.
 *
 * @param number index among the units of the corpus, from 0
 * @param format name of the format
 * @param taskText text of the task's file if the format is the path of one, since executors may not have it; else null
 * @param split the split of all its rows; null: the content decides
 * @param start first byte
 * @param length bytes; -1: the whole file
 * @param bytes size of the unit on disk
 * @param last whether it is the last unit of its file
 * @param sha256 of these bytes; null before they are hashed
 */
record TokenUnit(
        String corpus,
        int number,
        String path,
        String format,
        String taskText,
        String split,
        long start,
        long length,
        long bytes,
        boolean last,
        String sha256)
        implements Serializable {
    /** Returns a part of this unit, which must be of an uncompressed file. */
    TokenUnit piece(long from, long bytes) {
        return new TokenUnit(corpus, number, path, format, taskText, split, start + from, bytes, bytes, false, null);
    }

    /** Returns the unit with the hash of its bytes. */
    TokenUnit withHash(String sha256) {
        return new TokenUnit(corpus, number, path, format, taskText, split, start, length, bytes, last, sha256);
    }

    /**
     * Opens the unit.
     *
     * @param hash receives the bytes of the unit as they are read; may be null
     */
    CorpusReader open(Configuration hadoop, PartHash hash) {
        return length < 0
                ? corpusFormat().open(hadoop, path, hash)
                : corpusFormat().open(hadoop, path, start, length, hash);
    }

    /** The format that reads the unit. */
    CorpusFormat corpusFormat() {
        return CorpusFormat.of(format, taskText);
    }

    /**
     * Returns the bytes of text that a reader of this unit has read so far; the reader itself reports its position in
     * the file.
     */
    long textRead(CorpusReader reader) {
        return Math.max(0, reader.bytesRead() - start);
    }

    /** Creates a hash for one pass over the unit. */
    PartHash hash() {
        return new PartHash(path, start, bytes, last);
    }

    /** The location of the unit, for messages. */
    String place() {
        return length < 0 ? path : path + " from byte " + start;
    }
}
