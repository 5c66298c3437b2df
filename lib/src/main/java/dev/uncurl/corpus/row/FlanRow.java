package dev.uncurl.corpus.row;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The text of a row of FLAN 2022.
 *
 * @param inputs the prompt
 * @param targets the answer
 */
public record FlanRow(String inputs, String targets) {
    public static FlanRow of(JsonNode row) throws RowRejectedException {
        return new FlanRow(JsonRow.required(row, "inputs"), JsonRow.required(row, "targets"));
    }

    /** The answer with what separates it from the prompt: a space, unless the prompt ends with white space. */
    public String separatedTargets() {
        return Character.isWhitespace(inputs.charAt(inputs.length() - 1)) ? targets : " " + targets;
    }

    /** What a model reads of the row as an example without choices. */
    public String text() {
        return inputs + separatedTargets();
    }
}
