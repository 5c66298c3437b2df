package dev.uncurl.tokenizer;

import java.util.Arrays;

/**
 * The tokens of a prompt and of texts that continue it, divided as lm-evaluation-harness does ({@code _encode_pair}): white
 * space at the end of the prompt belongs to the continuation, and a continuation's tokens are those of the whole text after
 * as many as the prompt has by itself. So a continuation has the tokens that it has within a text, although the prompt's
 * own may differ from the whole text's where a merge would cross the boundary. Where such a merge leaves the continuation no token,
 * it has the tokens that it has by itself.
 *
 * <p>A prompt without text other than white space has no tokens. The harness scores its
 * continuations after the end-of-text token, and so must the caller.
 */
public final class PromptTokens {
    private final Tokenizer tokenizer;
    private final String text;
    private final String space;
    private final int[] ids;

    private PromptTokens(Tokenizer tokenizer, String prompt) {
        this.tokenizer = tokenizer;
        int end = prompt.length();
        while (end > 0 && isSpace(prompt.codePointBefore(end))) {
            end -= Character.charCount(prompt.codePointBefore(end));
        }
        text = prompt.substring(0, end);
        space = prompt.substring(end);
        ids = tokenizer.encode(text);
    }

    public static PromptTokens of(Tokenizer tokenizer, String prompt) {
        return new PromptTokens(tokenizer, prompt);
    }

    /** What Python's {@code str.rstrip} removes. */
    private static boolean isSpace(int codePoint) {
        return Character.isWhitespace(codePoint) || Character.isSpaceChar(codePoint) || codePoint == 0x85;
    }

    /** The prompt's tokens, without its last white space. */
    public int[] ids() {
        return ids.clone();
    }

    /** The tokens of a text after the prompt; none if the text and the white space before it are empty. */
    public int[] continuation(String continuation) {
        int[] whole = tokenizer.encode(text + space + continuation);
        return whole.length > ids.length
                ? Arrays.copyOfRange(whole, ids.length, whole.length)
                : tokenizer.encode(space + continuation);
    }
}
