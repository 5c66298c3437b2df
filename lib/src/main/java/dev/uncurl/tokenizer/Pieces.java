package dev.uncurl.tokenizer;

/**
 * GPT-2's split of a text into pieces, hand-written for speed: the successive matches of the pattern
 * {@code '(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s+(?!\S)|\s++} with Unicode character classes. A
 * test compares it with the pattern.
 */
final class Pieces {
    private static final int OTHER = 0;
    private static final int LETTER = 1;
    private static final int NUMBER = 2;
    private static final int SPACE = 3;

    private static final byte[] ASCII = new byte[128];

    static {
        for (int c = 0; c < ASCII.length; c++) {
            ASCII[c] = (byte) kindOf(c);
        }
    }

    private Pieces() {}

    private static int kind(int c) {
        return c < ASCII.length ? ASCII[c] : kindOf(c);
    }

    private static int kindOf(int c) {
        return switch (Character.getType(c)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> c >= '\t' && c <= '\r' || c == 0x85 ? SPACE : OTHER;
        };
    }

    /** End of the piece that starts at {@code from}, which must be less than the length of the text. */
    static int end(String text, int from) {
        char first = text.charAt(from);
        if (first == '\'') {
            int end = contraction(text, from);
            if (end > from) {
                return end;
            }
        }
        int start = first == ' ' && from + 1 < text.length() ? from + 1 : from;
        int kind = kind(text.codePointAt(start));
        if (kind != SPACE) {
            return run(text, start, kind);
        }
        int end = run(text, from, SPACE);
        // the last blank before a word belongs to the word, or is a separate piece
        return end < text.length() && end - from > 1 ? end - 1 : end;
    }

    private static int run(String text, int from, int kind) {
        int at = from;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c < ASCII.length) {
                if (ASCII[c] != kind) {
                    return at;
                }
                at++;
            } else {
                int point = text.codePointAt(at);
                if (kindOf(point) != kind) {
                    return at;
                }
                at += Character.charCount(point);
            }
        }
        return at;
    }

    private static int contraction(String text, int from) {
        char one = from + 1 < text.length() ? text.charAt(from + 1) : 0;
        char two = from + 2 < text.length() ? text.charAt(from + 2) : 0;
        if (one == 's' || one == 'd' || one == 'm' || one == 't') {
            return from + 2;
        }
        boolean known = one == 'l' && two == 'l' || one == 'v' && two == 'e' || one == 'r' && two == 'e';
        return known ? from + 3 : from;
    }
}
