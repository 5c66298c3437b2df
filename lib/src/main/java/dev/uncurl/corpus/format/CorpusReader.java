package dev.uncurl.corpus.format;

import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.io.DamageException;
import dev.uncurl.corpus.io.Utf8;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Reads the outcomes of one file, or of a part of it, lazily and in the order of the file. The cap bounds the memory:
 * at any time one document or row is in memory, as bytes and as text, however large the decompressed file is. A
 * document or row at the default cap takes up to about 450 MB of heap while it is read; the number of values of a row
 * is also limited. Damage ends the file with one rejection of {@linkplain Rejection.Scope#FILE the file}, which covers
 * everything after it: damaged compressed data, malformed JSON in a file that is one JSON value, or an end inside a row
 * or character. Only a failure of the file system throws an exception (UncheckedIOException).
 *
 * <p>Invariant: after all outcomes are read, {@link #rows()} equals the number of documents, of examples with part 0,
 * and of rejections of rows together. At most one outcome is a rejection of the file, and it is the last one.
 */
public abstract sealed class CorpusReader implements Iterator<Outcome>, Closeable
        permits LineCorpusReader, InstructionTaskReader {
    /** Largest document or row: 64 MiB of UTF-8. Longer ones are rejected and not kept in memory. */
    public static final int DEFAULT_CAP = 64 << 20;

    private final String corpus;
    private final String source;
    private final int cap;
    private Outcome upcoming;
    private boolean ended;
    private long rows;

    CorpusReader(String corpus, String source, int cap) {
        this.corpus = corpus;
        this.source = source;
        this.cap = cap;
    }

    /** Returns the next outcome, or null at the end or at damage. */
    abstract Outcome read();

    /** The rejection of the file if damage ended the input early; otherwise null. */
    abstract Rejection damage();

    abstract void closeInput() throws IOException;

    @Override
    public final boolean hasNext() {
        if (upcoming == null && !ended) {
            upcoming = read();
            if (upcoming == null) {
                ended = true;
                upcoming = damage();
            }
        }
        return upcoming != null;
    }

    @Override
    public final Outcome next() {
        if (!hasNext()) {
            throw new NoSuchElementException(source);
        }
        var outcome = upcoming;
        upcoming = null;
        return outcome;
    }

    /**
     * Number of documents or rows read so far. Each gives one document, one rejection, or one or more examples. The
     * rejection of a damaged file is not counted.
     */
    public final long rows() {
        return rows;
    }

    /** Must be called once for each row or document. */
    final void countRow() {
        rows++;
    }

    /** Position in the decompressed file after the last byte read. */
    public abstract long bytesRead();

    final Rejection damaged(IOException e, long line, long offset) {
        String reason = e instanceof DamageException damage ? damage.reason() : "damaged data";
        String file = e instanceof DamageException damage ? " (byte " + damage.fileOffset() + " of the file)" : "";
        String location = Rejection.location(line, offset) + file;
        return new Rejection(Rejection.Scope.FILE, corpus, source, location, reason, String.valueOf(e.getMessage()));
    }

    final String source() {
        return source;
    }

    final int cap() {
        return cap;
    }

    final Rejection reject(long line, long offset, String reason, byte[] bytes, int length) {
        return rejection(line, offset, reason, Utf8.excerpt(bytes, length));
    }

    final Rejection rejection(long line, long offset, String reason, String excerpt) {
        return Rejection.at(corpus, source, line, offset, reason, excerpt);
    }

    final Rejection tooLong(long line, long offset, byte[] bytes, int length) {
        return reject(line, offset, "longer than " + cap + " bytes", bytes, length);
    }

    @Override
    public final void close() {
        try {
            closeInput();
        } catch (IOException e) {
            throw new UncheckedIOException("closing " + source, e);
        }
    }
}
