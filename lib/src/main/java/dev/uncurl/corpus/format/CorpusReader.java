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
 * The outcomes of one file, or of a part of it, in its order, read as they are asked for. Memory is bounded by the cap:
 * one document or row is held, as bytes and as text, however much the file expands when it is decompressed. One at the
 * default cap takes up to some 450 MB of heap while it is read; rows are also bounded in their number of values. Damage of
 * the file (of compressed data, of JSON that is one value a file, or an end inside a row or character) ends it with one
 * rejection of {@linkplain Rejection.Scope#FILE the file} for all from there on. Only a failing file system throws
 * (UncheckedIOException).
 *
 * <p>The law: {@link #rows()}, when all is read, is the number of documents, of examples with part 0, and of rejections
 * of rows that were given. At most one rejection is of the file, and it is the last outcome.
 */
public abstract sealed class CorpusReader implements Iterator<Outcome>, Closeable
        permits LineCorpusReader, InstructionTaskReader {
    /** Largest document or row: 64 MiB of UTF-8. What is longer is rejected, and not held in memory. */
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

    /** The next outcome, or null at the end, or at damage. */
    abstract Outcome read();

    /** What ended the input early; null if nothing did. */
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
     * Documents or rows read so far: each gives one document, one rejection, or its examples, of which there may be
     * several. The rejection of a damaged file is none.
     */
    public final long rows() {
        return rows;
    }

    /** To be called at each row or document. */
    final void countRow() {
        rows++;
    }

    /** The byte of the decompressed file up to which it has been read. */
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
