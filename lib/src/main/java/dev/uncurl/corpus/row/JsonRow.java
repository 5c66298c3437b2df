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
import java.util.Iterator;

/** A row of JSON lines: one object, no field twice, nested 200 deep at most. */
public final class JsonRow {
    public static final StreamReadConstraints CONSTRAINTS = StreamReadConstraints.builder()
            .maxStringLength(Integer.MAX_VALUE) // the reader's cap holds
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

    /** Makes outcomes of a JSON object. */
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

    /** A field that must be there and be an object. */
    public static JsonNode object(JsonNode row, String field) throws RowRejectedException {
        var value = row.get(field);
        if (value == null || !value.isObject()) {
            throw new RowRejectedException("no object " + field);
        }
        return value;
    }

    /** A field that must be there and be an array of objects. */
    public static JsonNode objects(JsonNode row, String field) throws RowRejectedException {
        var values = row.get(field);
        if (values == null || !values.isArray()) {
            throw new RowRejectedException("no array " + field);
        }
        for (var value : values) {
            if (!value.isObject()) {
                throw new RowRejectedException("array " + field + " is not of objects");
            }
        }
        return values;
    }

    /** A field that must be there and be a whole number. */
    public static int integer(JsonNode row, String field) throws RowRejectedException {
        var value = row.get(field);
        if (value == null || !value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new RowRejectedException("field " + field + " is not a whole number");
        }
        return value.intValue();
    }

    /** A field that must be there, be a string and not be empty. */
    public static String required(JsonNode row, String field) throws RowRejectedException {
        return notEmpty(optional(row, field), field);
    }

    /** A field's value, which must be {@linkplain PlainText text}. */
    public static String text(String value, String field) throws RowRejectedException {
        String fault = PlainText.fault(value);
        if (fault != null) {
            throw new RowRejectedException("field " + field + " holds " + fault);
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

    /** A field that may be missing or null; if it is there, it must be a string, and {@linkplain PlainText text}. */
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
