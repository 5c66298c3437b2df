package dev.uncurl.corpus;

import org.apache.commons.codec.digest.DigestUtils;

/**
 * sha-256 of a text's UTF-8 bytes. Two documents, or two examples, are the same when it is; a part of it also decides
 * the split and the order of a mixture.
 *
 * @param hex 64 lower-case hexadecimal digits
 */
public record ContentHash(String hex) {
    public static ContentHash of(String text) {
        return new ContentHash(DigestUtils.sha256Hex(text));
    }

    /** Of an example: what a model reads, inputs and targets together. */
    public static ContentHash of(Example example) {
        return of(example.inputs() + example.targets());
    }

    /** The first 64 bits. */
    public long prefix() {
        return Long.parseUnsignedLong(hex, 0, 16, 16);
    }
}
