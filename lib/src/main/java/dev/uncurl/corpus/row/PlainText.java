package dev.uncurl.corpus.row;

/** Checks that a string can be the text of a document or example. */
public final class PlainText {
    /**
     * Text may have at most one control character per this many characters. UTF-16 read as UTF-8 has one per two to
     * four.
     */
    private static final int CONTROL_SHARE = 64;

    public static final String CONTROLS = "NUL or other control characters, not text";
    static final String LONE_SURROGATE = "a lone surrogate";

    private PlainText() {}

    /**
     * Returns why a string is not text, as a phrase for a reason; null if it is text. A lone surrogate is not a
     * character and has no UTF-8 encoding. Many control characters (more than one, and more than one per 64 characters;
     * tabs, line ends, backspaces and escapes do not count) show that other data was read as UTF-8, such as UTF-16
     * without a byte order mark, or a file padded with NULs.
     */
    public static String fault(String text) {
        int controls = 0;
        int length = text.length();
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c < 0x20) {
                controls += c >= '\b' && c <= '\r' || c == 0x1b ? 0 : 1;
            } else if (Character.isSurrogate(c)) {
                if (Character.isLowSurrogate(c) || i + 1 == length || !Character.isLowSurrogate(text.charAt(i + 1))) {
                    return LONE_SURROGATE;
                }
                i++;
            }
        }
        return controls > 1 && (long) controls * CONTROL_SHARE > length ? CONTROLS : null;
    }
}
