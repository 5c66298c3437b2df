package dev.uncurl.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import dev.uncurl.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The oracle is what lm-evaluation-harness does (_encode_pair): it moves the white space that ends the prompt to the
 * choice, encodes both as one text, and takes as the choice what follows as many ids as the prompt alone has.
 */
class ExampleTokensTest {
    private static final Tokenizer GPT2 = Gpt2Tokenizer.full();
    private static final int END = 50_256;

    private static void agrees(Example example, Tokenizer tokenizer) {
        ExampleTokens tokens = ExampleTokens.of(example, tokenizer);
        String context = example.inputs().replaceFirst("(?U)[\\s\\x1c-\\x1f]+$", "");
        String moved = example.inputs().substring(context.length());
        int[] prompt = tokenizer.encode(context);
        assertThat(tokens.prompt()).isEqualTo(context.isEmpty() ? new int[] {tokenizer.endOfText()} : prompt);
        for (int i = 0; i < example.choices().size(); i++) {
            int[] whole = tokenizer.encode(context + moved + example.choices().get(i));
            assertThat(tokens.choices().get(i))
                    .as(example.inputs() + "|" + example.choices().get(i))
                    .isEqualTo(Arrays.copyOfRange(whole, prompt.length, whole.length));
        }
        int[] target = tokens.choices().get(example.label());
        assertThat(tokens.target())
                .isEqualTo(IntStream.concat(Arrays.stream(target), IntStream.of(tokenizer.endOfText()))
                        .toArray());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "superglue/boolq superglue/BoolQ/val.jsonl",
                "superglue/cb superglue/CB/val.jsonl",
                "superglue/copa superglue/COPA/val.jsonl",
                "superglue/multirc superglue/MultiRC/train.jsonl",
                "superglue/record superglue/ReCoRD/train.jsonl",
                "superglue/rte superglue/RTE/val.jsonl",
                "superglue/wic superglue/WiC/val.jsonl",
                "superglue/wsc superglue/WSC/val.jsonl",
                "options/aqua flan/cot_aqua.jsonl",
                "options/piqa options/piqa.jsonl",
                "arithmetic/gsm8k flan/cot_gsm8k.jsonl",
                "minimal-pairs minimal-pairs/pairs.jsonl"
            })
    void promptAndChoicesHaveTheIdsThatTheHarnessGives(String line) {
        String[] words = line.split(" ");
        var examples = Corpora.only(Example.class, Corpora.read(words[0], words[1]));
        assertThat(examples).isNotEmpty();
        examples.stream().limit(100).forEach(example -> agrees(example, GPT2));
        examples.stream().limit(20).forEach(example -> agrees(example, Gpt2Tokenizer.of(1024)));
    }

    /** Prompts of any end, choices that begin with white space. */
    @Property(tries = 300)
    void theyDoSoWhateverThePromptEndsWith(@ForAll("texts") String prompt, @ForAll("texts") String choice) {
        agrees(example(prompt, " " + choice, "\n" + choice), GPT2);
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of(
                        "a",
                        "An",
                        " ",
                        "  ",
                        "\n",
                        "\t",
                        "\u00a0",
                        "\u0085",
                        "\u3000",
                        "'s",
                        ".",
                        "1",
                        "\u00e9",
                        "\u6771",
                        "\ud83d\ude00",
                        "<|endoftext|>")
                .list()
                .ofMinSize(1)
                .ofMaxSize(6)
                .map(parts -> String.join("", parts));
    }

    /** The ids are those of GPT-2: 25 is ":", 220 a space, 645 " no", 3763 " yes", 198 a line end, 532 " -". */
    @Test
    void goldenCasesOfTheBoundary() {
        assertThat(ids("Answer:", " no", " yes")).isEqualTo("[33706, 25] [645] [3763]");
        assertThat(ids("Answer: ", "no", "yes")).isEqualTo("[33706, 25] [645] [3763]");
        assertThat(ids("Answer:\n", "no", " yes")).isEqualTo("[33706, 25] [198, 3919] [198, 3763]");
        assertThat(ids("Answer: \n", "no", "yes")).isEqualTo("[33706, 25] [220, 198, 3919] [220, 198, 8505]");
        assertThat(ids("", " no", " yes")).isEqualTo("[50256] [645] [3763]");
        assertThat(ids(" \n", "no", "yes")).isEqualTo("[50256] [220, 198, 3919] [220, 198, 8505]");
    }

    @Test
    void theEndOfTextIsThatOfTheVocabulary() {
        assertThat(ExampleTokens.of(example("", " a", " b"), Gpt2Tokenizer.of(1024))
                        .prompt())
                .containsExactly(1023);
    }

    /** A choice that goes on with the prompt's last word keeps the boundary; the harness has no definite answer there. */
    @Test
    void aChoiceInsideAWordBeginsANewToken() {
        ExampleTokens tokens = ExampleTokens.of(example("1", "0", "00"), GPT2);
        assertThat(tokens.prompt()).isEqualTo(GPT2.encode("1"));
        assertThat(tokens.choices()).containsExactly(GPT2.encode("0"), GPT2.encode("00"));
    }

    @Test
    void examplesWithoutChoicesAreEncodedAsTheyAre() {
        ExampleTokens tokens = ExampleTokens.of(Example.freeText("f", 0, 1, "t", "a \n", "b"), GPT2);
        assertThat(tokens.prompt()).isEqualTo(GPT2.encode("a \n"));
        assertThat(tokens.target()).containsExactly(GPT2.encode("b")[0], END);
        assertThat(tokens.choices()).isEmpty();
    }

    private static String ids(String prompt, String... choices) {
        ExampleTokens tokens = ExampleTokens.of(example(prompt, choices), GPT2);
        return Arrays.toString(tokens.prompt()) + " "
                + Arrays.toString(tokens.choices().get(0)) + " "
                + Arrays.toString(tokens.choices().get(1));
    }

    private static Example example(String prompt, String... choices) {
        return new Example(
                "f",
                0,
                1,
                0,
                0,
                "t",
                prompt,
                choices[0],
                List.of(choices),
                0,
                List.of(0),
                List.of(),
                prompt + choices[0]);
    }
}
