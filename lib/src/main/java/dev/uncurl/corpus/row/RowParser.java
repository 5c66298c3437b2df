package dev.uncurl.corpus.row;

import dev.uncurl.corpus.Outcome;
import java.util.Iterator;

/** Converts the text of a row to a document or examples. */
public interface RowParser {
    /**
     * Returns one or more outcomes. They are created lazily, because the rendered examples of a row may exceed the
     * memory.
     *
     * @throws RowRejectedException if the row is rejected; the message is the reason
     */
    Iterator<? extends Outcome> parse(String row, String source, long offset, long line) throws RowRejectedException;
}
