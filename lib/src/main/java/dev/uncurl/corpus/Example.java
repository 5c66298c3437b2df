package dev.uncurl.corpus;

import java.util.List;

/**
 * A prompt and its answer. What a model reads is {@code inputs + targets}: the targets begin with whatever separates
 * them from the prompt, as each choice does.
 *
 * @param source the file, as it was opened
 * @param offset where the row begins: byte in the decompressed file, from 0
 * @param line the line that begins there, from 1; 0 where a part of a file was read and it is not known
 * @param part which of the row's examples this is, from 0
 * @param group which question of the row, from 0: examples of one row and group are answers to the same question
 * @param task {@code superglue/boolq}, or FLAN's task name
 * @param inputs the prompt
 * @param targets the right answer, on which alone a loss is taken
 * @param choices the answers to choose from; empty where the task is free text
 * @param label index of the right answer in choices, which {@code targets} is; -1 where there are none
 * @param rightChoices indices of all choices that are right, ascending, {@code label} the first; empty where there are
 *     no choices
 */
public record Example(
        String source,
        long offset,
        long line,
        int part,
        int group,
        String task,
        String inputs,
        String targets,
        List<String> choices,
        int label,
        List<Integer> rightChoices)
        implements Outcome {
    public Example {
        choices = List.copyOf(choices);
        rightChoices = List.copyOf(rightChoices);
        if (choices.isEmpty() ? label != -1 : label < 0 || label >= choices.size()) {
            throw new IllegalArgumentException("label " + label + " of " + choices.size() + " choices");
        }
        if (choices.isEmpty() ? !rightChoices.isEmpty() : rightChoices.isEmpty() || rightChoices.get(0) != label) {
            throw new IllegalArgumentException("label " + label + ", right choices " + rightChoices);
        }
    }

    /** Free text: no choices, the only example of its row. */
    public static Example freeText(String source, long offset, long line, String task, String inputs, String targets) {
        return new Example(source, offset, line, 0, 0, task, inputs, targets, List.of(), -1, List.of());
    }
}
