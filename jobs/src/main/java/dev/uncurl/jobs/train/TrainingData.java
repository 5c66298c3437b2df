package dev.uncurl.jobs.train;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.not;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.List;
import java.util.Locale;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The endless series of sequences of a training run: epoch after epoch, each in the order of a hash of the seed, the
 * epoch and the row's id, so the order depends on nothing else. Step n has sequences (n - 1) * batch to n * batch - 1. Tasks
 * read them from the tables; the driver has none.
 */
final class TrainingData implements AutoCloseable {
    private final EpochShuffle epochs;
    private final int batch;

    private TrainingData(Dataset<Row> rows, TrainingSequence.Reader reader, TrainConfig train, int sequenceLength) {
        batch = train.batch();
        long end = (long) train.steps(sequenceLength) * batch;
        epochs = new EpochShuffle(rows, reader, train.seed(), end, EpochShuffle.BUCKET_ROWS);
    }

    /**
     * Returns the packed sequences of the training split of corpora.
     *
     * @throws UserError (input) if one of the corpora has none
     */
    static TrainingData sequences(Warehouse warehouse, List<String> corpora, TrainConfig train, int sequenceLength) {
        for (String corpus : corpora) {
            if (warehouse
                    .rows(UncurlTable.SEQUENCES, "corpus", corpus, "split", "train")
                    .isEmpty()) {
                boolean examples = !Examples.of(warehouse, corpus, "train").isEmpty();
                throw UserError.input(
                        "There is nothing to train on: " + corpus + " has "
                                + (examples ? "examples but no packed sequences" : "no rows")
                                + " in the training split",
                        examples
                                ? "Remove it from corpora, and train on it with finetune."
                                : "Run tokenize for it first, with the same --warehouse, or remove it from corpora.");
            }
        }
        Dataset<Row> rows = warehouse
                .table(UncurlTable.SEQUENCES)
                .where(col("corpus").isin(corpora.toArray()).and(col("split").equalTo("train")))
                .select("corpus", "sequence_id", "tokens");
        return nonEmpty(
                new TrainingData(rows, new TrainingSequence.Packed(), train, sequenceLength),
                String.join(", ", corpora));
    }

    /**
     * Returns the examples of the training split of a task, or of all tasks of a corpus ({@code flan}). Leaves out
     * examples whose answer leaves no room for the prompt; prints their number and the number of truncated prompts.
     *
     * @throws UserError (input) if no examples remain
     */
    static TrainingData examples(Warehouse warehouse, String task, TrainConfig train, int sequenceLength) {
        Dataset<Row> all =
                Examples.of(warehouse, task, "train").select("task", "example_id", "prompt_tokens", "target_tokens");
        Column answer = functions.size(col("target_tokens"));
        Column fits = Examples.fit(answer, sequenceLength);
        Row counts = all.agg(
                        count("*"), count_if(not(fits)), count_if(fits.and(Examples.isCut(answer, sequenceLength))))
                .first();
        if (counts.getLong(0) == 0
                && !warehouse
                        .rows(UncurlTable.SEQUENCES, "corpus", task, "split", "train")
                        .isEmpty()) {
            throw UserError.input(
                    "There is nothing to finetune on: " + task + " has packed sequences but no examples",
                    "Name a task, or use it with pretrain.");
        }
        if (counts.getLong(1) + counts.getLong(2) > 0) {
            System.out.printf(
                    Locale.ROOT,
                    "Of %,d examples of %s, %,d are left out (their answer leaves no room for the prompt in %d tokens), and"
                            + " %,d have their prompt truncated at its beginning%n",
                    counts.getLong(0),
                    task,
                    counts.getLong(1),
                    sequenceLength,
                    counts.getLong(2));
        }
        Dataset<Row> rows = all.where(fits);
        boolean onTarget = train.lossOn() == TrainConfig.LossOn.TARGET;
        return nonEmpty(
                new TrainingData(
                        rows, new TrainingSequence.OfExamples(sequenceLength, onTarget), train, sequenceLength),
                task);
    }

    private static TrainingData nonEmpty(TrainingData data, String what) {
        if (data.size() == 0) {
            throw UserError.input(
                    "There is nothing to train on: " + what + " has no rows in the training split",
                    "Run tokenize for it first, with the same --warehouse.");
        }
        return data;
    }

    /** Number of rows of one epoch. */
    long size() {
        return epochs.size();
    }

    @Override
    public void close() {
        epochs.close();
    }

    /**
     * The sequences of some steps, one per DataSet. Partition p has, in their order, those that {@code division} assigns to
     * rank p.
     *
     * @param from number of steps before the first one
     * @param to number of steps up to the last one
     */
    JavaRDD<DataSet> steps(int from, int to, StepShares division) {
        return epochs.between((long) from * batch, (long) to * batch)
                .repartitionAndSortWithinPartitions(new ByRank(division))
                .map(sequence -> sequence._2().dataSet(sequence._1()));
    }

    /** The ids of the sequences of a step, in their order: {@code cc100/17} is sequence 17 of corpus cc100. */
    List<String> ids(int step) {
        return epochs.between((long) (step - 1) * batch, (long) step * batch)
                .mapValues(TrainingSequence::id)
                .sortByKey()
                .values()
                .collect();
    }

    /** Sends each sequence to the partition of its rank. */
    private static final class ByRank extends Partitioner {
        private static final long serialVersionUID = 1L;

        private final StepShares division;

        ByRank(StepShares division) {
            this.division = division;
        }

        @Override
        public int numPartitions() {
            return division.ranks();
        }

        @Override
        public int getPartition(Object position) {
            return division.rank((int) ((Long) position % division.batch()));
        }
    }
}
