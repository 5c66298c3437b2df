package dev.uncurl.corpus;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * sha-256 of a text's UTF-8 bytes. Two documents, or two examples, are the same when it is; a part of it also decides
 * the split and the order of a mixture.
 *
 * @param hex 64 lower-case hexadecimal digits
 */
public record ContentHash(String hex) {
    public static ContentHash of(String text) {
        return new ContentHash(HexFormat.of().formatHex(digest(text)));
    }

    /** Of a document: its text. Where it came from does not count. */
    public static ContentHash of(Document document) {
        return of(document.text());
    }

    /** Of an example: what a model reads, inputs and targets together. */
    public static ContentHash of(Example example) {
        return of(example.inputs() + example.targets());
    }

    /** The first 64 bits. */
    public long prefix() {
        return Long.parseUnsignedLong(hex, 0, 16, 16);
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
