package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.JsonRow;
import dev.uncurl.corpus.row.RowRejectedException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A row of ReCoRD. The choices of a query are the distinct entities of the passage, sorted by code points, and each
 * stands for its choice in the token F1. The right choices are those that are among its answers.
 */
final class RecordRow {
    /** Largest total number of characters of the entities of a row, and of the statements of its queries. */
    private static final int LIMIT = 1 << 24;

    private static final Pattern HIGHLIGHT = Pattern.compile("\n@highlight\n");
    private static final String PLACEHOLDER = "@placeholder";
    private static final Comparator<String> BY_CODE_POINTS = (a, b) ->
            java.util.Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());

    private RecordRow() {}

    static RowItems items(JsonNode row) throws RowRejectedException {
        var spans = JsonRow.object(row, "passage");
        String text = JsonRow.required(spans, "text");
        var passage = Passage.of(text);
        var parts = List.of(HIGHLIGHT.split(text.strip(), -1));
        var entities = entities(passage, spans);
        var items = new ArrayList<RowItems.Item>();
        long length = 0;
        for (JsonNode question : JsonRow.objects(row, "qas")) {
            String query = JsonRow.required(question, "query");
            length = checkLength(length + length(query, entities));
            var lists = Map.of("highlight", parts.subList(1, parts.size()), "statement", statements(query, entities));
            items.add(new RowItems.Item(
                    items.size(),
                    Map.of("text", parts.get(0)),
                    lists,
                    right(question, passage, entities),
                    entities,
                    null));
        }
        if (items.isEmpty()) {
            throw new RowRejectedException("no queries");
        }
        return new RowItems(items);
    }

    /**
     * The passage with the UTF-16 index of each code point. Spans are counted in code points and include their last
     * one.
     */
    private record Passage(String text, int[] characters) {
        static Passage of(String text) {
            return new Passage(
                    text,
                    IntStream.rangeClosed(0, text.length())
                            .filter(i -> i == text.length()
                                    || i == 0
                                    || !Character.isLowSurrogate(text.charAt(i))
                                    || !Character.isHighSurrogate(text.charAt(i - 1)))
                            .toArray());
        }

        /** Returns the text of a span; null if the span is not within the text. */
        String at(JsonNode span) throws RowRejectedException {
            int start = JsonRow.integer(span, "start");
            int last = JsonRow.integer(span, "end");
            return start < 0 || last < start || last >= characters.length - 1
                    ? null
                    : text.substring(characters[start], characters[last + 1]);
        }
    }

    private static List<String> entities(Passage passage, JsonNode spans) throws RowRejectedException {
        Set<String> entities = new HashSet<>();
        long length = 0;
        for (JsonNode span : JsonRow.objects(spans, "entities")) {
            String entity = passage.at(span);
            if (entity == null) {
                throw new RowRejectedException("an entity is not in the text");
            }
            if (entity.isBlank()) {
                throw new RowRejectedException("an entity is blank");
            }
            length = checkLength(length + entity.length());
            entities.add(entity);
        }
        return entities.stream().sorted(BY_CODE_POINTS).toList();
    }

    /** Returns an upper bound of the total number of characters of the query's statements. */
    private static long length(String query, List<String> entities) {
        long holes = query.length() / PLACEHOLDER.length();
        return entities.stream()
                .mapToLong(entity -> query.length() + holes * entity.length())
                .sum();
    }

    private static List<String> statements(String query, List<String> entities) throws RowRejectedException {
        if (!query.contains(PLACEHOLDER)) {
            throw new RowRejectedException("no " + PLACEHOLDER + " in query");
        }
        return entities.stream()
                .map(entity -> query.replace(PLACEHOLDER, entity))
                .toList();
    }

    private static long checkLength(long length) throws RowRejectedException {
        if (length > LIMIT) {
            throw new RowRejectedException("choices longer than " + LIMIT + " characters");
        }
        return length;
    }

    /**
     * Returns the indices of the right choices. If an answer has a position, its text must be at this position;
     * otherwise the row does not count in code points.
     */
    private static List<Integer> right(JsonNode question, Passage passage, List<String> entities)
            throws RowRejectedException {
        if (!question.hasNonNull("answers")) {
            throw new RowRejectedException("no label");
        }
        Set<String> answers = new HashSet<>();
        for (JsonNode answer : JsonRow.objects(question, "answers")) {
            String text = JsonRow.required(answer, "text");
            if (answer.has("start") && !text.equals(passage.at(answer))) {
                throw new RowRejectedException("an answer is not at its position");
            }
            answers.add(text);
        }
        if (!entities.containsAll(answers)) {
            throw new RowRejectedException("an answer is not among the entities");
        }
        var right = IntStream.range(0, entities.size())
                .filter(i -> answers.contains(entities.get(i)))
                .boxed()
                .toList();
        if (right.isEmpty()) {
            throw new RowRejectedException("no label");
        }
        return right;
    }
}
