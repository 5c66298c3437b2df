package dev.uncurl.jobs.train;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.xxhash64;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.TokenBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * The endless series of batches of a training run: epoch after epoch, each in the order of a hash of the seed, the
 * epoch and the row's id, so the order depends on nothing else. A position in the series is the number of sequences
 * before it.
 */
final class TrainingData implements AutoCloseable {
    private final Dataset<Row> rows;
    private final List<String> key;
    private final int batch;
    private final long seed;
    private final int sequenceLength;
    private final boolean onTarget;
    private final long size;
    private Iterator<Row> epochRows = Collections.emptyIterator();
    private int epoch;

    /**
     * The batch of one step of one rank.
     *
     * @param ids id of each of its sequences: {@code cc100/17} is sequence 17 of corpus cc100
     */
    record Batch(TokenBatch tokens, List<String> ids) {}

    private TrainingData(Dataset<Row> rows, List<String> key, TrainConfig train, int sequenceLength, boolean onTarget) {
        this.rows = rows.cache();
        this.key = key;
        this.batch = train.batch();
        this.seed = train.seed();
        this.sequenceLength = sequenceLength;
        this.onTarget = onTarget;
        this.size = this.rows.count();
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
                new TrainingData(rows, List.of("corpus", "sequence_id"), train, sequenceLength, false),
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
        return nonEmpty(new TrainingData(rows, List.of("task", "example_id"), train, sequenceLength, onTarget), task);
    }

    private static TrainingData nonEmpty(TrainingData data, String what) {
        if (data.size == 0) {
            throw UserError.input(
                    "There is nothing to train on: " + what + " has no rows in the training split",
                    "Run tokenize for it first, with the same --warehouse.");
        }
        return data;
    }

    /** Number of rows of one epoch. */
    long size() {
        return size;
    }

    @Override
    public void close() {
        rows.unpersist();
    }

    /**
     * Moves to a position; reads only the epoch of this position.
     *
     * @param sequences the position, in sequences
     */
    void startAt(long sequences) {
        epoch = Math.toIntExact(sequences / size);
        epochRows = shuffled(epoch++).toLocalIterator();
        for (long before = sequences % size; before > 0; before--) {
            epochRows.next();
        }
    }

    /** Returns the next batch. */
    Batch next() {
        var tokens = new ArrayList<int[]>();
        var targets = new ArrayList<int[]>();
        var ids = new ArrayList<String>();
        while (tokens.size() < batch) {
            if (!epochRows.hasNext()) {
                epochRows = shuffled(epoch++).toLocalIterator();
            }
            Row row = epochRows.next();
            ids.add(row.getAs(key.get(0)) + "/" + row.getAs(key.get(1)));
            if (key.get(0).equals("corpus")) {
                int[] sequence = Examples.ints(row, "tokens");
                tokens.add(sequence);
                targets.add(Sequences.nextTokens(sequence, 1));
            } else {
                int[] prompt = Examples.ints(row, "prompt_tokens");
                int[] target = Examples.ints(row, "target_tokens");
                int[] sequence = Sequences.fit(prompt, target, sequenceLength);
                tokens.add(sequence);
                targets.add(Sequences.nextTokens(sequence, onTarget ? sequence.length - target.length : 1));
            }
        }
        return new Batch(Sequences.padded(tokens, targets), ids);
    }

    private Dataset<Row> shuffled(int epoch) {
        var columns = new ArrayList<Column>();
        columns.add(lit(seed));
        columns.add(lit(epoch));
        key.forEach(name -> columns.add(col(name)));
        return rows.orderBy(xxhash64(columns.toArray(Column[]::new)), col(key.get(0)), col(key.get(1)));
    }
}
