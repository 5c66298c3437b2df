package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.row.ScoredRow;
import java.util.List;

/**
 * Decides, while a model is scored, whether enough examples are. It is asked after the first block of 64 examples and
 * whenever the number of blocks has doubled, so that it decides the same for any number of cores.
 */
@FunctionalInterface
interface StopRule {
    /** Scores all examples. */
    StopRule NEVER = next -> false;

    /**
     * Whether to stop. The results are then those of the examples scored so far, as under that limit.
     *
     * @param next the rows since the last call, block after block; for a single task in the order of example_id
     */
    boolean stop(List<ScoredRow> next);

    /** How often the rule is asked before the last of {@code examples}. */
    static int looks(int examples) {
        int looks = 0;
        for (long scored = ScoringBlocks.SIZE; scored < examples; scored *= 2) {
            looks++;
        }
        return looks;
    }
}
