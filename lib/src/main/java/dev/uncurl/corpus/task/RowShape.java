package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.RowRejectedException;
import java.util.Locale;
import java.util.Set;

/** The structure of the rows of a task. The file of the task uses the name in lower case. */
enum RowShape {
    /** String fields, which the file of the task lists. One example per row. */
    FLAT(Set.of(), Set.of()),
    /** A passage with questions, each of which has answers. One example per answer, and one group per question. */
    MULTIRC(Set.of("paragraph", "question", "answer"), Set.of()),
    /**
     * A passage with entities, and queries with a placeholder for an entity. One example per query. The list {@code
     * statement} has the query with each entity in place of the placeholder; the list {@code highlight} has the summary
     * points at the end of the passage.
     */
    RECORD(Set.of("text"), Set.of("highlight", "statement")),
    /** Two sentences, and the positions of a word in them; {@code word} is its form in the first sentence. */
    WIC(Set.of("sentence1", "sentence2", "word"), Set.of()),
    /** A text, and a noun and a pronoun in it; {@code passage} is the text with asterisks around the pronoun. */
    WSC(Set.of("passage", "noun", "pronoun"), Set.of()),
    /**
     * A row of FLAN with options; see {@link OptionsRow}. {@code question} is its inputs without the options, {@code
     * inputs} all of them; the list {@code option} has the texts of the options.
     */
    OPTIONS(Set.of("question", "inputs"), Set.of("option")),
    /**
     * A row of FLAN with a word problem; see {@link ArithmeticRow}. The list {@code option} has the answer and three
     * distractors.
     */
    ARITHMETIC(Set.of("question", "inputs"), Set.of("option"));

    private final Set<String> fields;
    private final Set<String> lists;

    RowShape(Set<String> fields, Set<String> lists) {
        this.fields = fields;
        this.lists = lists;
    }

    /** Fields that templates may use; empty for FLAT, for which the file of the task lists them. */
    Set<String> fields() {
        return fields;
    }

    /** Fields with several values; a template that uses one is filled once per value. */
    Set<String> lists() {
        return lists;
    }

    /** Whether the row gives the right choices; otherwise the file of the task says how its label is read. */
    boolean givesLabels() {
        return this == RECORD || this == OPTIONS || this == ARITHMETIC;
    }

    /** Whether the first choice is the right one, so that the choices have to be put into an order that hides it. */
    boolean rightFirst() {
        return this == ARITHMETIC;
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Reads and checks the whole row, so that a row is rejected before any of its examples is created. */
    RowItems items(TaskDefinition task, JsonNode row) throws RowRejectedException {
        return switch (this) {
            case FLAT -> RowItems.flat(task, row);
            case MULTIRC -> RowItems.multirc(task, row);
            case RECORD -> RecordRow.items(row);
            case WIC -> RowItems.wic(task, row);
            case WSC -> RowItems.wsc(task, row);
            case OPTIONS -> OptionsRow.items(row);
            case ARITHMETIC -> ArithmeticRow.items(row);
        };
    }
}
