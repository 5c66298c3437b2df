package dev.uncurl.jobs.evaluate;

import dev.uncurl.evaluation.ExampleScorer;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One example to score; a sequence of a corpus is an example without prompt and choices.
 *
 * @param choices null for free text
 * @param label null for free text
 * @param cluster passage of the example, as in evaluation.examples; null if each example has its own
 */
record ScoringItem(long id, int[] prompt, int[] target, int[][] choices, Integer label, String cluster)
        implements Serializable {
    /** The columns of an example. */
    record Columns(
            long exampleId,
            int[] promptTokens,
            int[] targetTokens,
            Optional<List<int[]>> choices,
            Optional<Integer> label,
            Optional<String> cluster) {
        ScoringItem item() {
            return new ScoringItem(
                    exampleId,
                    promptTokens,
                    targetTokens,
                    choices.map(all -> all.toArray(int[][]::new)).orElse(null),
                    label.orElse(null),
                    cluster.orElse(null));
        }
    }

    ExampleScorer.Example example() {
        return new ExampleScorer.Example(prompt, target, choices == null ? List.of() : Arrays.asList(choices));
    }
}
