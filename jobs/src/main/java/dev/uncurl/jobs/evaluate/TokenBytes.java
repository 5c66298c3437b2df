package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.Serializable;
import java.util.Optional;

/**
 * UTF-8 bytes and characters (code points) of each token id. {@code <|endoftext|>} has none: it is no text.
 *
 * @param bytes by token id
 * @param characters by token id: those that begin in the token, since a character can be split between tokens
 * @param blank whether the bytes of a token id begin with a blank
 */
record TokenBytes(short[] bytes, short[] characters, boolean[] blank) implements Serializable {
    /** The token ids of a run; empty if they are not those of a GPT-2 encoding. */
    static Optional<TokenBytes> of(CorpusRun run) {
        int vocabulary = run.vocabulary();
        if (vocabulary < Gpt2Tokenizer.SMALLEST_VOCABULARY || vocabulary > Gpt2Tokenizer.FULL_VOCABULARY) {
            return Optional.empty();
        }
        var tokenizer = Gpt2Tokenizer.of(vocabulary);
        return tokenizer.fingerprint().equals(run.tokenizer()) ? Optional.of(of(tokenizer)) : Optional.empty();
    }

    static TokenBytes of(Gpt2Tokenizer tokenizer) {
        short[] bytes = new short[tokenizer.vocabularySize()];
        short[] characters = new short[bytes.length];
        boolean[] blank = new boolean[bytes.length];
        for (int id = 0; id < bytes.length; id++) {
            byte[] text = tokenizer.decodeBytes(new int[] {id});
            boolean isText = id != tokenizer.endOfText();
            bytes[id] = (short) (isText ? text.length : 0);
            characters[id] = (short) (isText ? beginning(text) : 0);
            blank[id] = text[0] == ' ';
        }
        return new TokenBytes(bytes, characters, blank);
    }

    /** Characters that begin in UTF-8 text: bytes that do not continue a character. */
    private static int beginning(byte[] text) {
        int count = 0;
        for (byte octet : text) {
            count += (octet & 0xC0) == 0x80 ? 0 : 1;
        }
        return count;
    }

    /** Bytes of the tokens from an index on. */
    long of(int[] tokens, int from) {
        long sum = 0;
        for (int i = from; i < tokens.length; i++) {
            sum += bytes[tokens[i]];
        }
        return sum;
    }

    /** Bytes of a choice, without the blank that separates it from the prompt and at least 1. */
    int ofChoice(int[] tokens) {
        return (int) Math.max(1, of(tokens, 0) - separator(tokens));
    }

    /** Characters of a choice, without the blank that separates it from the prompt and at least 1. */
    int charactersOfChoice(int[] tokens) {
        int sum = 0;
        for (int token : tokens) {
            sum += characters[token];
        }
        return Math.max(1, sum - separator(tokens));
    }

    private int separator(int[] tokens) {
        return blank[tokens[0]] ? 1 : 0;
    }
}
