package dev.uncurl.corpus;

import java.io.IOException;
import java.io.InputStream;

/** Reads what stands on lines. */
abstract sealed class LineCorpusReader extends CorpusReader permits Cc100Reader, RowReader {
    private final LineReader lines;

    LineCorpusReader(String corpus, String source, InputStream in, int cap, ByteRange range) {
        super(corpus, source, cap);
        this.lines = new LineReader(in, cap, range);
    }

    /** The next outcome, or null when the lines are at an end. */
    abstract Outcome read(LineReader lines);

    @Override
    final Outcome read() {
        return read(lines);
    }

    @Override
    final Rejection damage() {
        return lines.damage() == null ? null : damaged(lines.damage(), lines.number() + 1, lines.consumed());
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
