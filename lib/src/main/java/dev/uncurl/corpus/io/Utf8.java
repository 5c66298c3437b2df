package dev.uncurl.corpus.io;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Decodes UTF-8 strictly: finds the malformed bytes that Java would silently replace by U+FFFD. */
public final class Utf8 {
    private Utf8() {}

    /** The text, or null if the bytes are not UTF-8. */
    public static String decode(byte[] bytes, int length) {
        String text = new String(bytes, 0, length, StandardCharsets.UTF_8);
        // the input itself may contain U+FFFD
        return text.indexOf('\ufffd') >= 0 && firstMalformed(bytes, length) >= 0 ? null : text;
    }

    /** Index of the first byte that is not UTF-8; -1 if there is none. */
    static int firstMalformed(byte[] bytes, int length) {
        var decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        var in = ByteBuffer.wrap(bytes, 0, length);
        var out = CharBuffer.allocate(1 << 12);
        while (true) {
            var result = decoder.decode(in, out, true);
            if (result.isUnderflow()) {
                return -1;
            }
            if (result.isError()) {
                return in.position();
            }
            out.clear();
        }
    }

    /** Whether the bytes are UTF-8 except for a truncated character at their end. */
    public static boolean cut(byte[] bytes, int length) {
        int from = Math.max(0, length - 3);
        while (from < length && (bytes[from] & 0xc0) != 0xc0) {
            from++; // find the first byte of a multi-byte character at the end
        }
        var end = ByteBuffer.wrap(bytes, from, length - from);
        var result = StandardCharsets.UTF_8.newDecoder().decode(end, CharBuffer.allocate(4), false);
        return result.isUnderflow() && end.hasRemaining() && firstMalformed(bytes, length) == end.position();
    }

    /** The first bytes as text; malformed bytes are replaced. */
    public static String excerpt(byte[] bytes, int length) {
        return new String(bytes, 0, Math.min(length, 800), StandardCharsets.UTF_8);
    }
}
