package dev.uncurl.corpus.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.format.Corpora;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class MinimalPairsTest {
    private static final Path FILE = Path.of(Corpora.DATA + "minimal-pairs/pairs.jsonl");

    @Test
    void theFileHasTheLinesOfItsGenerator() throws IOException {
        assertThat(Files.readAllLines(FILE)).isEqualTo(MinimalPairs.lines());
    }

    @Test
    void thePairsAreDistinctAndDifferInOneWordOrTheOrderOfTwo() throws IOException {
        var pairs = new HashSet<String>();
        var phenomena = new HashMap<String, Integer>();
        for (String line : Files.readAllLines(FILE)) {
            JsonNode row = new ObjectMapper().readTree(line);
            String good = row.get("sentence_good").asText();
            String bad = row.get("sentence_bad").asText();
            assertThat(pairs.add(good)).as(good).isTrue();
            List<String> left = List.of(good.split(" "));
            List<String> right = List.of(bad.split(" "));
            assertThat(right).hasSameSizeAs(left);
            var differ = new HashSet<Integer>();
            for (int i = 0; i < left.size(); i++) {
                if (!left.get(i).equals(right.get(i))) {
                    differ.add(i);
                }
            }
            assertThat(differ).as(good + " " + bad).hasSizeBetween(1, 2);
            if (differ.size() == 2) {
                assertThat(left).containsExactlyInAnyOrderElementsOf(right);
            }
            phenomena.merge(row.get("phenomenon").asText(), 1, Integer::sum);
        }
        assertThat(phenomena).hasSize(6).allSatisfy((name, count) -> assertThat(count)
                .isEqualTo(MinimalPairs.EACH));
    }

    /** So that a predictor of one index is a coin flip, and the majority baseline a half. */
    @Test
    void theRightSentenceIsFirstAboutHalfTheTime() {
        var examples = Corpora.only(Example.class, Corpora.read("minimal-pairs", "minimal-pairs/pairs.jsonl"));
        assertThat(examples).allMatch(example -> example.inputs().isEmpty());
        assertThat(examples.stream().filter(example -> example.label() == 0))
                .hasSizeBetween(150, 210); // 180 of 360, standard deviation 9.5
    }
}
