package dev.uncurl.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.InputStream;
import java.util.Collections;
import java.util.Iterator;

/** JSON lines: an object a line; blank lines are passed over. */
final class JsonLinesReader extends CorpusReader {
    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(Integer.MAX_VALUE) // the reader's cap holds
                            .maxNestingDepth(200)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    private final RowParser parser;
    private Iterator<? extends Outcome> examples = Collections.emptyIterator();

    JsonLinesReader(String corpus, String source, InputStream in, int cap, ByteRange range, RowParser parser) {
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
        countRow();
        if (lines.tooLong()) {
            return tooLong(lines.number(), lines.offset(), lines.bytes(), lines.length());
        }
        try {
            String text = Utf8.decode(lines.bytes(), lines.length());
            if (text == null) {
                throw new RowRejectedException("invalid UTF-8");
            }
            examples = parser.parse(object(text), source(), lines.offset(), lines.number());
            return examples.next();
        } catch (RowRejectedException e) {
            return reject(lines.number(), lines.offset(), e.getMessage(), lines.bytes(), lines.length());
        }
    }

    private static JsonNode object(String text) throws RowRejectedException {
        try {
            var row = JSON.readTree(text);
            if (!row.isObject()) {
                throw new RowRejectedException("not a JSON object");
            }
            return row;
        } catch (StreamConstraintsException e) {
            throw new RowRejectedException("JSON nested too deep or number too long");
        } catch (JsonProcessingException e) {
            throw new RowRejectedException("malformed JSON");
        }
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
