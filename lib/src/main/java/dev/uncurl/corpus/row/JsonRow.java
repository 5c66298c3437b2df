package dev.uncurl.corpus.row;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.corpus.Outcome;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** A row of JSON lines: one object without duplicate fields, at most 200 levels deep. */
public final class JsonRow {
    public static final StreamReadConstraints CONSTRAINTS = StreamReadConstraints.builder()
            .maxStringLength(Integer.MAX_VALUE) // limited by the cap of the reader
            .maxNestingDepth(200)
            .build();

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .streamReadConstraints(CONSTRAINTS)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    private JsonRow() {}

    /** Converts a JSON object to outcomes. */
    public interface Parser {
        Iterator<? extends Outcome> parse(JsonNode row, String source, long offset, long line)
                throws RowRejectedException;
    }

    public static RowParser parser(Parser parser) {
        return (text, source, offset, line) -> parser.parse(object(text), source, offset, line);
    }

    private static JsonNode object(String text) throws RowRejectedException {
        try {
            var row = JSON.reader(new CountingNodeFactory()).readTree(text);
            if (!row.isObject()) {
                throw new RowRejectedException("not a JSON object");
            }
            return row;
        } catch (CountingNodeFactory.TooManyException e) {
            throw new RowRejectedException("more than " + CountingNodeFactory.LIMIT + " values in a row");
        } catch (StreamConstraintsException e) {
            throw new RowRejectedException("JSON nested too deep or number too long");
        } catch (JsonProcessingException e) {
            throw new RowRejectedException("malformed JSON", e instanceof JsonEOFException);
        }
    }

    /** Returns a required field whose value is an object. */
    public static JsonNode object(JsonNode row, String field) throws RowRejectedException {
        var value = row.get(field);
        if (value == null || !value.isObject()) {
            throw new RowRejectedException("no object " + field);
        }
        return value;
    }

    /** Returns a required field whose value is an array of objects. */
    public static JsonNode objects(JsonNode row, String field) throws RowRejectedException {
        var values = row.get(field);
        if (values == null || !values.isArray()) {
            throw new RowRejectedException("no array " + field);
        }
        for (var value : values) {
            if (!value.isObject()) {
                throw new RowRejectedException("array " + field + " has an element that is not an object");
            }
        }
        return values;
    }

    /** Returns a required field whose value is an array of two or more strings, none of them empty. */
    public static List<String> strings(JsonNode row, String field) throws RowRejectedException {
        var values = row.get(field);
        if (values == null || !values.isArray()) {
            throw new RowRejectedException("no array " + field);
        }
        var strings = new ArrayList<String>();
        for (var value : values) {
            if (!value.isTextual()) {
                throw new RowRejectedException("array " + field + " has an element that is not a string");
            }
            strings.add(notEmpty(text(value.textValue(), field), field));
        }
        if (strings.size() < 2) {
            throw new RowRejectedException("array " + field + " has fewer than two elements");
        }
        return strings;
    }

    /** Returns a required field whose value is a whole number. */
    public static int integer(JsonNode row, String field) throws RowRejectedException {
        var value = row.get(field);
        if (value == null || !value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new RowRejectedException("field " + field + " is not a whole number");
        }
        return value.intValue();
    }

    /** Returns a required field whose value is a non-empty string. */
    public static String required(JsonNode row, String field) throws RowRejectedException {
        return notEmpty(optional(row, field), field);
    }

    /** Checks that the value of a field is {@linkplain PlainText text}, and returns it. */
    public static String text(String value, String field) throws RowRejectedException {
        String fault = PlainText.fault(value);
        if (fault != null) {
            throw new RowRejectedException("field " + field + " contains " + fault);
        }
        return value;
    }

    public static String notEmpty(String value, String field) throws RowRejectedException {
        if (value == null) {
            throw new RowRejectedException("no field " + field);
        }
        if (value.isEmpty()) {
            throw new RowRejectedException("field " + field + " is empty");
        }
        return value;
    }

    /**
     * Returns an optional field, or null if it is missing or null. A value must be a string and {@linkplain PlainText
     * text}.
     */
    public static String optional(JsonNode row, String field) throws RowRejectedException {
        var value = row.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw new RowRejectedException("field " + field + " is not a string");
        }
        return text(value.textValue(), field);
    }
}
