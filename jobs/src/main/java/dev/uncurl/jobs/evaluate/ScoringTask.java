package dev.uncurl.jobs.evaluate;

import dev.uncurl.collective.Collectives;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.ModelCache;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
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
        BlockScorer scorer = null;
        int scored = 0;
        try {
            for (Iterator<List<ScoringItem>> open = open(items); open.hasNext(); scored++) {
                List<ScoringItem> block = open.next();
                scorer = scorer != null ? scorer : new BlockScorer(staged.key(), model, bytes);
                score(block, scorer);
            }
        } finally {
            if (scorer != null) {
                scorer.close();
            }
        }
        return scored;
    }

    private void score(List<ScoringItem> block, BlockScorer scorer) throws IOException {
        staged.file(number(block)).write(scorer.score(block));
        done.add(block.size());
    }

    private long number(List<ScoringItem> block) {
        return blocks.blocks().get(blocks.placeOf(block.get(0).id())).number();
    }

    /** The whole blocks that are to be scored and not staged. */
    private Iterator<List<ScoringItem>> open(Iterator<Tuple2<Long, ScoringItem>> items) {
        return new Iterator<>() {
            private List<ScoringItem> ahead = read();

            private List<ScoringItem> read() {
                var block = new ArrayList<ScoringItem>();
                while (items.hasNext()) {
                    block.add(items.next()._2());
                    int place = blocks.placeOf(block.get(0).id());
                    if (block.size() < blocks.blocks().get(place).fitting()) {
                        continue;
                    }
                    if (place >= from && place < to && !isStaged(block)) {
                        return block;
                    }
                    block.clear();
                }
                return null;
            }

            @Override
            public boolean hasNext() {
                return ahead != null;
            }

            @Override
            public List<ScoringItem> next() {
                if (ahead == null) {
                    throw new NoSuchElementException();
                }
                List<ScoringItem> block = ahead;
                ahead = read();
                return block;
            }
        };
    }

    private boolean isStaged(List<ScoringItem> block) {
        try {
            return staged.file(number(block)).exists();
        } catch (IOException e) {
            throw new UncheckedIOException("looking for the staged scores of block " + number(block), e);
        }
    }

    /** A rank of those that divide the experts of the model. @param task its model is not used */
    record Divided(ScoringTask task, DividedModel.Division division)
            implements RankStage.Work<Tuple2<Long, ScoringItem>, List<ScoringItem>, Integer> {
        @Override
        public Iterator<List<ScoringItem>> units(Iterator<Tuple2<Long, ScoringItem>> items) {
            return task.open(items);
        }

        @Override
        public Integer run(Collectives ranks, Iterator<List<ScoringItem>> open) throws IOException {
            int scored = 0;
            try (var divided = division.load(ranks, BlockScorer.BATCH);
                    var scorer = new BlockScorer(task.staged.key(), divided.model(), task.bytes)) {
                for (; open.hasNext(); scored++) {
                    task.score(open.next(), scorer);
                }
                divided.model().joinPasses();
            }
            return scored;
        }
    }
}
