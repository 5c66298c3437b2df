package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.Records;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Divides examples into blocks of consecutive ids of one task or corpus, the unit of scoring: a killed run loses no
 * finished block. Which examples are in a block depends on their ids only.
 *
 * @param names number of tasks or corpora, whose ids alternate
 * @param blocks in ascending order of their numbers
 */
record ScoringBlocks(int names, List<Block> blocks) implements Serializable {
    /** Ids of a block. */
    static final int SIZE = 64;

    /**
     * @param number identifies the block
     * @param fitting examples to score
     * @param cut those of them that lose the beginning of their prompt
     * @param refused examples that are not scored
     * @param highestPart highest number of an example within its row of the source
     */
    record Block(long number, long fitting, long cut, long refused, int highestPart) implements Serializable {}

    /**
     * Counts the examples of each block; the driver gets one row per block.
     *
     * @param examples columns example_id, fits, cut, source_part
     */
    static List<Block> count(Dataset<Row> examples, int names) {
        Column id = functions.col("example_id");
        var counts = examples.withColumn(
                        "number",
                        functions
                                .expr("(example_id DIV " + names + " DIV " + SIZE + ") * " + names)
                                .plus(id.mod(names)))
                .groupBy("number")
                .agg(
                        functions.expr("count_if(fits) AS fitting"),
                        functions.expr("count_if(fits AND cut) AS cut"),
                        functions.expr("count_if(NOT fits) AS refused"),
                        functions.expr("max(source_part) AS highest_part"));
        return Records.read(counts.orderBy("number"), Block.class);
    }

    /** The number of the block of an example. */
    long numberOf(long exampleId) {
        return exampleId / names / SIZE * names + exampleId % names;
    }

    /** The place of an example's block among the blocks. */
    int placeOf(long exampleId) {
        long number = numberOf(exampleId);
        int low = 0;
        int high = blocks.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long found = blocks.get(middle).number;
            if (found == number) {
                return middle;
            }
            if (found < number) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        throw new IllegalStateException("Example " + exampleId + " was added while examples were scored");
    }

    int size() {
        return blocks.size();
    }

    /** Examples to score. */
    long rows() {
        return blocks.stream().mapToLong(Block::fitting).sum();
    }

    /** Examples to score that lose the beginning of their prompt. */
    long cut() {
        return blocks.stream().mapToLong(Block::cut).sum();
    }

    /** Examples that are not scored, because an answer leaves no room for its prompt. */
    long refused() {
        return blocks.stream().mapToLong(Block::refused).sum();
    }

    /** Numbers of the blocks with rows, in runs of at most so many rows each, but at least one block. */
    List<long[]> runs(long most) {
        List<Block> scored = blocks.stream().filter(block -> block.fitting > 0).toList();
        var runs = new ArrayList<long[]>();
        int from = 0;
        while (from < scored.size()) {
            int to = from;
            long rows = 0;
            while (to < scored.size() && (to == from || rows + scored.get(to).fitting <= most)) {
                rows += scored.get(to++).fitting;
            }
            runs.add(scored.subList(from, to).stream().mapToLong(Block::number).toArray());
            from = to;
        }
        return runs;
    }
}
