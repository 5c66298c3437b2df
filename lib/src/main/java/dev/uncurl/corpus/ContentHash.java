package dev.uncurl.corpus;

import org.apache.commons.codec.digest.DigestUtils;

/**
 * SHA-256 of a text's UTF-8 bytes. Two documents, or two examples, are equal if their hashes are equal. The first bits
 * of the hash also decide the split of a text and its rank in a mixture.
 *
 * @param hex 64 lower-case hexadecimal digits
 */
public record ContentHash(String hex) {
    public static ContentHash of(String text) {
        return new ContentHash(DigestUtils.sha256Hex(text));
    }

    /** The hash of what a model reads of an example: its inputs followed by its targets. */
    public static ContentHash of(Example example) {
        return of(example.inputs() + example.targets());
    }

    /** The first 64 bits. */
    public long prefix() {
        return Long.parseUnsignedLong(hex, 0, 16, 16);
    }
}
