package dev.uncurl.corpus.format;

import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.io.ByteRange;
import dev.uncurl.corpus.io.LineReader;
import dev.uncurl.corpus.io.Utf8;
import dev.uncurl.corpus.row.PlainText;
import dev.uncurl.corpus.row.RowParser;
import dev.uncurl.corpus.row.RowRejectedException;
import java.io.InputStream;
import java.util.Collections;
import java.util.Iterator;

/** Reads one row per line; blank lines are skipped. */
final class RowReader extends LineCorpusReader {
    private final RowParser parser;
    private Iterator<? extends Outcome> examples = Collections.emptyIterator();

    RowReader(String corpus, String source, InputStream in, int cap, ByteRange range, RowParser parser) {
        super(corpus, source, in, cap, range);
        this.parser = parser;
    }

    @Override
    Outcome read(LineReader lines) {
        while (!examples.hasNext() && !lines.atEnd() && lines.next()) {
            if (!lines.outside() && !blank(lines)) {
                return row(lines);
            }
        }
        return examples.hasNext() ? examples.next() : null;
    }

    private Outcome row(LineReader lines) {
        if (lines.tooLong()) {
            countRow();
            return tooLong(lines.number(), lines.offset(), lines.bytes(), lines.length());
        }
        try {
            examples = parser.parse(text(lines), source(), lines.offset(), lines.number());
            countRow();
            return examples.next();
        } catch (RowRejectedException e) {
            if (e.incomplete() && !lines.ended()) {
                return cut(lines.number(), lines.offset(), lines.bytes(), lines.length());
            }
            countRow();
            return reject(lines.number(), lines.offset(), e.getMessage(), lines.bytes(), lines.length());
        }
    }

    private static String text(LineReader lines) throws RowRejectedException {
        String text = Utf8.decode(lines.bytes(), lines.length());
        if (text == null) {
            throw new RowRejectedException("invalid UTF-8", Utf8.cut(lines.bytes(), lines.length()));
        }
        String fault = PlainText.fault(text);
        if (fault != null) {
            throw new RowRejectedException(fault);
        }
        return text;
    }

    private static boolean blank(LineReader lines) {
        for (int i = 0; i < lines.length(); i++) {
            byte b = lines.bytes()[i];
            if (b != ' ' && b != '\t' && b != '\r') {
                return false;
            }
        }
        return true;
    }
}
