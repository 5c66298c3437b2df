package dev.uncurl.corpus;

import java.util.List;

/**
 * A prompt and its answer. What a model reads is {@code inputs + targets}: the targets begin with whatever separates
 * them from the prompt, as each choice does.
 *
 * @param source the file, as it was opened
 * @param offset where the row begins: byte in the decompressed file, from 0
 * @param line the line that begins there, from 1
 * @param task {@code superglue/boolq}, or FLAN's task name
 * @param inputs the prompt
 * @param targets the right answer, on which alone a loss is taken
 * @param choices the answers to choose from; empty where the task is free text
 * @param label index of the right answer in choices; -1 where there are none
 */
public record Example(
        String source,
        long offset,
        long line,
        String task,
        String inputs,
        String targets,
        List<String> choices,
        int label)
        implements Outcome {
    public Example {
        choices = List.copyOf(choices);
        if (choices.isEmpty() ? label != -1 : label < 0 || label >= choices.size()) {
            throw new IllegalArgumentException("label " + label + " of " + choices.size() + " choices");
        }
    }
}
