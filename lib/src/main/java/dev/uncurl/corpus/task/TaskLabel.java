package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.RowRejectedException;
import java.util.List;
import java.util.Map;

/** How the right choice of a row is found. */
public sealed interface TaskLabel {
    /**
     * Returns the index of the right choice.
     *
     * @param choices number of choices
     * @param texts of the choices, where they come from a list of the row; else empty
     * @throws RowRejectedException "no label" for a row without one, as in test sets; or for a label that is no choice
     */
    int of(JsonNode row, int choices, List<String> texts) throws RowRejectedException;

    /** The shape of the row gives it. */
    record OfShape() implements TaskLabel {
        @Override
        public int of(JsonNode row, int choices, List<String> texts) {
            throw new IllegalStateException("The shape of the row gives the label");
        }
    }

    /** The first choice is right. */
    record First() implements TaskLabel {
        @Override
        public int of(JsonNode row, int choices, List<String> texts) {
            return 0;
        }
    }

    /**
     * A field has it.
     *
     * @param field whose value is a boolean, an integer or a string
     * @param values index of the choice by the value as text ({@code true}, {@code 1}, {@code entailment}); empty: the
     *     value is the index of a choice, from 0, or its text in a list of the row
     */
    record Field(String field, Map<String, Integer> values) implements TaskLabel {
        @Override
        public int of(JsonNode row, int choices, List<String> texts) throws RowRejectedException {
            var node = row.get(field);
            if (node == null || node.isNull() || node.isIntegralNumber() && node.longValue() == -1) {
                throw new RowRejectedException("no label");
            }
            if (!node.isBoolean() && !node.isIntegralNumber() && !node.isTextual()) {
                throw new RowRejectedException("field " + field + " is not a boolean, an integer or a string");
            }
            Integer label = values.isEmpty() ? direct(node, choices, texts) : values.get(node.asText());
            if (label == null || label >= choices) {
                throw new RowRejectedException("field " + field + " has a value that is not known");
            }
            return label;
        }

        private static Integer direct(JsonNode node, int choices, List<String> texts) {
            if (node.isIntegralNumber()) {
                return node.canConvertToInt() && node.intValue() >= 0 && node.intValue() < choices
                        ? node.intValue()
                        : null;
            }
            int index = texts.indexOf(node.asText());
            return index < 0 ? null : index;
        }
    }
}
