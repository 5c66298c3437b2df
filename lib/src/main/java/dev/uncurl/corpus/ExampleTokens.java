package dev.uncurl.corpus;

import dev.uncurl.tokenizer.PromptTokens;
import dev.uncurl.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * The token ids of an example. If it has choices, prompt and choices are divided as lm-evaluation-harness divides them
 * ({@link PromptTokens}), and a prompt without text is the end-of-text token: a choice is scored as the beginning of a document. The
 * parts of an example without choices are encoded as they are.
 *
 * @param prompt ids of the prompt
 * @param target ids of the right answer, closed by the end-of-text token
 * @param choices ids of each choice
 */
public record ExampleTokens(int[] prompt, int[] target, List<int[]> choices) {
    public static ExampleTokens of(Example example, Tokenizer tokenizer) {
        if (example.choices().isEmpty()) {
            int[] target = tokenizer.encode(example.targets());
            return new ExampleTokens(tokenizer.encode(example.inputs()), closed(target, tokenizer), List.of());
        }
        var prompt = PromptTokens.of(tokenizer, example.inputs());
        int[] ids = prompt.ids();
        List<int[]> choices =
                example.choices().stream().map(prompt::continuation).toList();
        return new ExampleTokens(
                ids.length == 0 ? new int[] {tokenizer.endOfText()} : ids,
                closed(choices.get(example.label()), tokenizer),
                choices);
    }

    private static int[] closed(int[] ids, Tokenizer tokenizer) {
        int[] closed = Arrays.copyOf(ids, ids.length + 1);
        closed[ids.length] = tokenizer.endOfText();
        return closed;
    }
}
