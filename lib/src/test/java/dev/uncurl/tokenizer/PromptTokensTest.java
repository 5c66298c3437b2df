package dev.uncurl.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.format.Corpora;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Ids by hand from GPT-2's vocabulary: "Answer" 33706, ":" 25, " yes" 3763, " " 220, newline 198. */
class PromptTokensTest {
    private static final Tokenizer TOKENIZER = Gpt2Tokenizer.full();

    private static List<List<Integer>> pair(String prompt, String continuation) {
        var tokens = PromptTokens.of(TOKENIZER, prompt);
        return Stream.of(tokens.ids(), tokens.continuation(continuation))
                .map(ids -> Arrays.stream(ids).boxed().toList())
                .toList();
    }

    @Test
    void aSpaceAtTheEndOfThePromptBelongsToTheContinuation() {
        assertThat(pair("Answer:", " yes")).containsExactly(List.of(33706, 25), List.of(3763));
        assertThat(pair("Answer: ", "yes")).isEqualTo(pair("Answer:", " yes"));
        assertThat(pair("Answer:\n", "yes").get(1)).startsWith(198);
        assertThat(pair("Answer:\u00a0", "yes").get(0)).isEqualTo(List.of(33706, 25));
    }

    @Test
    void aMergeAcrossTheBoundaryLeavesThePromptAlone() {
        // a whole word has fewer tokens than its parts; what follows as many as the prompt has is the continuation
        var prompt = PromptTokens.of(TOKENIZER, "Ans");
        assertThat(prompt.ids()).isEqualTo(TOKENIZER.encode("Ans"));
        int[] whole = TOKENIZER.encode("Answers here");
        assertThat(whole).hasSizeGreaterThan(prompt.ids().length);
        assertThat(prompt.continuation("wers here"))
                .isEqualTo(Arrays.copyOfRange(whole, prompt.ids().length, whole.length));
        assertThat(TOKENIZER.encode("Answers")).hasSameSizeAs(prompt.ids());
        assertThat(prompt.continuation("wers")).as("a merge that leaves none").isEqualTo(TOKENIZER.encode("wers"));
    }

    @Test
    void emptyAnswersHaveNoTokensAndEmptyPromptsLeaveAllToTheContinuation() {
        assertThat(pair("Answer:", "")).containsExactly(List.of(33706, 25), List.of());
        assertThat(pair("Answer: ", "")).containsExactly(List.of(33706, 25), List.of(220));
        assertThat(pair("", "Answer:")).containsExactly(List.of(), List.of(33706, 25));
        assertThat(pair(" \n", "Answer:").get(0)).isEmpty();
    }

    @Test
    void charactersBeyondAsciiStayWhole() {
        for (String text : List.of("caf\u00e9", "\u65e5\u672c", "\ud83d\ude00", "na\u00efve \u2014")) {
            var tokens = PromptTokens.of(TOKENIZER, "Answer " + text + ":");
            int[] all = Stream.of(tokens.ids(), tokens.continuation(" " + text))
                    .flatMapToInt(Arrays::stream)
                    .toArray();
            assertThat(TOKENIZER.decode(all)).isEqualTo("Answer " + text + ": " + text);
            assertThat(TOKENIZER.decode(tokens.continuation(" " + text))).isEqualTo(" " + text);
        }
    }

    /** Of the eight tasks only ReCoRD's prompt ends with white space: its last newline becomes part of each choice. */
    @Test
    void promptAndChoiceByThemselvesHaveTheseTokensExceptInRecord() {
        var different = new TreeSet<String>();
        for (String task : List.of("BoolQ", "CB", "COPA", "MultiRC", "ReCoRD", "RTE", "WiC", "WSC")) {
            for (Example example : examples(task, 40)) {
                var tokens = PromptTokens.of(TOKENIZER, example.inputs());
                boolean same = Arrays.equals(tokens.ids(), TOKENIZER.encode(example.inputs()));
                for (String choice : example.choices()) {
                    same &= Arrays.equals(tokens.continuation(choice), TOKENIZER.encode(choice));
                }
                if (!same) {
                    different.add(task);
                }
            }
        }
        assertThat(different).containsExactly("ReCoRD");
    }

    private static List<Example> examples(String task, int limit) {
        var all = new ArrayList<Example>();
        for (String file : List.of("val", "train")) {
            all.addAll(Corpora.only(
                    Example.class,
                    Corpora.read(
                            "superglue/" + task.toLowerCase(java.util.Locale.ROOT),
                            "superglue/" + task + "/" + file + ".jsonl")));
        }
        return all.subList(0, Math.min(limit, all.size()));
    }
}
