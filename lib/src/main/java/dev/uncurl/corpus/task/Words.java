package dev.uncurl.corpus.task;

/** Words in a text: runs of letters, digits and combining marks. All other characters separate words. */
final class Words {
    private Words() {}

    /**
     * Finds the first occurrence of a word, or of a sequence of words with their separators, ignoring case.
     *
     * @return the index of its first UTF-16 unit; -1 if it does not occur, or only inside longer words
     */
    static int find(String text, String words) {
        for (int at = 0; at + words.length() <= text.length(); at++) {
            if (text.regionMatches(true, at, words, 0, words.length()) && whole(text, at, at + words.length())) {
                return at;
            }
        }
        return -1;
    }

    /**
     * Whether neither end of a part of a text is inside a word.
     *
     * @param start first UTF-16 unit
     * @param end UTF-16 unit after the last
     */
    static boolean whole(String text, int start, int end) {
        return !isInsideWord(text, start) && !isInsideWord(text, end);
    }

    private static boolean isInsideWord(String text, int at) {
        return at > 0
                && at < text.length()
                && isWordCharacter(text.codePointBefore(at))
                && isWordCharacter(text.codePointAt(at));
    }

    private static boolean isWordCharacter(int character) {
        int type = Character.getType(character);
        return Character.isLetterOrDigit(character)
                || type == Character.NON_SPACING_MARK
                || type == Character.COMBINING_SPACING_MARK
                || type == Character.ENCLOSING_MARK;
    }
}
