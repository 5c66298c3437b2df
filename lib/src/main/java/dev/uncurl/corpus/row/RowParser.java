package dev.uncurl.corpus.row;

import dev.uncurl.corpus.Outcome;
import java.util.Iterator;

/** Makes a document or examples of a row's text, or says why not. */
public interface RowParser {
    /** One outcome or more; each is made when it is asked for, as a row may hold more than memory does when rendered. */
    Iterator<? extends Outcome> parse(String row, String source, long offset, long line) throws RowRejectedException;
}
