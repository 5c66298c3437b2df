package dev.uncurl.jobs.output;

import java.lang.Character.UnicodeScript;
import java.util.Locale;
import java.util.Set;

/** Width of text on a terminal, in columns. */
final class TextWidth {
    private static final Set<UnicodeScript> WIDE =
            Set.of(UnicodeScript.HAN, UnicodeScript.HIRAGANA, UnicodeScript.KATAKANA, UnicodeScript.HANGUL);

    private TextWidth() {}

    /** Two columns for East Asian characters and pictographs, none for combining marks. */
    static int of(String text) {
        return text.codePoints().map(TextWidth::of).sum();
    }

    private static int of(int character) {
        switch (Character.getType(character)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT:
                return 0;
            default:
                boolean halfWidth = character >= 0xFF61 && character <= 0xFFDC;
                boolean wide = WIDE.contains(UnicodeScript.of(character))
                        || character >= 0x3000 && character <= 0x303E // East Asian punctuation
                        || character >= 0xFF01 && character <= 0xFF60 // full-width forms
                        || character >= 0x1F300 && character <= 0x1FAFF; // pictographs
                return wide && !halfWidth ? 2 : 1;
        }
    }

    /** Replaces control characters, which would move the cursor or change colours, by escapes. */
    static String visible(String text) {
        var visible = new StringBuilder();
        text.chars().forEach(character -> {
            if (character == '\t') {
                visible.append("\\t");
            } else if (Character.isISOControl(character)) {
                visible.append(String.format(Locale.ROOT, "\\u%04x", character));
            } else {
                visible.append((char) character);
            }
        });
        return visible.toString();
    }
}
