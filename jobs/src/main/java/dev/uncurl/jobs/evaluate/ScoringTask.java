package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.RowFile;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.util.LongAccumulator;
import scala.Tuple2;

/**
 * One Spark task of an evaluation: scores the blocks of its partition that are not staged, and stages each as soon as it is
 * scored.
 *
 * @param from place of the first block to score
 * @param to place behind the last one
 * @param bytes null if the tokenizer is unknown
 * @param done counts scored examples
 */
record ScoringTask(
        StagedScores staged,
        ModelCache.Source model,
        ScoringBlocks blocks,
        int from,
        int to,
        TokenBytes bytes,
        LongAccumulator done)
        implements SparkWork.PartitionWork<Tuple2<Long, ScoringItem>, Integer> {
    /** Returns the number of blocks that this task scored. */
    @Override
    public Integer of(Iterator<Tuple2<Long, ScoringItem>> items) throws IOException {
        int scored = 0;
        BlockScorer scorer = null;
        var block = new ArrayList<ScoringItem>();
        try {
            while (items.hasNext()) {
                block.add(items.next()._2());
                int place = blocks.placeOf(block.get(0).id());
                if (block.size() < blocks.blocks().get(place).fitting()) {
                    continue;
                }
                RowFile<ScoredRow> file = staged.file(blocks.blocks().get(place).number());
                if (place >= from && place < to && !file.exists()) {
                    scorer = scorer != null ? scorer : new BlockScorer(staged.key(), model, bytes);
                    file.write(scorer.score(List.copyOf(block)));
                    scored++;
                    done.add(block.size());
                }
                block.clear();
            }
        } finally {
            if (scorer != null) {
                scorer.close();
            }
        }
        return scored;
    }
}
