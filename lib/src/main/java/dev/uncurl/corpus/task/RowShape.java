package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.RowRejectedException;
import java.util.Locale;
import java.util.Set;

/** How the rows of a task are built, named in lower case in its file. */
enum RowShape {
    /** Strings; the task's file says which. One example a row. */
    FLAT(Set.of(), Set.of()),
    /** A passage with questions, each with answers. One example for each answer, a group for each question. */
    MULTIRC(Set.of("paragraph", "question", "answer"), Set.of()),
    /**
     * A passage with entities, and queries with a hole for one of them. One example for each query; {@code statement}
     * is the query with each entity in its hole, {@code highlight} each of the points that stand at the passage's end.
     */
    RECORD(Set.of("text"), Set.of("highlight", "statement")),
    /** Two sentences and where a word stands in them; {@code word} is as it stands in the first. */
    WIC(Set.of("sentence1", "sentence2", "word"), Set.of()),
    /** A text, a noun and a pronoun in it; {@code passage} is the text with asterisks around the pronoun. */
    WSC(Set.of("passage", "noun", "pronoun"), Set.of());

    private final Set<String> fields;
    private final Set<String> lists;

    RowShape(Set<String> fields, Set<String> lists) {
        this.fields = fields;
        this.lists = lists;
    }

    /** What templates may use; nothing for FLAT, whose task's file says it. */
    Set<String> fields() {
        return fields;
    }

    /** What has several values, for each of which a template is filled. */
    Set<String> lists() {
        return lists;
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Reads the whole row, so that a row is refused before any example of it is made. */
    RowItems items(TaskDefinition task, JsonNode row) throws RowRejectedException {
        return switch (this) {
            case FLAT -> RowItems.flat(task, row);
            case MULTIRC -> RowItems.multirc(task, row);
            case RECORD -> RecordRow.items(row);
            case WIC -> RowItems.wic(task, row);
            case WSC -> RowItems.wsc(task, row);
        };
    }
}
