package dev.uncurl.corpus;

import java.util.List;

/**
 * A prompt and its answer. A model reads {@code inputs + targets}: the targets, and each choice, begin with the
 * separator between prompt and answer.
 *
 * @param source path of the file, as it was opened
 * @param offset byte of the decompressed file, from 0, at which the row begins
 * @param line number of the line that begins there, from 1; 0 if unknown because only a part of the file was read
 * @param part index of this example within its row, from 0
 * @param group index of the question within the row, from 0: examples with the same row and group answer the same
 *     question
 * @param task {@code superglue/boolq}, or FLAN's task name
 * @param inputs the prompt
 * @param targets the right answer; the loss on targets counts these tokens only
 * @param choices the answers to choose from; empty if the task is free text
 * @param label index in choices of the right answer, which equals {@code targets}; -1 if there are no choices
 * @param rightChoices indices of all right choices, ascending; the first one is {@code label}; empty if there are no
 *     choices
 * @param answers for each choice the text that stands for it where answers are compared as texts: in ReCoRD the entity,
 *     not the sentence with it; empty if the task has no such texts
 * @param splitText the text whose hash decides the split. It is {@code inputs + targets}, or for a task made from rows
 *     of FLAN what the format flan reads of the row: so both have the row in the same split
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
        List<Integer> rightChoices,
        List<String> answers,
        String splitText)
        implements Outcome {
    public Example {
        choices = List.copyOf(choices);
        rightChoices = List.copyOf(rightChoices);
        answers = List.copyOf(answers);
        if (choices.isEmpty() ? label != -1 : label < 0 || label >= choices.size()) {
            throw new IllegalArgumentException("label " + label + " of " + choices.size() + " choices");
        }
        if (choices.isEmpty() ? !rightChoices.isEmpty() : rightChoices.isEmpty() || rightChoices.get(0) != label) {
            throw new IllegalArgumentException("label " + label + ", right choices " + rightChoices);
        }
        if (!answers.isEmpty() && answers.size() != choices.size()) {
            throw new IllegalArgumentException(answers.size() + " answers for " + choices.size() + " choices");
        }
    }

    /** A free-text example: it has no choices and is the only example of its row. */
    public static Example freeText(String source, long offset, long line, String task, String inputs, String targets) {
        return new Example(
                source,
                offset,
                line,
                0,
                0,
                task,
                inputs,
                targets,
                List.of(),
                -1,
                List.of(),
                List.of(),
                inputs + targets);
    }
}
