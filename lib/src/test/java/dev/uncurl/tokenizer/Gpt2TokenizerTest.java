package dev.uncurl.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.UserError;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class Gpt2TokenizerTest {
    private static final Path GOLDEN = Path.of("../test-data/tokenizer");
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void idsEqualTiktokens() throws Exception {
        var tokenizer = Gpt2Tokenizer.full();
        int compared = 0;
        for (String line : Files.readAllLines(GOLDEN.resolve("tiktoken_test_cases.jsonl"))) {
            var row = JSON.readTree(line);
            if (!row.get("allow_special").booleanValue()) {
                assertThat(tokenizer.encode(row.get("text").textValue()))
                        .as(line)
                        .containsExactly(JSON.convertValue(row.get("ids"), int[].class));
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(15);
    }

    @Test
    void idsEqualJtokkitsGoldenTable() throws Exception {
        var tokenizer = Gpt2Tokenizer.full();
        var rows = csv(Files.readString(GOLDEN.resolve("jtokkit_r50k_base_encodings.csv")));
        assertThat(rows).hasSizeGreaterThan(400);
        for (List<String> row : rows.subList(1, rows.size())) {
            int[] ids = JSON.readValue(row.get(1), int[].class);
            assertThat(tokenizer.encode(row.get(0))).as(row.get(0)).containsExactly(ids);
            assertThat(tokenizer.decode(ids)).isEqualTo(row.get(0));
        }
    }

    @Test
    void endOfTextIsTheLastIdAndNeverComesFromText() {
        for (int size : new int[] {257, 300, 8_192, 50_257}) {
            var tokenizer = Gpt2Tokenizer.of(size);
            assertThat(tokenizer.vocabularySize()).isEqualTo(size);
            assertThat(tokenizer.endOfText()).isEqualTo(size - 1);
            int[] ids = tokenizer.encode("a <|endoftext|> b");
            assertThat(ids).doesNotContain(tokenizer.endOfText());
            assertThat(tokenizer.decode(ids)).isEqualTo("a <|endoftext|> b");
            assertThat(tokenizer.decode(new int[] {tokenizer.endOfText()})).isEqualTo("<|endoftext|>");
        }
    }

    @Property(tries = 300)
    void decodingGivesTheBytesBack(@ForAll("texts") String text, @ForAll("sizes") int size) {
        var tokenizer = Gpt2Tokenizer.of(size);
        int[] ids = tokenizer.encode(text);
        assertThat(Arrays.stream(ids).allMatch(id -> id >= 0 && id < size - 1)).isTrue();
        assertThat(tokenizer.decodeBytes(ids)).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
    }

    @Property(tries = 200)
    void truncatedIsBytePairEncodingWithTheFirstMerges(@ForAll("texts") String text, @ForAll("sizes") int size) {
        assertThat(Gpt2Tokenizer.of(size).encode(text)).containsExactly(NaiveBytePairEncoding.encode(text, size - 1));
    }

    @Test
    void truncatedEncodesRealTextAsTheNaiveEncodingDoes() throws Exception {
        String text =
                Files.readString(Path.of("../test-data/cc100/fiction.txt")).substring(0, 60_000);
        assertThat(Gpt2Tokenizer.of(8_192).encode(text)).containsExactly(NaiveBytePairEncoding.encode(text, 8_191));
        assertThat(Gpt2Tokenizer.full().encode(text)).containsExactly(NaiveBytePairEncoding.encode(text, 50_256));
    }

    @Test
    void loneSurrogatesBecomeQuestionMarks() {
        var tokenizer = Gpt2Tokenizer.full();
        assertThat(tokenizer.encode("a\ud800b")).containsExactly(tokenizer.encode("a?b"));
        assertThat(tokenizer.encode("\udc00\ud83d")).containsExactly(tokenizer.encode("??"));
    }

    @Tag("slow")
    @Test
    void megabyteWithoutSpacesCompletes() {
        for (String unit : List.of("a", "ab0-", " ", "日本")) {
            String text = unit.repeat(1_000_000 / unit.length());
            for (int size : new int[] {8_192, 50_257}) {
                var tokenizer = Gpt2Tokenizer.of(size);
                assertThat(tokenizer.decode(tokenizer.encode(text)).equals(text))
                        .isTrue();
            }
        }
    }

    @Test
    void fingerprintNamesSizeAndContent() {
        assertThat(Gpt2Tokenizer.full().fingerprint()).matches("gpt2-50257-[0-9a-f]{16}");
        assertThat(Gpt2Tokenizer.of(8_192).fingerprint()).isEqualTo("gpt2-8192-3b6f02e051db8bb5");
        assertThat(Gpt2Tokenizer.of(8_191).fingerprint())
                .isNotEqualTo(Gpt2Tokenizer.of(8_192).fingerprint());
    }

    @Test
    void impossibleSizesAreRefused() {
        for (int size : new int[] {-1, 0, 256, 50_258}) {
            assertThatThrownBy(() -> Gpt2Tokenizer.of(size))
                    .isInstanceOfSatisfying(
                            UserError.class, r -> assertThat(r.kind()).isEqualTo(UserError.Kind.USAGE))
                    .hasMessageContaining(String.valueOf(size))
                    .hasMessageContaining("257");
        }
    }

    @Test
    void idsOutsideTheVocabularyAreNotDecoded() {
        assertThatThrownBy(() -> Gpt2Tokenizer.of(300).decode(new int[] {300}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("300");
    }

    @Provide
    Arbitrary<Integer> sizes() {
        return Arbitraries.of(257, 300, 1_000, 8_192, 50_257);
    }

    @Provide
    Arbitrary<String> texts() {
        var anything = Arbitraries.strings().ofMaxLength(60); // lone surrogates too
        var whitespace = Arbitraries.strings()
                .withChars(" \t\r\n\u00a0\u0085\u2028\u3000\u001c")
                .ofMaxLength(4);
        var words = Arbitraries.of(
                "the",
                "The",
                "'s",
                "'LL",
                "123",
                "٣",
                "½",
                "naïve",
                "日本語",
                "😀👩‍👧",
                "é",
                "<|endoftext|>",
                "...",
                "\0");
        var mixed = Combinators.combine(Stream.<Arbitrary<String>>of(words, whitespace, words, whitespace, anything)
                        .toList())
                .as(parts -> String.join("", parts));
        return Arbitraries.oneOf(anything, mixed);
    }

    /** RFC 4180: quoted fields may hold commas, line ends and doubled quotes. */
    private static List<List<String>> csv(String text) {
        var rows = new ArrayList<List<String>>();
        var row = new ArrayList<String>();
        var field = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                if (c != '"') {
                    field.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    field.append('"');
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '"') {
                quoted = true;
            } else if (c == ',' || c == '\n') {
                row.add(field.toString());
                field.setLength(0);
                if (c == '\n') {
                    rows.add(List.copyOf(row));
                    row.clear();
                }
            } else if (c != '\r') {
                field.append(c);
            }
        }
        return rows;
    }
}
