package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * Maps names of corpora, tasks and models to names of files and folders; no other class does. Any name is possible, two
 * names never give the same path, not even on file systems that ignore case, and no path leaves its folder.
 */
public final class PathName {
    /** Longest file name, in bytes; file systems allow 255, and some writers add a prefix or an ending. */
    static final int LONGEST = 160;

    private static final int KEPT_OF_LONG = 80;
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");

    private PathName() {}

    /**
     * The file or folder name for one or more names, in ASCII. Lower-case letters, digits and {@code . _ -} are unchanged,
     * except {@code .} and {@code _} at the beginning and {@code .} at the end; other characters become their UTF-8 bytes,
     * such as {@code %2F}; an empty name is {@code %}; {@code +} separates names. A result that is too long is cut, and ends
     * with {@code ~} and the SHA-256 of the whole.
     */
    static String of(String... names) {
        String whole = Arrays.stream(names).map(PathName::encoded).collect(Collectors.joining("+"));
        return whole.length() <= LONGEST
                ? whole
                : whole.substring(0, KEPT_OF_LONG) + "~" + DigestUtils.sha256Hex(whole);
    }

    /**
     * Requires a name that can be used as a folder name without change.
     *
     * @param what the kind of thing that it names, for the message
     * @throws UserError (usage) when it cannot
     */
    public static String plain(String what, String name) {
        if (!PLAIN.matcher(name).matches()) {
            throw UserError.usage(
                    "The " + what + " name '" + name + "' is not possible",
                    "Use up to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit.");
        }
        return name;
    }

    private static String encoded(String name) {
        if (name.isEmpty()) {
            return "%";
        }
        var encoded = new StringBuilder();
        for (int at = 0; at < name.length(); ) {
            int character = name.codePointAt(at);
            int next = at + Character.charCount(character);
            boolean edge =
                    at == 0 && (character == '.' || character == '_') || next == name.length() && character == '.';
            if (isSafe(character) && !edge) {
                encoded.append((char) character);
            } else if (character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE) {
                encoded.append(
                        String.format(Locale.ROOT, "%%u%04X", character)); // half a pair: UTF-8 has no bytes for it
            } else {
                for (byte value : Character.toString(character).getBytes(StandardCharsets.UTF_8)) {
                    encoded.append(String.format(Locale.ROOT, "%%%02X", value));
                }
            }
            at = next;
        }
        return encoded.toString();
    }

    private static boolean isSafe(int character) {
        return character >= 'a' && character <= 'z'
                || character >= '0' && character <= '9'
                || character == '.'
                || character == '_'
                || character == '-';
    }
}
