package dev.uncurl.corpus.row;

/** What a string must not hold to be the text of a document or example. */
public final class PlainText {
    /** Text may hold one control character in this many. UTF-16 read as UTF-8 has one in two to four. */
    private static final int CONTROL_SHARE = 64;

    public static final String CONTROLS = "NUL or other control characters, not text";
    static final String LONE_SURROGATE = "a lone surrogate";

    private PlainText() {}

    /**
     * What is wrong with a string, as a phrase for a reason; null for text. A lone surrogate is no character and has no
     * UTF-8. Many control characters (more than one, and more than one in 64; tabs, line ends, backspaces and escapes
     * do not count) mean other data read as UTF-8, such as UTF-16 without a byte order mark, or a file padded with NULs.
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
