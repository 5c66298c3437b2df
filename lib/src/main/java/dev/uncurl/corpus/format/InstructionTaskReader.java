package dev.uncurl.corpus.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.UTF8StreamJsonParser;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.io.DamageException;
import dev.uncurl.corpus.row.JsonRow;
import dev.uncurl.corpus.row.RowRejectedException;
import dev.uncurl.corpus.task.ExampleTemplate;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A task of Super-NaturalInstructions: one JSON object per file, with Definition and Instances of input and output.
 * Each instance is a row and gives one example. If there are several definitions or outputs, which are alternatives,
 * the first is used. The examples that explain the task (Positive Examples, Negative Examples) are not rows. The name
 * of the task is the name of the file.
 *
 * <p>The file is read as a stream, with one instance in memory at a time. If the Definition follows the instances, all
 * instances are in memory, up to the cap. Reading cannot continue after a syntax error or after a part larger than the
 * cap: the instances before it are returned, and then one rejection of the file for the rest.
 */
final class InstructionTaskReader extends CorpusReader {
    static final Set<String> FIELDS = Set.of("definition", "input", "output");

    private static final Pattern ENDING = Pattern.compile("(?:\\.json)?(?:\\.gz|\\.xz|\\.zst)?$");

    private final ExampleTemplate template;
    private final String task;
    private final Allowance in;
    private final ArrayDeque<Instance> instances = new ArrayDeque<>();
    private JsonParser parser;
    private String definition;
    private boolean inInstances;
    private boolean instancesSeen;
    private boolean ended;
    private Rejection damage;

    InstructionTaskReader(String corpus, String source, InputStream in, int cap, ExampleTemplate template) {
        super(corpus, source, cap);
        this.template = template;
        this.in = new Allowance(in);
        this.task =
                ENDING.matcher(source.substring(source.lastIndexOf('/') + 1)).replaceFirst("");
    }

    /** A parsed instance; {@code error} is the reason of its rejection, or null. */
    private record Instance(long line, long offset, String input, String output, String error) {
        /** Approximate bytes of an instance in addition to its text; they count towards the cap. */
        static final int OVERHEAD = 100;
    }

    /** Limits the bytes read until the next {@link #renew}: the cap plus the buffer of the parser. */
    private final class Allowance extends InputStream {
        private final InputStream in;
        private long left;

        Allowance(InputStream in) {
            this.in = in;
            renew();
        }

        void renew() {
            left = cap() + (16L << 10);
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] b, int off, int len) throws IOException {
            if (left <= 0) {
                throw new DamageException("longer than " + cap() + " bytes", "instances or another field", bytesRead());
            }
            int n = in.read(b, off, len);
            left -= Math.max(n, 0);
            return n;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }

    @Override
    Outcome read() {
        try {
            if (parser == null) {
                begin();
            }
            while (!ended && (definition == null || instances.isEmpty())) {
                advance();
            }
        } catch (RowRejectedException e) {
            end(e.getMessage(), "");
        } catch (StreamConstraintsException e) {
            end("JSON nested too deep or number too long", e.getOriginalMessage());
        } catch (JsonParseException e) {
            end(e.getOriginalMessage().contains("UTF-8") ? "invalid UTF-8" : "malformed JSON", e.getOriginalMessage());
        } catch (IOException e) {
            ended = true;
            damage = damaged(e, 0, bytesRead());
        }
        return instances.isEmpty() ? null : outcome(instances.remove());
    }

    private void begin() throws IOException, RowRejectedException {
        // a new factory, because a factory keeps all field names that it has read
        parser = JsonFactory.builder()
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
                .streamReadConstraints(JsonRow.CONSTRAINTS)
                .build()
                .createParser(in)
                .disable(JsonParser.Feature.AUTO_CLOSE_SOURCE);
        if (!(parser instanceof UTF8StreamJsonParser)) {
            throw new RowRejectedException("invalid UTF-8");
        }
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new RowRejectedException("not a JSON object");
        }
    }

    /** Reads one instance or one field of the task. */
    private void advance() throws IOException, RowRejectedException {
        if (instances.isEmpty()) {
            in.renew();
        }
        if (!inInstances) {
            field();
        } else if (parser.nextToken() == JsonToken.END_ARRAY) {
            inInstances = false;
        } else {
            instances.add(instance());
            in.left -= Instance.OVERHEAD;
        }
    }

    private void field() throws IOException, RowRejectedException {
        if (parser.nextToken() == JsonToken.END_OBJECT) {
            if (parser.nextToken() != null) {
                throw new RowRejectedException("malformed JSON");
            }
            if (!instancesSeen) {
                throw new RowRejectedException("no field Instances");
            }
            ended = true;
            return;
        }
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
            case "Definition" -> {
                if (definition != null) {
                    throw new RowRejectedException("field Definition occurs twice");
                }
                definition = JsonRow.notEmpty(strings("Definition"), "Definition");
            }
            case "Instances" -> {
                if (instancesSeen) {
                    throw new RowRejectedException("field Instances occurs twice");
                }
                if (parser.currentToken() != JsonToken.START_ARRAY) {
                    throw new RowRejectedException("field Instances is not an array");
                }
                instancesSeen = true;
                inInstances = true;
            }
            default -> parser.skipChildren();
        }
    }

    private Instance instance() throws IOException {
        var place = parser.currentTokenLocation();
        String input = null;
        String output = null;
        String error = null;
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            parser.skipChildren();
            error = "not a JSON object";
        } else {
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                try {
                    switch (name) {
                        case "input" -> input = unique(input, name);
                        case "output" -> output = unique(output, name);
                        default -> parser.skipChildren();
                    }
                } catch (RowRejectedException e) {
                    error = error == null ? e.getMessage() : error;
                }
            }
        }
        return new Instance(place.getLineNr(), place.getByteOffset(), input, output, error);
    }

    private Outcome outcome(Instance instance) {
        countRow();
        try {
            if (instance.error != null) {
                throw new RowRejectedException(instance.error);
            }
            var values = Map.of(
                    "definition", JsonRow.notEmpty(definition, "Definition"),
                    "input", JsonRow.notEmpty(instance.input, "input"),
                    "output", JsonRow.notEmpty(instance.output, "output"));
            return template.example(source(), instance.offset, instance.line, task, values);
        } catch (RowRejectedException e) {
            String excerpt = instance.input == null ? "" : instance.input;
            return rejection(instance.line, instance.offset, e.getMessage(), excerpt);
        }
    }

    private String unique(String before, String name) throws IOException, RowRejectedException {
        String value = strings(name);
        if (before != null) {
            throw new RowRejectedException("field " + name + " occurs twice");
        }
        return value;
    }

    /**
     * Returns a string, or the first of an array of strings; null for null and the empty array. Reads the value to its
     * end even if it is rejected.
     */
    private String strings(String name) throws IOException, RowRejectedException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            return string(name);
        }
        String first = null;
        boolean any = false;
        boolean error = false;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.VALUE_STRING) {
                error = true;
                parser.skipChildren();
            } else if (!any) {
                first = parser.getText();
            }
            any = true;
        }
        if (error) {
            throw new RowRejectedException("field " + name + " has an element that is not a string");
        }
        return first == null ? null : JsonRow.text(first, name);
    }

    private String string(String name) throws IOException, RowRejectedException {
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
            return JsonRow.text(parser.getText(), name);
        }
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return null;
        }
        parser.skipChildren();
        throw new RowRejectedException("field " + name + " is not a string");
    }

    private void end(String reason, String detail) {
        ended = true;
        damage = rejection(parser.currentLocation().getLineNr(), bytesRead(), reason, detail)
                .ofFile();
    }

    @Override
    Rejection damage() {
        return damage;
    }

    @Override
    public long bytesRead() {
        return parser == null ? 0 : Math.max(0, parser.currentLocation().getByteOffset());
    }

    @Override
    void closeInput() throws IOException {
        in.close();
    }
}
