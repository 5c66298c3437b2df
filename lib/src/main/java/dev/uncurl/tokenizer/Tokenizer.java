package dev.uncurl.tokenizer;

/**
 * Converts text to token ids and back. Implementations are immutable and thread-safe.
 *
 * <p>Text never encodes to special tokens: {@link #encode} treats the characters {@code <|endoftext|>} as any others.
 * To add the special id, append {@link #endOfText()}.
 */
public interface Tokenizer {
    /**
     * The ids of a text, each in [0, vocabularySize). A lone surrogate, which UTF-8 cannot express, is encoded as
     * {@code ?}, as {@link String#getBytes(java.nio.charset.Charset)} does.
     */
    int[] encode(String text);

    /**
     * The text of ids; {@code decode(encode(text))} has the UTF-8 bytes of {@code text}. Ids that end in the middle of
     * a character give U+FFFD there.
     *
     * @throws IllegalArgumentException for an id outside [0, vocabularySize)
     */
    String decode(int[] ids);

    /** V, the number of ids. */
    int vocabularySize();

    /** The id that ends a document. */
    int endOfText();

    /** Identifies the exact mapping; two tokenizers with the same fingerprint give the same ids. */
    String fingerprint();
}
