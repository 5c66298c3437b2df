package dev.uncurl.corpus.format;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.io.ByteRange;
import dev.uncurl.corpus.io.LineReader;
import dev.uncurl.corpus.io.Utf8;
import dev.uncurl.corpus.row.PlainText;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;

/**
 * CC100: one paragraph per line, and an empty line after each document. The text of a document is its lines joined by
 * {@code \n}, without the last line end. CRLF is read as LF, and byte order marks at the start of a line are removed.
 * Only an empty line separates documents; a line of white space is a paragraph.
 */
final class Cc100Reader extends LineCorpusReader {
    /** Whether the current line belongs to a document that began before the range. */
    private boolean inEarlierDocument;

    Cc100Reader(String corpus, String source, InputStream in, int cap, ByteRange range) {
        super(corpus, source, in, cap, range);
        inEarlierDocument = range.from() > 0; // the line reader has skipped a line
    }

    /** Gives access to its buffer without a copy. */
    private static final class Bytes extends ByteArrayOutputStream {
        byte[] array() {
            return buf;
        }
    }

    @Override
    Outcome read(LineReader lines) {
        var document = new Bytes();
        long offset = -1;
        long line = 0;
        boolean tooLong = false;
        boolean ended = true;
        while ((offset >= 0 || !lines.atEnd()) && lines.next()) {
            ended = lines.ended();
            if (lines.length() == 0) {
                inEarlierDocument = false;
                if (offset >= 0) {
                    return outcome(document, tooLong, line, offset);
                }
                continue;
            }
            if (inEarlierDocument |= offset < 0 && lines.outside()) {
                continue;
            }
            if (offset < 0) {
                offset = lines.offset();
                line = lines.number();
            } else if (!tooLong) {
                document.write('\n');
            }
            boolean fits = !lines.tooLong() && (long) document.size() + lines.length() <= cap();
            if (fits && !tooLong) {
                document.write(lines.bytes(), 0, lines.length());
            } else if (!tooLong) {
                tooLong = true;
                document.write(lines.bytes(), 0, Math.min(lines.length(), 1 << 10));
            }
        }
        if (offset < 0 || lines.damage() != null) {
            return null; // the rejection of the file includes a document that damage truncates
        }
        return !ended && !tooLong && Utf8.cut(document.array(), document.size())
                ? cut(line, offset, document.array(), document.size())
                : outcome(document, tooLong, line, offset);
    }

    private Outcome outcome(Bytes document, boolean tooLong, long line, long offset) {
        countRow();
        if (tooLong) {
            return tooLong(line, offset, document.array(), document.size());
        }
        String text = Utf8.decode(document.array(), document.size());
        String fault = text == null ? "invalid UTF-8" : PlainText.fault(text);
        return fault == null
                ? new Document(source(), offset, line, text)
                : reject(line, offset, fault, document.array(), document.size());
    }
}
