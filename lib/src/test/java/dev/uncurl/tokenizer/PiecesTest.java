package dev.uncurl.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class PiecesTest {
    @Property(tries = 3000)
    void piecesAreThoseOfThePattern(@ForAll("texts") String text) {
        assertThat(pieces(text)).isEqualTo(matches(text));
    }

    @Tag("slow")
    @Test
    void everyCharacterIsOfTheKindThatThePatternTakesItFor() {
        for (int point = 0; point <= Character.MAX_CODE_POINT; point++) {
            String text = "a" + Character.toString(point) + "1 " + Character.toString(point) + "'";
            assertThat(pieces(text)).as("U+%04X", point).isEqualTo(matches(text));
        }
    }

    @Provide
    Arbitrary<String> texts() {
        Arbitrary<String> bits = Arbitraries.of(
                " ",
                "  ",
                "\n",
                "\r\n",
                "\t",
                "'",
                "'s",
                "'ll",
                "'re",
                "'ve",
                "'x",
                "a",
                "Bc",
                "\u00e9",
                "e\u0301",
                "7",
                "\u00bd",
                "\u2163",
                ".",
                "--",
                "\u00a0",
                "\u0085",
                "\u3000",
                "\u200b",
                "\ud83d\ude00",
                "\ud83d",
                "\ude00",
                "\u4f60\u597d",
                "\ud835\udc00",
                "\u0000");
        return bits.list().ofMaxSize(24).map(list -> String.join("", list));
    }

    private static List<String> pieces(String text) {
        var pieces = new ArrayList<String>();
        for (int from = 0; from < text.length(); ) {
            int end = Pieces.end(text, from);
            pieces.add(text.substring(from, end));
            from = end;
        }
        return pieces;
    }

    private static List<String> matches(String text) {
        var pieces = new ArrayList<String>();
        var matcher = Gpt2Tokenizer.PIECES.matcher(text);
        while (matcher.find()) {
            pieces.add(matcher.group());
        }
        return pieces;
    }
}
