package dev.uncurl.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A row of ReCoRD. The choices of a query are the passage's distinct entities, sorted by code points; right are those
 * that stand among its answers.
 */
final class RecordRow {
    /** Characters that the entities of a row, or the statements of its queries, may have together. */
    private static final int LIMIT = 1 << 24;

    private static final Pattern HIGHLIGHT = Pattern.compile("\n@highlight\n");
    private static final String PLACEHOLDER = "@placeholder";
    private static final Comparator<String> BY_CODE_POINTS = (a, b) ->
            java.util.Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());

    private RecordRow() {}

    static RowItems items(JsonNode row) throws RowRejectedException {
        var passage = JsonRow.object(row, "passage");
        String text = JsonRow.required(passage, "text");
        var parts = List.of(HIGHLIGHT.split(text.strip(), -1));
        var entities = entities(text, passage);
        var items = new ArrayList<RowItems.Item>();
        long length = 0;
        for (JsonNode question : JsonRow.objects(row, "qas")) {
            String query = JsonRow.required(question, "query");
            length = within(length + length(query, entities));
            var lists = Map.of("highlight", parts.subList(1, parts.size()), "statement", statements(query, entities));
            items.add(new RowItems.Item(items.size(), Map.of("text", parts.get(0)), lists, right(question, entities)));
        }
        if (items.isEmpty()) {
            throw new RowRejectedException("no queries");
        }
        return new RowItems(items);
    }

    /** Spans with their last character, counted in code points. */
    private static List<String> entities(String text, JsonNode passage) throws RowRejectedException {
        int[] characters = IntStream.rangeClosed(0, text.length())
                .filter(i -> i == text.length()
                        || i == 0
                        || !Character.isLowSurrogate(text.charAt(i))
                        || !Character.isHighSurrogate(text.charAt(i - 1)))
                .toArray();
        Set<String> entities = new HashSet<>();
        long length = 0;
        for (JsonNode span : JsonRow.objects(passage, "entities")) {
            int start = JsonRow.integer(span, "start");
            int last = JsonRow.integer(span, "end");
            if (start < 0 || last < start || last >= characters.length - 1) {
                throw new RowRejectedException("an entity is not in the text");
            }
            length = within(length + characters[last + 1] - characters[start]);
            entities.add(text.substring(characters[start], characters[last + 1]));
        }
        return entities.stream().sorted(BY_CODE_POINTS).toList();
    }

    /** Characters of the query's statements together, or more. */
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

    private static long within(long length) throws RowRejectedException {
        if (length > LIMIT) {
            throw new RowRejectedException("choices longer than " + LIMIT + " characters");
        }
        return length;
    }

    private static List<Integer> right(JsonNode question, List<String> entities) throws RowRejectedException {
        if (!question.hasNonNull("answers")) {
            throw new RowRejectedException("no label");
        }
        Set<String> answers = new HashSet<>();
        for (JsonNode answer : JsonRow.objects(question, "answers")) {
            answers.add(JsonRow.required(answer, "text"));
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
