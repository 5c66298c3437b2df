package dev.uncurl.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;

/** Makes a document or examples of a JSON row, or says why not. */
interface RowParser {
    /** One outcome or more; each is made when it is asked for, as a row may hold more than memory does when rendered. */
    Iterator<? extends Outcome> parse(JsonNode row, String source, long offset, long line) throws RowRejectedException;

    /** A field that must be there, be a string and not be empty. */
    static String required(JsonNode row, String field) throws RowRejectedException {
        var value = optional(row, field);
        if (value == null) {
            throw new RowRejectedException("no field " + field);
        }
        if (value.isEmpty()) {
            throw new RowRejectedException("field " + field + " is empty");
        }
        return value;
    }

    /** A field that may be missing or null; if it is there, it must be a string. */
    static String optional(JsonNode row, String field) throws RowRejectedException {
        var value = row.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw new RowRejectedException("field " + field + " is not a string");
        }
        return value.textValue();
    }
}
