package dev.uncurl.corpus.format;

import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.io.ByteRange;
import dev.uncurl.corpus.io.LineReader;
import java.io.IOException;
import java.io.InputStream;

/** Base of the readers of line-based formats. */
abstract sealed class LineCorpusReader extends CorpusReader permits Cc100Reader, RowReader {
    private final LineReader lines;
    private Rejection cut;

    LineCorpusReader(String corpus, String source, InputStream in, int cap, ByteRange range) {
        super(corpus, source, cap);
        this.lines = new LineReader(in, cap, range);
    }

    /** Returns the next outcome, or null at the end of the lines. */
    abstract Outcome read(LineReader lines);

    @Override
    final Outcome read() {
        return read(lines);
    }

    /** Ends the file because its end truncates a document or row. */
    final Outcome cut(long line, long offset, byte[] bytes, int length) {
        cut = reject(line, offset, "the file ends inside a document or row", bytes, length)
                .ofFile();
        return null;
    }

    @Override
    final Rejection damage() {
        return lines.damage() == null ? cut : damaged(lines.damage(), lines.number() + 1, lines.consumed());
    }

    @Override
    public final long bytesRead() {
        return lines.consumed();
    }

    @Override
    final void closeInput() throws IOException {
        lines.close();
    }
}
