package dev.uncurl.corpus.task;

/** Words in a text: runs of letters, digits and their marks, whatever stands between them. */
final class Words {
    private Words() {}

    /**
     * Where a word, or several with what stands between them, first is in a text, in any case of letters.
     *
     * @return the index of its first UTF-16 unit; -1 if it is nowhere, or only within longer words
     */
    static int find(String text, String words) {
        for (int at = 0; at + words.length() <= text.length(); at++) {
            if (text.regionMatches(true, at, words, 0, words.length()) && whole(text, at, at + words.length())) {
                return at;
            }
        }
        return -1;
    }

    /** Whether neither end of a part of a text is within a word. Units of UTF-16. */
    static boolean whole(String text, int start, int end) {
        return !within(text, start) && !within(text, end);
    }

    private static boolean within(String text, int at) {
        return at > 0 && at < text.length() && ofWord(text.codePointBefore(at)) && ofWord(text.codePointAt(at));
    }

    private static boolean ofWord(int character) {
        int type = Character.getType(character);
        return Character.isLetterOrDigit(character)
                || type == Character.NON_SPACING_MARK
                || type == Character.COMBINING_SPACING_MARK
                || type == Character.ENCLOSING_MARK;
    }
}
