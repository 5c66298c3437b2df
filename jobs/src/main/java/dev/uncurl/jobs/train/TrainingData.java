package dev.uncurl.jobs.train;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.xxhash64;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.TokenBatch;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.nd4j.linalg.dataset.DataSet;
import scala.Tuple2;

/**
 * The endless series of sequences of a training run: epoch after epoch, each in the order of a hash of the seed, the
 * epoch and the row's id, so the order depends on nothing else. Step n has sequences (n - 1) * batch to n * batch - 1. Tasks
 * read them from the tables; the driver has none.
 */
final class TrainingData implements AutoCloseable {
    /** Rows that one task sorts faster than several. */
    private static final long FEW = 100_000;

    private final Dataset<Row> rows;
    private final List<String> key;
    private final int batch;
    private final long seed;
    private final Reader reader;
    private final long size;

    private TrainingData(Dataset<Row> rows, List<String> key, TrainConfig train, int sequenceLength, boolean onTarget) {
        this.rows = rows.cache();
        this.key = key;
        this.batch = train.batch();
        this.seed = train.seed();
        this.reader = new Reader(key, sequenceLength, onTarget);
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
     * The sequences of some steps, one per DataSet. Partition p has, in their order, those that {@code division} assigns to
     * rank p.
     *
     * @param from number of steps before the first one
     * @param to number of steps up to the last one
     */
    JavaRDD<DataSet> steps(int from, int to, StepShares division) {
        return series((long) from * batch, (long) to * batch)
                .repartitionAndSortWithinPartitions(new ByRank(division))
                .map(sequence -> sequence._2().dataSet(sequence._1()));
    }

    /** The ids of the sequences of a step, in their order: {@code cc100/17} is sequence 17 of corpus cc100. */
    List<String> ids(int step) {
        return series((long) (step - 1) * batch, (long) step * batch).sortByKey().values().collect().stream()
                .map(Sequence::id)
                .toList();
    }

    /** Sequences by position, from {@code first} inclusive to {@code end} exclusive, in any order. */
    private JavaPairRDD<Long, Sequence> series(long first, long end) {
        Reader read = reader;
        long rowsOfEpoch = size;
        JavaPairRDD<Long, Sequence> all = null;
        for (long epoch = first / size; epoch <= (end - 1) / size; epoch++) {
            long begin = epoch * rowsOfEpoch;
            JavaPairRDD<Long, Sequence> one = shuffled(Math.toIntExact(epoch))
                    .javaRDD()
                    .zipWithIndex()
                    .filter(row -> begin + row._2() >= first && begin + row._2() < end)
                    .mapToPair(row -> new Tuple2<>(begin + row._2(), read.read(row._1())));
            all = all == null ? one : all.union(one);
        }
        return all;
    }

    private Dataset<Row> shuffled(int epoch) {
        var columns = new ArrayList<Column>();
        columns.add(lit(seed));
        columns.add(lit(epoch));
        key.forEach(name -> columns.add(col(name)));
        Column[] order = {xxhash64(columns.toArray(Column[]::new)), col(key.get(0)), col(key.get(1))};
        return size <= FEW ? rows.coalesce(1).sortWithinPartitions(order) : rows.orderBy(order);
    }

    /** The position and the id of a sequence. */
    static String place(DataSet sequence) {
        return (String) sequence.getExampleMetaData().get(0);
    }

    /** @param targets for each token the token to predict, or -1 */
    private record Sequence(String id, int[] tokens, int[] targets) implements Serializable {
        DataSet dataSet(long position) {
            DataSet data = SmoeNetwork.dataSet(new TokenBatch(tokens, targets, 1, tokens.length));
            data.setExampleMetaData(List.of(position + " " + id));
            return data;
        }
    }

    /** Makes sequences of rows. */
    private record Reader(List<String> key, int length, boolean onTarget) implements Serializable {
        Sequence read(Row row) {
            String id = row.getAs(key.get(0)) + "/" + row.getAs(key.get(1));
            if (key.get(0).equals("corpus")) {
                int[] tokens = Examples.ints(row, "tokens");
                return new Sequence(id, tokens, Sequences.nextTokens(tokens, 1));
            }
            int[] prompt = Examples.ints(row, "prompt_tokens");
            int[] target = Examples.ints(row, "target_tokens");
            int[] tokens = Sequences.fit(prompt, target, length);
            return new Sequence(id, tokens, Sequences.nextTokens(tokens, onTarget ? tokens.length - target.length : 1));
        }
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
