package dev.uncurl.corpus;

import dev.uncurl.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * The token ids of an example, as lm-evaluation-harness forms them for one with choices:
 *
 * <ul>
 *   <li>White space at the end of the prompt is moved to the front of each choice and of the target, since GPT-2's tokens
 *       have white space in front. So prompt and choice have the ids that their joint text has, cut at the end of the
 *       prompt.
 *   <li>A prompt without text is the end-of-text token: a choice is scored as the beginning of a document.
 * </ul>
 *
 * The parts of an example without choices are encoded as they are.
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
        String inputs = example.inputs();
        int end = inputs.length();
        while (end > 0 && isBlank(inputs.charAt(end - 1))) {
            end--;
        }
        String moved = inputs.substring(end);
        int[] prompt = end == 0 ? new int[] {tokenizer.endOfText()} : tokenizer.encode(inputs.substring(0, end));
        List<int[]> choices = example.choices().stream()
                .map(choice -> tokenizer.encode(moved + choice))
                .toList();
        return new ExampleTokens(prompt, closed(choices.get(example.label()), tokenizer), choices);
    }

    /** Whether Python's str.rstrip() removes it. */
    private static boolean isBlank(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }

    private static int[] closed(int[] ids, Tokenizer tokenizer) {
        int[] closed = Arrays.copyOf(ids, ids.length + 1);
        closed[ids.length] = tokenizer.endOfText();
        return closed;
    }
}
